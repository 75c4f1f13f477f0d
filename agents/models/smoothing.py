"""From the samples of a unit to the features of its multivariate model: centred, smoothed, with a past.

An exponentially weighted mean of each signal (MEWMA: Lowry, Woodall, Champ and Rigdon, Technometrics 34
(1992)) gathers small lasting shifts that single samples hide; a moving centre leaves slow growth out; lagged
copies let the model see how signals follow one another (dynamic PCA: Ku, Storer and Georgakis, 1995).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from agents.models.banks.columns import Columns

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

LARGEST = 1e30
"""No reading is meant beyond it, and squares overflow: values are cut there."""

REACH = 10.0
"""The memory takes values in only up to so many standard deviations: a wild value is soon forgotten."""


class Smoothing:
    """Features of S signals: (S * (lags + 1),), each signal's present value first, then its past.

    Args:
        smoothing: weight of the newest value; 1 takes values as they are.
        centre_steps: memory of the moving centre; None leaves the level in.
        lags: how many earlier steps belong to the features.
    """

    def __init__(self, smoothing: float, centre_steps: int | None, lags: int) -> None:
        self._weight = smoothing
        self._following = 0.0 if centre_steps is None else 1.0 / centre_steps
        self._width = lags + 1
        self._kept = Columns(
            {"mean": np.nan, "centre": np.nan, "low": -np.inf, "high": np.inf, "past": np.full(lags, np.nan)}
        )

    def add(self) -> None:
        """Make room for another signal."""
        self._kept.add()

    def expect(self, mean: NDArray[np.float64], sd: NDArray[np.float64]) -> None:
        """Bound what the memory takes in by the mean and standard deviation of the smoothed values, (S,)."""
        reach = REACH * sd * np.sqrt((2.0 - self._weight) / self._weight)
        self._kept["low"][:] = mean - reach
        self._kept["high"][:] = mean + reach

    def expect_anything(self) -> None:
        """Take in whatever comes: nothing is known yet."""
        self._kept["low"][:] = -np.inf
        self._kept["high"][:] = np.inf

    def interrupt(self, expected: NDArray[np.float64] | None) -> None:
        """Forget the recent past, after a gap; go on from `expected` (S,), or from the next values."""
        self._kept["mean"][:] = np.nan if expected is None else expected
        self._kept["past"][:] = np.nan
        self._kept["centre"][:] = np.nan

    def take(
        self, value: NDArray[np.float64], there: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Take a step, (S,); return the centred values (S,) and the features, NaN where nothing is there."""
        kept = self._kept
        x = np.where(there, value, np.nan)
        x = np.minimum(np.maximum(x, -LARGEST), LARGEST)
        if self._following:
            centre = np.where(np.isnan(kept["centre"]), x, kept["centre"])
            x = x - centre
        mean = np.where(np.isnan(kept["mean"]), x, kept["mean"])
        now = mean + self._weight * (x - mean)
        near = np.minimum(np.maximum(x, kept["low"]), kept["high"])
        remembered = mean + self._weight * (near - mean)
        np.copyto(kept["mean"], remembered, where=there)
        if self._following:
            np.copyto(kept["centre"], centre + self._following * near, where=there)
        if self._width == 1:
            return x, now
        features = np.concatenate([now[:, None], kept["past"]], axis=1)
        kept["past"][:, 1:] = features[:, 1:-1]
        kept["past"][:, 0] = np.where(there, remembered, np.nan)
        return x, features.ravel()

    def state(self) -> dict[str, Any]:
        """Return all that it knows."""
        return self._kept.state()

    def take_up(self, state: Mapping[str, Any]) -> None:
        """Go on from `state`; raises SnapshotRefused where it does not fit."""
        self._kept.take_up(state)
