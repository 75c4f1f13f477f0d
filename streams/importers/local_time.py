"""Local times of a recorder to UTC, none guessed: an hour that comes twice is told apart by elapsed time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from schemas.errors import ImportRefused

if TYPE_CHECKING:
    from collections.abc import Sequence
    from zoneinfo import ZoneInfo

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
MAX_DRIFT_US = 15 * 60 * 1_000_000
"""More than a clock is set right by, less than any clock is changed by for summer."""
_NOTHING_SENT = "Nothing was sent."


@dataclass(frozen=True, slots=True)
class Stamp:
    """One local time of a recording.

    Attributes:
        line: where it stands in the file.
        local: what the clock showed; naive.
        elapsed_us: time since the recording began, or None where the file does not say.
    """

    line: int
    local: datetime
    elapsed_us: int | None = None


def to_utc(stamps: Sequence[Stamp], zone: ZoneInfo) -> list[int]:
    """The stamps of one recording in microseconds UTC.

    Raises:
        ImportRefused: a time that clocks in the zone never showed; one that they showed twice, where elapsed
            time does not tell which; or clock and elapsed time that part: the recorder kept another time.
    """
    possible = [_candidates(stamp, zone) for stamp in stamps]
    begin = _begin(stamps, possible)
    return [_choose(stamp, utc, begin, zone) for stamp, utc in zip(stamps, possible, strict=True)]


def _candidates(stamp: Stamp, zone: ZoneInfo) -> list[int]:
    found: list[int] = []
    for fold in (0, 1):
        utc = stamp.local.replace(tzinfo=zone, fold=fold).astimezone(UTC)
        # A time in the gap of spring does not come back as itself.
        if utc.astimezone(zone).replace(tzinfo=None, fold=0) == stamp.local:
            at = (utc - _EPOCH) // _MICROSECOND
            if at not in found:
                found.append(at)
    if not found:
        raise ImportRefused(
            f"line {stamp.line}: {stamp.local} never was in {zone.key}: clocks were put forward over it.",
            kept=_NOTHING_SENT,
            next_step=f"name the zone that the recorder kept, for example --zone {_fixed(stamp, zone)}",
        )
    return found


def _begin(stamps: Sequence[Stamp], possible: Sequence[Sequence[int]]) -> int | None:
    """When the recording began, by the first time not in doubt; None if all are, and both choices fit."""
    pairs = zip(stamps, possible, strict=True)
    timed = [(stamp.elapsed_us, utc) for stamp, utc in pairs if stamp.elapsed_us is not None]
    for elapsed, utc in timed:
        if len(utc) == 1:
            return utc[0] - elapsed
    if not timed:
        return None
    elapsed, utc = timed[0]
    fitting = [at - elapsed for at in utc if _fits(at - elapsed, timed)]
    return fitting[0] if len(fitting) == 1 else None


def _fits(begin: int, timed: Sequence[tuple[int, Sequence[int]]]) -> bool:
    return all(min(abs(at - begin - elapsed) for at in utc) <= MAX_DRIFT_US for elapsed, utc in timed)


def _choose(stamp: Stamp, utc: Sequence[int], begin: int | None, zone: ZoneInfo) -> int:
    if begin is None or stamp.elapsed_us is None:
        if len(utc) == 1:
            return utc[0]
        raise ImportRefused(
            f"line {stamp.line}: {stamp.local} was twice in {zone.key}, when clocks were put back, and "
            f"nothing in the file tells which it is.",
            kept=_NOTHING_SENT,
            next_step=f"name the offset that the clock had then, for example --zone {_fixed(stamp, zone)}",
        )
    expected = begin + stamp.elapsed_us
    nearest, drift = min(((at, at - expected) for at in utc), key=lambda pair: abs(pair[1]))
    if abs(drift) > MAX_DRIFT_US:
        raise ImportRefused(
            f"line {stamp.line}: by the clock ({stamp.local} in {zone.key}) {abs(drift) // 60_000_000} min "
            f"{'more' if drift > 0 else 'less'} have passed since the first row than by the file's own "
            f"duration. The recorder's clock did not keep the time of {zone.key}.",
            kept=_NOTHING_SENT,
            next_step=f"name the zone that it kept, for example --zone {_fixed(stamp, zone)}",
        )
    return nearest


def _fixed(stamp: Stamp, zone: ZoneInfo) -> str:
    """A zone without clock changes at the offset that `zone` has at the stamp, for whole hours; else UTC."""
    offset = stamp.local.replace(tzinfo=zone).utcoffset() or timedelta(0)
    hours, rest = divmod(offset, timedelta(hours=1))
    # POSIX counts west of Greenwich, so the sign is turned.
    return f"Etc/GMT{-hours:+d}" if hours and not rest else "UTC"
