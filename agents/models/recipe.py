"""Recipes: which River model with which parameters, named, versioned and known by a digest."""

from __future__ import annotations

import hashlib
from functools import cached_property
from typing import Annotated, Any, Self

import orjson
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
