"""What the devices send of what their instruments read: one device a unit, a row a step.

A device has its own intervals, leaves out what has not moved, loses and delays some, and has its own clock.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import compress
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from schemas.signals import DICTIONARY
from schemas.status import Severity, severity
from simulator.sensing.draws import Draws, generator

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from simulator.physics.state import Floats
    from simulator.sensing.panel import Panel
    from simulator.sensing.style import Style

    Flags = NDArray[np.bool_]


EACH_S = 1.0
HELD = ("held", "total")


class Row(NamedTuple):
    """What one device sent of one moment.

    time_s is the device's clock, in seconds of the run. values: NaN where the status is Bad. statuses: only
    those that are not Good, OPC UA codes.
    """

    unit: int
    time_s: float
    values: dict[str, float]
    statuses: dict[str, int]


@dataclass(slots=True)
class Network:
    """What faults do to devices and their network, (N,) each; neutral at first.

    Attributes:
        silent: the device is lost: nothing is sent, and nothing kept for later.
        clock_s: added to the device's clock.
        dropped: further share of single samples that never arrive.
        late_rows: further share of rows that arrive late.
    """

    units: int
    silent: Flags = field(init=False)
    clock_s: Floats = field(init=False)
    dropped: Floats = field(init=False)
    late_rows: Floats = field(init=False)

    def __post_init__(self) -> None:
        self.silent = np.zeros(self.units, np.bool_)
        self.clock_s = np.zeros(self.units)
        self.dropped = np.zeros(self.units)
        self.late_rows = np.zeros(self.units)

    def clear(self) -> None:
        """Make all of it sound again."""
        self.silent.fill(False)
        for share in (self.clock_s, self.dropped, self.late_rows):
            share.fill(0.0)


@dataclass(frozen=True, slots=True)
class Report:
    """What one step left to be sent, as arrays of signals by units, (S, N), and of units, (N,).

    Attributes:
        sent: these samples arrive, now or later.
        values: NaN where the status is Bad.
        status: OPC UA codes.
        device_time_s: the devices' clocks.
        delay_s: after which a unit's row arrives; 0 for at once.
        arrived: late rows of earlier steps that arrive now.
    """

    signals: tuple[str, ...]
    sent: Flags
    values: Floats
    status: NDArray[np.uint32]
    device_time_s: Floats
    delay_s: Floats
    arrived: tuple[Row, ...] = ()

    def rows(self) -> Iterator[Row]:
        """Everything that arrives now: late rows first, then those of this step, by unit."""
        yield from self.arrived
        yield from self.rows_of(np.flatnonzero(self.sent.any(axis=0) & (self.delay_s <= 0.0)).tolist())

    def rows_of(self, units: Sequence[int]) -> Iterator[Row]:
        """The rows of this step of some units."""
        values, times = self.values.T.tolist(), self.device_time_s.tolist()
        sent: Flags = self.sent.T
        told: Flags = np.logical_and(self.sent, self.status).T
        complete: list[bool] = np.atleast_1d(sent.all(axis=1)).tolist()
        odd: list[bool] = np.atleast_1d(told.any(axis=1)).tolist()
        for unit in units:
            pairs = zip(self.signals, values[unit], strict=True)
            kept = dict(pairs) if complete[unit] else dict(compress(pairs, sent[unit].tolist()))
            statuses = {}
            if odd[unit]:
                codes = zip(self.signals, self.status[:, unit].tolist(), strict=True)
                statuses = dict(compress(codes, told[unit].tolist()))
            yield Row(unit, times[unit], kept, statuses)


class Reporter:
    """The devices of N units, after one `Panel`.

    Args:
        panel: whose readings are sent.
        seeds: one a unit, for its clock and what its network loses.
        style: how faithfully.
    """

    def __init__(self, panel: Panel, seeds: Sequence[int], style: Style) -> None:
        self.style = style
        self._panel = panel
        count = len(panel.signals)
        shape = (count, panel.units)
        declared = [DICTIONARY[name] for name in panel.signals]
        self._every_s = np.array([one.sampling_s or EACH_S for one in declared])
        # A total stands still between doses, as a held signal does.
        self._held = np.flatnonzero([style.by_exception and one.reading in HELD for one in declared])
        bands = np.array([[one.deadband] for one in panel.instruments]) * panel.scale
        self._deadband = bands[self._held]
        self._last = np.full(shape, np.nan)[self._held]
        self._last_s = np.full(self._last.shape, -np.inf)
        self._last_status = np.zeros(self._last.shape, np.uint32)
        self._draws = Draws(seeds, "reporting", count + 3, uniform=True) if style.at_random else None
        self._trouble = [generator(seed, "network trouble") for seed in seeds]
        clocks = np.array([generator(seed, "clock").standard_normal(2) for seed in seeds]).reshape(-1, 2).T
        self._offset_s = style.clock_offset_s * clocks[0]
        self._drift = style.clock_drift_ppm * 1e-6 * clocks[1]
        self._late: list[tuple[float, int, Row]] = []
        self._counted = 0

    def report(self, time_s: float, dt_s: float = 1.0, network: Network | None = None) -> Report:
        """What is sent of the panel's last readings, for a step that ends at `time_s` of the run."""
        panel, style = self._panel, self.style
        values, status = panel.readings, panel.status
        bad: Flags = np.equal(severity(status), Severity.BAD)
        if bad.any():
            values = np.where(bad, np.nan, values)
        sent = bad | ~np.isnan(values)
        if style.own_intervals:
            # The small share keeps 5 s apart from 4.999… s.
            ticks = np.floor(time_s / self._every_s + 1e-9) > np.floor((time_s - dt_s) / self._every_s + 1e-9)
            sent &= ticks[:, None]
        silent = None if network is None or not network.silent.any() else network.silent
        if self._held.size:
            self._leave_out_unmoved(sent, values, status, time_s, silent)
        if silent is not None:
            sent &= ~silent
        delay_s = self._lose(sent, network)
        clock_s = time_s + self._offset_s + self._drift * time_s
        if network is not None:
            clock_s = clock_s + network.clock_s
        report = Report(panel.signals, sent, values, status, np.round(clock_s, 3), delay_s)
        return self._with_late(report, time_s, silent)

    def _leave_out_unmoved(
        self, sent: Flags, values: Floats, status: NDArray[np.uint32], time_s: float, silent: Flags | None
    ) -> None:
        held = self._held
        now, code = values[held], status[held]
        moved = ~(np.abs(now - self._last) <= self._deadband) & ~(np.isnan(now) & np.isnan(self._last))
        due = time_s - self._last_s >= self.style.heartbeat_s - 1e-6
        told = (moved | due | (code != self._last_status)) & (sent[held] | (code != self._last_status))
        sent[held] = told
        self._last = np.where(told, now, self._last)
        self._last_s = np.where(told, time_s, self._last_s)
        self._last_status = np.where(told, code, self._last_status)
        if silent is not None:
            # A device that connects again tells everything anew.
            self._last_s[:, silent] = -np.inf

    def _lose(self, sent: Flags, network: Network | None) -> Floats:
        style = self.style
        delay_s = np.zeros(sent.shape[1])
        if self._draws is not None:
            drawn = self._draws.step()
            sent &= drawn[3:] >= style.dropped
            sent &= drawn[0] >= style.dropped_rows
            late = drawn[1] < style.late_rows
            delay_s[late] = -style.late_s * np.log1p(-drawn[2, late])
        if network is not None:
            for unit in np.flatnonzero((network.dropped > 0.0) | (network.late_rows > 0.0)).tolist():
                luck = self._trouble[unit].random(len(sent) + 2)
                sent[:, unit] &= luck[2:] >= network.dropped[unit]
                if luck[0] < network.late_rows[unit]:
                    delay_s[unit] += -style.late_s * np.log1p(-luck[1])
        return delay_s

    def _with_late(self, report: Report, time_s: float, silent: Flags | None) -> Report:
        late = np.flatnonzero((report.delay_s > 0.0) & report.sent.any(axis=0)).tolist()
        for row in report.rows_of(late) if late else ():
            self._counted += 1
            heappush(self._late, (time_s + float(report.delay_s[row.unit]), self._counted, row))
        arrived = []
        while self._late and self._late[0][0] <= time_s:
            row = heappop(self._late)[2]
            # What was under way of a device lost meanwhile is lost with it.
            if silent is None or not silent[row.unit]:
                arrived.append(row)
        if not arrived:
            return report
        return Report(
            report.signals,
            report.sent,
            report.values,
            report.status,
            report.device_time_s,
            report.delay_s,
            tuple(arrived),
        )
