"""Rollups computed slowly and obviously, and read from the store: what a digest is measured against."""

from __future__ import annotations

from fractions import Fraction
from math import isclose
from typing import TYPE_CHECKING, Any, NamedTuple

from psycopg import sql

from tests.integration.storage.frames import T0_US

if TYPE_CHECKING:
    from collections.abc import Mapping

    import psycopg

SHOWN = """
SELECT (extract(epoch FROM time) * 1000000)::bigint, min, max, first, last, mean, known_s, count, bad_count
FROM {} WHERE unit = %s AND signal = %s
"""

LEVELS_US = {"1s": 1_000_000, "1m": 60_000_000, "1h": 3_600_000_000}


class Bucket(NamedTuple):
    """One row of a rollup, without its place; known_s None where it is a single sample."""

    min: float | None
    max: float | None
    first: float | None
    last: float | None
    mean: float | None
    known_s: float | None
    usable: int
    bad: int


def rollup(samples: Mapping[int, float | None], width_us: int, hold_us: int) -> dict[int, Bucket]:
    """Buckets by their begin: every sample is laid over every bucket, in exact fractions.

    samples: value (None: unusable) by time in microseconds.
    """
    begins = sorted({time // width_us * width_us for time in samples})
    return {begin: _bucket(samples, begin, begin + width_us, hold_us) for begin in begins}


def chart(
    samples: Mapping[int, float | None], bin_us: int, hold_us: int, span_us: tuple[int, int]
) -> dict[int, Bucket]:
    """Bins of a chart by their begin: those with a sample, and those through which a value is held."""
    start_us, end_us = span_us
    bins = {}
    for begin in range(start_us // bin_us * bin_us, end_us, bin_us):
        found = _bucket(samples, begin, min(begin + bin_us, end_us), hold_us)
        if not found.usable + found.bad and found.mean is not None:
            found = found._replace(min=found.mean, max=found.mean, first=found.mean, last=found.mean)
        if found.usable + found.bad or found.mean is not None:
            bins[begin] = found
    return bins


def _bucket(samples: Mapping[int, float | None], begin: int, until: int, hold_us: int) -> Bucket:
    times = sorted(samples)
    ends = [min(later, time + hold_us) for time, later in zip(times, [*times[1:], 1 << 62], strict=False)]
    inside = [samples[time] for time in times if begin <= time < until]
    usable = [value for value in inside if value is not None]
    known_us, area = 0, Fraction(0)
    for time, end in zip(times, ends, strict=True):
        value = samples[time]
        in_force_us = min(end, until) - max(time, begin)
        if value is not None and in_force_us > 0:
            known_us += in_force_us
            area += Fraction(value) * in_force_us
    return Bucket(
        min(usable, default=None),
        max(usable, default=None),
        usable[0] if usable else None,
        usable[-1] if usable else None,
        float(area / known_us) if known_us else None,
        known_us / 1e6,
        len(usable),
        len(inside) - len(usable),
    )


def single(samples: Mapping[int, float | None]) -> dict[int, Bucket]:
    """What the finest level shows of a signal that is not sampled faster: the samples."""
    return {
        time: Bucket(value, value, value, value, value, None, int(value is not None), int(value is None))
        for time, value in samples.items()
    }


def shown(connection: psycopg.Connection[Any], level: str, unit: str, signal: str) -> dict[int, Bucket]:
    """What the view of a level shows of a signal, by the begin of the bucket in microseconds."""
    query = sql.SQL(SHOWN).format(sql.Identifier("sparge", f"samples_{level}"))
    rows = connection.execute(query, [unit, signal]).fetchall()
    return {row[0]: Bucket(*row[1:]) for row in rows}


def differences(found: Mapping[int, Bucket], wanted: Mapping[int, Bucket]) -> list[str]:
    """What is not the same, by microseconds since T0_US; sums may differ in the last digits."""
    return [
        f"{begin - T0_US}: {found.get(begin)} is not {wanted.get(begin)}"
        for begin in sorted({*found, *wanted})
        if not _alike(found.get(begin), wanted.get(begin))
    ]


def _alike(found: Bucket | None, wanted: Bucket | None) -> bool:
    if found is None or wanted is None:
        return False
    return all(
        a == b or (a is not None and b is not None and isclose(a, b, rel_tol=1e-9, abs_tol=1e-9))
        for a, b in zip(found, wanted, strict=True)
    )
