"""The forecasters of a signal, all of them simple: each says how far the signal will be from its value now.

Persistence says not at all, a mean that the signal returns to it, a trend that it goes on, a season that it
does as it did. A regression for each horizon, fitted to what came true at that horizon, starts from all of
their views; its misses weigh by their size rather than their square, so that it aims at the median.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from agents.models.banks.bayesian_regression import BayesianRegressionBank
from agents.models.banks.columns import Columns
from agents.models.banks.fading_means import FadingMeans
from agents.models.banks.holt_winters import HoltWintersBank
from agents.models.forecasting.river_expert import RiverExpert

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from agents.models.forecasting.recipe import ForecastingRecipe

FAR = 1e31
"""No forecast is meant to be further away; it keeps single precision finite."""

WIDE = 50.0
"""Inputs of the regressions are cut off here, in usual changes from sample to sample,"""

STEEP = 4.0
"""and targets here if it is more: so many usual changes in each step."""

NEAR = 0.1
"""A miss smaller than this part of the usual one weighs no more than that."""

TREND_SCALE = 10.0
"""Brings a trend, a change in one sample, to the size of the other inputs."""


class Experts:
    """The forecasters of all signals of a unit.

    names: of the forecasters, (E,), persistence first, then the seasons: these are the naive ones.
    inputs: how many views the regressions start from.
    """

    def __init__(self, recipe: ForecastingRecipe) -> None:
        self._steps = np.array(recipe.horizon_steps, dtype=np.int64)
        self._damped = recipe.damping_steps * -np.expm1(
            self._steps * np.log1p(-1.0 / (recipe.damping_steps + 1.0))
        )
        self._seasons = recipe.season_steps
        self._levels = [recipe.means.index(level) for level in recipe.levels]
        self._memory = recipe.memory_steps
        self._means = FadingMeans([2.0 / (1.0 + span) for span in recipe.means])
        self._trends = [HoltWintersBank(trend.alpha, trend.beta) for trend in recipe.trends]
        self.inputs = len(recipe.means) + len(recipe.trends) + len(self._seasons)
        self._regressions = BayesianRegressionBank(
            len(self._steps),
            self.inputs,
            recipe.regression_prior,
            1.0 - 1.0 / recipe.regression_memory,
            recipe.regression_ridge,
        )
        self._river = RiverExpert(recipe.river, recipe.horizon_steps) if recipe.river else None
        self.names = (
            "persistence",
            *(f"season of {season_s:g} s" for season_s in recipe.seasons_s),
            *(f"mean of {level:g}" for level in recipe.levels),
            "trend",
            *([recipe.river.model] if recipe.river else []),
            "regression",
        )
        self.naive = 1 + len(self._seasons)
        fields: dict[str, Any] = {
            "value": 0.0,
            "seen": 0,  # values since it was begun
            "changes": 0,  # of them, how many made up the scale
            "scale": 0.0,  # usual change from one to the next
            "miss": np.zeros(len(self._steps)),  # usual miss of a regression, in scales
        }
        for season in self._seasons:
            fields[f"season {season}"] = np.full(season, np.nan)
        self._lanes = Columns(fields)

    def add(self) -> None:
        """Add a fresh lane."""
        self._lanes.add()
        self._regressions.add()
        for bank in self._banks():
            bank.add()

    @property
    def value(self) -> NDArray[np.float64]:
        """(S,) the last value learnt."""
        return self._lanes["value"]

    @property
    def begun(self) -> NDArray[np.bool_]:
        """(S,) which signals have a value."""
        begun: NDArray[np.bool_] = self._lanes["seen"] > 0
        return begun

    def begin(self, where: NDArray[np.bool_]) -> None:
        """Let levels and trends in `where` (S,) start anew; what the regressions and seasons know stays."""
        self._lanes["seen"][where] = 0
        for bank in self._banks():
            bank.begin(where)

    def follow(self, index: int, value: NDArray[np.float64], where: NDArray[np.bool_]) -> None:
        """Let the signals in `where` (S,) have their value (S,) of step `index`."""
        lanes = self._lanes
        changed = where & (lanes["seen"] > 0)
        changes = lanes["changes"]
        changes[changed] += 1
        share = 1.0 / np.clip(changes, 1, self._memory)
        scale = lanes["scale"]
        np.copyto(scale, scale + share * (np.abs(value - lanes["value"]) - scale), where=changed)
        np.copyto(lanes["value"], value, where=where)
        lanes["seen"][where] += 1
        for season in self._seasons:
            lanes[f"season {season}"][where, index % season] = value[where]
        for bank in self._banks():
            bank.learn(value, where)

    def views(self, index: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """What is seen at step `index` and said of all horizons, as distances from the value.

        Returns:
            (S, H, D) the inputs of the regressions, and (S, H, E) the forecasts.
        """
        value = self._lanes["value"][:, None]
        means = self._means.mean - value
        slow = self._trends[0]
        seasons, shape = len(self._seasons), (len(value), len(self._steps))
        inputs = np.empty((*shape, self.inputs))
        inputs[..., : means.shape[1]] = means[:, None]
        for place, bank in enumerate(self._trends, means.shape[1]):
            inputs[..., place] = TREND_SCALE * bank.trend[:, None]
        said = np.zeros((*shape, len(self.names)))
        if seasons:
            inputs[..., -seasons:] = np.nan_to_num(self._seasonal(index) - value[..., None])
            said[..., 1 : self.naive] = inputs[..., -seasons:]
        for at, place in enumerate(self._levels, self.naive):
            said[..., at] = means[:, place, None]
        at = self.naive + len(self._levels)
        level = np.where(slow.running[:, None], slow.level[:, None] - value, 0.0)
        said[..., at] = level + self._damped * slow.trend[:, None]
        if self._river is not None:
            said[..., at + 1] = self._river.ahead(value[:, 0])
        scale = self._lanes["scale"][:, None]
        said[..., -1] = scale * self._regressions.predict(_scaled(inputs, scale[..., None]))
        return _within(inputs, FAR), _within(said, FAR)

    def learn(
        self,
        targets: NDArray[np.intp],
        inputs: NDArray[np.float64],
        said: NDArray[np.float64],
        came: NDArray[np.float64],
        where: NDArray[np.bool_],
    ) -> None:
        """Let the regressions of `targets` (T,) learn how far the value came, (S, T), where `where` (S, T).

        inputs (S, T, D) and said (S, T), the regression's own forecast, are those of the time before.
        """
        scale = self._lanes["scale"][:, None]
        where = where & (scale > 0.0)
        within = np.maximum(WIDE, STEEP * self._steps[targets])
        y = _scaled(came, scale, within)
        missed = np.abs(y - _scaled(said, scale, within))
        usual = self._lanes["miss"][:, targets]
        # A first miss is the usual one; River's fading mean from there.
        usual = np.where(usual > 0.0, usual + (missed - usual) / self._memory, missed)
        self._lanes["miss"][:, targets] = np.where(where, usual, self._lanes["miss"][:, targets])
        weight = np.where(where, usual / np.maximum(np.maximum(missed, NEAR * usual), 1e-12), 0.0)
        self._regressions.learn(_scaled(inputs, scale[..., None]), y, weight, targets)

    def state(self) -> dict[str, Any]:
        """Everything that it knows."""
        return {
            "signals": self._lanes.state(),
            "regressions": self._regressions.state(),
            "banks": [bank.state() for bank in self._banks()],
        }

    def take_up(self, state: Mapping[str, Any]) -> None:
        """Go on from `state`; raises SnapshotRefused where it does not fit."""
        self._lanes.take_up(state["signals"])
        self._regressions.take_up(state["regressions"])
        for bank, kept in zip(self._banks(), state["banks"], strict=True):
            bank.take_up(kept)

    def _banks(self) -> list[FadingMeans | HoltWintersBank | RiverExpert]:
        return [self._means, *self._trends, *([self._river] if self._river else [])]

    def _seasonal(self, index: int) -> NDArray[np.float64]:
        """(S, H, N) the last value in the same place of each season."""
        found = [
            self._lanes[f"season {season}"][:, (index + self._steps) % season] for season in self._seasons
        ]
        return np.stack(found, axis=2)


def _within(what: NDArray[np.float64], ends: NDArray[np.float64] | float) -> NDArray[np.float64]:
    cut: NDArray[np.float64] = np.minimum(np.maximum(what, -ends), ends)
    return cut


def _scaled(
    what: NDArray[np.float64], scale: NDArray[np.float64], within: NDArray[np.float64] | float = WIDE
) -> NDArray[np.float64]:
    # Cut off before it is divided: a quotient of readings near the largest and a tiny scale would overflow.
    return _within(what, within * scale) / np.where(scale > 0.0, scale, 1.0)
