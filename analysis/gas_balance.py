"""Oxygen uptake and carbon dioxide evolution from gas flow and composition, by the balance of inert gas."""

from __future__ import annotations

from dataclasses import dataclass

MOLAR_VOLUME_L = 22.414
"""Litres of a mole of ideal gas at 0 °C and 1.01325 bar, to which a "standard litre" refers here."""

DRY_AIR_O2 = 0.2095
DRY_AIR_CO2 = 0.0004


@dataclass(frozen=True, slots=True)
class Gas:
    """Mole fractions of a gas; what is not named is inert (nitrogen and argon)."""

    o2: float
    co2: float
    h2o: float = 0.0

    @property
    def inert(self) -> float:
        """Mole fraction that takes no part in the metabolism."""
        return 1.0 - self.o2 - self.co2 - self.h2o


DRY_AIR = Gas(DRY_AIR_O2, DRY_AIR_CO2)


@dataclass(frozen=True, slots=True)
class Exchange:
    """What the broth takes up and gives off.

    Attributes:
        outlet_ratio: molar flow out over molar flow in.
        our: oxygen uptake rate, mmol/L/h.
        cer: carbon dioxide evolution rate, mmol/L/h.
    """

    outlet_ratio: float
    our: float
    cer: float

    @property
    def rq(self) -> float:
        """Respiratory quotient CER/OUR; NaN where no oxygen is taken up."""
        return self.cer / self.our if self.our else float("nan")


def molar_flow(standard_l_per_min: float) -> float:
    """Molar flow in mol/h of a gas flow in standard litres (0 °C, 1.01325 bar) per minute."""
    return standard_l_per_min * 60.0 / MOLAR_VOLUME_L


def exchange(flow_in_mol_h: float, inlet: Gas, outlet: Gas, volume_l: float) -> Exchange:
    """OUR and CER of `volume_l` litres of broth from the gas in and out.

    The inert gas neither enters nor leaves the broth, so Fout = Fin * inert_in / inert_out. With Fout = Fin
    instead, OUR is 35 % too high at RQ 2.8 and 7 % too low at RQ 0.6. Give the outlet as it was
    read: 0 of h2o when dried.

    Raises:
        ValueError: no broth, or an outlet without inert gas.
    """
    if volume_l <= 0.0:
        raise ValueError(f"volume {volume_l} L: there must be broth")
    if outlet.inert <= 0.0:
        raise ValueError(f"the outlet {outlet} has no inert gas to balance by")
    ratio = inlet.inert / outlet.inert
    per_l = 1000.0 * flow_in_mol_h / volume_l
    return Exchange(
        outlet_ratio=ratio,
        our=per_l * (inlet.o2 - ratio * outlet.o2),
        cer=per_l * (ratio * outlet.co2 - inlet.co2),
    )


def dry_outlet(flow_in_mol_h: float, inlet: Gas, our: float, cer: float, volume_l: float) -> Gas:
    """The dried outlet that `exchange` would read as `our` and `cer` (mmol/L/h): its inverse.

    Raises:
        ValueError: no gas flow, or more oxygen taken up than comes in.
    """
    if flow_in_mol_h <= 0.0:
        raise ValueError(f"gas flow {flow_in_mol_h} mol/h: there must be a flow")
    per_mol = volume_l / (1000.0 * flow_in_mol_h)
    o2, co2 = inlet.o2 - our * per_mol, inlet.co2 + cer * per_mol
    if o2 < 0.0 or co2 < 0.0:
        raise ValueError(f"OUR {our} and CER {cer} mmol/L/h need more gas than {flow_in_mol_h} mol/h brings")
    out = o2 + co2 + inlet.inert
    return Gas(o2 / out, co2 / out)
