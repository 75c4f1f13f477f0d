"""Which level answers a question, and its rows brought to the width that was asked for. Pure."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Numbers: TypeAlias = NDArray[np.float64]
    Whole: TypeAlias = NDArray[np.int64]

SECOND_US = 1_000_000

LEVELS_US: Mapping[str, int] = {"1h": 3600 * SECOND_US, "1m": 60 * SECOND_US, "1s": SECOND_US}
"""Width of a bucket by the level's name, the coarsest first."""

RAW = "raw"


@dataclass(frozen=True, slots=True)
class Choice:
    """A level, and the width of the rows of the answer in microseconds: 0 for raw, else whole buckets."""

    level: str
    bin_us: int


def choose(start_us: int, end_us: int, width: int) -> Choice:
    """The coarsest level that has at least half of `width` buckets in the span; raw where none has.

    The answer then has between half of and twice as many rows a signal: enough for a chart so many pixels
    wide, as each row keeps its minimum and maximum.
    """
    wanted_us = (end_us - start_us) / width
    for level, bucket_us in LEVELS_US.items():
        if bucket_us <= 2 * wanted_us:
            return Choice(level, max(1, int(wanted_us // bucket_us)) * bucket_us)
    return Choice(RAW, 0)


@dataclass(frozen=True, slots=True)
class Buckets:
    """Rows of a level, NaN where there is no value. known_s: seconds with a value, the weight of mean."""

    signal_id: Whole
    time_us: Whole
    min: Numbers
    max: Numbers
    first: Numbers
    last: Numbers
    mean: Numbers
    known_s: Numbers
    count: Whole
    bad_count: Whole

    def __len__(self) -> int:
        return len(self.time_us)

    @classmethod
    def of(cls, columns: Mapping[str, NDArray[Any]]) -> Buckets:
        """The rows whose columns are given by the names of the fields, whatever their precision."""
        whole = {"signal_id", "time_us", "count", "bad_count"}
        typed: dict[str, NDArray[Any]] = {
            column.name: columns[column.name].astype(np.int64 if column.name in whole else np.float64)
            for column in fields(cls)
        }
        return cls(**typed)

    def joined(self, *others: Buckets) -> Buckets:
        """These rows and the others'."""
        parts = (self, *others)
        return Buckets(*(np.concatenate([getattr(p, column.name) for p in parts]) for column in fields(self)))

    def sorted(self) -> Buckets:
        """The same rows in order of signal and time."""
        order = np.lexsort((self.time_us, self.signal_id))
        return Buckets(*(getattr(self, column.name)[order] for column in fields(self)))


def singles(signal_id: Whole, time_us: Whole, value: Numbers, status: NDArray[np.uint32]) -> Buckets:
    """Samples as buckets of their own; a bad one has no value, as in every level."""
    usable = (status < np.uint32(1 << 31)) & ~np.isnan(value)
    kept = np.where(usable, value, np.nan)
    unknown = np.full(len(value), np.nan)
    counts = usable.astype(np.int64), (~usable).astype(np.int64)
    return Buckets(signal_id, time_us, kept, kept, kept, kept, kept, unknown, *counts)


def rebin(rows: Buckets, bin_us: int) -> Buckets:
    """The rows in order of signal and time, merged into bins of bin_us (0: as they are) from its multiples.

    min, max, first, last and counts are those of the samples. A mean is weighted by the time for which a
    value was in force; where no row of a bin has that time, they weigh alike. A bin without a sample shows
    the value that was held through it, which rows of `storage.holds` bring.
    """
    rows = rows.sorted()
    if not bin_us or not len(rows):
        return rows
    bins = rows.time_us // bin_us * bin_us
    starts = np.flatnonzero(
        np.concatenate([[True], (rows.signal_id[1:] != rows.signal_id[:-1]) | (bins[1:] != bins[:-1])])
    )
    has_mean = ~np.isnan(rows.mean)
    timed = np.where(has_mean, np.nan_to_num(rows.known_s), 0.0)
    untimed = np.repeat(np.add.reduceat(timed, starts) == 0, np.diff(starts, append=len(rows)))
    weight = np.where(untimed, (has_mean & np.isnan(rows.known_s)).astype(np.float64), timed)
    known = np.add.reduceat(weight, starts)
    with np.errstate(invalid="ignore"):
        mean = np.add.reduceat(np.where(weight > 0, rows.mean, 0.0) * weight, starts) / known
    place = np.arange(len(rows))
    usable = ~np.isnan(rows.first)
    first = np.minimum.reduceat(np.where(usable, place, len(rows)), starts)
    last = np.maximum.reduceat(np.where(usable, place, -1), starts)
    some = last >= 0
    count = np.add.reduceat(rows.count, starts)
    bad_count = np.add.reduceat(rows.bad_count, starts)
    held = count + bad_count == 0
    return Buckets(
        rows.signal_id[starts],
        bins[starts],
        np.where(held, mean, np.fmin.reduceat(rows.min, starts)),
        np.where(held, mean, np.fmax.reduceat(rows.max, starts)),
        np.where(held, mean, np.where(some, rows.first[np.where(some, first, 0)], np.nan)),
        np.where(held, mean, np.where(some, rows.last[np.where(some, last, 0)], np.nan)),
        mean,
        known,
        count,
        bad_count,
    )
