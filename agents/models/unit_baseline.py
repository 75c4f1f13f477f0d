"""How the signals of a unit usually are together: the baseline of the multivariate layer.

*settle*: the process comes to rest after a change, and nothing is learnt. *learn*: the covariance.
*calibrate*: new steps are judged silently to see how far the truth exceeds the theory, and learnt, too.
Signals that stand still, wander or come seldom take no part: nothing can be said about where they belong.
"""

from __future__ import annotations

from math import log10
from typing import TYPE_CHECKING, Any

import numpy as np

from agents.models.banks.covariance import EmpiricalCovarianceBank
from agents.models.subspace import Subspace
from agents.models.wandering import BLOCKS, Wandering

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from agents.models.multivariate import MultivariateRecipe

STILL = 1e-9
"""A standard deviation below this part of the level is rounding: the signal stands still."""

EARLY = 30
"""So many values of a baseline bound what the memory of a signal takes in."""

CALIBRATED_AT = 0.95
"""The quantile at which the truth is compared with the theory; it is a score of 1.3."""


class UnitBaseline:
    """The baseline of one unit; once `ready`, `subspace`, `covariance` and `excess` are its result.

    excess: (2,) by how much T² and SPE of new steps exceed their theory, >= 1.
    """

    def __init__(self, recipe: MultivariateRecipe, stage: str = "learn") -> None:
        self.stage = stage if recipe.settle_steps else "learn"
        self.subspace: Subspace | None = None
        self.excess = np.ones(2)
        self._recipe = recipe
        self._width = recipe.lags + 1
        self._signals = 0
        self._steps = 0
        self._bank = EmpiricalCovarianceBank()
        self._wandering = Wandering(recipe.baseline_steps // BLOCKS)
        self._ratios: list[list[float]] = []

    @property
    def ready(self) -> bool:
        """Whether the baseline is complete."""
        return self.stage == "ready"

    @property
    def covariance(self) -> NDArray[np.float64]:
        """Of the features, (D, D)."""
        return (self._bank.cov + self._bank.cov.T) / 2.0

    def add(self) -> None:
        """Make room for another signal."""
        self._signals += 1
        self._wandering.add()
        self._bank.grow(self._signals * self._width)
        if self.subspace is not None:
            self.subspace = self.subspace.grown(self._signals * self._width)

    def take(
        self, centred: NDArray[np.float64], features: NDArray[np.float64], present: NDArray[np.bool_]
    ) -> None:
        """Take a step: the centred values (S,), the features (D,) and which of them may be learnt (D,)."""
        recipe = self._recipe
        self._steps += 1
        if self.stage == "settle":
            if self._steps >= recipe.settle_steps:
                self.stage, self._steps = "learn", 0
            return
        if self.stage == "calibrate":
            self._calibrate(features, present)
        self._bank.learn(features, present)
        if self.stage == "learn":
            self._wandering.learn(centred, present[:: self._width])
            if self._steps >= recipe.baseline_steps:
                self._close()
        if self.stage == "calibrate" and self._steps >= recipe.calibration_steps:
            self._finish()

    def bounds(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return mean and standard deviation of each signal so far, (S,); infinite where not known yet."""
        first = slice(None, None, self._width)
        sd = np.sqrt(np.maximum(self._bank.cov.diagonal()[first], 0.0))
        known = (self._bank.count.diagonal()[first] >= EARLY) & (sd > 0.0)
        return self._bank.mean.diagonal()[first], np.where(known, sd, np.inf)

    def state(self) -> dict[str, Any]:
        """Return all that it knows."""
        return {
            "stage": self.stage,
            "signals": self._signals,
            "steps": self._steps,
            "subspace": None if self.subspace is None else self.subspace.state(),
            "bank": self._bank.state(),
            "wandering": self._wandering.state(),
            "ratios": np.array(self._ratios).reshape(-1, 2),
        }

    def take_up(self, state: Mapping[str, Any]) -> None:
        """Go on from `state`; raises SnapshotRefused or KeyError where it does not fit."""
        self.stage = str(state["stage"])
        self._signals = int(state["signals"])
        self._steps = int(state["steps"])
        self.subspace = None if state["subspace"] is None else Subspace.from_state(state["subspace"])
        self._bank.take_up(state["bank"])
        self._wandering.take_up(state["wandering"])
        self._ratios = np.array(state["ratios"], dtype=np.float64).reshape(-1, 2).tolist()

    def _close(self) -> None:
        """Work out where the signals usually are; with none to watch, begin again and wait for them."""
        subspace = self._usual_place(self._steps)
        self._steps = 0
        if subspace.active.any():
            self.stage, self.subspace = "calibrate", subspace
            return
        self._wandering.begin()
        self._bank = EmpiricalCovarianceBank()
        self._bank.grow(self._signals * self._width)

    def _calibrate(self, features: NDArray[np.float64], present: NDArray[np.bool_]) -> None:
        within = self.subspace.within(present) if self.subspace is not None else None
        if within is not None:
            found = within.distance(features)
            level, apart = within.critical(-log10(1.0 - CALIBRATED_AT))
            self._ratios.append([found.level / level, found.apart / apart])

    def _finish(self) -> None:
        if self._ratios:
            self.excess = np.maximum(1.0, np.quantile(np.array(self._ratios), CALIBRATED_AT, axis=0))
        self.subspace = self._usual_place(self._recipe.baseline_steps + self._steps)
        self.stage = "ready"

    def _usual_place(self, steps: int) -> Subspace:
        count = self._bank.count.diagonal()
        mean = self._bank.mean.diagonal()
        sd = np.sqrt(np.maximum(self._bank.cov.diagonal(), 0.0))
        moving = sd > np.maximum(STILL * np.abs(mean), 1e-150)
        # A lagged copy has as many values as there are steps, less the lag.
        often = count + self._width >= self._recipe.sampled_least * steps
        resting = np.repeat(self._wandering.share() <= self._recipe.wandering_most, self._width)
        active = moving & often & resting & (count >= 2.0)
        active = np.repeat(active.reshape(-1, self._width).all(axis=1), self._width)
        observations = float(count[active].min()) if active.any() else 0.0
        return Subspace.from_covariance(
            active,
            mean,
            self.covariance,
            observations=observations * self._recipe.independence,
            components=self._recipe.components,
        )
