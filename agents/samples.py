"""The samples of a frame as flat arrays, so that a rule looks at all signals of a frame at once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from schemas.readings import readings
from schemas.status import Status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from schemas.decoding import Column


Number = TypeVar("Number", bound="np.generic")


@dataclass(frozen=True, eq=False)
class Samples:
    """C runs of samples, one a signal, none empty, N samples altogether; each run is in order of device time.

    slots: (C,) the signals' places in the unit's tables.
    counts, starts: (C,) length of each run and where it begins.
    time_us: (N,) device time in microseconds. value: (N,) in each signal's unit, finite.
    """

    slots: NDArray[np.intp]
    counts: NDArray[np.intp]
    starts: NDArray[np.intp]
    time_us: NDArray[np.int64]
    value: NDArray[np.float64]

    @cached_property
    def ends(self) -> NDArray[np.intp]:
        """(C,) where the last sample of each run stands."""
        last: NDArray[np.intp] = self.starts + self.counts - 1
        return last

    @cached_property
    def lowest(self) -> NDArray[np.float64]:
        """(C,) the least value of each run."""
        lowest: NDArray[np.float64] = np.minimum.reduceat(self.value, self.starts)
        return lowest

    @cached_property
    def highest(self) -> NDArray[np.float64]:
        """(C,) the largest value of each run."""
        highest: NDArray[np.float64] = np.maximum.reduceat(self.value, self.starts)
        return highest

    @cached_property
    def runs(self) -> NDArray[np.intp]:
        """(N,) the run of each sample."""
        return np.repeat(np.arange(self.counts.size), self.counts)

    def each(self, by_run: NDArray[Number]) -> NDArray[Number]:
        """(N,) for each sample what `by_run` (C,) has for its run."""
        spread: NDArray[Number] = by_run[self.runs]
        return spread

    def run(self, index: int) -> slice:
        """Where the samples of run `index` stand."""
        start = int(self.starts[index])
        return slice(start, start + int(self.counts[index]))

    def keep(self, mask: NDArray[np.bool_]) -> Samples:
        """Return the samples for which `mask` (N,) holds; runs that lose all of theirs go."""
        if np.count_nonzero(mask) == mask.size:
            return self
        counts = np.add.reduceat(mask, self.starts, dtype=np.intp) if self.starts.size else self.counts
        left = counts > 0
        counts = counts[left]
        return Samples(
            self.slots[left], counts, np.cumsum(counts) - counts, self.time_us[mask], self.value[mask]
        )


def usable(columns: Sequence[Column], slots: NDArray[np.intp]) -> Samples:
    """Return the samples that may be judged: not missing, and Good or Uncertain by their status.

    columns: none empty. slots: (C,) the place of each column's signal.
    """
    read = readings(columns)
    if not read.names:
        return Samples(slots, slots, slots, np.empty(0, dtype=np.int64), np.empty(0))
    counts = np.array(read.counts, dtype=np.intp)
    samples = Samples(slots, counts, np.cumsum(counts) - counts, read.time_us, read.values)
    return samples.keep(np.isfinite(read.values) & (read.status < Status.BAD))
