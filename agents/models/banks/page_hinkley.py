"""River's `drift.PageHinkley`, to both sides, over many signals at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from agents.models.banks.columns import Columns

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray


class PageHinkleyBank:
    """One two-sided Page-Hinkley test a lane; the parameters are River's.

    rising, falling: (S,) since how many values the mean has gone up, or down: where a change found began.
    """

    def __init__(
        self, min_instances: int = 30, delta: float = 0.005, threshold: float = 50.0, alpha: float = 0.9999
    ) -> None:
        self._least, self._delta, self._threshold, self._alpha = min_instances, delta, threshold, alpha
        self._lanes = Columns(
            {
                "detected": False,
                "count": 0.0,
                "mean": 0.0,
                "increase": 0.0,
                "decrease": 0.0,
                "lowest": np.inf,
                "highest": -1.0,  # River begins there
                "rising": 0,
                "falling": 0,
            }
        )

    def add(self, lanes: int = 1) -> None:
        """Add fresh lanes."""
        self._lanes.add(lanes)

    def begin(self, where: NDArray[np.bool_]) -> None:
        """Start the lanes in `where` anew."""
        self._lanes.begin(where)

    @property
    def detected(self) -> NDArray[np.bool_]:
        """(S,) whether the last value that a lane learnt showed a change."""
        return self._lanes["detected"]

    @property
    def upwards(self) -> NDArray[np.bool_]:
        """(S,) whether the mean has rather gone up than down."""
        up: NDArray[np.bool_] = self._risen() > self._fallen()
        return up

    @property
    def rising(self) -> NDArray[np.int64]:
        """(S,) values since the mean was lowest."""
        return self._lanes["rising"]

    @property
    def falling(self) -> NDArray[np.int64]:
        """(S,) values since the mean was highest."""
        return self._lanes["falling"]

    def learn(self, value: NDArray[np.float64], where: NDArray[np.bool_]) -> None:
        """Let the lanes in `where` learn their `value` (S,); one that had found a change starts anew."""
        over = where & self.detected
        if over.any():
            self._lanes.begin(over)
        count, mean = self._lanes["count"], self._lanes["mean"]
        increase, decrease = self._lanes["increase"], self._lanes["decrease"]
        count += where
        np.copyto(mean, mean + (value - mean) / np.maximum(count, 1.0), where=where)
        off = value - mean
        np.copyto(increase, self._alpha * increase + off - self._delta, where=where)
        np.copyto(decrease, self._alpha * decrease + off + self._delta, where=where)
        self._extreme("lowest", "rising", where & (increase < self._lanes["lowest"]), increase, where)
        self._extreme("highest", "falling", where & (decrease > self._lanes["highest"]), decrease, where)
        changed = (self._risen() > self._threshold) | (self._fallen() > self._threshold)
        np.copyto(self.detected, changed & (count >= self._least), where=where)

    def state(self) -> dict[str, Any]:
        """Everything that it knows."""
        return self._lanes.state()

    def take_up(self, state: Mapping[str, Any]) -> None:
        """Go on from `state`; raises SnapshotRefused where it does not fit."""
        self._lanes.take_up(state)

    def _extreme(
        self,
        extreme: str,
        since: str,
        new: NDArray[np.bool_],
        total: NDArray[np.float64],
        where: NDArray[np.bool_],
    ) -> None:
        np.copyto(self._lanes[extreme], total, where=new)
        steps = self._lanes[since]
        steps += where
        steps[new] = 0

    def _risen(self) -> NDArray[np.float64]:
        risen: NDArray[np.float64] = self._lanes["increase"] - self._lanes["lowest"]
        return risen

    def _fallen(self) -> NDArray[np.float64]:
        fallen: NDArray[np.float64] = self._lanes["highest"] - self._lanes["decrease"]
        return fallen
