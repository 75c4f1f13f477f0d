"""River's own forecasters, one object a signal: slower than a bank, and any that River has."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np

from agents.models import river_state
from schemas.errors import SnapshotRefused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from agents.models.recipe import RiverModel

WARM_UP = 3
"""Values before a forecaster is asked: River's raise or answer nothing before."""

WILDEST = 1e30


class RiverForecasters:
    """A River forecaster a lane; one that diverges is started anew, for it would not come back by itself."""

    def __init__(self, model: RiverModel) -> None:
        self._model = model
        self._lanes: list[Any] = []
        self._seen: list[int] = []

    def add(self, lanes: int = 1) -> None:
        """Add fresh lanes."""
        self._lanes += [self._model.build() for _ in range(lanes)]
        self._seen += [0] * lanes

    def begin(self, where: NDArray[np.bool_]) -> None:
        """Start the lanes in `where` anew."""
        for lane in np.flatnonzero(where).tolist():
            self._lanes[lane] = self._model.build()
            self._seen[lane] = 0

    @property
    def running(self) -> NDArray[np.bool_]:
        """(S,) which lanes have had enough values to forecast."""
        enough: NDArray[np.bool_] = np.array(self._seen, dtype=np.int64) >= self._warm_up
        return enough

    def learn(self, value: NDArray[np.float64], where: NDArray[np.bool_]) -> None:
        """Let the lanes in `where` learn their `value` (S,)."""
        for lane in np.flatnonzero(where).tolist():
            self._lanes[lane].learn_one(float(value[lane]))
            self._seen[lane] += 1

    def forecast(self) -> NDArray[np.float64]:
        """(S,) what comes next; without meaning in lanes that are not running."""
        ahead = np.zeros(len(self._lanes))
        for lane in np.flatnonzero(self.running).tolist():
            said = float(self._lanes[lane].forecast(1)[0])
            if isfinite(said) and abs(said) <= WILDEST:
                ahead[lane] = said
            else:
                self._lanes[lane] = self._model.build()
                self._seen[lane] = 0
        return ahead

    def path(self, lane: int, steps: int) -> list[float]:
        """What a lane that is running says of each of the next `steps`."""
        return [float(said) for said in self._lanes[lane].forecast(steps)]

    def state(self) -> dict[str, Any]:
        """Everything that it knows."""
        return {"seen": list(self._seen), "lanes": river_state.state_of(self._lanes)}

    def take_up(self, state: Mapping[str, Any]) -> None:
        """Go on from `state`; raises SnapshotRefused where it does not fit."""
        lanes = river_state.model_of(state["lanes"])
        if not isinstance(lanes, list) or len(lanes) != len(state["seen"]):
            raise SnapshotRefused("What was kept of River's forecasters is torn.")
        self._lanes = lanes
        self._seen = [int(seen) for seen in state["seen"]]

    @property
    def _warm_up(self) -> int:
        return max(WARM_UP, int(self._model.parameters.get("seasonality", 0)))
