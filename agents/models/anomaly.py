"""How unlikely a sample is: the residual of a one-step forecast, and its usual spread.

River's forecaster says what comes next on an even grid, River's GaussianScorer keeps the distribution of the
residuals. Its own score saturates at 1, so the score here is -log10 of the two-sided tail probability,
computed in the logarithm.

Learning is guarded: the model learns from a value only while it does not itself suspect it. A lasting change
would lock such a model, so after a set time of suspicion it takes a new baseline, as it did at its start.
"""

from __future__ import annotations

from math import isfinite, log, sqrt
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import log_ndtr, ndtri_exp

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from agents.models.recipe import AnomalyRecipe

MAD_OF_SIGMA = 1.4826
"""Standard deviation over median absolute deviation of a normal distribution."""

LEAST_SPREAD = 1e-12


def tail_score(z: NDArray[np.float64], samples: NDArray[np.intp] | int = 1) -> NDArray[np.float64]:
    """Score of the worst of `samples` residuals, `z` standard deviations from the mean; shape of z, >= 0.

    -log10(min(1, n * 2 * Phi(-|z|))): Bonferroni's bound, exact enough where the score matters.
    """
    natural = log(2.0) + log_ndtr(-np.abs(z)) + np.log(samples)
    score: NDArray[np.float64] = np.maximum(0.0, -natural / log(10.0)) + 0.0
    return score


def suspect_z(score: float) -> float:
    """Return how many standard deviations a single residual of this score lies from the mean."""
    return float(-ndtri_exp(-score * log(10.0) - log(2.0)))


class ResidualModel:
    """The anomaly model of one signal on its grid.

    `expected` and `spread` (the signal's unit) are what the next samples are scored against once `ready`.

    Args:
        recipe: the parameters.
        noise: the usual standard deviation of the signal's reading; None where nobody has declared one.
    """

    def __init__(self, recipe: AnomalyRecipe, noise: float | None) -> None:
        self.recipe = recipe
        self.expected = 0.0
        self.spread = 1.0
        self.ready = False
        self.rebaselines = 0
        self._noise = noise
        self._suspect_z = suspect_z(recipe.suspect_at)
        self._suspect_steps = 0
        self._begin()

    def learn(self, value: float, *, held: bool = False, credible: bool = True) -> bool:
        """Take the value of one step of the grid and aim at the next; say whether it was learned.

        held: nothing was sampled in this step, the value is the last one: it moves the forecast on, but says
            nothing about the residuals. credible: the value is within what the sensor can read.
        """
        if not self.ready:
            return self._learn_baseline(value, held=held, credible=credible)
        if not credible or self._suspects(value):
            self._suspect_steps += 1
            if self._suspect_steps >= self.recipe.rebaseline_steps:
                self.rebaselines += 1
                self._begin()
                return False
            if self._suspect_steps <= self.recipe.coast_steps:
                self._predictor.learn_one(self._next)
                self._aim()
            return False
        self._suspect_steps = 0
        residual = value - self._next
        self._predictor.learn_one(value)
        if not held:
            self._residuals.learn_one(None, residual)
        self._aim()
        return True

    def _begin(self) -> None:
        self.ready = False
        self._predictor = self.recipe.predictor.build()
        self._residuals = self.recipe.residual.build()
        self._baseline: list[float] = []
        self._steps = 0
        self._next = 0.0
        self._suspect_steps = 0

    def _learn_baseline(self, value: float, *, held: bool, credible: bool) -> bool:
        if not credible:
            return False
        # A forecaster answers from its third value on; the first residuals are its own settling.
        if self._steps >= 2 and not held:
            self._baseline.append(value - self._predictor.forecast(1)[0])
        self._steps += 1
        self._predictor.learn_one(value)
        if len(self._baseline) >= self.recipe.baseline_steps:
            self._take_baseline()
        return True

    def _take_baseline(self) -> None:
        residuals = np.array(self._baseline)
        middle = float(np.median(residuals))
        spread = MAD_OF_SIGMA * float(np.median(np.abs(residuals - middle)))
        within = self.recipe.baseline_within * max(spread, self._floor(self._predictor.forecast(1)[0]))
        for residual in residuals[np.abs(residuals - middle) <= within].tolist():
            self._residuals.learn_one(None, residual)
        self._baseline = []
        self.ready = True
        self._aim()

    def _aim(self) -> None:
        gaussian = self._residuals.gaussian
        self._next = self._predictor.forecast(1)[0]
        self.expected = self._next + gaussian.mu
        # Rounding can leave a rolling variance below zero, whose root Python makes complex.
        variance = gaussian.sigma**2
        sigma = sqrt(variance.real) if variance.real > 0.0 else 0.0
        self.spread = max(sigma, self._floor(self.expected))
        if not (isfinite(self.expected) and isfinite(self.spread)):
            self._begin()

    def _suspects(self, value: float) -> bool:
        return abs(value - self.expected) >= self._suspect_z * self.spread

    def _floor(self, level: float) -> float:
        if self._noise is not None:
            return self.recipe.spread_noise * self._noise
        return max(self.recipe.spread_relative * abs(level), LEAST_SPREAD)
