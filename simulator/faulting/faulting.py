"""Faults at work: each step they set what acts on process, instruments and devices, and on nothing else."""

from __future__ import annotations

from dataclasses import fields
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from schemas.errors import SettingsError
from simulator.faulting.kinds import KINDS, Acts, FaultKind
from simulator.sensing.draws import generator
from simulator.sensing.overlay import Overlays
from simulator.sensing.reporting import Network

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from simulator.faulting.fault import Fault
    from simulator.physics.state import Disturbances
    from simulator.sensing.panel import Panel

SPIKES_PER_S = 0.05
SPIKE_IN_GROSS_ERRORS = 3.0
CEILING_IN_GROSS_ERRORS = 0.25
FOULED_LATER_S = 60.0
FOULED_SLOWER_S = 30.0
FOULED_AIR = 0.3
GAS_SLOWS_DOWN = 0.8
"""A line's delay grows by at most so many seconds a second: gas never flows backwards."""

FOAM_CM_PER_MIN = 5.0
CLOGS_PER_H = 2.0
OFFGAS = ("offgas_O2", "offgas_CO2")

ON_PROCESS: Mapping[FaultKind, Mapping[str, tuple[float, float]]] = MappingProxyType(
    {
        FaultKind.STOPPED_FEED: {"feed_lost": (0.0, 1.0)},
        FaultKind.WRONG_FEED_RATE: {"feed_lost": (0.0, -1.0)},
        FaultKind.LOST_STIRRER: {"drive_lost": (0.0, 1.0)},
        FaultKind.CONTAMINATION: {"contamination_g_l": (0.0, 1.0)},
        FaultKind.PHAGE: {"lysis_per_h": (0.0, 1.0)},
        FaultKind.FOAM_OUT: {
            "foam_drive": (0.0, FOAM_CM_PER_MIN),
            "filter_fouling_per_h": (0.0, CLOGS_PER_H),
        },
        FaultKind.STUCK_GAS_VALVE: {"gas_lost": (0.0, 1.0)},
        FaultKind.STUCK_COOLING_VALVE: {"cooling_stuck": (1.0, 0.0), "cooling_stuck_at": (1.0, -1.0)},
        FaultKind.EMPTY_BASE: {"base_lost": (0.0, 1.0)},
        FaultKind.POWER_DIP: {"power_lost": (0.0, 1.0)},
    }
)
"""What is added to the disturbances: at severity 0, and for each unit of severity."""

UNLIMITED = frozenset({"contamination_g_l", "lysis_per_h", "foam_drive", "filter_fouling_per_h"})
"""All others are shares, and more than everything cannot be lost."""


