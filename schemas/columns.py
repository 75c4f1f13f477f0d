"""The samples of a frame as NumPy arrays.

The values of all signals go through one list, one array and one set of checks. A frame without a fault in it
is read without a loop over its signals (`readings_of`); one that has something to object to, or that is laid
out in a rare way, goes through the checks one by one (`columns_of`), which alone refuse.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from operator import itemgetter
from types import MappingProxyType, NoneType
from typing import TYPE_CHECKING, Any

import numpy as np

from schemas.errors import FrameRefused, Reason, UnitIncompatible, UnitUnknown
from schemas.readings import Column, Readings
from schemas.refusal import NAME_RULE, field, integers, is_name, positions, refuse, refuse_type, shown
from schemas.signals import DICTIONARY
from schemas.status import Status
from schemas.units import conversion, parse

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

_BAD = np.uint32(Status.BAD)


_unit, _values = itemgetter("unit"), itemgetter("values")

MOST_SIGNALS = 2000
"""Layouts of more signals are not remembered: what a device may make us keep is bounded."""


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """Which signals a frame has, in which units; most frames of a device have the same one.

    units: (S,) that the values come out in. converted: places of the signals that are sent in another one,
    with (C, 1) scale and offset. sent_units: unit of each signal as it is sent.
    """

    names: tuple[str, ...]
    units: tuple[str, ...]
    converted: NDArray[np.intp]
    scale: NDArray[np.float64]
    offset: NDArray[np.float64]
    sent_units: Mapping[str, str]


def readings_of(
    signals: dict[str, Any], time_us: NDArray[np.int64]
) -> tuple[Sequence[Column], Mapping[str, str]]:
    """The samples of `signals`, an object with one entry or more, and the unit of each as it was sent.

    Raises:
        FrameRefused: an entry is not what the contract says.
    """
    try:
        return _readings(signals, time_us)
    except (_Unusual, FrameRefused, KeyError, TypeError):
        # Which fault is told, of several, must not depend on what is quick to see.
        columns = columns_of(signals, time_us)
        return columns, {name: entry["unit"] for name, entry in signals.items()}


class _Unusual(Exception):
    """The frame must be read entry by entry."""


def _readings(
    signals: dict[str, Any], time_us: NDArray[np.int64]
) -> tuple[Sequence[Column], Mapping[str, str]]:
    """As `readings_of`; KeyError or TypeError where an entry is no object with a unit and values."""
    entries = list(signals.values())
    lists = list(map(_values, entries))
    if set(map(type, lists)) != {list} or len(lists) > MOST_SIGNALS:
        raise _Unusual
    layout = layout_of(tuple(signals), tuple(map(_unit, entries)))
    counts = list(map(len, lists))
    times_us: NDArray[np.int64] | list[NDArray[np.int64]] = time_us
    expected = [time_us.size] * len(entries)
    special = [place for place, entry in enumerate(entries) if len(entry) != 2]
    seldom = [place for place in special if entries[place].get("at") is not None]
    if seldom:
        times_us = [time_us] * len(entries)
        for place in seldom:
            times = _times_at(layout.names[place], entries[place]["at"], counts[place], time_us)
            times_us[place], expected[place] = times, times.size
    if counts != expected or not all(counts):
        raise _Unusual
    values = _numbers(list(chain.from_iterable(lists)), signals)
    status = np.zeros(values.size, dtype=np.uint32)
    readings = Readings(layout.names, layout.units, times_us, values, status)
    if layout.converted.size:
        _convert(readings, layout)
    for place in special:
        sent = entries[place].get("status")
        if sent is not None:
            _mark_status(f"signals.{layout.names[place]}.status", sent, readings[place].status)
    if not np.isfinite(values).all():
        _mark_missing(values, status, signals)
        _refuse_infinite(values, signals)
    return readings, layout.sent_units


@lru_cache(maxsize=128)
def layout_of(names: tuple[str, ...], sent: tuple[str, ...]) -> Layout:
    """The layout of a frame with these signals in these units.

    Raises:
        FrameRefused: one of them is no name or no unit.
    """
    if set(map(type, sent)) != {str} or not all(map(is_name, names)):
        raise FrameRefused(Reason.WRONG_TYPE, "signals", "A signal's name or unit cannot be one.")
    meanings = [_meaning(name, unit) for name, unit in zip(names, sent, strict=True)]
    converted = [place for place, (_, *line) in enumerate(meanings) if line != [1.0, 0.0]]
    return Layout(
        names,
        tuple([unit for unit, _, _ in meanings]),
        np.array(converted, dtype=np.intp),
        np.array([[meanings[place][1]] for place in converted], dtype=np.float64),
        np.array([[meanings[place][2]] for place in converted], dtype=np.float64),
        MappingProxyType(dict(zip(names, sent, strict=True))),
    )


def _convert(readings: Readings, layout: Layout) -> None:
    """Bring the values that are sent in another unit into the signal's own."""
    with np.errstate(over="ignore"):
        if len(set(readings.counts)) == 1:
            table = readings.values.reshape(len(readings), -1)
            table[layout.converted] = table[layout.converted] * layout.scale + layout.offset
            return
        for place, scale, offset in zip(layout.converted, layout.scale, layout.offset, strict=True):
            values = readings[place].values
            values *= scale
            values += offset


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
        return _times_at(name, at, len(values), time_us)
    if len(values) != time_us.size:
        refuse(
            Reason.RAGGED,
            f"{where}.values",
            f"{where} has {len(values)} values for {time_us.size} times. "
            f"Give one value (or null) for each time, or the positions of the times in `at`.",
        )
    return time_us


def _times_at(name: str, at: Any, count: int, time_us: NDArray[np.int64]) -> NDArray[np.int64]:
    """The times at which one signal was sampled, by their positions."""
    times = time_us[positions(f"signals.{name}.at", at, count, time_us.size, items="values", of="times")]
    times.flags.writeable = False
    return times


def _numbers(flat: list[Any], signals: dict[str, Any]) -> NDArray[np.float64]:
    """All values as floats, NaN for null."""
    kinds = set(map(type, flat))
    if kinds <= {float, int}:
        return np.frombuffer(array("d", flat), dtype=np.float64)
    allowed = {float, int, NoneType}
    if not kinds <= allowed:
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
