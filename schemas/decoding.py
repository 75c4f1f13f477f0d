"""From the bytes of a message to a frame: strict, and without a Python loop over samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
import orjson

from schemas.columns import readings_of
from schemas.errors import FrameRefused, Reason
from schemas.frame import FRAME_SCHEMA, MAX_AHEAD_US, MAX_FRAME_BYTES, TICK_BODY, TICK_SCHEMA
from schemas.readings import Column, readings
from schemas.refusal import (
    count_of,
    field,
    integers,
    kind,
    name_of,
    refuse,
    refuse_type,
    require_increasing,
    shown,
)
from schemas.wire import MAX_INT

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

__all__ = ["TICK_BODY", "Column", "Frame", "FrameRefused", "Reason", "Tick", "decode_frame", "decode_message"]


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """A decoded frame; `sent_units` has the unit of each signal as it was sent."""

    site: str
    unit: str
    device: str
    epoch: int
    sequence: int
    edge_us: int | None
    columns: Sequence[Column]
    sent_units: Mapping[str, str]
    dropped: tuple[tuple[int, int], ...]

    @property
    def key(self) -> str:
        """The message's key, `site/unit`."""
        return f"{self.site}/{self.unit}"

    @property
    def sample_count(self) -> int:
        """Number of samples of all signals."""
        return int(readings(self.columns).values.size)

    @property
    def first_us(self) -> int | None:
        """Device time of the earliest sample; None for a frame that only declares drops."""
        return readings(self.columns).bounds_us[0] if self.columns else None

    @property
    def last_us(self) -> int | None:
        """Device time of the latest sample; None for a frame that only declares drops."""
        return readings(self.columns).bounds_us[1] if self.columns else None


@dataclass(frozen=True, slots=True)
class Tick:
    """The heartbeat that the owner of a silent partition appends to it, so that the log's time goes on."""


def decode_message(value: bytes | None, key: bytes | None, recorded_us: int) -> Frame | Tick:
    """What a message on telemetry.frames is: a frame or a tick.

    Raises:
        FrameRefused: it is neither.
    """
    body = _parse(value)
    if body.get("schema") == TICK_SCHEMA:
        return Tick()
    return _frame(body, key, recorded_us)


def decode_frame(value: bytes | None, key: bytes | None, recorded_us: int) -> Frame:
    """The frame in a message with body `value` and key `key` that the broker recorded at `recorded_us`.

    Values of signals in the dictionary come out in their canonical unit.

    Raises:
        FrameRefused: with the reason, the path of the field, and what to do about it.
    """
    return _frame(_parse(value), key, recorded_us)


def _parse(value: bytes | None) -> dict[str, Any]:
    if not value:
        refuse(Reason.EMPTY, "", f"The message has no body. Send a {FRAME_SCHEMA} object as UTF-8 JSON.")
    if len(value) > MAX_FRAME_BYTES:
        refuse(
            Reason.TOO_LARGE,
            "",
            f"The body has {len(value)} bytes; {MAX_FRAME_BYTES} are allowed. Send fewer samples in a frame.",
        )
    try:
        body = orjson.loads(value)
    except orjson.JSONDecodeError as wrong:
        raise FrameRefused(
            Reason.NOT_JSON,
            "",
            f"The body is not UTF-8 JSON: {wrong.msg}, at line {wrong.lineno}, column {wrong.colno}. "
            f"Send a {FRAME_SCHEMA} object; a missing value is null, not NaN.",
        ) from wrong
    if type(body) is not dict:
        refuse(
            Reason.NOT_AN_OBJECT,
            "",
            f"The body is {kind(body)}, not an object. Send a {FRAME_SCHEMA} object.",
        )
    return body


def _frame(body: dict[str, Any], key: bytes | None, recorded_us: int) -> Frame:
    schema = field(body, "schema")
    if schema != FRAME_SCHEMA:
        refuse(
            Reason.UNKNOWN_VERSION,
            "schema",
            f"The schema is {shown(schema)}; this version of Sparge reads {FRAME_SCHEMA}. "
            f"Send that, or update Sparge and replay the dead letter.",
        )
    site, unit, device = name_of(body, "site"), name_of(body, "unit"), name_of(body, "device")
    if key != f"{site}/{unit}".encode():
        refuse(
            Reason.KEY_MISMATCH,
            "key",
            f"The message's key is {shown(key)}, but its body says {site}/{unit}. "
            f"Send it with the key {site}/{unit}, or correct site and unit.",
        )
    epoch, sequence = count_of(body, "epoch"), count_of(body, "sequence")
    edge_us = None if body.get("edge_us") is None else count_of(body, "edge_us")
    if edge_us is not None and edge_us > recorded_us + MAX_AHEAD_US:
        _refuse_ahead("edge_us", edge_us, recorded_us)
    dropped = _dropped(body.get("dropped"))
    time_us = _times(field(body, "time_us"), recorded_us)
    signals = field(body, "signals")
    if type(signals) is not dict:
        refuse_type("signals", "an object with one entry a signal", signals)
    if not dropped and not (time_us.size and signals):
        refuse(
            Reason.EMPTY,
            "signals" if time_us.size else "time_us",
            "The frame has no samples. Give at least one time and one signal, or `dropped`.",
        )
    columns, sent_units = readings_of(signals, time_us) if signals else ((), {})
    return Frame(site, unit, device, epoch, sequence, edge_us, columns, sent_units, dropped)


def _times(sent: object, recorded_us: int) -> NDArray[np.int64]:
    times = integers("time_us", sent, "microseconds UTC")
    if times.size == 0:
        return times
    if times[0] < 0:
        refuse(
            Reason.OUT_OF_RANGE,
            "time_us[0]",
            f"time_us[0] is {times[0]}, before 1970. Send microseconds UTC since 1970-01-01.",
        )
    require_increasing("time_us", times)
    latest_us = recorded_us + MAX_AHEAD_US
    if times[-1] > latest_us:
        position = int(np.searchsorted(times, latest_us, side="right"))
        _refuse_ahead(f"time_us[{position}]", int(times[position]), recorded_us)
    times.flags.writeable = False
    return times


def _refuse_ahead(where: str, time_us: int, recorded_us: int) -> NoReturn:
    hours = (time_us - recorded_us) / 3.6e9
    refuse(
        Reason.TIME_AHEAD,
        where,
        f"{where} is {time_us}, {hours:.1f} h ahead of the broker's clock; 24 h are allowed. "
        f"Set the device's clock, and check that it sends microseconds UTC.",
    )


def _dropped(sent: object) -> tuple[tuple[int, int], ...]:
    if sent is None:
        return ()
    if type(sent) is not list:
        refuse_type("dropped", "a list of pairs [first, last]", sent)
    return tuple(_dropped_range(f"dropped[{position}]", pair) for position, pair in enumerate(sent))


def _dropped_range(where: str, pair: object) -> tuple[int, int]:
    if type(pair) is not list or list(map(type, pair)) != [int, int]:
        refuse_type(where, "a pair [first, last] of sequence numbers", pair)
    first, last = pair
    if not 0 <= first <= last <= MAX_INT:
        refuse(
            Reason.OUT_OF_RANGE,
            where,
            f"{where} is [{first}, {last}]. Send the first and the last sequence number that were given up.",
        )
    return first, last
