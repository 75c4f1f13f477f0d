"""What cells take up, make and give off in a step, from what surrounds them.

The carbon source is taken up after Monod. Maintenance comes first, then product and growth; what respiration
cannot take, for want of capacity or of oxygen, is fermented to the overflow product, which is eaten again
when there is capacity to spare: limited respiratory capacity after Sonnleitner and Käppeli 1986 (Biotechnol.
Bioeng. 28, 927-937) for yeast and Xu, Jahic and Enfors 1999 (Biotechnol. Prog. 15, 81-90) for E. coli; CHO
makes and eats lactate by the same rule. Product after Luedeking and Piret 1959 (J. Biochem. Microbiol.
Technol. Eng. 1, 393-412). Oxygen follows from the electrons, carbon dioxide from the carbon, ammonium from
the nitrogen.

All arrays are (2, N), parameters (N,). Amounts are a litre of broth and step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simulator.organisms.compounds import GLUCOSE, LACTIC_ACID
from simulator.physics.cardinal import ph_factor
from simulator.physics.stacks import (
    CONTAMINANT_CARBON_MMOL_G,
    CONTAMINANT_NITROGEN_MMOL_G,
    FOREIGN_ACID,
    FOREIGN_YIELD,
    FOREIGN_YIELD_FERMENTING,
)
from simulator.physics.state import Species

if TYPE_CHECKING:
    from simulator.physics.stacks import Cells
    from simulator.physics.state import Floats

TINY = 1e-12
ENDOGENOUS = 0.5
"""Share of unmet maintenance for which cells burn themselves (rule of practice)."""
MOST_FOR_PRODUCT = 0.6
"""Share of the carbon source beyond maintenance that can become product."""

FOREIGN_UPTAKE_G_G_H = 2.0
"""A fast bacterium: 0.9 /h on glucose (rule of practice)."""
FOREIGN_HALF_G_L = 0.02
FOREIGN_TEMPERATURE_C = (8.0, 37.0, 46.0)
FOREIGN_PH = (4.2, 7.0, 9.5)


def foreign_environment(temperature_c: Floats, ph: Floats) -> Floats:
    """A contaminant's rate over that at its best temperature and pH, (2, N)."""
    low, optimum, high = FOREIGN_TEMPERATURE_C
    warmth = np.clip((temperature_c - low) / (optimum - low), 0.0, 1.0)
    factor: Floats = warmth * (temperature_c < high) * ph_factor(ph, *FOREIGN_PH)
    return factor


@dataclass(frozen=True, slots=True)
class Wish:
    """What the cells would do if carbon source and oxygen sufficed."""

    uptake_g_l: Floats
    foreign_g_l: Floats
    half_g_l: Floats
    environment: Floats
    """Rate over that at the best temperature and pH."""
    growth: Floats
    """Rate over that without inhibition or lack of nutrients."""
    companion: Floats
    """Share of saturation with the co-substrate."""


def wish(cells: Cells, broth: Floats, environment: Floats, foreign: Floats, dt_h: float) -> Wish:
    """Uptake of the carbon source at saturation, by the culture and by a contaminant.

    `environment` and `foreign` are the rates over those at the best temperature and pH.
    """
    biomass, nitrogen = broth[Species.BIOMASS], broth[Species.NITROGEN]
    companion, oxygen = broth[Species.COSUBSTRATE], broth[Species.OXYGEN]
    potential = dt_h * environment * biomass
    # What growth at full rate needs in this step stands in the denominator: no pool is overdrawn.
    fastest = potential * (cells.uptake_max_g_g_h + cells.overflow_uptake_max_g_g_h)
    formed_n = fastest * np.maximum(cells.biomass_nitrogen_mmol_g, cells.product_nitrogen_mmol_g)
    formed_q = fastest * (cells.spent_cells + cells.spent_product)
    enemy = FOREIGN_UPTAKE_G_G_H * dt_h * foreign * broth[Species.CONTAMINANT]
    formed_n += CONTAMINANT_NITROGEN_MMOL_G * enemy
    fed = nitrogen / (cells.nitrogen_half_mmol_l + formed_n + TINY + nitrogen)
    formed_q += cells.foreign_spent * enemy
    joined = companion / (cells.cosubstrate_half_mmol_l + formed_q + TINY + companion)
    supplied = fed + cells.nutrient * (joined - fed)
    enemy = enemy * supplied
    growth = (
        supplied
        / (1.0 + broth[Species.OVERFLOW] / cells.overflow_inhibition_g_l)
        / (1.0 + nitrogen / cells.ammonium_inhibition_mmol_l)
    )
    breathing = cells.ferments + (1.0 - cells.ferments) * oxygen / (cells.oxygen_half_mmol_l + oxygen)
    beyond = cells.uptake_max_g_g_h - cells.maintenance_g_g_h
    own = potential * breathing * (beyond * growth + cells.maintenance_g_g_h)
    half = (own * cells.uptake_half_g_l + enemy * FOREIGN_HALF_G_L + TINY) / (own + enemy + TINY)
    return Wish(
        uptake_g_l=own,
        foreign_g_l=enemy,
        half_g_l=half,
        environment=environment,
        growth=growth,
        companion=joined,
    )


