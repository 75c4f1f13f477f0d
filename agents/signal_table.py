"""The signals of one unit: a slot each in the unit's arrays, and which samples of a frame are news."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from agents import health
from agents.context import NO_BATCH
from agents.limits import Band, Limit, limit
from agents.samples import Samples, usable
from schemas import signals
from schemas.readings import readings
from schemas.status import Status

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from agents.alarms.definition import AlarmDefinition, MasterAlarmDatabase
    from agents.context import Context
    from schemas.alarm import Condition
    from schemas.decoding import Frame
    from schemas.readings import Column, Readings
    from schemas.signals import SignalSpec

SET_BACK_AFTER_US = 30_000_000
"""A device that for so long (log time) sends nothing but old times has had its clock set back."""

MOST_LAYOUTS = 256
"""Sets of columns that are remembered; a device that reports by exception may send any of very many."""

HEALTH: tuple[Condition, ...] = ("range", "rate", "frozen", "stale", "spike", "clipping")

SETPOINT = "_setpoint"
"""A signal so named is the set point of the one before it."""

_INFO_BITS = 0xFFFF0000
"""The upper half of an OPC UA status is its code."""


@dataclass(frozen=True, slots=True)
class Signal:
    """A signal of the unit and the alarms that apply now; `plausible` is what its range alarm judges by."""

    name: str
    unit_code: str
    spec: SignalSpec | None
    limits: tuple[tuple[AlarmDefinition, Limit], ...]
    health: Mapping[Condition, AlarmDefinition]
    plausible: Limit


@dataclass(slots=True)
class Device:
    """How far a device's times have come, since when (log time) they have not, its signals' slots."""

    newest_us: int
    late_since_us: int | None = None
    slots: set[int] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class _Layout:
    """Which columns of a frame are taken, and their slots; `whole` where all of them are."""

    columns: tuple[int, ...]
    slots: NDArray[np.intp]
    whole: bool


class SignalTable:
    """Slots are given at first sight and kept.

    seen, rules: (S,) rows of health.MEMORY and health.RULES. sets: (S,) slot of the signal that a set point
    sets, -1 where there is none. trip_low, trip_high: (S,) nothing is alarmed
    while all values lie between them and no alarm of the signal is under way. plausible_low, plausible_high:
    (S,) what a working sensor can read.
    """

    def __init__(self, database: MasterAlarmDatabase) -> None:
        self._database = database
        self._context = NO_BATCH
        self._slots: dict[str, int] = {}
        self._layouts: dict[tuple[tuple[str, ...], tuple[str, ...]], _Layout] = {}
        self.signals: list[Signal] = []
        self.devices: dict[str, Device] = {}
        self.seen = np.empty(0, dtype=health.MEMORY)
        self.rules = np.empty(0, dtype=health.RULES)
        self.plausible_low = np.empty(0)
        self.plausible_high = np.empty(0)
        self.sets = np.empty(0, dtype=np.intp)
        self.trip_low = np.empty(0)
        self.trip_high = np.empty(0)

    def add(self, name: str, unit_code: str) -> int:
        """Give the next slot to a signal."""
        spec = signals.spec(name)
        band = health.plausible(spec) if spec else None
        plausible = Limit(band, band) if band else _ANYTHING
        slot = self._slots[name] = len(self.signals)
        self.signals.append(self._in_context(Signal(name, unit_code, spec, (), {}, plausible)))
        self.seen = np.append(self.seen, np.zeros(1, dtype=health.MEMORY))
        self.seen["time_us"][slot] = self.seen["value_us"][slot] = health.NEVER_US
        self.seen["usual_step"][slot] = spec.noise if spec else 1.0
        self.sets = np.append(self.sets, -1)
        self._pair(name, slot)
        self.rules = np.append(self.rules, np.array([self._rules(spec)], dtype=health.RULES))
        self.plausible_low = np.append(self.plausible_low, plausible.trip.low)
        self.plausible_high = np.append(self.plausible_high, plausible.trip.high)
        low, high = _trips(self.signals[slot])
        self.trip_low = np.append(self.trip_low, low)
        self.trip_high = np.append(self.trip_high, high)
        return slot

    def enter(self, context: Context) -> None:
        """Let those alarms apply that the batch and phase of `context` want, with their limits there."""
        self._context = context
        self.signals = [self._in_context(signal) for signal in self.signals]
        for slot, signal in enumerate(self.signals):
            self.rules[slot] = self._rules(signal.spec)
            self.trip_low[slot], self.trip_high[slot] = _trips(signal)

    @property
    def in_service(self) -> bool:
        """Whether the vessel is in use, and not being cleaned or repaired."""
        return self._context.stage != "service"

    def _rules(self, spec: SignalSpec | None) -> tuple[float, ...]:
        return health.rules(spec) if self.in_service else health.no_rules(spec)

    def _pair(self, name: str, slot: int) -> None:
        """Let a set point know the slot of its signal, whichever of them comes first."""
        controlled = self._slots.get(name.removesuffix(SETPOINT))
        if name.endswith(SETPOINT) and controlled is not None:
            self.sets[slot] = controlled
        setpoint = self._slots.get(name + SETPOINT)
        if setpoint is not None:
            self.sets[setpoint] = slot

    def _in_context(self, signal: Signal) -> Signal:
        within = [definition.within(self._context) for definition in self._database.limits(signal.name)]
        limits = tuple(
            (each, limit(each.condition, each.limit, each.deadband))
            for each in within
            if each is not None and each.limit is not None
        )
        found = {condition: self._database.get(signal.name, condition) for condition in HEALTH}
        of_health = {
            condition: each for condition, each in found.items() if each and each.within(self._context)
        }
        return replace(signal, limits=limits, health=of_health if signal.spec else {})

    def news(self, frame: Frame, newest_us: int, now_us: int) -> Samples:
        """Return the samples of a frame that may be judged and are newer than the last judged ones.

        newest_us: the frame's latest device time.
        """
        read = readings(frame.columns)
        layout = self._layout(read)
        device = self.devices.setdefault(frame.device, Device(newest_us - 1))
        device.slots.update(layout.slots.tolist())
        if _set_back(device, newest_us, now_us):
            back = sorted(device.slots)
            self.seen["time_us"][back] = self.seen["value_us"][back] = health.NEVER_US
        columns = read if layout.whole else [read[index] for index in layout.columns]
        samples = usable(columns, layout.slots)
        if read.status.size and read.status.max() >= Status.BAD:
            self._note_service(columns, layout.slots)
        else:
            self.seen["out"][layout.slots] = 0
        last_us = samples.each(self.seen["time_us"][samples.slots])
        return samples.keep(samples.time_us > last_us)

    def _note_service(self, columns: Sequence[Column], slots: NDArray[np.intp]) -> None:
        """Note which signals their device has taken out of service, and which it has not any more."""
        for column, slot in zip(columns, slots.tolist(), strict=True):
            if column.time_us[-1] > self.seen["time_us"][slot]:
                code = int(column.status[-1]) & _INFO_BITS
                self.seen["out"][slot] = code == Status.BAD_OUT_OF_SERVICE

    def _layout(self, read: Readings) -> _Layout:
        key = (read.names, read.units)
        layout = self._layouts.get(key)
        if layout is None:
            if len(self._layouts) >= MOST_LAYOUTS:
                self._layouts.clear()
            layout = self._layouts[key] = self._lay_out(read)
        return layout

    def _lay_out(self, read: Readings) -> _Layout:
        taken, slots = [], []
        for index, (name, unit) in enumerate(zip(read.names, read.units, strict=True)):
            slot = self._slots.get(name)
            if slot is None:
                slot = self.add(name, unit)
            # A signal outside the dictionary keeps its first unit; in another its values mean something else.
            if self.signals[slot].unit_code == unit:
                taken.append(index)
                slots.append(slot)
        return _Layout(tuple(taken), np.array(slots, dtype=np.intp), len(taken) == len(read))


_ANYTHING = Limit(Band(), Band())


def _trips(signal: Signal) -> tuple[float, float]:
    """Between which values nothing of a signal is alarmed that was not before."""
    trips = [signal.plausible.trip, *(each.trip for _, each in signal.limits)]
    return max(trip.low for trip in trips), min(trip.high for trip in trips)


def _set_back(device: Device, newest_us: int, now_us: int) -> bool:
    """Whether a frame shows that the device's clock was set back, rather than that the frame is late."""
    if newest_us > device.newest_us:
        device.newest_us = newest_us
        device.late_since_us = None
        return False
    if device.late_since_us is None or now_us < device.late_since_us:
        device.late_since_us = now_us
        return False
    if now_us - device.late_since_us < SET_BACK_AFTER_US:
        return False
    device.newest_us = newest_us
    device.late_since_us = None
    return True
