"""River's own `drift.ADWIN`, one object a signal: its window of buckets does not pay as vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from agents.models import river_state
from agents.models.recipe import RIVER
from schemas.errors import SnapshotRefused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray


class AdwinBank:
    """One ADWIN a lane; the parameters are River's."""

    def __init__(self, **parameters: float) -> None:
        self._parameters = parameters
        self._lanes: list[Any] = []

    def add(self, lanes: int = 1) -> None:
        """Add fresh lanes."""
        self._lanes += [RIVER["ADWIN"](**self._parameters) for _ in range(lanes)]

    def begin(self, where: NDArray[np.bool_]) -> None:
        """Start the lanes in `where` anew."""
        for lane in np.flatnonzero(where).tolist():
            self._lanes[lane] = RIVER["ADWIN"](**self._parameters)

    @property
    def detected(self) -> NDArray[np.bool_]:
        """(S,) whether the last value that a lane learnt showed a change."""
        return np.array([lane.drift_detected for lane in self._lanes], dtype=np.bool_)

    def learn(self, value: NDArray[np.float64], where: NDArray[np.bool_]) -> None:
        """Let the lanes in `where` learn their `value` (S,)."""
        for lane in np.flatnonzero(where).tolist():
            self._lanes[lane].update(float(value[lane]))

    def state(self) -> dict[str, Any]:
        """Everything that it knows."""
        return river_state.state_of(self._lanes)

    def take_up(self, state: Mapping[str, Any]) -> None:
        """Go on from `state`; raises SnapshotRefused where it does not fit."""
        lanes = river_state.model_of(state)
        if not isinstance(lanes, list) or not all(isinstance(lane, RIVER["ADWIN"]) for lane in lanes):
            raise SnapshotRefused("What was kept of ADWIN is torn.")
        self._lanes = lanes
