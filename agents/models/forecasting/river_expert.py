"""A forecaster of River's, any that a recipe names, as one more expert; one object a signal."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np

from agents.models.banks.columns import Columns
from agents.models.banks.river_forecasters import WILDEST, RiverForecasters

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from agents.models.recipe import RiverModel


class RiverExpert:
    """River's forecasts `steps` ahead (H,); in steps of the values that it was given."""

    def __init__(self, model: RiverModel, steps: tuple[int, ...]) -> None:
        self._steps = steps
        self._rivers = RiverForecasters(model)
        self._said = Columns({"ahead": np.full(len(steps), np.nan)})

    def add(self) -> None:
        """Add a fresh lane."""
        self._rivers.add()
        self._said.add()

    def begin(self, where: NDArray[np.bool_]) -> None:
        """Start the lanes in `where` anew."""
        self._rivers.begin(where)
        self._said.begin(where)

    def learn(self, value: NDArray[np.float64], where: NDArray[np.bool_]) -> None:
        """Let the lanes in `where` learn their `value` (S,), and look ahead from there."""
        self._rivers.learn(value, where)
        ahead, wild = self._said["ahead"], np.zeros(len(where), dtype=np.bool_)
        for lane in np.flatnonzero(where & self._rivers.running).tolist():
            path = self._rivers.path(lane, self._steps[-1])
            wild[lane] = not all(isfinite(said) and abs(said) <= WILDEST for said in path)
            ahead[lane] = np.nan if wild[lane] else [path[steps - 1] for steps in self._steps]
        if wild.any():
            self._rivers.begin(wild)

    def ahead(self, value: NDArray[np.float64]) -> NDArray[np.float64]:
        """(S, H) how far from `value` (S,) they say that it will be; 0 where they say nothing."""
        return np.nan_to_num(self._said["ahead"] - value[:, None])

    def state(self) -> dict[str, Any]:
        """Everything that it knows."""
        return {"rivers": self._rivers.state(), "said": self._said.state()}

    def take_up(self, state: Mapping[str, Any]) -> None:
        """Go on from `state`; raises SnapshotRefused where it does not fit."""
        self._rivers.take_up(state["rivers"])
        self._said.take_up(state["said"])
