"""River's covariance estimators over all features of a unit at once; missing values are left out by pairs.

EmpiricalCovariance weighs all observations alike and serves the baseline; EwaCovariance forgets, and serves
a model that goes on learning. Values must be finite; where `there` is False they are not looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray


class EmpiricalCovarianceBank:
    """The recurrence of River's covariance.EmpiricalCovariance(ddof=1): one stats.Cov for each pair.

    count, mean, cov: (D, D); mean[i, j] is that of i over the observations that have both i and j.
    """

    def __init__(self) -> None:
        self.count = np.zeros((0, 0))
        self.mean = np.zeros((0, 0))
        self.cov = np.zeros((0, 0))

    def grow(self, features: int) -> None:
        """Make room for `features` features in all."""
        self.count, self.mean, self.cov = (_grown(m, features) for m in (self.count, self.mean, self.cov))

    def learn(self, x: NDArray[np.float64], there: NDArray[np.bool_]) -> None:
        """Take one observation, (D,)."""
        if there.all():
            self._learn(x, 1.0)
        elif there.any():
            self._learn(np.where(there, x, 0.0), (there[:, None] & there).astype(np.float64))

    def _learn(self, x: NDArray[np.float64], both: NDArray[np.float64] | float) -> None:
        self.count += both
        before = x[:, None] - self.mean
        self.mean += both * before / np.maximum(self.count, 1.0)
        after = (x[:, None] - self.mean).T
        self.cov += both * (before * after - self.cov) / np.maximum(self.count - 1.0, 1.0)

    def state(self) -> dict[str, Any]:
        """Return all that it knows."""
        return {"count": self.count.copy(), "mean": self.mean.copy(), "cov": self.cov.copy()}

    def take_up(self, state: Mapping[str, Any]) -> None:
        """Go on from `state`."""
        self.count, self.mean, self.cov = (
            np.array(state[name], dtype=np.float64) for name in ("count", "mean", "cov")
        )


class EwaCovarianceBank:
    """The recurrence of River's covariance.EwaCovariance, where a missing value moves nothing.

    mean: (D,). second: (D, D) second moments. seen: (D, D) pairs that have occurred. pair_mean: (D, D), that
    of i over the observations that have both i and j; (0, 0) while no value has been missing, as then it is
    the mean. Moments of a pair less the product of means that have moved without it are no covariance.
    """

    def __init__(self, fading_factor: float) -> None:
        self.fading_factor = fading_factor
        self.mean = np.zeros(0)
        self.second = np.zeros((0, 0))
        self.seen = np.zeros((0, 0), dtype=np.bool_)
        self.pair_mean = np.zeros((0, 0))

    @property
    def cov(self) -> NDArray[np.float64]:
        """Second moments less the product of the means of the same observations, (D, D)."""
        if self.pair_mean.size:
            return self.second - self.pair_mean * self.pair_mean.T
        return self.second - np.outer(self.mean, self.mean)

    def grow(self, features: int) -> None:
        """Make room for `features` features in all."""
        self.mean = np.append(self.mean, np.zeros(features - self.mean.size))
        self.second = _grown(self.second, features)
        self.seen = _grown(self.seen, features)
        if self.pair_mean.size:
            self.pair_mean = _grown(self.pair_mean, features)

    def begin_with(self, mean: NDArray[np.float64], cov: NDArray[np.float64]) -> None:
        """Go on from a covariance that another estimator made."""
        self.mean = mean.copy()
        self.second = cov + np.outer(mean, mean)
        self.seen = np.ones_like(self.second, dtype=np.bool_)
        self.pair_mean = np.zeros((0, 0))

    def learn(self, x: NDArray[np.float64], there: NDArray[np.bool_]) -> None:
        """Take one observation, (D,)."""
        if np.count_nonzero(there) == there.size and np.count_nonzero(self.seen) == self.seen.size:
            self.mean += self.fading_factor * (x - self.mean)
            self.second += self.fading_factor * (x[:, None] * x - self.second)
            if self.pair_mean.size:
                self.pair_mean += self.fading_factor * (x[:, None] - self.pair_mean)
            return
        if not (self.pair_mean.size or there.all()):
            self.pair_mean = np.repeat(self.mean[:, None], self.mean.size, axis=1)
        x = np.where(there, x, 0.0)
        known = self.seen.diagonal()
        weight = there * np.where(known, self.fading_factor, 1.0)
        self.mean += weight * (x - self.mean)
        both = there[:, None] & there
        weights = both * np.where(self.seen, self.fading_factor, 1.0)
        self.second += weights * (np.outer(x, x) - self.second)
        if self.pair_mean.size:
            self.pair_mean += both * self.fading_factor * (x[:, None] - self.pair_mean)
            np.copyto(self.pair_mean, self.mean[:, None], where=both & ~self.seen)
        self.seen |= both

    def state(self) -> dict[str, Any]:
        """Return all that it knows."""
        return {
            "mean": self.mean.copy(),
            "second": self.second.copy(),
            "seen": self.seen.copy(),
            "pair_mean": self.pair_mean.copy(),
        }

    def take_up(self, state: Mapping[str, Any]) -> None:
        """Go on from `state`."""
        self.mean = np.array(state["mean"], dtype=np.float64)
        self.second = np.array(state["second"], dtype=np.float64)
        self.seen = np.array(state["seen"], dtype=np.bool_)
        self.pair_mean = np.array(state["pair_mean"], dtype=np.float64)


def _grown(matrix: NDArray[Any], size: int) -> NDArray[Any]:
    return np.pad(matrix, (0, size - matrix.shape[0]))
