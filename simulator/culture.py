"""How Escherichia coli turns glucose and oxygen into cells, acetate and carbon dioxide.

Glucose is taken up as Monod has it and oxidised as far as respiration allows; what respiration cannot take,
for want of capacity or of dissolved oxygen, is fermented to acetate, which is eaten again when there is
capacity to spare (overflow metabolism after Xu, Jahic and Enfors, Biotechnol. Prog. 1999, 15, 81-90).
Oxygen follows from the degree of reduction, carbon dioxide from the carbon balance.
"""

from dataclasses import dataclass

GLUCOSE_MMOL_C_G = 6000.0 / 180.16
ACETATE_MMOL_C_G = 2000.0 / 60.05
ACETATE_MMOL_G = 1000.0 / 60.05


@dataclass(frozen=True, slots=True)
class Strain:
    """Kinetic parameters; rates per gram of dry biomass and hour."""

    uptake_max: float = 1.15
    """Glucose uptake, g/g/h."""
    uptake_half_g_l: float = 0.05
    acetate_inhibition_g_l: float = 9.0
    respiration_max: float = 14.0
    """Oxygen uptake, mmol/g/h."""
    oxygen_half_mmol_l: float = 0.0008
    maintenance: float = 0.04
    """Glucose oxidised without growth, g/g/h."""
    yield_oxidative: float = 0.5
    yield_fermentative: float = 0.10
    acetate_yield: float = 0.55
    acetate_uptake_max: float = 0.15
    acetate_half_g_l: float = 0.05
    yield_acetate: float = 0.30
    biomass_mmol_c_g: float = 39.2
    biomass_reduction: float = 4.2
    """Electrons a mole of carbon gives up on oxidation, nitrogen as ammonia; 4.0 for glucose and acetate."""
    nitrogen_mmol_g: float = 9.3
    """Ammonium built into biomass; each leaves one proton in the broth."""

    def oxygen_for(self, carbon_mmol_g: float, yield_g_g: float) -> float:
        """Oxygen in mmol to oxidise 1 g of a substrate of reduction 4.0, `yield_g_g` of it made biomass."""
        return carbon_mmol_g - yield_g_g * self.biomass_mmol_c_g * self.biomass_reduction / 4.0


@dataclass(frozen=True, slots=True)
class Appetite:
    """What the cells would do with all the oxygen they want, per gram of biomass and hour."""

    glucose_g: float
    maintenance_g: float
    respired: float
    """Fraction of the glucose that respiration has the capacity for."""
    acetate_g: float
    oxygen_mmol: float


@dataclass(frozen=True, slots=True)
class Turnover:
    """What the cells do, per gram of biomass and hour; acetate and acid are negative where they vanish."""

    growth: float
    glucose_g: float
    acetate_g: float
    oxygen_mmol: float
    co2_mmol: float
    acid_mmol: float


def appetite(strain: Strain, glucose_g_l: float, acetate_g_l: float) -> Appetite:
    """Uptake that glucose and acetate (g/L) allow, and the oxygen it would need."""
    glucose = strain.uptake_max * glucose_g_l / (strain.uptake_half_g_l + glucose_g_l)
    glucose /= 1.0 + acetate_g_l / strain.acetate_inhibition_g_l
    maintenance = min(glucose, strain.maintenance)
    for_growth = strain.oxygen_for(GLUCOSE_MMOL_C_G, strain.yield_oxidative)
    wanted = GLUCOSE_MMOL_C_G * maintenance + for_growth * (glucose - maintenance)
    oxygen = min(wanted, strain.respiration_max)
    for_acetate = strain.oxygen_for(ACETATE_MMOL_C_G, strain.yield_acetate)
    acetate = strain.acetate_uptake_max * acetate_g_l / (strain.acetate_half_g_l + acetate_g_l)
    acetate = min(acetate, (strain.respiration_max - oxygen) / for_acetate)
    return Appetite(
        glucose_g=glucose,
        maintenance_g=maintenance,
        respired=oxygen / wanted if wanted > 0.0 else 1.0,
        acetate_g=acetate,
        oxygen_mmol=oxygen + acetate * for_acetate,
    )


def turnover(strain: Strain, wish: Appetite, oxygen_share: float) -> Turnover:
    """What becomes of the appetite when only the fraction `oxygen_share` of its oxygen is had."""
    respired = oxygen_share * wish.respired
    fermented_g = (1.0 - respired) * wish.glucose_g
    eaten_g = oxygen_share * wish.acetate_g
    growth = (
        strain.yield_oxidative * respired * (wish.glucose_g - wish.maintenance_g)
        + strain.yield_fermentative * fermented_g
        + strain.yield_acetate * eaten_g
    )
    acetate = strain.acetate_yield * fermented_g - eaten_g
    carbon_left = GLUCOSE_MMOL_C_G * wish.glucose_g - ACETATE_MMOL_C_G * acetate
    return Turnover(
        growth=growth,
        glucose_g=wish.glucose_g,
        acetate_g=acetate,
        oxygen_mmol=oxygen_share * wish.oxygen_mmol,
        co2_mmol=carbon_left - strain.biomass_mmol_c_g * growth,
        acid_mmol=strain.nitrogen_mmol_g * growth + ACETATE_MMOL_G * acetate,
    )