@dataclass(frozen=True, slots=True)
class Breath:
    """Where the carbon source taken up would go with all the oxygen that capacity allows."""

    eaten_g_l: Floats
    foreign_g_l: Floats
    maintained_g_l: Floats
    unmet: Floats
    """Share of maintenance that the carbon source did not cover."""
    starved_g_l: Floats
    """Carbon source in the place of which cells burn themselves."""
    product_g_l: Floats
    respired: Floats
    """Share of what is eaten for which there is respiratory capacity."""
    overflow_g_l: Floats
    """Eaten."""
    oxygen_mmol_l: Floats
    """Wanted, the contaminant's included."""
    growth: Floats


def breath(cells: Cells, broth: Floats, wished: Wish, taken_g_l: Floats, dt_h: float) -> Breath:
    """The oxygen that the carbon source taken up would need."""
    share = taken_g_l / (wished.uptake_g_l + wished.foreign_g_l + TINY)
    eaten, enemy = wished.uptake_g_l * share, wished.foreign_g_l * share
    alive = dt_h * wished.environment * broth[Species.BIOMASS]
    needed = cells.maintenance_g_g_h * alive
    maintained = np.minimum(eaten, needed)
    beyond = eaten - maintained
    product = _for_product(cells, broth, wished, beyond, alive)
    want = cells.o2_burnt * maintained + cells.o2_product * product + cells.o2_grown * (beyond - product)
    starved = ENDOGENOUS * (needed - maintained)
    capacity = cells.respiration_max_mmol_g_h * alive
    respired = np.minimum(1.0, capacity / (want + TINY))
    spare = np.maximum(capacity - want, 0.0)
    overflow = broth[Species.OVERFLOW]
    appetite = (
        cells.overflow_uptake_max_g_g_h
        * alive
        * wished.growth
        / (1.0 + broth[Species.SUBSTRATE] / cells.overflow_repression_g_l)
    )
    eaten_overflow = np.minimum(
        appetite * overflow / (cells.overflow_half_g_l + appetite + overflow), spare / cells.o2_overflow
    )
    return Breath(
        eaten_g_l=eaten,
        foreign_g_l=enemy,
        maintained_g_l=maintained,
        unmet=1.0 - (maintained + TINY) / (needed + TINY),
        product_g_l=product,
        starved_g_l=starved,
        respired=respired,
        overflow_g_l=eaten_overflow,
        oxygen_mmol_l=want * respired
        + cells.o2_burnt * starved
        + cells.o2_overflow * eaten_overflow
        + cells.foreign_o2 * enemy,
        growth=wished.growth,
    )


