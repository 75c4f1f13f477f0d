"""Recipes: which River model with which parameters, named, versioned and known by a digest."""

from __future__ import annotations

import hashlib
from functools import cached_property, lru_cache
from importlib.resources import files
from typing import Annotated, Any, Self

import orjson
import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator
from river import anomaly, drift, stats, time_series

from schemas.score import ModelRef

RIVER: dict[str, type[Any]] = {
    "HoltWinters": time_series.HoltWinters,
    "SNARIMAX": time_series.SNARIMAX,
    "GaussianScorer": anomaly.GaussianScorer,
    "EWVar": stats.EWVar,
    "PageHinkley": drift.PageHinkley,
    "ADWIN": drift.ADWIN,
}
"""The River classes that a recipe may name: a recipe is data and must not be able to import anything."""

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Steps = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(gt=0, lt=1)]


class RiverModel(BaseModel):
    """One River model and its parameters."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    parameters: dict[str, float | int]

    def build(self) -> Any:
        """Return a new, untrained model."""
        return RIVER[self.model](**self.parameters)

    @model_validator(mode="after")
    def _known(self) -> Self:
        if self.model not in RIVER:
            raise ValueError(f"{self.model} is not among the models a recipe may name: {', '.join(RIVER)}")
        return self


class Recipe(BaseModel):
    """What every recipe has. `digest` is the SHA-256 of its canonical form: sorted JSON without blanks."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    version: str
    about: str
    step_s: Positive

    @cached_property
    def digest(self) -> str:
        """Lower-case hexadecimal SHA-256."""
        canonical = orjson.dumps(self.model_dump(), option=orjson.OPT_SORT_KEYS)
        return hashlib.sha256(canonical).hexdigest()

    @cached_property
    def ref(self) -> ModelRef:
        """What outputs carry."""
        return ModelRef(name=self.name, version=self.version, digest=self.digest)

    @property
    def step_us(self) -> int:
        """The grid's step in microseconds."""
        return round(self.step_s * 1e6)


class AnomalyRecipe(Recipe):
    """Parameters of the one-step residual; recipes.yaml says what each does."""

    predictor: RiverModel
    residual: RiverModel
    baseline_steps: Annotated[int, Field(ge=10)]
    baseline_within: Positive
    suspect_at: Positive
    coast_steps: Steps
    rebaseline_after_s: Positive
    hold_steps: Steps
    spread_noise: Positive
    spread_relative: Positive

    @property
    def rebaseline_steps(self) -> int:
        """Steps of unbroken suspicion after which a signal gets a new baseline."""
        return max(1, round(self.rebaseline_after_s / self.step_s))


class ForecastRecipe(Recipe):
    """Parameters of the forecasts; recipes.yaml says what each does."""

    predictor: RiverModel
    horizons_s: Annotated[tuple[Positive, ...], Field(min_length=1)]
    every_s: Positive
    coverage: Share
    errors_window: Steps
    errors_least: Steps
    memory_least: Steps
    memory_horizons: Positive
    follow_after_steps: Steps
    hold_steps: Steps

    @property
    def horizon_steps(self) -> tuple[int, ...]:
        """The horizons in steps of the grid."""
        return tuple(round(horizon_s / self.step_s) for horizon_s in self.horizons_s)

    @model_validator(mode="after")
    def _on_grid(self) -> Self:
        steps = self.horizon_steps
        if any(abs(n * self.step_s - s) > 1e-9 for n, s in zip(steps, self.horizons_s, strict=True)):
            raise ValueError(f"horizons_s: each must be a multiple of step_s ({self.step_s})")
        if list(steps) != sorted(set(steps)):
            raise ValueError("horizons_s: write them in rising order, each once")
        return self


class Recipes(BaseModel):
    """The recipes in force for a unit, one a kind."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    anomaly: AnomalyRecipe
    forecast: ForecastRecipe

    @model_validator(mode="after")
    def _one_grid(self) -> Self:
        if self.forecast.step_us % self.anomaly.step_us:
            raise ValueError("forecast.step_s: it must be a multiple of the anomaly recipe's step_s")
        return self


def load(text: str) -> Recipes:
    """Read recipes written in `text` (YAML).

    Raises:
        ValueError: a recipe is incomplete or wrong (pydantic's ValidationError is one).
    """
    return Recipes.model_validate(yaml.safe_load(text))


@lru_cache(maxsize=1)
def shipped() -> Recipes:
    """Return the recipes that come with Sparge."""
    return load(files("agents.models").joinpath("recipes.yaml").read_text("utf-8"))
