"""From the bytes of a message to NumPy columns: strict, and without a Python loop over samples."""

from __future__ import annotations

import re
from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import orjson

from schemas.errors import FrameRefused, Reason, UnitIncompatible, UnitUnknown
from schemas.frame import FRAME_SCHEMA, MAX_AHEAD_US, MAX_FRAME_BYTES
from schemas.signals import DICTIONARY
from schemas.status import Status
from schemas.units import conversion, parse
from schemas.wire import MAX_INT, NAME_PATTERN

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

TICK_SCHEMA = "sparge.tick/1"
TICK_BODY = orjson.dumps({"schema": TICK_SCHEMA})

_NAME = re.compile(NAME_PATTERN.removesuffix("$"))
_BAD_FROM = 0x80000000


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class Frame:
    """A decoded frame; `sent_units` has the unit of each signal as it was sent."""

    site: str
    unit: str
    device: str
    epoch: int
    sequence: int
    edge_us: int | None
    columns: tuple[Column, ...]
    sent_units: Mapping[str, str]
    dropped: tuple[tuple[int, int], ...]

    @property
    def key(self) -> str:
        """The message's key, `site/unit`."""
        return f"{self.site}/{self.unit}"

    @property
    def sample_count(self) -> int:
        """Number of samples of all signals."""
        return sum(column.values.size for column in self.columns)

    @property
    def first_us(self) -> int | None:
        """Device time of the earliest sample; None for a frame that only declares drops."""
        return min((int(column.time_us[0]) for column in self.columns), default=None)

    @property
    def last_us(self) -> int | None:
        """Device time of the latest sample; None for a frame that only declares drops."""
        return max((int(column.time_us[-1]) for column in self.columns), default=None)


@dataclass(frozen=True, slots=True)
class Tick:
    """The heartbeat that the owner of a silent partition appends to it, so that the log's time goes on."""


def decode_message(value: bytes | None, key: bytes | None, recorded_us: int) -> Frame | Tick:
    """What a message on telemetry.frames is: a frame or a tick.

    Raises:
        FrameRefused: it is neither.
    """
    if value == TICK_BODY:
        return Tick()
    return decode_frame(value, key, recorded_us)


def decode_frame(value: bytes | None, key: bytes | None, recorded_us: int) -> Frame:
    """The frame in a message whose body is `value`, whose key is `key`, recorded by the broker at `recorded_us`.

    Values of signals in the dictionary come out in their canonical unit.

    Raises:
        FrameRefused: with the reason, the path of the field, and what to do about it.
    """
    body = _parse(value)
    site, unit, device = _name(body, "site"), _name(body, "unit"), _name(body, "device")
    if key != f"{site}/{unit}".encode():
        shown = "no key" if key is None else f"the key {_shown(key)}"
        _refuse(
            Reason.KEY_MISMATCH,
            "site",
            f"The message has {shown}, its body says {site}/{unit}. Send it with the key {site}/{unit}.",
        )
    epoch, sequence = _count(body, "epoch"), _count(body, "sequence")
    latest_us = recorded_us + MAX_AHEAD_US
    edge_us = None
    if body.get("edge_us") is not None:
        edge_us = _count(body, "edge_us")
        if edge_us > latest_us:
            _ahead("edge_us", edge_us, recorded_us)
    dropped = _dropped(body.get("dropped"))
    time_us = _times(_field(body, "time_us"), recorded_us, latest_us)
    signals = _field(body, "signals")
    if type(signals) is not dict:
        _wrong("signals", "an object with one entry a signal", signals)
    if not dropped and not (time_us.size and signals):
        _refuse(
            Reason.EMPTY,
            "signals" if time_us.size else "time_us",
            "The frame has no samples. Give at least one time and one signal, or `dropped`.",
        )
    columns: list[Column] = []
    sent_units: dict[str, str] = {}
    for name, sent in signals.items():
        column = _column(name, sent, time_us)
        sent_units[name] = sent["unit"]
        columns.append(column)
    return Frame(site, unit, device, epoch, sequence, edge_us, tuple(columns), sent_units, dropped)


