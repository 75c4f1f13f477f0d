"""Small molecules that cells take up and give off: carbon, electrons, nitrogen, acidity."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf


@dataclass(frozen=True, slots=True)
class Compound:
    """A molecule by its formula.

    Attributes:
        mass_g_mol: molar mass.
        carbon, nitrogen: atoms a molecule.
        electrons: that a molecule gives to oxygen when burnt to CO2, water, ammonia and sulfate.
        acid_pk: of its carboxyl group at the ionic strength of a medium; infinite where there is none.
    """

    mass_g_mol: float
    carbon: int
    electrons: int
    nitrogen: int = 0
    acid_pk: float = inf

    @property
    def carbon_mmol_g(self) -> float:
        """Carbon in mmol a gram."""
        return 1000.0 * self.carbon / self.mass_g_mol

    @property
    def electrons_mmol_g(self) -> float:
        """Electrons in mmol a gram."""
        return 1000.0 * self.electrons / self.mass_g_mol


GLUCOSE = Compound(180.16, carbon=6, electrons=24)
LACTIC_ACID = Compound(90.08, carbon=3, electrons=12, acid_pk=3.7)
NOTHING = Compound(1.0, carbon=0, electrons=0)

COMPOUNDS: dict[str, Compound] = {
    "acetate": Compound(60.05, carbon=2, electrons=8, acid_pk=4.6),
    "ethanol": Compound(46.07, carbon=2, electrons=12),
    "lactate": LACTIC_ACID,
    "glutamine": Compound(146.14, carbon=5, electrons=18, nitrogen=2),
    "phenylacetate": Compound(136.15, carbon=8, electrons=36, acid_pk=4.2),
    "iptg": Compound(238.30, carbon=9, electrons=50),
    "none": NOTHING,
}