def _for_product(cells: Cells, broth: Floats, wished: Wish, beyond: Floats, alive: Floats) -> Floats:
    induced = 1.0 + cells.inducer * (
        cells.basal_expression + (1.0 - cells.basal_expression) * wished.companion - 1.0
    )
    fuelled = 1.0 + (cells.nutrient + cells.precursor) * (wished.companion - 1.0)
    fed = broth[Species.NITROGEN]
    fed = 1.0 + (1.0 - cells.nutrient) * (fed / (cells.nitrogen_half_mmol_l + fed + TINY) - 1.0)
    held = 1.0 / (1.0 + broth[Species.SUBSTRATE] / cells.product_repression_g_l)
    free = cells.product_free_g_g_h * alive / cells.yield_product
    wanted = induced * fuelled * fed * held * (cells.coupled_share * beyond + free)
    limited: Floats = np.minimum(wanted, MOST_FOR_PRODUCT * beyond)
    return limited


@dataclass(frozen=True, slots=True)
class Turnover:
    """What has become of the broth; gains are positive."""

    biomass_g_l: Floats
    overflow_g_l: Floats
    product_g_l: Floats
    nitrogen_mmol_l: Floats
    cosubstrate_mmol_l: Floats
    carbon_dioxide_mmol_l: Floats
    contaminant_g_l: Floats
    foreign_acid_g_l: Floats


def turnover(cells: Cells, breathed: Breath, oxygen_mmol_l: Floats) -> Turnover:
    """What becomes of the carbon source with `oxygen_mmol_l` of the oxygen wanted."""
    share = oxygen_mmol_l / (breathed.oxygen_mmol_l + TINY)
    respired = share * breathed.respired
    eaten, product_sugar = breathed.eaten_g_l, breathed.product_g_l
    growing = respired * (eaten - breathed.maintained_g_l - product_sugar)
    fermented = (1.0 - respired) * eaten
    overflow_eaten = share * breathed.overflow_g_l
    without_oxygen = cells.yield_fermentative * breathed.growth * fermented
    built = cells.yield_oxidative * growing + without_oxygen + cells.yield_overflow * overflow_eaten
    biomass = built - cells.cells_per_sugar * share * breathed.starved_g_l
    product = cells.yield_product * respired * product_sugar
    overflow = cells.overflow_made * fermented - cells.overflow_spared * without_oxygen - overflow_eaten
    enemy = breathed.foreign_g_l
    breathing, choking = share * enemy, (1.0 - share) * enemy
    contaminant = FOREIGN_YIELD * breathing + FOREIGN_YIELD_FERMENTING * choking
    spent = cells.spent_cells * built + cells.spent_product * product + cells.foreign_spent * contaminant
    acid = FOREIGN_ACID * breathing + cells.foreign_acid * choking
    carbon = (
        GLUCOSE.carbon_mmol_g * (eaten + enemy)
        + cells.cosubstrate_carbon * spent
        - cells.biomass_carbon_mmol_g * biomass
        - cells.overflow_carbon_mmol_g * overflow
        - cells.product_carbon_mmol_g * product
        - CONTAMINANT_CARBON_MMOL_G * contaminant
        - LACTIC_ACID.carbon_mmol_g * acid
    )
    nitrogen = (
        cells.cosubstrate_nitrogen * spent
        - cells.biomass_nitrogen_mmol_g * biomass
        - cells.product_nitrogen_mmol_g * product
        - CONTAMINANT_NITROGEN_MMOL_G * contaminant
    )
    return Turnover(
        biomass_g_l=biomass,
        overflow_g_l=overflow,
        product_g_l=product,
        nitrogen_mmol_l=nitrogen,
        cosubstrate_mmol_l=-spent,
        carbon_dioxide_mmol_l=carbon,
        contaminant_g_l=contaminant,
        foreign_acid_g_l=acid,
    )


def death_per_h(cells: Cells, broth: Floats, unmet: Floats, temperature_c: Floats) -> Floats:
    """Rate at which living cells die: by age, hunger, toxins (Hill of order 2) and heat."""
    ammonium = broth[Species.NITROGEN] / cells.death_ammonium_mmol_l
    overflow = broth[Species.OVERFLOW] / cells.death_overflow_g_l
    poison = ammonium * ammonium + overflow * overflow
    heat = np.maximum(temperature_c - cells.temperature_max_c, 0.0)
    rate: Floats = (
        cells.death_per_h
        + cells.death_starving_per_h * unmet
        + cells.death_toxic_per_h * poison / (1.0 + poison)
        + 0.5 * np.minimum(heat, 20.0)
    )
    return rate