class Faulting:
    """All faults of a fleet.

    Call `act` before each step; then give the disturbances to the process, `overlays` to the panel and
    `network` to the reporter.

    Args:
        faults: each with the name of its unit, or without where the fleet has only one.
        units: names of the fleet's units, in its order.
        panel: whose instruments fail.
        seed: of what is random in a fault.

    Raises:
        SettingsError: a fault of a unit that is not in the fleet, or of an instrument that it has not.
    """

    def __init__(self, faults: Sequence[Fault], units: Sequence[str], panel: Panel, seed: int = 0) -> None:
        self.faults: tuple[Fault, ...] = ()
        self.overlays = Overlays(len(panel.signals), len(units))
        self.network = Network(len(units))
        self._panel = panel
        self._units = tuple(units)
        self._seed = seed
        self._where: list[int] = []
        self._luck: list[np.random.Generator] = []
        self._ceilings: dict[int, float] = {}
        # Whatever disturbances it is given, it begins by clearing them.
        self._disturbed = True
        for fault in faults:
            self.add(fault)

    def add(self, fault: Fault) -> None:
        """Let one more thing go wrong; those under way go on as they are.

        Raises:
            SettingsError: a fault of a unit that is not in the fleet, or of an instrument that it has not.
        """
        self._where.append(self._column(fault))
        # By what the fault is, not by its place in the list: another fault changes nothing here.
        self._luck.append(generator(self._seed, f"fault {fault}"))
        self.faults = (*self.faults, fault)

    def act(self, time_s: float, dt_s: float, wrong: Disturbances) -> None:
        """Set everything for the step from `time_s` to `time_s + dt_s` of the run."""
        self.overlays.clear()
        self.network.clear()
        if self._disturbed:
            for one in fields(wrong):
                getattr(wrong, one.name).fill(0.0)
            self._disturbed = False
        for number, fault in enumerate(self.faults):
            if not fault.active(time_s, dt_s):
                self._ceilings.pop(number, None)
                continue
            unit = self._where[number]
            acts = KINDS[fault.kind].acts
            if acts is Acts.DEVICE:
                self._on_network(fault, unit)
            elif acts is Acts.ANALYSER:
                self._foul_line(fault, unit, time_s + dt_s)
            elif acts is Acts.PROBE:
                self._on_probe(number, fault, unit, time_s + dt_s)
            else:
                self._disturbed = True
                self._on_process(fault, unit, time_s, wrong)

    def _column(self, fault: Fault) -> int:
        if fault.signal is not None and fault.signal not in self._panel.row:
            raise SettingsError(
                f"The fault {fault} concerns {fault.signal}, which is not measured here; "
                f"what is: {', '.join(self._panel.signals)}."
            )
        if fault.unit is None and len(self._units) == 1:
            return 0
        if fault.unit not in self._units:
            raise SettingsError(
                f"The fault {fault} concerns {fault.unit or 'no unit by name'}; "
                f"the units are {', '.join(self._units)}.",
                next_step=f"{self._units[0]}/{fault}" if fault.unit is None else "",
            )
        return self._units.index(fault.unit)

    def _on_probe(self, number: int, fault: Fault, unit: int, time_s: float) -> None:
        over = self.overlays
        over.touched = True
        at = (self._panel.row[str(fault.signal)], unit)
        size = fault.strength * float(self._panel.gross_error[at])
        match fault.kind:
            case FaultKind.FROZEN_PROBE:
                over.frozen[at] = True
            case FaultKind.FAILED_PROBE:
                over.failed[at] = True
            case FaultKind.BIASED_PROBE:
                over.bias[at] += size
            case FaultKind.DRIFTING_PROBE:
                over.bias[at] += size * (time_s - fault.start_s) / 3600.0
            case FaultKind.SPIKING_PROBE:
                chance, sign = self._luck[number].random(2)
                if chance < SPIKES_PER_S:
                    over.bias[at] += SPIKE_IN_GROSS_ERRORS * (size if sign < 0.5 else -size)
            case FaultKind.CLIPPED_PROBE:
                shown = float(self._panel.readings[at])
                ceiling = self._ceilings.setdefault(number, shown - CEILING_IN_GROSS_ERRORS * size)
                # Before the first reading there is nothing to be below.
                if not np.isnan(ceiling):
                    over.ceiling[at] = min(float(over.ceiling[at]), ceiling)

    def _foul_line(self, fault: Fault, unit: int, time_s: float) -> None:
        over = self.overlays
        over.touched = True
        bad = fault.strength
        for name in OFFGAS:
            row = self._panel.row.get(name)
            if row is not None:
                over.later_s[row, unit] += min(
                    bad * FOULED_LATER_S, GAS_SLOWS_DOWN * (time_s - fault.start_s)
                )
                over.slower_s[row, unit] += bad * FOULED_SLOWER_S
                over.air_share[row, unit] = min(1.0, over.air_share[row, unit] + bad * FOULED_AIR)

    def _on_network(self, fault: Fault, unit: int) -> None:
        network, much = self.network, fault.strength
        match fault.kind:
            case FaultKind.LOST_DEVICE:
                network.silent[unit] = True
            case FaultKind.WRONG_CLOCK:
                network.clock_s[unit] += much
            case FaultKind.NETWORK_TROUBLE:
                network.dropped[unit] = max(float(network.dropped[unit]), much)
                network.late_rows[unit] = max(float(network.late_rows[unit]), much)

    @staticmethod
    def _on_process(fault: Fault, unit: int, time_s: float, wrong: Disturbances) -> None:
        if KINDS[fault.kind].at_once and fault.start_s < time_s:
            return
        for name, (at_nothing, by_severity) in ON_PROCESS[fault.kind].items():
            row = getattr(wrong, name)
            row[unit] += at_nothing + by_severity * fault.strength
            if name not in UNLIMITED:
                row[unit] = min(1.0, row[unit])
