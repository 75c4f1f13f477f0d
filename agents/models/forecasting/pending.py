"""Forecasts that wait for the truth: what was said, from what, until the horizon has passed.

Of a long horizon only some forecasts are kept, evenly: those in between would say the same, and cost memory.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from agents.models.banks.columns import Columns
from schemas.errors import SnapshotRefused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from agents.models.forecasting.recipe import ForecastingRecipe

NEVER = np.iinfo(np.int64).min


class Pending:
    """For each signal and horizon the forecasts under way; `width` numbers each, told from the value then.

    strides (H,): at steps that are multiples of it a horizon is due.
    """

    def __init__(self, recipe: ForecastingRecipe, width: int) -> None:
        self.strides = np.array(recipe.strides, dtype=np.int64)
        self._steps = np.array(recipe.horizon_steps, dtype=np.int64)
        self._depth = self._steps // self.strides
        self._offset = np.cumsum(self._depth) - self._depth
        places = int(self._depth.sum())
        self._made = np.full(places, NEVER)
        self._lanes = Columns(
            {"then": np.full(places, np.nan), "said": np.zeros((places, width), dtype=np.float32)}
        )

    def add(self) -> None:
        """Add a fresh lane."""
        self._lanes.add()

    def due(self, index: int) -> NDArray[np.intp]:
        """(T,) the horizons that are due at step `index` of the grid."""
        return np.flatnonzero(index % self.strides == 0)

    def come_true(
        self, index: int, targets: NDArray[np.intp]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """What was said of step `index`, one horizon before it.

        Returns:
            (S, T) the value then, NaN where nothing was said, and (S, T, width) what was said.
        """
        places = self._places(index, targets)
        there = self._made[places] == index - self._steps[targets]
        then = np.where(there, self._lanes["then"][:, places], np.nan)
        return then, self._lanes["said"][:, places].astype(np.float64)

    def keep(
        self,
        index: int,
        targets: NDArray[np.intp],
        then: NDArray[np.float64],
        said: NDArray[np.float64],
    ) -> None:
        """Keep what is said at step `index`: then (S,), NaN for nothing, and said (S, T, width)."""
        places = self._places(index, targets)
        self._made[places] = index
        self._lanes["then"][:, places] = then[:, None]
        self._lanes["said"][:, places] = said

    def forget(self, where: NDArray[np.bool_]) -> None:
        """Drop what was said of the signals in `where` (S,)."""
        self._lanes["then"][where] = np.nan

    def state(self) -> dict[str, Any]:
        """Everything that it knows."""
        return {"made": self._made.copy(), **self._lanes.state()}

    def take_up(self, state: Mapping[str, Any]) -> None:
        """Go on from `state`; raises SnapshotRefused where it does not fit."""
        made = state.get("made")
        if not isinstance(made, np.ndarray) or made.shape != self._made.shape or made.dtype != np.int64:
            raise SnapshotRefused("What was kept of forecasts under way is of other horizons.")
        self._lanes.take_up(state)
        self._made = made.copy()

    def _places(self, index: int, targets: NDArray[np.intp]) -> NDArray[np.int64]:
        turn = index // self.strides[targets] % self._depth[targets]
        places: NDArray[np.int64] = self._offset[targets] + turn
        return places
