"""Times and spans as people type and read them; inside, a time is integer microseconds UTC."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from schemas.errors import QueryRefused, SettingsError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
US_PER_S = 1_000_000

_SPAN_UNITS_S = {"ms": 0.001, "s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400, "w": 604_800}
_SPAN = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|min|s|m|h|d|w)")
_TIME_EXAMPLE = "2026-03-01T14:30:00+01:00"


def parse_zone(name: str) -> ZoneInfo:
    """Return the named IANA time zone; raises SettingsError."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise SettingsError(
            f"'{name}' is not a time zone.",
            detail=str(error),
            next_step="use a name such as Europe/Berlin, America/New_York or UTC",
        ) from error


def parse_span_us(text: str) -> int:
    """Return a positive span such as `90s`, `15min`, `1h30m` or `2d` in microseconds; raises QueryRefused."""
    compact = text.strip()
    parts = _SPAN.findall(compact)
    if not parts or _SPAN.sub("", compact).strip():
        raise QueryRefused(
            f"'{text}' is not a span of time.", next_step="write it as 90s, 15min, 1h, 1h30m or 2d"
        )
    span_us = round(sum(float(number) * _SPAN_UNITS_S[unit] for number, unit in parts) * US_PER_S)
    if span_us <= 0:
        raise QueryRefused("A span of time must be longer than nothing.")
    return span_us


def parse_time_us(text: str, zone: ZoneInfo | None, now_us: int) -> int:
    """Return a point in time in microseconds UTC.

    Args:
        text: ISO 8601 with an offset, ISO 8601 local time of `zone`, `now`, or a span
            ago such as `15min ago`.
        zone: where a time without an offset was read off the wall; an offset in the text wins over it.
        now_us: what `now` is.

    Raises:
        QueryRefused: not a time; local without a zone; or a local time that the zone's clocks never
            showed, or showed twice.
    """
    compact = text.strip()
    if compact == "now":
        return now_us
    if compact.endswith("ago"):
        return now_us - parse_span_us(compact.removesuffix("ago"))
    try:
        moment = datetime.fromisoformat(compact)
    except ValueError as error:
        raise QueryRefused(
            f"'{text}' is not a time.", detail=str(error), next_step=f"write it in ISO 8601: {_TIME_EXAMPLE}"
        ) from error
    if moment.tzinfo is None:
        moment = _on_the_wall(text, moment, zone)
    return to_us(moment)


def _on_the_wall(text: str, moment: datetime, zone: ZoneInfo | None) -> datetime:
    if zone is None:
        raise QueryRefused(
            f"'{text}' is a local time, and nothing says of which place.",
            next_step=f"add the offset ({_TIME_EXAMPLE}) or name the place: --zone Europe/Berlin",
        )
    first, second = (moment.replace(tzinfo=zone, fold=fold) for fold in (0, 1))
    if first.utcoffset() == second.utcoffset():
        return first
    # Where the two readings differ, the clocks were changed: back (shown twice) or forward (never shown).
    shown = first.astimezone(UTC).astimezone(zone).replace(tzinfo=None) == moment
    how = "twice" if shown else "never"
    raise QueryRefused(
        f"Clocks in {zone.key} showed {text} {how}: they were changed that night.",
        next_step=f"say which one is meant, with its offset: {first.isoformat()} or {second.isoformat()}",
    )


def to_us(moment: datetime) -> int:
    """Return an aware datetime in microseconds UTC, exactly."""
    return (moment - EPOCH) // timedelta(microseconds=1)


def to_datetime(time_us: int, zone: ZoneInfo | None = None) -> datetime:
    """Return a time in microseconds UTC as an aware datetime of `zone` (UTC if none), exactly."""
    return (EPOCH + timedelta(microseconds=time_us)).astimezone(zone or UTC)


def show_time(time_us: int, zone: ZoneInfo | None = None) -> str:
    """Return a time as ISO 8601 with its offset; as many decimals as it has, none if it has none."""
    moment = to_datetime(time_us, zone)
    spec = "seconds" if time_us % US_PER_S == 0 else "milliseconds" if time_us % 1000 == 0 else "microseconds"
    return moment.isoformat(sep=" ", timespec=spec)


def show_second(time_us: int, zone: ZoneInfo | None = None) -> str:
    """Return a time as show_time does, in whole seconds: for what nobody needs to know more exactly."""
    return show_time(time_us - time_us % US_PER_S, zone)


def show_minute(time_us: int, zone: ZoneInfo | None = None) -> str:
    """Return a time to the minute, without its offset: for tables whose heading names the zone."""
    return f"{to_datetime(time_us, zone):%Y-%m-%d %H:%M}"


def show_span(span_us: int) -> str:
    """Return a span as people say it, in its two largest units: `2 d 3 h`, `14 min 5 s`, `0.3 s`."""
    if span_us < 0:
        return f"-{show_span(-span_us)}"
    if span_us < 10 * US_PER_S:
        return f"{span_us / US_PER_S:.1f} s"
    rest = span_us // US_PER_S
    shown: list[str] = []
    for unit, seconds in (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1)):
        count, rest = divmod(rest, seconds)
        if count or shown:
            shown.append(f"{count} {unit}")
    return " ".join(part for part in shown[:2] if not part.startswith("0 "))
