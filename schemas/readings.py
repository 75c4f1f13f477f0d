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

    names, units: (S,) as in Column. times_us: (S,) times of each signal. values, status: (N,), signal after
    signal. shared_us: the times of every signal, where all are measured together; else None.
    """

    __slots__ = ("_apart_us", "_starts", "names", "shared_us", "status", "units", "values")

    def __init__(
        self,
        names: tuple[str, ...],
        units: tuple[str, ...],
        times_us: NDArray[np.int64] | Sequence[NDArray[np.int64]],
        values: NDArray[np.float64],
        status: NDArray[np.uint32],
    ) -> None:
        """times_us: one array for all signals, or one for each."""
        self.names = names
        self.units = units
        self.shared_us = times_us if isinstance(times_us, np.ndarray) else None
        self._apart_us = () if isinstance(times_us, np.ndarray) else times_us
        self.values = values
        self.status = status
        self._starts: list[int] | None = None

    @property
    def times_us(self) -> Sequence[NDArray[np.int64]]:
        """(S,) times of each signal."""
        return self._apart_us if self.shared_us is None else [self.shared_us] * len(self.names)

    @property
    def counts(self) -> list[int]:
        """(S,) samples of each signal."""
        if self.shared_us is not None:
            return [self.shared_us.size] * len(self.names)
        return [times.size for times in self._apart_us]

    @property
    def time_us(self) -> NDArray[np.int64]:
        """(N,) time of each sample."""
        return np.concatenate(self.times_us)

    @property
    def bounds_us(self) -> tuple[int, int]:
        """Time of the earliest and of the latest sample."""
        all_us = self._apart_us if self.shared_us is None else [self.shared_us]
        return min([int(times[0]) for times in all_us]), max([int(times[-1]) for times in all_us])

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
            self._apart_us[place] if self.shared_us is None else self.shared_us,
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
        none = np.empty(0, dtype=np.int64)
        return Readings((), (), none, np.empty(0, dtype=np.float64), np.empty(0, dtype=np.uint32))
    return Readings(
        tuple([column.name for column in columns]),
        tuple([column.unit for column in columns]),
        [column.time_us for column in columns],
        np.concatenate([column.values for column in columns]),
        np.concatenate([column.status for column in columns]),
    )
