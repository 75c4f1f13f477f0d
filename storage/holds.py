"""Values that stay in force where a level has no row, because nothing was sampled there. Pure.

A row of a level sums up its own bucket, with the value carried into it; what its last sample says of the time
after the bucket is in no row. A bin that is wider than a bucket, or has none, needs that time, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from storage.levels import Buckets

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Numbers: TypeAlias = NDArray[np.float64]
    Whole: TypeAlias = NDArray[np.int64]
    Mask: TypeAlias = NDArray[np.bool_]

BAD = np.uint32(1 << 31)


@dataclass(frozen=True, slots=True)
class InForce:
    """Values (NaN: none) in force from begin_us until until_us, or until next_us, the next row, if sooner."""

    signal_id: Whole
    value: Numbers
    begin_us: Whole
    until_us: Whole
    next_us: Whole

    def __len__(self) -> int:
        return len(self.begin_us)

    def settled(self, place: Whole, value: Numbers, until_us: Whole) -> InForce:
        """The same, with better knowledge of the values at these places."""
        new_value, new_until_us = self.value.copy(), self.until_us.copy()
        new_value[place], new_until_us[place] = value, until_us
        return InForce(self.signal_id, new_value, self.begin_us, new_until_us, self.next_us)


def usable(value: NDArray[Any], status: NDArray[Any]) -> Numbers:
    """The values as float64, NaN where the status is bad: such a sample ends what was in force."""
    return np.where(status.astype(np.uint32) < BAD, value.astype(np.float64), np.nan)


def after(rows: Buckets, hold_us: Whole, bucket_us: int, end_us: int) -> tuple[InForce, Mask]:
    """What is in force after each of the sorted rows, and of which rows that is in doubt.

    hold_us: of the row's signal. end_us: where what comes after the last row ends.
    A row without known_s is a sample, and its own time counts. Of a bucket the time of the last sample is not
    stored: held from the bucket's begin is the least that is true. In doubt are rows with a gap behind them
    that holds may end in, or whose last sample may be a bad one; the latter count as ended.
    """
    single = np.isnan(rows.known_s)
    begin_us = np.where(single, rows.time_us, rows.time_us + bucket_us)
    next_us = np.full(len(rows), end_us, dtype=np.int64)
    same = rows.signal_id[1:] == rows.signal_id[:-1]
    next_us[:-1][same] = rows.time_us[1:][same]
    until_us = rows.time_us + hold_us
    value = np.where(single | (rows.bad_count == 0), rows.last, np.nan)
    open_ended = (rows.bad_count > 0) | (until_us < next_us)
    doubtful = ~single & (rows.count > 0) & (begin_us < next_us) & open_ended
    return InForce(rows.signal_id, value, begin_us, until_us, next_us), doubtful


def before(
    signal_id: Whole, value: Numbers, until_us: Whole, rows: Buckets, span_us: tuple[int, int]
) -> InForce:
    """What samples before a span bring into it, up to the first of the sorted rows of their signal."""
    start_us, end_us = span_us
    known, place = np.unique(rows.signal_id, return_index=True)
    next_us = np.full(len(signal_id), end_us, dtype=np.int64)
    if len(known):
        at = np.minimum(np.searchsorted(known, signal_id), len(known) - 1)
        next_us = np.where(known[at] == signal_id, rows.time_us[place[at]], next_us)
    return InForce(signal_id, value, np.full(len(signal_id), start_us), until_us, next_us)


def begun(in_force: InForce) -> Buckets:
    """One row without a sample, a value at the time from which it is in force."""
    kept = ~np.isnan(in_force.value) & (in_force.begin_us < np.minimum(in_force.until_us, in_force.next_us))
    value, none = in_force.value[kept], np.zeros(int(kept.sum()), dtype=np.int64)
    unknown = np.full(len(value), np.nan)
    columns = value, value, value, value, value, unknown
    return Buckets(in_force.signal_id[kept], in_force.begin_us[kept], *columns, none, none)


def pieces(in_force: InForce, bin_us: int, end_us: int) -> Buckets:
    """The time for which the values are in force, up to end_us, cut at the bins: rows of mean and time."""
    until_us = np.minimum(np.minimum(in_force.until_us, in_force.next_us), end_us)
    kept = ~np.isnan(in_force.value) & (in_force.begin_us < until_us)
    begin_us, until_us = in_force.begin_us[kept], until_us[kept]
    first = begin_us // bin_us
    counts = (until_us - 1) // bin_us - first + 1
    of = np.repeat(np.arange(len(counts)), counts)
    nth = np.arange(len(of)) - np.repeat(np.cumsum(counts) - counts, counts)
    time_us = (first[of] + nth) * bin_us
    known_s = (np.minimum(until_us[of], time_us + bin_us) - np.maximum(begin_us[of], time_us)) / 1e6
    unknown, none = np.full(len(of), np.nan), np.zeros(len(of), dtype=np.int64)
    mean = in_force.value[kept][of]
    signal_id = in_force.signal_id[kept][of]
    return Buckets(signal_id, time_us, unknown, unknown, unknown, unknown, mean, known_s, none, none)