def _parse(value: bytes | None) -> dict[str, Any]:
    if not value:
        _refuse(Reason.EMPTY, "", "The message has no body. Send a sparge.frame/1 object as UTF-8 JSON.")
    if len(value) > MAX_FRAME_BYTES:
        _refuse(
            Reason.TOO_LARGE,
            "",
            f"The body has {len(value)} bytes; {MAX_FRAME_BYTES} are allowed. Send less in a frame.",
        )
    try:
        body = orjson.loads(value)
    except orjson.JSONDecodeError as wrong:
        raise FrameRefused(
            Reason.NOT_JSON,
            "",
            f"The body is not UTF-8 JSON: {wrong.msg} at line {wrong.lineno}, column {wrong.colno}. "
            f"Send a sparge.frame/1 object; a missing value is null, not NaN.",
        ) from wrong
    if type(body) is not dict:
        _refuse(
            Reason.NOT_AN_OBJECT,
            "",
            f"The body is {_kind(body)}, not an object. Send a sparge.frame/1 object.",
        )
    schema = _field(body, "schema")
    if schema != FRAME_SCHEMA:
        _refuse(
            Reason.UNKNOWN_VERSION,
            "schema",
            f"The schema is {_shown(schema)}; this version of Sparge reads {FRAME_SCHEMA}. "
            f"Send that, or update Sparge and replay the dead letter.",
        )
    return body


def _column(name: str, sent: object, time_us: NDArray[np.int64]) -> Column:
    where = f"signals.{name}"
    if not _NAME.fullmatch(name):
        _refuse(Reason.OUT_OF_RANGE, "signals", f"{_shown(name)} cannot name a signal. {_NAME_RULE}")
    if type(sent) is not dict:
        _wrong(where, "an object with unit and values", sent)
    code = _field(sent, "unit", where)
    if type(code) is not str:
        _wrong(f"{where}.unit", "a UCUM unit as text", code)
    values, missing = _values(f"{where}.values", _field(sent, "values", where))
    at = sent.get("at")
    if at is None:
        if values.size != time_us.size:
            _refuse(
                Reason.RAGGED,
                f"{where}.values",
                f"{values.size} values for {time_us.size} times. Give one value (or null) for each time, "
                f"or the positions of the times in `at`.",
            )
        times = time_us
    else:
        places = _places(f"{where}.at", at, values.size, time_us.size, items="values", of="times")
        times = time_us[places]
        times.flags.writeable = False
    status = _status(f"{where}.status", sent.get("status"), values.size)
    if missing is not None:
        _mark_missing(f"{where}.values", status, missing)
    unit, values = _convert(where, name, code, values)
    return Column(name, unit, times, values, status)


def _convert(
    where: str, name: str, sent: str, values: NDArray[np.float64]
) -> tuple[str, NDArray[np.float64]]:
    declared = DICTIONARY.get(name)
    try:
        if declared is None:
            parse(sent)
            return sent, values
        scale, offset = conversion(sent, declared.unit)
    except UnitUnknown as wrong:
        raise FrameRefused(
            Reason.UNKNOWN_UNIT, f"{where}.unit", wrong.message, detail=wrong.detail
        ) from wrong
    except UnitIncompatible as wrong:
        raise FrameRefused(
            Reason.INCOMPATIBLE_UNIT, f"{where}.unit", wrong.message, detail=wrong.detail
        ) from wrong
    if (scale, offset) == (1.0, 0.0):
        return declared.unit, values
    with np.errstate(over="ignore"):
        converted = values * scale + offset
    if np.isinf(converted).any():
        position = int(np.isinf(converted).argmax())
        _refuse(
            Reason.OUT_OF_RANGE,
            f"{where}.values[{position}]",
            f"{values[position]} {sent} cannot be expressed in {declared.unit}. Send a real reading or null.",
        )
    return declared.unit, converted


