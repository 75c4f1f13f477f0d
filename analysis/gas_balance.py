"""Oxygen uptake and carbon dioxide evolution from gas flow and composition, by the balance of inert gas.

Every number may be a float or an array; see `analysis.elementwise`. A bound that one element of an array
breaks refuses the whole; NaN passes through.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import nan
from typing import Generic

from analysis.elementwise import X, anywhere, as_given, choose, power
from analysis.oxygen import STANDARD_PRESSURE_BAR, water_vapour_bar

MOLAR_VOLUME_L = 22.414
"""Litres of a mole of ideal gas at 0 °C and 1.01325 bar, to which a "standard litre" refers here."""

DRY_AIR_O2 = 0.2095
DRY_AIR_CO2 = 0.0004


@dataclass(frozen=True, slots=True)
class Gas(Generic[X]):
    """Mole fractions of a gas; what is not named is inert (nitrogen and argon)."""

    o2: X
    co2: X
    h2o: X | float = 0.0

    @property
    def inert(self) -> X:
        """Mole fraction that takes no part in the metabolism."""
        return 1.0 - self.o2 - self.co2 - self.h2o


DRY_AIR = Gas(DRY_AIR_O2, DRY_AIR_CO2)


@dataclass(frozen=True, slots=True)
class Exchange(Generic[X]):
    """What the broth takes up and gives off.

    Attributes:
        outlet_ratio: molar flow out over molar flow in.
        our: oxygen uptake rate, mmol/L/h.
        cer: carbon dioxide evolution rate, mmol/L/h.
    """

    outlet_ratio: X
    our: X
    cer: X

    @property
    def rq(self) -> X:
        """Respiratory quotient CER/OUR; NaN where no oxygen is taken up."""
        some = self.our != 0.0
        return choose(some, as_given(self.cer / choose(some, self.our, 1.0)), nan)


def molar_flow(standard_l_per_min: X | float) -> X:
    """Molar flow in mol/h of a gas flow in standard litres (0 °C, 1.01325 bar) per minute."""
    return as_given(standard_l_per_min * 60.0 / MOLAR_VOLUME_L)


def exchange(
    flow_in_mol_h: X | float, inlet: Gas[X] | Gas[float], outlet: Gas[X] | Gas[float], volume_l: X | float
) -> Exchange[X]:
    """OUR and CER of `volume_l` litres of broth from the gas in and out.

    The inert gas neither enters nor leaves the broth, so Fout = Fin * inert_in / inert_out. With Fout = Fin
    instead, OUR is 35 % too high at RQ 2.8 and 7 % too low at RQ 0.6. Give the outlet as it was
    read: 0 of h2o when dried.

    Raises:
        ValueError: no broth, or an outlet without inert gas.
    """
    if anywhere(volume_l <= 0.0):
        raise ValueError(f"volume {volume_l} L: there must be broth")
    if anywhere(outlet.inert <= 0.0):
        raise ValueError(f"the outlet {outlet} has no inert gas to balance by")
    ratio = inlet.inert / outlet.inert
    per_l = 1000.0 * flow_in_mol_h / volume_l
    return Exchange(
        outlet_ratio=as_given(ratio),
        our=as_given(per_l * (inlet.o2 - ratio * outlet.o2)),
        cer=as_given(per_l * (ratio * outlet.co2 - inlet.co2)),
    )


def dry_outlet(
    flow_in_mol_h: X | float, inlet: Gas[X] | Gas[float], our: X | float, cer: X | float, volume_l: X | float
) -> Gas[X]:
    """The dried outlet that `exchange` would read as `our` and `cer` (mmol/L/h): its inverse.

    Raises:
        ValueError: no gas flow, or more oxygen taken up than comes in.
    """
    if anywhere(flow_in_mol_h <= 0.0):
        raise ValueError(f"gas flow {flow_in_mol_h} mol/h: there must be a flow")
    per_mol = volume_l / (1000.0 * flow_in_mol_h)
    o2, co2 = inlet.o2 - our * per_mol, inlet.co2 + cer * per_mol
    if anywhere(o2 < 0.0) or anywhere(co2 < 0.0):
        raise ValueError(f"OUR {our} and CER {cer} mmol/L/h need more gas than {flow_in_mol_h} mol/h brings")
    out = o2 + co2 + inlet.inert
    return Gas(as_given(o2 / out), as_given(co2 / out))


def mixed(
    air: X | float, oxygen: X | float = 0.0, nitrogen: X | float = 0.0, carbon_dioxide: X | float = 0.0
) -> tuple[X, Gas[X]]:
    """(whole flow, what it is made of) of dry gases that mass flow controllers blend, in one unit of flow.

    Raises:
        ValueError: nothing flows.
    """
    whole = air + oxygen + nitrogen + carbon_dioxide
    if anywhere(whole <= 0.0):
        raise ValueError(f"gas flow {whole} of all controllers together: there must be a flow")
    o2 = as_given((DRY_AIR_O2 * air + oxygen) / whole)
    return as_given(whole), Gas(o2, as_given((DRY_AIR_CO2 * air + carbon_dioxide) / whole))


def moist(
    gas: Gas[X] | Gas[float], temperature_c: X | float, pressure_bar: X | float = STANDARD_PRESSURE_BAR
) -> Gas[X]:
    """A dry gas after it has taken up water to saturation, as it leaves the broth (or a condenser) so warm.

    Raises:
        ValueError: water boils at this pressure.
    """
    h2o = as_given(water_vapour_bar(temperature_c) / pressure_bar)
    if anywhere(h2o >= 1.0):
        raise ValueError(
            f"water boils at {temperature_c} °C and {pressure_bar} bar: there is no gas left to balance"
        )
    return Gas(as_given(gas.o2 * (1.0 - h2o)), as_given(gas.co2 * (1.0 - h2o)), h2o)


def dried(gas: Gas[X]) -> Gas[X]:
    """The gas without its water, the inverse of `moist`."""
    rest = 1.0 - gas.h2o
    return Gas(as_given(gas.o2 / rest), as_given(gas.co2 / rest))


@dataclass(frozen=True, slots=True)
class SensorErrors:
    """Standard errors of what an off-gas balance is made from; typical ones of a plant if not told.

    Attributes:
        o2: of the outlet's mole fraction.
        co2: of the outlet's mole fraction.
        h2o: of the outlet's mole fraction, such as half of what a condenser may leave.
        inlet_o2: of the inlet's mole fraction.
        inlet_co2: of the inlet's mole fraction.
        flow: relative, of the gas flow in.
        volume: relative, of the broth.
    """

    o2: float = 0.0005
    co2: float = 0.0005
    h2o: float = 0.0
    inlet_o2: float = 0.0
    inlet_co2: float = 0.0
    flow: float = 0.01
    volume: float = 0.01


@dataclass(frozen=True, slots=True)
class ExchangeErrors(Generic[X]):
    """Standard errors of an `Exchange`.

    Attributes:
        our: mmol/L/h.
        cer: mmol/L/h.
        rq: of CER/OUR, in which flow and volume cancel.
    """

    our: X
    cer: X
    rq: X


TYPICAL = SensorErrors()


def exchange_errors(
    flow_in_mol_h: X | float,
    inlet: Gas[X] | Gas[float],
    outlet: Gas[X] | Gas[float],
    volume_l: X | float,
    errors: SensorErrors = TYPICAL,
) -> ExchangeErrors[X]:
    """Standard errors of OUR, CER and RQ (arguments of `exchange`) from those of the sensors.

    The effects of the readings, taken as independent, add in squares (JCGM 100:2008, 5.1). Where inlet and
    outlet go through one analyser, an offset that both share counts less than here.

    Raises:
        ValueError: no broth, or an outlet without inert gas.
    """
    found: Exchange[X] = exchange(flow_in_mol_h, inlet, outlet, volume_l)
    per_l, inert = 1000.0 * flow_in_mol_h / volume_l, outlet.inert
    o2, co2, ratio = outlet.o2 / inert, outlet.co2 / inert, found.outlet_ratio
    # Each reading's error, and what a unit of it does to OUR and CER; the inert gas carries it to both.
    effects = (
        (errors.o2, -per_l * ratio * (1.0 + o2), per_l * ratio * co2),
        (errors.co2, -per_l * ratio * o2, per_l * ratio * (1.0 + co2)),
        (errors.h2o, -per_l * ratio * o2, per_l * ratio * co2),
        (errors.inlet_o2, per_l * (1.0 + o2), -per_l * co2),
        (errors.inlet_co2, per_l * o2, -per_l * (1.0 + co2)),
        (errors.flow, found.our, found.cer),
        (errors.volume, found.our, found.cer),
    )
    some = found.our != 0.0
    our, rq = choose(some, found.our, 1.0), choose(some, found.rq, 0.0)
    in_rq = power(as_given(sum((size * (cer - rq * up) / our) ** 2 for size, up, cer in effects)), 0.5)
    return ExchangeErrors(
        our=power(as_given(sum((size * up) ** 2 for size, up, _ in effects)), 0.5),
        cer=power(as_given(sum((size * cer) ** 2 for size, _, cer in effects)), 0.5),
        rq=choose(some, in_rq, nan),
    )
