"""Which signals wander: how much of a signal's variance lies between long blocks of it, not within them.

A signal at rest has the same mean in every block but for chance; one that drifts, grows or follows the
weather has not, and from a short baseline nothing can be said about where it belongs. One-way analysis of
variance with random effects (Searle, Casella and McCulloch, Variance Components, 1992, chapter 3).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from agents.models.banks.columns import Columns

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

BLOCKS = 10
"""A baseline is cut into so many blocks."""

ROWS = ("count", "mean", "squares", "blocks", "block_mean", "block_squares", "inverse", "within", "freedom")
"""Of each signal: the block under way, then the finished blocks."""


class Wandering:
    """The share of variance between blocks, of each of S signals."""

    def __init__(self, block_steps: int) -> None:
        self._block_steps = max(2, block_steps)
        self._steps = 0
        self._rows = Columns(dict.fromkeys(ROWS, 0.0))

    def add(self) -> None:
        """Make room for another signal."""
        self._rows.add()

    def begin(self) -> None:
        """Forget everything."""
        self._steps = 0
        self._rows.begin(np.ones(len(self._rows), dtype=np.bool_))

    def learn(self, x: NDArray[np.float64], there: NDArray[np.bool_]) -> None:
        """Take a step, (S,)."""
        count, mean, squares = self._rows["count"], self._rows["mean"], self._rows["squares"]
        count += there
        rise = np.where(there, x - mean, 0.0)
        mean += rise / np.maximum(count, 1.0)
        squares += rise * np.where(there, x - mean, 0.0)
        self._steps += 1
        if self._steps == self._block_steps:
            self._close()

    def share(self) -> NDArray[np.float64]:
        """Return the share of each signal's variance between its blocks, (S,); 0 before two blocks."""
        rows = self._rows
        enough = (rows["blocks"] >= 2.0) & (rows["freedom"] >= 1.0)
        within = rows["within"] / np.maximum(rows["freedom"], 1.0)
        between = rows["block_squares"] / np.maximum(rows["blocks"] - 1.0, 1.0)
        between -= within * rows["inverse"] / np.maximum(rows["blocks"], 1.0)
        between = np.where(enough, np.maximum(between, 0.0), 0.0)
        total = between + within
        share: NDArray[np.float64] = between / np.where(total > 0.0, total, 1.0)
        return share

    def _close(self) -> None:
        rows = self._rows
        full = rows["count"] >= 2.0
        rows["blocks"][:] += full
        rise = np.where(full, rows["mean"] - rows["block_mean"], 0.0)
        rows["block_mean"][:] += rise / np.maximum(rows["blocks"], 1.0)
        rows["block_squares"][:] += rise * np.where(full, rows["mean"] - rows["block_mean"], 0.0)
        rows["inverse"][:] += full / np.maximum(rows["count"], 1.0)
        rows["within"][:] += full * rows["squares"]
        rows["freedom"][:] += full * (rows["count"] - 1.0)
        for name in ("count", "mean", "squares"):
            rows[name][:] = 0.0
        self._steps = 0

    def state(self) -> dict[str, Any]:
        """Return all that it knows."""
        return {"steps": self._steps, "rows": self._rows.state()}

    def take_up(self, state: Mapping[str, Any]) -> None:
        """Go on from `state`; raises SnapshotRefused where it does not fit."""
        self._steps = int(state["steps"])
        self._rows.take_up(state["rows"])
