"""Samples as people and scripts write them, a line each: `DO=39.8 pH=7.01`, or JSON. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from schemas.errors import ContractError
from schemas.frame import FRAME_SCHEMA, SensorFrame
from sparge.times import parse_time_us

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from zoneinfo import ZoneInfo

_WRITE = "write signal=value (DO=39.8 time=2026-03-01T14:30:00Z) or JSON"


@dataclass(frozen=True, slots=True)
class SampleLine:
    """What was measured at one moment; None: sampled, but no value."""

    time_us: int
    values: Mapping[str, float | None]


def parse_pairs(words: Sequence[str], zone: ZoneInfo | None, now_us: int) -> SampleLine:
    """Return the samples of words such as `DO=39.8 pH=null`; `time=...` says when (default now).

    Raises:
        ContractError: a word is none of these.
        QueryRefused: the time is none.
    """
    values: dict[str, float | None] = {}
    time_us = now_us
    for word in words:
        name, equals, text = word.partition("=")
        if not equals or not name or not text:
            raise ContractError(f"'{word}' is not a sample.", next_step=_WRITE)
        if name == "time":
            time_us = parse_time_us(text, zone, now_us)
        else:
            values[name] = _value(name, text)
    return _some(time_us, values)


def parse_line(text: str, zone: ZoneInfo | None, now_us: int) -> SampleLine | SensorFrame | None:
    """Return what one line says: samples, a whole frame, or None for an empty line or a comment (#).

    A line of JSON is a frame (`"schema":"sparge.frame/1"`) or an object of signals with `time` or `time_us`.

    Raises:
        ContractError: it says neither.
        QueryRefused: the time is none.
    """
    line = text.strip()
    if not line or line.startswith("#"):
        return None
    if not line.startswith("{"):
        return parse_pairs(line.split(), zone, now_us)
    try:
        said: dict[str, Any] = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise ContractError("This is not JSON.", detail=str(error), next_step=_WRITE) from error
    if said.get("schema") == FRAME_SCHEMA:
        return SensorFrame.decode(line.encode())
    time_us = said.pop("time_us", None)
    if time_us is None:
        time_us = parse_time_us(str(said.pop("time", "now")), zone, now_us)
    if not isinstance(time_us, int):
        raise ContractError("time_us is whole microseconds since 1970, UTC.", next_step=_WRITE)
    return _some(time_us, {name: _number(name, value) for name, value in said.items()})


def _some(time_us: int, values: dict[str, float | None]) -> SampleLine:
    if not values:
        raise ContractError("There is no sample.", next_step=_WRITE)
    return SampleLine(time_us, values)


def _value(name: str, text: str) -> float | None:
    if text.lower() in {"null", "none", "nan"}:
        return None
    try:
        return float(text)
    except ValueError:
        raise ContractError(f"'{text}' is no value for {name}.", next_step=_WRITE) from None


def _number(name: str, value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ContractError(f"{value!r} is no value for {name}.", next_step=_WRITE)
    return float(value)
