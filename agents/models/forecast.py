"""Where a signal will be: level and trend carried forward, with intervals from past errors.

A forecaster answers before it has learned, diverges, and throws its trend after a step, so it is guarded: its
past errors are compared with those of persistence (the last value stays), and persistence answers, flagged,
where the model is not the better of the two or leaves what is plausible.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING

from river import stats

from agents.limits import Band

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agents.models.recipe import ForecastRecipe

WILDEST = 5.0
"""A forecast this many persistence intervals away from the present value has diverged."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """A signal's forecast, one entry a horizon that is known well enough; values in the signal's unit.

    fallback: at one of them at least, persistence answers.
    """

    horizon_s: tuple[float, ...]
    value: tuple[float, ...]
    lower: tuple[float, ...]
    upper: tuple[float, ...]
    fallback: bool


class Errors:
    """Past errors at one horizon, of the model and of persistence.

    `model` and `persistence` hold, for each, the quantile of the absolute error and its recent mean.
    """

    def __init__(self, recipe: ForecastRecipe, steps: int) -> None:
        self.count = 0
        self._least = recipe.errors_least
        self._made: deque[tuple[float, float]] = deque(maxlen=steps)
        self.model_width = stats.RollingQuantile(recipe.coverage, recipe.errors_window)
        self.persistence_width = stats.RollingQuantile(recipe.coverage, recipe.errors_window)
        # Errors of forecasts that overlap are alike: a long horizon takes longer to tell who is better.
        fading = 1.0 / max(recipe.memory_least, recipe.memory_horizons * steps)
        self.model_mean = stats.EWMean(fading)
        self.persistence_mean = stats.EWMean(fading)

    @property
    def known(self) -> bool:
        """Whether there are enough of them for an interval."""
        return self.count >= self._least

    def compare(self, value: float) -> None:
        """Take the value that has come true for the forecast made one horizon ago, if there was one."""
        if len(self._made) < (self._made.maxlen or 0):
            return
        predicted, then = self._made[0]
        self.count += 1
        self.model_width.update(abs(value - predicted))
        self.model_mean.update(abs(value - predicted))
        self.persistence_width.update(abs(value - then))
        self.persistence_mean.update(abs(value - then))

    def made(self, predicted: float, value: float) -> None:
        """Remember what is forecast now, and what persistence would say."""
        self._made.append((predicted, value))


class ForecastModel:
    """The forecaster of one signal on its grid.

    Args:
        recipe: the parameters.
        plausible: where the signal can be; nothing outside is forecast.
    """

    def __init__(self, recipe: ForecastRecipe, plausible: Band | None = None) -> None:
        self.recipe = recipe
        self._plausible = plausible or Band()
        self._steps = recipe.horizon_steps
        self._predictor = recipe.predictor.build()
        self._learned = 0
        self._suspect_steps = 0
        self._value = 0.0
        self._ahead = (0.0,) * len(self._steps)
        self._errors = tuple(Errors(recipe, steps) for steps in self._steps)

    def learn(self, value: float, *, suspect: bool = False) -> None:
        """Take the value of one step of the grid.

        suspect: something else doubts it. A short doubt is passed over; a lasting one is what the signal does
        now, and the model starts anew from there, so that its trend is not thrown by the step.
        """
        self._suspect_steps = self._suspect_steps + 1 if suspect else 0
        if 0 < self._suspect_steps <= self.recipe.follow_after_steps:
            self._remember()
            return
        if self._suspect_steps == self.recipe.follow_after_steps + 1:
            self._predictor = self.recipe.predictor.build()
            self._learned = 0
        for errors in self._errors:
            errors.compare(value)
        self._predictor.learn_one(value)
        self._learned += 1
        self._value = value
        self._ahead = self._predict()
        self._remember()

    def outlook(self) -> Outlook | None:
        """Return the forecast from the last value on; None while no horizon is known well enough."""
        known = [index for index, errors in enumerate(self._errors) if errors.known]
        if not known:
            return None
        values, widths = [], []
        fallback = False
        for index in known:
            errors = self._errors[index]
            if self._trusts_model(index):
                values.append(self._ahead[index])
                widths.append(errors.model_width.get() or 0.0)
            else:
                fallback = True
                values.append(self._value)
                widths.append(errors.persistence_width.get() or 0.0)
        return Outlook(
            horizon_s=tuple(self.recipe.horizons_s[index] for index in known),
            value=self._clip(values),
            lower=self._clip([value - width for value, width in zip(values, widths, strict=True)]),
            upper=self._clip([value + width for value, width in zip(values, widths, strict=True)]),
            fallback=fallback,
        )

    def _remember(self) -> None:
        for errors, predicted in zip(self._errors, self._ahead, strict=True):
            errors.made(predicted, self._value)

    def _predict(self) -> tuple[float, ...]:
        # HoltWinters raises before its second value; a prediction must be a number that later errors can use.
        if self._learned < 2:
            return (self._value,) * len(self._steps)
        path = self._predictor.forecast(self._steps[-1])
        ahead = tuple(float(path[steps - 1]) for steps in self._steps)
        if not all(isfinite(value) for value in ahead):
            self._predictor = self.recipe.predictor.build()
            self._learned = 0
            return (self._value,) * len(self._steps)
        return self._clip(ahead)

    def _trusts_model(self, index: int) -> bool:
        errors = self._errors[index]
        wildest = WILDEST * (errors.persistence_width.get() or 0.0)
        diverged = abs(self._ahead[index] - self._value) > wildest
        return not diverged and errors.model_mean.get() <= errors.persistence_mean.get()

    def _clip(self, values: Sequence[float]) -> tuple[float, ...]:
        return tuple(min(max(value, self._plausible.low), self._plausible.high) for value in values)
