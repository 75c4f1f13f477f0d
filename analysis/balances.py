"""Balances of carbon, electrons, mass and heat: how much of what went in is found again.

Every amount may be a float or an array; see `analysis.elementwise`. The same functions close a simulation to
0.1 % and show in a plant's data what is not measured. Any unit will do, the same for all terms of one
balance.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import nan
from typing import TYPE_CHECKING, Generic

from analysis.elementwise import X, as_given, choose
from analysis.oxygen import STANDARD_PRESSURE_BAR, water_vapour_bar

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

HEAT_OF_RESPIRATION_KJ_MOL = 460.0
"""Heat of aerobic growth by the oxygen used: four electrons of 115 kJ each (Thornton's rule; Roels 1983).

Measured 440 (Birou, Marison and von Stockar 1987) and 453 (Minkevich and Eroshin 1973); it does not hold
where much is fermented.
"""
WATER_KJ_KG_K = 4.18
SECONDS_PER_H = 3600.0
ACCEPTED = (0.95, 1.05)
"""Recovery within which a carbon balance of a culture is commonly called closed."""


@dataclass(frozen=True, slots=True)
class Compound:
    """What a molecule, or a mole of biomass carbon, is made of.

    Attributes:
        carbon: atoms of C in it; likewise the others.
        charge: of an ion, such as 1 for ammonium.
    """

    carbon: float
    hydrogen: float
    oxygen: float
    nitrogen: float = 0.0
    charge: float = 0.0

    @property
    def degree_of_reduction(self) -> float:
        """Electrons it can give to oxygen, nitrogen left as ammonia: 4 C + H - 2 O - 3 N - charge (Roels)."""
        return 4.0 * self.carbon + self.hydrogen - 2.0 * self.oxygen - 3.0 * self.nitrogen - self.charge

    @property
    def molar_mass(self) -> float:
        """Grams a mole, without ash."""
        return 12.011 * self.carbon + 1.008 * self.hydrogen + 15.999 * self.oxygen + 14.007 * self.nitrogen


GLUCOSE = Compound(6, 12, 6)
GLYCEROL = Compound(3, 8, 3)
ETHANOL = Compound(2, 6, 1)
METHANOL = Compound(1, 4, 1)
ACETIC_ACID = Compound(2, 4, 2)
LACTIC_ACID = Compound(3, 6, 3)
GLUTAMINE = Compound(5, 10, 3, 2)
CARBON_DIOXIDE = Compound(1, 0, 2)
OXYGEN = Compound(0, 0, 2)
AMMONIA = Compound(0, 3, 0, 1)
BIOMASS = Compound(1, 1.8, 0.5, 0.2)
"""The mean of many microbes (Roels 1983); give your own where it was analysed."""


@dataclass(frozen=True, slots=True)
class Closure(Generic[X]):
    """One balance.

    Attributes:
        supplied: what went in or was there.
        found: what came out, was formed or is there now.
    """

    supplied: X
    found: X

    @property
    def recovered(self) -> X:
        """Fraction of what was supplied that was found; NaN where nothing was supplied."""
        some = self.supplied != 0.0
        return choose(some, as_given(self.found / choose(some, self.supplied, 1.0)), nan)

    @property
    def residual(self) -> X:
        """What is missing (or, negative, too much), in the unit of the terms."""
        return as_given(self.supplied - self.found)

    def closes(self, low: float = ACCEPTED[0], high: float = ACCEPTED[1]) -> bool:
        """Whether all of the recovery lies from `low` to `high`; what is unknown does not close."""
        within = (self.recovered >= low) & (self.recovered <= high)
        return bool(within) if isinstance(within, bool) else bool(within.all())


def carbon_balance(
    consumed: Mapping[Compound, X | float], formed: Mapping[Compound, X | float]
) -> Closure[X]:
    """Moles of carbon taken up and found again in biomass, products and CO2, from moles of each compound."""
    return Closure(
        _total(amount * compound.carbon for compound, amount in consumed.items()),
        _total(amount * compound.carbon for compound, amount in formed.items()),
    )


def reduction_balance(
    consumed: Mapping[Compound, X | float], formed: Mapping[Compound, X | float], oxygen_mol: X | float
) -> Closure[X]:
    """Electrons given by what was consumed, and found in products or passed to oxygen, four a molecule.

    The nitrogen source is ammonia, which then carries none. Independent of the carbon balance: CO2 carries
    none, so that a wrong CO2 opens the one and a wrong O2 the other.
    """
    passed = as_given(4.0 * oxygen_mol)
    found = _total(amount * compound.degree_of_reduction for compound, amount in formed.items())
    return Closure(
        _total(amount * compound.degree_of_reduction for compound, amount in consumed.items()),
        as_given(found + passed),
    )


def mass_balance(
    start: X | float,
    added: Iterable[X | float],
    removed: Iterable[X | float],
    end: X | float,
) -> Closure[X]:
    """Broth at the start and what was added, against what was removed and is there at the end.

    Added are feeds, base, acid, antifoam and the oxygen taken up; removed are samples, harvest, evaporated
    water and the carbon dioxide given off.
    """
    return Closure(as_given(start + _total(added)), as_given(end + _total(removed)))


def heat_balance(
    produced: Iterable[X | float], removed: Iterable[X | float], stored: X | float = 0.0
) -> Closure[X]:
    """Heat of culture and stirrer, against what jacket, gas, feed and room take and what warming stores."""
    return Closure(_total(produced), as_given(stored + _total(removed)))


def metabolic_heat_w(
    our: X | float, volume_l: X | float, heat_kj_mol: float = HEAT_OF_RESPIRATION_KJ_MOL
) -> X:
    """Heat of a respiring culture in W, from OUR in mmol/L/h: `heat_kj_mol` a mole of oxygen."""
    return as_given(our * volume_l * heat_kj_mol / SECONDS_PER_H)


def coolant_heat_w(flow_l_min: X | float, inlet_c: X | float, outlet_c: X | float) -> X:
    """Heat in W that water takes away through a jacket or coil; negative if it heats."""
    return as_given(flow_l_min / 60.0 * 1000.0 * WATER_KJ_KG_K * (outlet_c - inlet_c))


def stored_heat_w(mass_kg: X | float, warming_c_per_h: X | float) -> X:
    """Heat in W that goes into warming the broth."""
    return as_given(mass_kg * WATER_KJ_KG_K * 1000.0 * warming_c_per_h / SECONDS_PER_H)


def evaporated_g_h(
    dry_gas_mol_h: X | float, temperature_c: X | float, pressure_bar: X | float = STANDARD_PRESSURE_BAR
) -> X:
    """Water in g/h that dry gas carries off if it leaves saturated at this temperature (a condenser's)."""
    vapour = water_vapour_bar(temperature_c)
    return as_given(dry_gas_mol_h * 18.015 * vapour / (pressure_bar - vapour))


def evaporation_heat_w(evaporated: X | float, temperature_c: X | float) -> X:
    """Heat in W that evaporation of so many g/h takes, 2501 - 2.36 t J/g (steam tables, 0 to 60 °C)."""
    return as_given(evaporated * (2501.0 - 2.36 * temperature_c) / SECONDS_PER_H)


def _total(terms: Iterable[X | float]) -> X:
    whole: X | float = 0.0
    for term in terms:
        whole = whole + term
    return as_given(whole)
