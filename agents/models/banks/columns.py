"""What a bank knows of its lanes: named columns that grow by one entry a lane, start anew, and are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from schemas.errors import SnapshotRefused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray


class Columns:
    """Arrays with one entry a lane; `fields` names each with what a fresh lane has in it.

    A fresh entry that is an array gives a column of two dimensions. Its dtype is the column's.
    """

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self._fresh = {name: np.asarray(fresh) for name, fresh in fields.items()}
        self._columns = {
            name: np.empty((0, *fresh.shape), dtype=fresh.dtype) for name, fresh in self._fresh.items()
        }

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self._columns[name]

    def __len__(self) -> int:
        return len(next(iter(self._columns.values())))

    def add(self, lanes: int = 1) -> None:
        """Give every column `lanes` fresh entries more."""
        for name, fresh in self._fresh.items():
            more = np.broadcast_to(fresh, (lanes, *fresh.shape))
            self._columns[name] = np.concatenate([self._columns[name], more])

    def begin(self, where: NDArray[np.bool_]) -> None:
        """Make the lanes in `where` (S,) as if they had just been added."""
        for name, fresh in self._fresh.items():
            self._columns[name][where] = fresh

    def state(self) -> dict[str, Any]:
        """Return a copy of every column."""
        return {name: column.copy() for name, column in self._columns.items()}

    def take_up(self, state: Mapping[str, Any]) -> None:
        """Go on from `state`.

        Raises:
            SnapshotRefused: a column is missing, or of another shape or kind.
        """
        taken = {}
        for name, fresh in self._fresh.items():
            kept = state.get(name)
            if not isinstance(kept, np.ndarray) or kept.dtype != fresh.dtype or kept.shape[1:] != fresh.shape:
                raise SnapshotRefused(
                    f"What was kept of a model has no fitting column '{name}'.",
                    detail=f"{getattr(kept, 'dtype', type(kept).__name__)} {getattr(kept, 'shape', '')}",
                    kept="The samples; the model takes a new baseline.",
                )
            taken[name] = kept.copy()
        if len({len(column) for column in taken.values()}) > 1:
            raise SnapshotRefused("The columns kept of a model differ in their number of signals.")
        self._columns = taken