def _values(where: str, sent: object) -> tuple[NDArray[np.float64], NDArray[np.intp] | None]:
    """The values, NaN for null, and the positions of the nulls (None where there are none)."""
    if type(sent) is not list:
        _wrong(where, "a list of numbers and nulls", sent)
    if not sent:
        _refuse(Reason.EMPTY, where, "The signal has no values. Leave it out where it was not sampled.")
    kinds = set(map(type, sent))
    if not kinds <= {float, int, type(None)}:
        position = next(i for i, one in enumerate(sent) if type(one) not in {float, int, type(None)})
        _wrong(f"{where}[{position}]", "a number or null", sent[position])
    values: NDArray[np.float64] = np.array(sent, dtype=np.float64)
    infinite = np.isinf(values)
    if infinite.any():
        position = int(infinite.argmax())
        _refuse(
            Reason.OUT_OF_RANGE,
            f"{where}[{position}]",
            "The number is too large. Send a real reading or null.",
        )
    missing = np.flatnonzero(np.isnan(values)) if type(None) in kinds else None
    return values, missing


def _times(sent: object, recorded_us: int, latest_us: int) -> NDArray[np.int64]:
    times = _integers("time_us", sent, "microseconds UTC")
    if times.size == 0:
        return times
    if times[0] < 0:
        _refuse(
            Reason.OUT_OF_RANGE,
            "time_us[0]",
            f"{times[0]} lies before 1970. Send microseconds UTC since 1970-01-01.",
        )
    _require_increasing("time_us", times)
    if times[-1] > latest_us:
        position = int(np.searchsorted(times, latest_us, side="right"))
        _ahead(f"time_us[{position}]", int(times[position]), recorded_us)
    times.flags.writeable = False
    return times


def _places(where: str, sent: object, count: int, length: int, *, items: str, of: str) -> NDArray[np.int64]:
    """Positions, `count` of them, each below `length`, strictly increasing."""
    places = _integers(where, sent, "positions")
    if places.size != count:
        _refuse(
            Reason.RAGGED, where, f"{count} {items} for {places.size} positions. Give one position for each."
        )
    if places.size:
        _require_increasing(where, places)
        if places[0] < 0 or places[-1] >= length:
            worst = int(places[0]) if places[0] < 0 else int(places[-1])
            _refuse(
                Reason.OUT_OF_RANGE,
                where,
                f"Position {worst} does not exist: there are {length} {of}, counted from 0.",
            )
    return places


def _status(where: str, sent: object, count: int) -> NDArray[np.uint32]:
    status = np.zeros(count, dtype=np.uint32)
    if sent is None:
        return status
    if type(sent) is not dict:
        _wrong(where, "an object with at and codes", sent)
    codes = _integers(f"{where}.codes", _field(sent, "codes", where), "OPC UA status codes")
    places = _places(f"{where}.at", _field(sent, "at", where), codes.size, count, items="codes", of="values")
    if codes.size:
        if int(codes.min()) < 1 or int(codes.max()) > 0xFFFFFFFF:
            _refuse(
                Reason.OUT_OF_RANGE,
                f"{where}.codes",
                "A status code is a number from 1 to 4294967295; leave Good (0) values out.",
            )
        status[places] = codes
    return status


def _mark_missing(where: str, status: NDArray[np.uint32], missing: NDArray[np.intp]) -> None:
    """A missing value is Bad: by the status it was sent with, else by 0x80000000."""
    given = status[missing]
    wrong = (given != 0) & (given < _BAD_FROM)
    if wrong.any():
        position = int(missing[int(wrong.argmax())])
        _refuse(
            Reason.OUT_OF_RANGE,
            f"{where}[{position}]",
            f"The value is null, but its status {int(status[position]):#010x} is not Bad. "
            f"Give it a Bad status (from 0x80000000) or none.",
        )
    status[missing] = np.where(given == 0, np.uint32(Status.BAD), given)


