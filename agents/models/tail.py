"""How unlikely a deviation is: a tail that is learnt, and that never ends.

The residuals of real signals are not normal, and a normal tail calls one in a few hundred of them one in a
billion. Beyond the size `t` that one in ten deviations exceeds, this tail is

    P(X > x) = 0.1 * exp(-((x / t)^k - 1) / (k * m_k)),      k = 0 meaning (x / t)^(-1 / m_0)

with m_k the mean of ((X / t)^k - 1) / k over the deviations beyond t, its maximum-likelihood estimate: a
power law for k = 0, exponential for 1, normal for 2 (the generalised Weibull tails of extreme-value theory,
de Valk 2016). Each k is weighted by its likelihood, so few data give a heavy, careful tail, and many give
their own. Below t the deviation is taken as normal. All in logarithms: no deviation is too large for a score.
"""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import log_ndtr

from agents.models.banks.columns import Columns

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

SHARE = 0.1
"""Share of deviations beyond t."""

NORMAL_T = 1.6448536269514722
"""The standard deviations that one in ten normal deviations exceeds, to either side."""

SHAPES = np.array([0.0, 0.5, 1.0, 1.5, 2.0])
"""The k that are weighed against each other."""

_DIVISORS = np.where(SHAPES > 0.0, SHAPES, 1.0)

PRIOR_MEANS = np.array([0.33, 0.375, 0.434, 0.515, 0.623])
"""m_k of a Laplace distribution: what is believed before anything was seen,"""

PRIOR_COUNT = 10.0
"""and as how many deviations beyond t it counts."""

LARGEST_RATIO = 1e60
"""Beyond it all are alike; its square can still be computed."""

HALVINGS = 20
"""Of the range of sizes in which that of a given score is sought."""

LN10 = log(10.0)


def tail_score(z: NDArray[np.float64], samples: NDArray[np.intp] | int = 1) -> NDArray[np.float64]:
    """Score of the worst of `samples` normal residuals, `z` standard deviations from the mean; >= 0.

    -log10(min(1, n * 2 * Phi(-|z|))): Bonferroni's bound, exact enough where the score matters.
    """
    natural = log(2.0) + log_ndtr(-np.abs(z)) + np.log(samples)
    score: NDArray[np.float64] = np.maximum(0.0, -natural / LN10) + 0.0
    return score


class TailBank:
    """One learnt tail a lane. Deviations are sizes in units of the usual spread, >= 0.

    memory: over how many deviations beyond t the tail forgets.
    """

    def __init__(self, memory: int) -> None:
        self._memory = float(memory)
        self._lanes = Columns({"seen": 0.0, "beyond": 0.0, "t": NORMAL_T, "means": PRIOR_MEANS})

    def add(self, lanes: int = 1) -> None:
        """Add fresh lanes."""
        self._lanes.add(lanes)

    def begin(self, where: NDArray[np.bool_]) -> None:
        """Start the lanes in `where` anew."""
        self._lanes.begin(where)

    def start(self, lane: int, sizes: NDArray[np.float64]) -> None:
        """Let one lane begin with the deviations of a baseline."""
        t = max(float(np.quantile(sizes, 1.0 - SHARE)), NORMAL_T / 10.0)
        beyond = np.minimum(sizes[sizes > t] / t, LARGEST_RATIO)
        count = PRIOR_COUNT + beyond.size
        means = (PRIOR_COUNT * PRIOR_MEANS + _excess(beyond).sum(axis=0)) / count
        self._lanes["seen"][lane] = float(sizes.size)
        self._lanes["beyond"][lane] = float(beyond.size)
        self._lanes["t"][lane] = t
        self._lanes["means"][lane] = means

    def learn(self, size: NDArray[np.float64], where: NDArray[np.bool_]) -> None:
        """Let the lanes in `where` learn the `size` (S,) of a deviation."""
        seen, beyond, t = self._lanes["seen"], self._lanes["beyond"], self._lanes["t"]
        over = where & (size > t)
        lanes = over.nonzero()[0]
        if lanes.size:
            count = np.minimum(beyond[lanes] + 1.0, self._memory)
            beyond[lanes] = count
            means = self._lanes["means"]
            excess = _excess(np.minimum(size[lanes] / t[lanes], LARGEST_RATIO))
            means[lanes] += (excess - means[lanes]) / (count + PRIOR_COUNT)[:, None]
        # Robbins-Monro on log t; 4 is about one over the share's slope there, for normal as for heavy tails.
        np.minimum(seen + where, self._memory / SHARE, out=seen)
        gain = 4.0 / (seen + PRIOR_COUNT / SHARE)
        np.copyto(t, t * (1.0 + gain * (over - SHARE)), where=where)

    def score(
        self, size: NDArray[np.float64], least_t: NDArray[np.float64], slots: NDArray[np.intp] | slice
    ) -> NDArray[np.float64]:
        """Return -log10 of the probability of deviations at least as large as `size`, for lanes `slots`.

        least_t: t is not taken as less than this.
        """
        t = np.maximum(self._lanes["t"][slots], least_t)
        ratio = np.minimum(size / t, LARGEST_RATIO)
        score: NDArray[np.float64] = (log(2.0) + log_ndtr(-NORMAL_T * np.minimum(ratio, 1.0))) / -LN10
        far = (ratio > 1.0).nonzero()[0]
        if far.size:
            # A slice is all lanes.
            lanes = far if isinstance(slots, slice) else slots[far]
            score[far] = self._beyond(ratio[far], lanes)
        return np.maximum(score, 0.0) + 0.0

    def size_at(
        self, score: float, size: NDArray[np.float64], where: NDArray[np.bool_]
    ) -> NDArray[np.float64]:
        """(S,) the deviation that has this `score`, in the lanes of `where`, whose `size` scores more."""
        limit = size.copy()
        lanes = np.flatnonzero(where)
        if lanes.size:
            none = np.zeros(lanes.size)
            low, high = np.log(self._lanes["t"][lanes]), np.log(size[lanes])
            for _ in range(HALVINGS):
                middle = 0.5 * (low + high)
                above = self.score(np.exp(middle), none, lanes) >= score
                low, high = np.where(above, low, middle), np.where(above, middle, high)
            limit[lanes] = np.exp(high)
        return limit

    def state(self) -> dict[str, Any]:
        """Everything that it knows."""
        return self._lanes.state()

    def take_up(self, state: Mapping[str, Any]) -> None:
        """Go on from `state`; raises SnapshotRefused where it does not fit."""
        self._lanes.take_up(state)

    def _beyond(self, ratio: NDArray[np.float64], lanes: NDArray[np.intp]) -> NDArray[np.float64]:
        means = np.maximum(self._lanes["means"][lanes], 1e-3)
        # The log-likelihood of each shape, a deviation on the average: its own m_k is all that it takes.
        weight = self._lanes["beyond"][lanes, None] * ((SHAPES - 1.0) * means[:, :1] - np.log(means))
        each = np.logaddexp.reduce(weight - _excess(ratio) / means, axis=1)
        natural = log(SHARE) + each - np.logaddexp.reduce(weight, axis=1)
        score: NDArray[np.float64] = natural / -LN10
        return score


def _excess(ratio: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, K) the (x / t)^k - 1 over k of each ratio x / t >= 1, for each of SHAPES."""
    excess: NDArray[np.float64] = (ratio[:, None] ** SHAPES - 1.0) / _DIVISORS
    excess[:, 0] = np.log(ratio)
    return excess
