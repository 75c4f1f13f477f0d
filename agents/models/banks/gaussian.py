"""Mean and standard deviation of many signals at once, as River's classes keep them.

GaussianBank is `anomaly.GaussianScorer`'s distribution: of everything, or of the last `window` values.
FadingBank is `stats.EWMean` and `stats.EWVar`: old values fade, and a lane costs three numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from agents.models.banks.columns import Columns

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray


class GaussianBank:
    """One Gaussian a lane, over its last `window` values; over all of them where window is 0."""

    def __init__(self, window: int = 0) -> None:
        self._window = window
        self._lanes = Columns({"seen": 0, "mean": 0.0, "squares": 0.0, "ring": np.zeros(window)})

    def add(self, lanes: int = 1) -> None:
        """Add fresh lanes."""
        self._lanes.add(lanes)

    def begin(self, where: NDArray[np.bool_]) -> None:
        """Start the lanes in `where` anew."""
        self._lanes.begin(where)

    def start(self, lane: int, values: NDArray[np.float64]) -> None:
        """Let one lane learn a baseline, value after value."""
        only = np.zeros(len(self._lanes), dtype=np.bool_)
        only[lane] = True
        for value in values.tolist():
            self.learn(np.full(only.size, value), only)

    def learn(self, value: NDArray[np.float64], where: NDArray[np.bool_]) -> None:
        """Let the lanes in `where` learn their `value` (S,)."""
        lanes = np.flatnonzero(where)
        if not lanes.size:
            return
        seen = self._lanes["seen"]
        taken = value[lanes]
        if self._window:
            ring, place = self._lanes["ring"], seen[lanes] % self._window
            full = seen[lanes] >= self._window
            if full.any():
                self._revert(lanes[full], ring[lanes[full], place[full]])
            ring[lanes, place] = taken
        seen[lanes] += 1
        count = np.minimum(seen[lanes], self._window) if self._window else seen[lanes]
        before = self._lanes["mean"][lanes]
        after = before + (taken - before) / count
        self._lanes["mean"][lanes] = after
        self._lanes["squares"][lanes] += (taken - before) * (taken - after)

    def mean(self) -> NDArray[np.float64]:
        """(S,) the mean, 0 before the first value."""
        return self._lanes["mean"]

    def sigma(self) -> NDArray[np.float64]:
        """(S,) the standard deviation, 0 before the second value."""
        seen = self._lanes["seen"]
        count = np.minimum(seen, self._window) if self._window else seen
        variance = self._lanes["squares"] / np.maximum(count - 1, 1)
        # Rounding can leave a rolling sum of squares below zero.
        root: NDArray[np.float64] = np.sqrt(np.maximum(variance, 0.0))
        return root

    def state(self) -> dict[str, Any]:
        """Everything that it knows."""
        return self._lanes.state()

    def take_up(self, state: Mapping[str, Any]) -> None:
        """Go on from `state`; raises SnapshotRefused where it does not fit."""
        self._lanes.take_up(state)

    def _revert(self, lanes: NDArray[np.intp], oldest: NDArray[np.float64]) -> None:
        count = self._window - 1
        before = self._lanes["mean"][lanes]
        after = before - (oldest - before) / count if count else np.zeros(lanes.size)
        self._lanes["mean"][lanes] = after
        self._lanes["squares"][lanes] -= (oldest - before) * (oldest - after)


class FadingBank:
    """One exponentially fading mean and variance a lane; `fading` is River's fading factor."""

    def __init__(self, fading: float) -> None:
        self._fading = fading
        self._lanes = Columns({"seen": False, "mean": 0.0, "square": 0.0})

    def add(self, lanes: int = 1) -> None:
        """Add fresh lanes."""
        self._lanes.add(lanes)

    def begin(self, where: NDArray[np.bool_]) -> None:
        """Start the lanes in `where` anew."""
        self._lanes.begin(where)

    def start(self, lane: int, values: NDArray[np.float64]) -> None:
        """Let one lane begin with a baseline, each of whose values weighs the same.

        Learnt one by one, the first would weigh as much as the last 1 / fading together.
        """
        self._lanes["seen"][lane] = True
        self._lanes["mean"][lane] = values.mean()
        self._lanes["square"][lane] = (values**2).mean()

    def learn(self, value: NDArray[np.float64], where: NDArray[np.bool_]) -> None:
        """Let the lanes in `where` learn their `value` (S,)."""
        seen, mean, square = self._lanes["seen"], self._lanes["mean"], self._lanes["square"]
        squared = value * value
        if np.count_nonzero(seen) == seen.size:
            np.copyto(mean, self._fading * value + (1.0 - self._fading) * mean, where=where)
            np.copyto(square, self._fading * squared + (1.0 - self._fading) * square, where=where)
            return
        weight = np.where(seen, self._fading, 1.0)
        np.copyto(mean, weight * value + (1.0 - weight) * mean, where=where)
        np.copyto(square, weight * squared + (1.0 - weight) * square, where=where)
        seen |= where

    def mean(self) -> NDArray[np.float64]:
        """(S,) the mean, 0 before the first value."""
        return self._lanes["mean"]

    def sigma(self) -> NDArray[np.float64]:
        """(S,) the standard deviation, 0 before the second value."""
        mean = self._lanes["mean"]
        root: NDArray[np.float64] = np.sqrt(np.maximum(self._lanes["square"] - mean * mean, 0.0))
        return root

    def state(self) -> dict[str, Any]:
        """Everything that it knows."""
        return self._lanes.state()

    def take_up(self, state: Mapping[str, Any]) -> None:
        """Go on from `state`; raises SnapshotRefused where it does not fit."""
        self._lanes.take_up(state)