def _dropped(sent: object) -> tuple[tuple[int, int], ...]:
    if sent is None:
        return ()
    if type(sent) is not list:
        _wrong("dropped", "a list of [first, last] pairs", sent)
    ranges: list[tuple[int, int]] = []
    for position, pair in enumerate(sent):
        where = f"dropped[{position}]"
        if type(pair) is not list or len(pair) != 2 or type(pair[0]) is not int or type(pair[1]) is not int:
            _wrong(where, "a pair [first, last] of sequence numbers", pair)
        first, last = pair
        if not 0 <= first <= last <= MAX_INT:
            _refuse(
                Reason.OUT_OF_RANGE, where, f"[{first}, {last}] is no range. Give [first, last], from 0 up."
            )
        ranges.append((first, last))
    return tuple(ranges)


def _field(body: dict[str, Any], name: str, inside: str = "") -> Any:
    try:
        return body[name]
    except KeyError:
        where = f"{inside}.{name}" if inside else name
        raise FrameRefused(
            Reason.MISSING_FIELD,
            where,
            f"The field {where} is missing. Add it; see docs/reference/frame.v1.schema.json.",
        ) from None


def _name(body: dict[str, Any], field: str) -> str:
    name = _field(body, field)
    if type(name) is not str:
        _wrong(field, "a name as text", name)
    if not _NAME.fullmatch(name):
        _refuse(Reason.OUT_OF_RANGE, field, f"{_shown(name)} cannot name a {field}. {_NAME_RULE}")
    return name


def _count(body: dict[str, Any], field: str) -> int:
    number = _field(body, field)
    if type(number) is not int:
        _wrong(field, "a whole number", number)
    if not 0 <= number <= MAX_INT:
        _refuse(Reason.OUT_OF_RANGE, field, f"{number} is out of range. Send a number from 0 to {MAX_INT}.")
    return number


def _integers(where: str, sent: object, what: str) -> NDArray[np.int64]:
    if type(sent) is not list:
        _wrong(where, f"a list of {what}", sent)
    if sent and set(map(type, sent)) != {int}:
        position = next(i for i, one in enumerate(sent) if type(one) is not int)
        _wrong(f"{where}[{position}]", "a whole number", sent[position])
    try:
        return np.frombuffer(array("q", sent), dtype=np.int64) if sent else np.empty(0, dtype=np.int64)
    except OverflowError:
        position = next(i for i, one in enumerate(sent) if not -MAX_INT <= one <= MAX_INT)
        _refuse(
            Reason.OUT_OF_RANGE,
            f"{where}[{position}]",
            f"{sent[position]} is out of range. Send {what} below 2**63.",
        )


def _require_increasing(where: str, numbers: NDArray[np.int64]) -> None:
    rising = numbers[1:] > numbers[:-1]
    if not rising.all():
        position = int(rising.argmin()) + 1
        _refuse(
            Reason.OUT_OF_RANGE,
            f"{where}[{position}]",
            f"{numbers[position]} does not follow {numbers[position - 1]}. Sort {where}, and give each once.",
        )


def _ahead(where: str, time_us: int, recorded_us: int) -> NoReturn:
    hours = (time_us - recorded_us) / 3.6e9
    _refuse(
        Reason.TIME_AHEAD,
        where,
        f"The time {time_us} is {hours:.1f} h ahead of the broker's clock; 24 h are allowed. "
        f"Set the clock of the device, and check that it sends microseconds.",
    )


_NAME_RULE = "A name starts with a letter or digit and has up to 64 letters, digits, `_`, `.` and `-`."


def _wrong(where: str, wanted: str, got: object) -> NoReturn:
    _refuse(Reason.WRONG_TYPE, where, f"{where} must be {wanted}, but is {_kind(got)}. Send {wanted}.")


def _kind(got: object) -> str:
    kinds = {dict: "an object", list: "a list", str: "text", bool: "true or false", type(None): "null"}
    return kinds.get(type(got), "a number")


def _shown(text: object, most: int = 80) -> str:
    shown = repr(text)
    return shown if len(shown) <= most else f"{shown[:most]}..."


def _refuse(reason: Reason, where: str, message: str) -> NoReturn:
    raise FrameRefused(reason, where, message)
