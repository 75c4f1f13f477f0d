"""River's `stats.EWMean` over many signals and several fading factors at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from agents.models.banks.columns import Columns

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray


class FadingMeans:
    """One EWMean a lane and factor; a lane's first value is its mean, as River has it."""

    def __init__(self, factors: Sequence[float]) -> None:
        self._factors = np.asarray(factors, dtype=np.float64)
        self._lanes = Columns({"begun": False, "mean": np.zeros(len(self._factors))})

    def add(self, lanes: int = 1) -> None:
        """Add fresh lanes."""
        self._lanes.add(lanes)

    def begin(self, where: NDArray[np.bool_]) -> None:
        """Start the lanes in `where` anew."""
        self._lanes.begin(where)

    @property
    def mean(self) -> NDArray[np.float64]:
        """(S, A) the means; 0 before the first value."""
        return self._lanes["mean"]

    def learn(self, value: NDArray[np.float64], where: NDArray[np.bool_]) -> None:
        """Let the lanes in `where` learn their `value` (S,)."""
        mean, begun = self._lanes["mean"], self._lanes["begun"]
        given = value[:, None]
        faded = self._factors * given + (1.0 - self._factors) * mean
        np.copyto(mean, np.where(begun[:, None], faded, given), where=where[:, None])
        begun |= where

    def state(self) -> dict[str, Any]:
        """Everything that it knows."""
        return self._lanes.state()

    def take_up(self, state: Mapping[str, Any]) -> None:
        """Go on from `state`; raises SnapshotRefused where it does not fit."""
        self._lanes.take_up(state)
