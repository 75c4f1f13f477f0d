"""The samples of a frame in a few arrays, signal after signal; and each signal's as a column of them.

A frame of 30 signals at one time is 30 samples: an object for each signal would cost more than they do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, overload

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
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


class Readings(Sequence[Column]):
    """N samples of S signals; as a sequence, the S columns.

    names, units: (S,) as in Column. times_us: (S,) times of each signal; where all are measured together it
    is the same array S times. values, status: (N,), signal after signal.
    """

    __slots__ = ("_starts", "names", "status", "times_us", "units", "values")

    def __init__(
        self,
        names: tuple[str, ...],
        units: tuple[str, ...],
        times_us: Sequence[NDArray[np.int64]],
        values: NDArray[np.float64],
        status: NDArray[np.uint32],
    ) -> None:
        self.names = names
        self.units = units
        self.times_us = times_us
        self.values = values
        self.status = status
        self._starts: list[int] | None = None

    @property
    def counts(self) -> list[int]:
        """(S,) samples of each signal."""
        return [times.size for times in self.times_us]

    @property
    def time_us(self) -> NDArray[np.int64]:
        """(N,) time of each sample."""
        return np.concatenate(self.times_us)

    @property
    def bounds_us(self) -> tuple[int, int]:
        """Time of the earliest and of the latest sample."""
        # Most signals share one array, and what is asked of it once need not be asked again.
        apart = {id(times): times for times in self.times_us}.values()
        return min([int(times[0]) for times in apart]), max([int(times[-1]) for times in apart])

    def __len__(self) -> int:
        return len(self.names)

    @overload
    def __getitem__(self, place: int) -> Column: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[Column, ...]: ...
    def __getitem__(self, place: int | slice) -> Column | tuple[Column, ...]:
        if isinstance(place, slice):
            return tuple(self[one] for one in range(*place.indices(len(self))))
        starts = self._starts
        if starts is None:
            starts = self._starts = [0, *accumulate(self.counts)]
        place = range(len(self.names))[place]
        part = slice(starts[place], starts[place + 1])
        return Column(
            self.names[place],
            self.units[place],
            self.times_us[place],
            self.values[part],
            self.status[part],
        )

    def __iter__(self) -> Iterator[Column]:
        return map(self.__getitem__, range(len(self.names)))


def readings(columns: Sequence[Column]) -> Readings:
    """The samples of these columns, which are perhaps such already."""
    if isinstance(columns, Readings):
        return columns
    if not columns:
        return Readings((), (), (), np.empty(0, dtype=np.float64), np.empty(0, dtype=np.uint32))
    return Readings(
        tuple([column.name for column in columns]),
        tuple([column.unit for column in columns]),
        [column.time_us for column in columns],
        np.concatenate([column.values for column in columns]),
        np.concatenate([column.status for column in columns]),
    )
