"""Prediction intervals that hold what they promise, whatever the errors are distributed like.

Each end is a quantile of the error that is learnt online, in units of the usual error: it moves out by a
little when it was too near and in by less when it was not, so that in the long run it is missed as often as
meant (Gibbs and Candès 2021, adaptive conformal inference). Several learning rates run beside each other and
are weighted by the pinball loss that they cost (Gibbs and Candès 2024, DtACI). What the intervals told have
missed so far beyond what was meant widens them (the integral term of Angelopoulos and others 2023).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from agents.models.banks.columns import Columns

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from agents.models.forecasting.recipe import ForecastingRecipe

LARGEST_Z = 20.0
"""Errors count as this many usual ones at most, so that a jump does not set the learning off course."""

MOST_DEBT = 1.5
"""Intervals are widened or narrowed by this power of e at most."""

LOSS_MEMORY = 100.0
"""Comparisons over which the learning rates are judged."""


class Intervals:
    """The intervals of all signals of a unit at each horizon."""

    def __init__(self, recipe: ForecastingRecipe) -> None:
        steps = np.array(recipe.horizon_steps, dtype=np.float64)
        stride = np.array(recipe.strides, dtype=np.float64)
        self._miss = 1.0 - recipe.coverage
        self._rates = np.array(recipe.width_rates)
        self._memory = np.maximum(np.maximum(recipe.width_memory, steps) / stride, LOSS_MEMORY / 4.0)
        self._debt_rate = recipe.debt_rate / np.sqrt(steps / stride)
        horizons, rates = len(steps), len(self._rates)
        # Errors are first taken for Laplace's: -log of what may be missed is the quantile over the mean.
        begin = float(-np.log(self._miss))
        # As they stand until something comes true again.
        self._ends: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None
        self._lanes = Columns(
            {
                "compared": np.zeros(horizons, dtype=np.int32),
                "usual": np.zeros(horizons),
                "end": np.full((horizons, 2, rates), begin),
                "loss": np.zeros((horizons, 2, rates), dtype=np.float32),
                "debt": np.zeros(horizons),
                "told": np.zeros(horizons, dtype=np.int32),
                "held": np.zeros(horizons, dtype=np.int32),
            }
        )

    def add(self) -> None:
        """Add a fresh lane."""
        self._lanes.add()
        self._ends = None

    @property
    def reached(self) -> NDArray[np.float64]:
        """(S, H) the share of true values that the intervals told have held so far; NaN before the first."""
        told = self._lanes["told"]
        return np.where(told > 0, self._lanes["held"] / np.maximum(told, 1), np.nan)

    def ends(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(S, H) and (S, H) how far the interval reaches below and above the forecast, both >= 0."""
        if self._ends is None:
            loss = self._lanes["loss"].astype(np.float64)
            weight = np.exp(loss.min(axis=3, keepdims=True) - loss)
            end = (weight * self._lanes["end"]).sum(axis=3) / weight.sum(axis=3)
            size = self._lanes["usual"] * np.exp(self._lanes["debt"])
            reach = np.maximum(end, 0.0) * size[..., None]
            self._ends = (reach[..., 0], reach[..., 1])
        return self._ends

    def learn(
        self,
        targets: NDArray[np.intp],
        off: NDArray[np.float64],
        below: NDArray[np.float64],
        above: NDArray[np.float64],
        where: NDArray[np.bool_],
    ) -> None:
        """Take how far the truth was from the forecast, off (S, T), where `where` (S, T).

        below, above: (S, T) how far the interval reached that was told with it; NaN where none was told.
        """
        self._ends = None
        lanes = self._lanes
        told = where & np.isfinite(below)
        missed = told & ((off < -below) | (off > above))
        debt = lanes["debt"][:, targets]
        owed = np.clip(debt + self._debt_rate[targets] * (missed - self._miss), -MOST_DEBT, MOST_DEBT)
        lanes["debt"][:, targets] = np.where(told, owed, debt)
        lanes["told"][:, targets] += told
        lanes["held"][:, targets] += told & ~missed
        compared = lanes["compared"][:, targets] + where
        lanes["compared"][:, targets] = compared
        begun = np.maximum(compared, 1)
        usual = lanes["usual"][:, targets]
        self._move(targets, off, usual, begun, where & (compared > 1))
        share = np.maximum(1.0 / begun, 1.0 / self._memory[targets])
        lanes["usual"][:, targets] = np.where(where, usual + share * (np.abs(off) - usual), usual)

    def state(self) -> dict[str, Any]:
        """Everything that it knows."""
        return self._lanes.state()

    def take_up(self, state: Mapping[str, Any]) -> None:
        """Go on from `state`; raises SnapshotRefused where it does not fit."""
        self._lanes.take_up(state)
        self._ends = None

    def _move(
        self,
        targets: NDArray[np.intp],
        off: NDArray[np.float64],
        usual: NDArray[np.float64],
        begun: NDArray[np.int32],
        where: NDArray[np.bool_],
    ) -> None:
        lanes, side = self._lanes, self._miss / 2.0
        within = LARGEST_Z * usual
        z = np.where(
            usual > 0.0,
            np.clip(off, -within, within) / np.where(usual > 0.0, usual, 1.0),
            LARGEST_Z / 2.0 * np.sign(off),
        )
        z = np.stack([-z, z], axis=2)[..., None]
        end, loss = lanes["end"][:, targets], lanes["loss"][:, targets]
        beyond = z > end
        cost = np.where(beyond, (1.0 - side) * (z - end), side * (end - z))
        kept = 1.0 - 1.0 / np.maximum(LOSS_MEMORY, 2.0 * self._memory[targets] / 4.0)
        rate = np.maximum(self._rates, 1.0 / begun[..., None])[:, :, None]
        learns = where[..., None, None]
        lanes["end"][:, targets] = np.where(learns, end + rate * np.where(beyond, 1.0 - side, -side), end)
        lanes["loss"][:, targets] = np.where(learns, kept[:, None, None] * loss + cost, loss)
