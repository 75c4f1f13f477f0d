"""Samples, as a device measures them, gathered into frames: pure, no clock, no Kafka.

Every sample goes into exactly one frame, and frames come out in the order in which samples went in. A frame
is closed when the next sample does not fit: by size, because its time lies before the frame's last, because
its signal already has a value at that time, or because its signal's unit changed.
"""

from __future__ import annotations

import math
import operator
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from schemas.errors import ContractError, UnitUnknown
from schemas.frame import MAX_FRAME_BYTES, SensorFrame, SignalColumn, StatusColumn
from schemas.signals import spec
from schemas.status import Severity, Status, severity_of
from schemas.units import conversion, parse
from schemas.wire import MAX_INT, NAME_PATTERN

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_NAME = re.compile(NAME_PATTERN)

# The most that JSON may take for each: digits of the largest number, separator, quotes and key words.
_FRAME_BYTES = 600
_TIME_BYTES = 20
_COLUMN_BYTES = 200
_VALUE_BYTES = 26 + 8
_STATUS_BYTES = 8 + 11


@dataclass(frozen=True, slots=True)
class Sample:
    """One value of one signal; value None is sampled but missing, with a Bad code."""

    time_us: int
    signal: str
    unit: str
    value: float | None
    code: int


@dataclass(slots=True)
class _Column:
    unit: str
    values: list[float | None] = field(default_factory=list)
    at: list[int] = field(default_factory=list)
    status_at: list[int] = field(default_factory=list)
    codes: list[int] = field(default_factory=list)

    def wire(self, times: int) -> SignalColumn:
        return SignalColumn(
            unit=self.unit,
            values=self.values,
            at=None if len(self.at) == times else self.at,
            status=StatusColumn(at=self.status_at, codes=self.codes) if self.codes else None,
        )


def samples(
    time_us: int,
    values: Mapping[str, float | None],
    units: Mapping[str, str] | None = None,
    status: Mapping[str, int] | None = None,
) -> list[Sample]:
    """The samples of one moment, checked; all of them or an error.

    Args:
        time_us: when the device measured, us UTC.
        values: by signal; None and NaN are missing values.
        units: UCUM units by signal; default that of the dictionary.
        status: OPC UA codes by signal; default Good, or Bad where the value is missing.

    Raises:
        ContractError: a name, time, value or code that a frame cannot carry; says which and why.
        UnitUnknown, UnitIncompatible: a unit that is none, or not one of the signal's quantity.
    """
    units, status = units or {}, status or {}
    stray = (units.keys() | status.keys()) - values.keys()
    if stray:
        raise ContractError(f"units or status name {', '.join(sorted(stray))}, which has no value.")
    moment_us = _time(time_us)
    return [
        Sample(moment_us, name, _unit(name, units.get(name)), *_value(name, value, status.get(name)))
        for name, value in values.items()
    ]


class Framing:
    """Gathers the samples of one device of one bioreactor into frames.

    Args:
        site: where the bioreactor is.
        unit: the bioreactor.
        device: who publishes.
        epoch: the boot session; greater after each start.
        max_bytes: no frame's body is longer.
    """

    def __init__(
        self, site: str, unit: str, device: str, epoch: int, max_bytes: int = MAX_FRAME_BYTES
    ) -> None:
        for what, name in (("site", site), ("unit", unit), ("device", device)):
            if not _NAME.match(name):
                raise _no_name(what, name)
        self._site, self._unit, self._device, self._epoch = site, unit, device, epoch
        self._sequence = 0
        self._max_bytes = max_bytes
        self._clear()

    def __len__(self) -> int:
        """Samples that are in no frame yet."""
        return self._count

    def add(self, new: list[Sample]) -> Iterator[SensorFrame]:
        """Take the samples; yields the frames that they complete. Exhaust it."""
        for sample in new:
            if not self._fits(sample):
                frame = self.take()
                if frame is not None:
                    yield frame
            self._put(sample)

    def take(self) -> SensorFrame | None:
        """A frame of what has been gathered, or None if there is nothing."""
        if not self._count:
            return None
        frame = SensorFrame(
            site=self._site,
            unit=self._unit,
            device=self._device,
            epoch=self._epoch,
            sequence=self._sequence,
            time_us=self._times,
            signals={name: column.wire(len(self._times)) for name, column in self._columns.items()},
        )
        self._sequence += 1
        self._clear()
        return frame

    def _clear(self) -> None:
        self._times: list[int] = []
        self._columns: dict[str, _Column] = {}
        self._count = 0
        self._bytes = _FRAME_BYTES

    def _fits(self, sample: Sample) -> bool:
        if not self._count:
            return True
        if sample.time_us < self._times[-1] or self._bytes + self._cost(sample) > self._max_bytes:
            return False
        column = self._columns.get(sample.signal)
        if column is None:
            return True
        taken = sample.time_us == self._times[-1] and column.at[-1] == len(self._times) - 1
        return column.unit == sample.unit and not taken

    def _cost(self, sample: Sample) -> int:
        time = 0 if self._times and self._times[-1] == sample.time_us else _TIME_BYTES
        column = 0
        if sample.signal not in self._columns:
            # A letter of a unit may take six bytes in JSON.
            column = _COLUMN_BYTES + len(sample.signal) + 6 * len(sample.unit)
        return time + column + _VALUE_BYTES + (_STATUS_BYTES if sample.code else 0)

    def _put(self, sample: Sample) -> None:
        self._bytes += self._cost(sample)
        self._count += 1
        if not self._times or self._times[-1] != sample.time_us:
            self._times.append(sample.time_us)
        column = self._columns.setdefault(sample.signal, _Column(sample.unit))
        if sample.code:
            column.status_at.append(len(column.values))
            column.codes.append(sample.code)
        column.values.append(sample.value)
        column.at.append(len(self._times) - 1)


def _unit(name: str, given: str | None) -> str:
    if not _NAME.match(name):
        raise _no_name("signal", name)
    declared = spec(name)
    if given is None:
        if declared is None:
            raise UnitUnknown(f"{name} is not in the dictionary of signals: give its UCUM unit in units.")
        return declared.unit
    if declared is None:
        parse(given)
    else:
        conversion(given, declared.unit)
    return given


def _time(time_us: int) -> int:
    try:
        moment_us = operator.index(time_us)
    except TypeError:
        moment_us = -1
    if isinstance(time_us, bool) or not 0 <= moment_us <= MAX_INT:
        raise ContractError(f"time_us is {time_us!r}; give an integer of microseconds since 1970 (UTC).")
    return moment_us


def _value(name: str, given: float | None, code: int | None) -> tuple[float | None, int]:
    if code is not None and not 0 <= code < 2**32:
        raise ContractError(f"{name} has the status {code!r}; give an OPC UA code.")
    try:
        if isinstance(given, bool | str):
            raise TypeError  # noqa: TRY301 - float() would take them
        value = math.nan if given is None else float(given)
    except TypeError:
        raise ContractError(f"{name} is {given!r}; give a number, or None where there is none.") from None
    if math.isinf(value):
        raise ContractError(f"{name} is infinite; give None for a value that could not be measured.")
    if not math.isnan(value):
        return value, int(code or 0)
    code = Status.BAD if code is None else code
    if severity_of(code) is not Severity.BAD:
        raise ContractError(f"{name} has no value, but its status {code:#010x} is not Bad.")
    return None, int(code)


def _no_name(what: str, name: str) -> ContractError:
    return ContractError(
        f"The {what} {name!r} is no name: a letter or digit, then at most 63 of these and _ . -"
    )
