"""What the forecasts are made with: the parameters, named, versioned and known by a digest."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from agents.models.recipe import Positive, Recipe, RiverModel, Share, Steps
from schemas.signals import read_yaml


class Holt(BaseModel):
    """Level and trend smoothed with these factors, as River's HoltWinters does."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    alpha: Share
    beta: Share


class ForecastingRecipe(Recipe):
    """Parameters of the forecasts; recipes/forecast.yaml says what each does."""

    learning: Literal["frozen", "guarded"]
    horizons_s: Annotated[tuple[Positive, ...], Field(min_length=1)]
    awaited: Steps
    compared_every: Steps = 1
    coverage: Share
    means: Annotated[tuple[Positive, ...], Field(min_length=1)]
    levels: tuple[Positive, ...]
    trends: Annotated[tuple[Holt, ...], Field(min_length=1)]
    damping_steps: Positive
    seasons_s: tuple[Positive, ...] = ()
    river: RiverModel | None = None
    regression_memory: Annotated[int, Field(ge=10)]
    regression_prior: Positive
    regression_ridge: Positive
    memory_steps: Steps
    memory_horizons: Positive
    quick_steps: Steps
    sharpness: Positive
    furthest: Positive
    wildest: Positive
    speak_below: Share
    most_worse: Share
    known_after: Steps
    evidence_horizons: Positive
    width_memory: Steps
    width_rates: Annotated[tuple[Share, ...], Field(min_length=1)]
    debt_rate: Share
    baseline_steps: Steps
    follow_after_steps: Steps
    hold_steps: Steps

    @property
    def horizon_steps(self) -> tuple[int, ...]:
        """The horizons in steps of the grid."""
        return tuple(round(horizon_s / self.step_s) for horizon_s in self.horizons_s)

    @property
    def season_steps(self) -> tuple[int, ...]:
        """The seasons in steps of the grid."""
        return tuple(round(season_s / self.step_s) for season_s in self.seasons_s)

    @property
    def strides(self) -> tuple[int, ...]:
        """For each horizon, every how many steps a forecast of it is kept until it comes true.

        The smallest divisor of the horizon that leaves no more than `awaited` of them under way and is
        `compared_every` at least.
        """
        return tuple(
            next(
                stride
                for stride in range(1, steps + 1)
                if not steps % stride
                and steps // stride <= self.awaited
                and stride >= min(self.compared_every, steps)
            )
            for steps in self.horizon_steps
        )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for what, spans_s, steps in (
            ("horizons_s", self.horizons_s, self.horizon_steps),
            ("seasons_s", self.seasons_s, self.season_steps),
        ):
            if any(abs(n * self.step_s - s) > 1e-6 * s for n, s in zip(steps, spans_s, strict=True)):
                raise ValueError(f"{what}: each must be a multiple of step_s ({self.step_s})")
            if list(steps) != sorted(set(steps)) or 0 in steps:
                raise ValueError(f"{what}: write them in rising order, each once")
        if not set(self.levels) <= set(self.means):
            raise ValueError("levels: each must be one of means")
        return self


@lru_cache(maxsize=1)
def shipped() -> ForecastingRecipe:
    """Return the recipe that comes with Sparge."""
    text = files("agents.models").joinpath("recipes", "forecast.yaml").read_text("utf-8")
    return ForecastingRecipe.model_validate(read_yaml(text))
