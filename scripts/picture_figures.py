"""Which two signals a fault is shown in."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from simulator.faulting.kinds import FaultKind

if TYPE_CHECKING:
    from collections.abc import Mapping

Shown = tuple[str, str]

DO, STIRRER, CO2 = ("DO", "DO, %"), ("agitation", "1/min"), ("offgas_CO2", "CO2, %")
O2, ARRIVING = ("offgas_O2", "O2, %"), ("arriving", "% arriving")

SHOWN: Mapping[FaultKind, tuple[Shown, Shown]] = MappingProxyType(
    {
        FaultKind.FROZEN_PROBE: (DO, STIRRER),
        FaultKind.DRIFTING_PROBE: (DO, STIRRER),
        FaultKind.SPIKING_PROBE: (O2, CO2),
        FaultKind.CLIPPED_PROBE: (DO, STIRRER),
        FaultKind.BIASED_PROBE: (("pH", "pH"), ("base_rate", "base, L/h")),
        FaultKind.FAILED_PROBE: (("temperature", "°C"), ("jacket_outlet_temperature", "jacket, °C")),
        FaultKind.FOULED_OFFGAS_LINE: (CO2, O2),
        FaultKind.STOPPED_FEED: (("feed_rate", "feed, L/h"), DO),
        FaultKind.WRONG_FEED_RATE: (("feed_rate", "feed, L/h"), STIRRER),
        FaultKind.LOST_STIRRER: (STIRRER, DO),
        FaultKind.CONTAMINATION: (DO, CO2),
        FaultKind.PHAGE: (("OD", "OD"), CO2),
        FaultKind.FOAM_OUT: (("foam", "foam, cm"), ("pressure", "bar")),
        FaultKind.STUCK_GAS_VALVE: (("gas_flow", "gas, L/min"), STIRRER),
        FaultKind.STUCK_COOLING_VALVE: (("jacket_flow", "jacket, L/min"), ("temperature", "°C")),
        FaultKind.EMPTY_BASE: (("pH", "pH"), ("base_pump", "base pump, %")),
        FaultKind.POWER_DIP: (STIRRER, DO),
        FaultKind.LOST_DEVICE: (ARRIVING, DO),
        FaultKind.WRONG_CLOCK: (("clock", "clock off, s"), ARRIVING),
        FaultKind.NETWORK_TROUBLE: (ARRIVING, DO),
    }
)


def told(kind: FaultKind) -> tuple[Shown, Shown]:
    """Two (signal, label of its axis) of a kind of fault."""
    return SHOWN[kind]
