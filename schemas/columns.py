"""The samples of a frame as NumPy columns.

The values of all signals go through one list, one array and one set of checks; a column is a slice of it.
"""

from __future__ import annotations

from array import array
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from types import NoneType
from typing import TYPE_CHECKING, Any

import numpy as np

from schemas.errors import FrameRefused, Reason, UnitIncompatible, UnitUnknown
from schemas.refusal import NAME_RULE, field, integers, is_name, positions, refuse, refuse_type, shown
from schemas.signals import DICTIONARY
from schemas.status import Status
from schemas.units import conversion, parse

if TYPE_CHECKING:
    from numpy.typing import NDArray

_BAD = np.uint32(Status.BAD)


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """The samples of one signal: three arrays of one length.

    `unit` is the canonical unit for a signal of the dictionary, else the unit as sent. `time_us` is strictly
    increasing and read-only; `values` is NaN where the value is missing, and `status` is Bad there.
    """

    name: str
    unit: str
    time_us: NDArray[np.int64]
    values: NDArray[np.float64]
    status: NDArray[np.uint32]


def columns_of(signals: dict[str, Any], time_us: NDArray[np.int64]) -> tuple[Column, ...]:
    """One column for each entry of `signals`, an object with one entry or more.

    Raises:
        FrameRefused: an entry is not what the contract says.
    """
    flat: list[Any] = []
    times: list[NDArray[np.int64]] = []
    for name, sent in signals.items():
        times.append(_column_times(name, sent, time_us))
        flat += sent["values"]
    values = _numbers(flat, signals)
    status = np.zeros(values.size, dtype=np.uint32)
    columns: list[Column] = []
    start = 0
    for (name, sent), column_times in zip(signals.items(), times, strict=True):
        part = slice(start, start := start + column_times.size)
        unit, scale, offset = _meaning(name, sent["unit"])
        if (scale, offset) != (1.0, 0.0):
            with np.errstate(over="ignore"):
                values[part] *= scale
                values[part] += offset
        if sent.get("status") is not None:
            _mark_status(f"signals.{name}.status", sent["status"], status[part])
        columns.append(Column(name, unit, column_times, values[part], status[part]))
    _mark_missing(values, status, signals)
    _refuse_infinite(values, signals)
    return tuple(columns)


def _column_times(name: str, sent: Any, time_us: NDArray[np.int64]) -> NDArray[np.int64]:
    """The times of one signal's values, once the shape of its entry is what it must be."""
    if not is_name(name):
        refuse(Reason.OUT_OF_RANGE, "signals", f"{shown(name)} cannot name a signal. {NAME_RULE}")
    where = f"signals.{name}"
    if type(sent) is not dict:
        refuse_type(where, "an object with unit and values", sent)
    unit, values, at = field(sent, "unit", where), field(sent, "values", where), sent.get("at")
    if type(unit) is not str:
        refuse_type(f"{where}.unit", "a UCUM unit as text", unit)
    if type(values) is not list:
        refuse_type(f"{where}.values", "a list of numbers and nulls", values)
    if not values:
        refuse(
            Reason.EMPTY,
            f"{where}.values",
            f"{where} has no values. Leave a signal out that was not sampled.",
        )
    if at is not None:
        places = positions(f"{where}.at", at, len(values), time_us.size, items="values", of="times")
        times = time_us[places]
        times.flags.writeable = False
        return times
    if len(values) != time_us.size:
        refuse(
            Reason.RAGGED,
            f"{where}.values",
            f"{where} has {len(values)} values for {time_us.size} times. "
            f"Give one value (or null) for each time, or the positions of the times in `at`.",
        )
    return time_us


def _numbers(flat: list[Any], signals: dict[str, Any]) -> NDArray[np.float64]:
    """All values as floats, NaN for null."""
    # An array refuses all but numbers by itself, true and false excepted, and these become 1 and 0.
    with suppress(TypeError):
        numbers = np.frombuffer(array("d", flat), dtype=np.float64)
        if not ((numbers == 0) | (numbers == 1)).any():
            return numbers
    allowed = {float, int, NoneType}
    if not set(map(type, flat)) <= allowed:
        where, sent = _locate(next(i for i, one in enumerate(flat) if type(one) not in allowed), signals)
        refuse_type(where, "a number or null", sent)
    return np.array(flat, dtype=np.float64)


@lru_cache(maxsize=4096)
def _meaning(name: str, sent: str) -> tuple[str, float, float]:
    """The unit that the signal's values come out in, with scale and offset from the sent unit."""
    where = f"signals.{name}.unit"
    declared = DICTIONARY.get(name)
    try:
        if declared is None:
            parse(sent)
            return sent, 1.0, 0.0
        return declared.unit, *conversion(sent, declared.unit)
    except UnitUnknown as wrong:
        raise FrameRefused(
            Reason.UNKNOWN_UNIT, where, f"{where}: {wrong.message}", detail=wrong.detail
        ) from wrong
    except UnitIncompatible as wrong:
        raise FrameRefused(
            Reason.INCOMPATIBLE_UNIT, where, f"{where}: {wrong.message}", detail=wrong.detail
        ) from wrong


def _mark_status(where: str, sent: Any, status: NDArray[np.uint32]) -> None:
    if type(sent) is not dict:
        refuse_type(where, "an object with at and codes", sent)
    codes = integers(f"{where}.codes", field(sent, "codes", where), "OPC UA status codes")
    at = field(sent, "at", where)
    places = positions(f"{where}.at", at, codes.size, status.size, items="codes", of="values")
    outside = (codes < 1) | (codes > 0xFFFFFFFF)
    if outside.any():
        position = int(outside.argmax())
        refuse(
            Reason.OUT_OF_RANGE,
            f"{where}.codes[{position}]",
            f"{where}.codes[{position}] is {codes[position]}. Send OPC UA status codes from 1 to 4294967295, "
            f"and leave out the values that are Good (0).",
        )
    status[places] = codes


def _mark_missing(values: NDArray[np.float64], status: NDArray[np.uint32], signals: dict[str, Any]) -> None:
    """A missing value is Bad: by the status that it was sent with, else by 0x80000000."""
    missing = np.flatnonzero(np.isnan(values))
    if missing.size == 0:
        return
    given = status[missing]
    contradicted = (given != 0) & (given < _BAD)
    if contradicted.any():
        position = int(missing[contradicted.argmax()])
        where, _ = _locate(position, signals)
        refuse(
            Reason.OUT_OF_RANGE,
            where,
            f"{where} is null, but its status {int(status[position]):#010x} is not Bad. "
            f"Give a null a status from 0x80000000, or none.",
        )
    status[missing] = np.where(given == 0, _BAD, given)


def _refuse_infinite(values: NDArray[np.float64], signals: dict[str, Any]) -> None:
    infinite = np.isinf(values)
    if infinite.any():
        where, sent = _locate(int(infinite.argmax()), signals)
        refuse(
            Reason.OUT_OF_RANGE,
            where,
            f"{where} is {sent}, too large for a number in the signal's unit. Send the reading, or null.",
        )


def _locate(position: int, signals: dict[str, Any]) -> tuple[str, Any]:
    """Path and sent content of the value at `position` of all signals' values in a row."""
    for name, sent in signals.items():
        values = sent["values"]
        if position < len(values):
            return f"signals.{name}.values[{position}]", values[position]
        position -= len(values)
    raise IndexError(position)
