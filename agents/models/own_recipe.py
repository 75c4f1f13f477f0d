"""A recipe of one's own: River estimators named in a YAML file, without code.

    name: trees
    version: "1"
    about: "Half-space trees over what the unit measures."
    layer: own-anomaly
    step_s: 10
    signals: [DO, pH, temperature]
    estimator:
      - model: anomaly.HalfSpaceTrees
        parameters: {n_trees: 25, seed: 42, limits: {DO: [0, 120], pH: [6, 8], temperature: [30, 40]}}

A name is looked up in River and nowhere else, so a recipe is data: it cannot import, open or run anything.
"""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module
from inspect import signature
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from river import base, time_series

from agents.models.own_detector import OwnDetector
from agents.models.own_signals import OwnSignals
from agents.models.recipe import Positive, Recipe, Steps
from agents.models.river_state import RIVER, model_of, state_of
from schemas.errors import ModelRefused, SnapshotRefused
from schemas.model_event import ModelContext
from schemas.wire import Name, complaints

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from agents.models.step import Layer

R = TypeVar("R", bound=Recipe)

Kind = Literal["detector", "judge", "forecaster", "regressor"]
"""detector: scores all signals together. judge: scores each signal by its value. forecaster: foresees each
signal from its past. regressor: predicts each signal from its last values."""

PARTS = frozenset(
    {
        *("anomaly", "cluster", "compose", "covariance", "drift", "dummy", "ensemble", "feature_extraction"),
        *("feature_selection", "forest", "linear_model", "metrics", "model_selection", "neighbors", "optim"),
        *("preprocessing", "proba", "rules", "sketch", "stats", "time_series", "tree"),
    }
)
"""The parts of River that a recipe may name."""

TREES = "anomaly.HalfSpaceTrees"

Value = float | int | bool | str | None
Plain = Value | tuple[Value, ...] | dict[str, Value | tuple[Value, ...]]


class Part(BaseModel):
    """One River object: its dotted name within River, and the parameters of its constructor."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: Annotated[str, Field(pattern=r"^[a-z_]+(\.[A-Za-z][A-Za-z0-9_]*)+$")]
    parameters: dict[str, Part | tuple[Part, ...] | Plain] = Field(default_factory=dict)

    @field_validator("parameters", mode="before")
    @classmethod
    def _parts(cls, given: Any) -> Any:
        """A mapping that names a model is another part; any other is what it is."""
        if not isinstance(given, dict):
            return given
        return {
            name: cls.model_validate(value) if isinstance(value, dict) and "model" in value else value
            for name, value in given.items()
        }

    def within(self) -> Iterator[Part]:
        """Yield this part and those in its parameters."""
        yield self
        for value in self.parameters.values():
            for inner in value if isinstance(value, tuple) else (value,):
                if isinstance(inner, Part):
                    yield from inner.within()

    def build(self) -> Any:
        """Return a new, untrained object.

        Raises:
            ModelRefused: River has no such class, or does not take these parameters.
        """
        known = _river_class(self.model)
        if "seed" in signature(known).parameters and self.parameters.get("seed") is None:
            raise ModelRefused(
                f"River's {self.model} draws by chance, and the recipe gives it no seed: "
                f"a replay could not repeat what it did.",
                next_step="add seed: 1, or any other number, to its parameters",
            )
        parameters = {name: _built(value) for name, value in self.parameters.items()}
        try:
            return known(**parameters)
        except (TypeError, ValueError, AttributeError, KeyError) as error:
            raise ModelRefused(
                f"River's {self.model} does not take these parameters: {error}.",
                detail=repr(self.parameters),
                next_step=f"it takes {', '.join(signature(known).parameters) or 'none'}",
            ) from error


class OwnRecipe(Recipe):
    """A River estimator or pipeline with what it needs to judge a unit.

    layer: what it is a challenger for. context: where; everywhere if not given. river: the version that it
    was made for, such as "0.26" or "0.26.1". signals: which it sees; all if none is named.
    lags: how many past values a regressor predicts from. settle_steps: steps that a new model learns before
    it is asked. baseline_steps: of these its usual errors or scores are made. suspect_at: -log10 of the tail
    probability. rebaseline_after_s: a model that suspects this long starts anew, as it does in a new phase.
    coast_steps: while a signal is suspect its forecast goes on by itself this long. tail_memory: how many
    large deviations the tail remembers.
    """

    layer: Name
    context: ModelContext = ModelContext()
    author: str = ""
    citation: str = ""
    river: str = ""
    learning: Literal["frozen", "guarded"] = "guarded"
    signals: tuple[Name, ...] = ()
    estimator: Annotated[tuple[Part, ...], Field(min_length=1)]
    lags: Steps = 3
    settle_steps: Steps = 30
    baseline_steps: Annotated[int, Field(ge=50)] = 300
    suspect_at: Positive = 5.0
    rebaseline_after_s: Positive = 1800.0
    coast_steps: Steps = 12
    tail_memory: Steps = 500

    @property
    def rebaseline_steps(self) -> int:
        """Steps of unbroken suspicion after which it starts anew."""
        return max(1, round(self.rebaseline_after_s / self.step_s))

    def build(self) -> Any:
        """Return the new, untrained estimator, a pipeline where there are several parts.

        Raises:
            ModelRefused: it cannot be built here.
        """
        if self.river and not f"{RIVER}.".startswith(f"{self.river}."):
            raise ModelRefused(
                f"The recipe {self.name} {self.version} is made for River {self.river}, and this is {RIVER}.",
                next_step=f'check it against River {RIVER}, then give it river: "{RIVER}" and a new version',
            )
        built = [part.build() for part in self.estimator]
        model = built[0]
        for part in built[1:]:
            model |= part
        return model

    def refuse_unscaled(self) -> None:
        """Raise ModelRefused where half-space trees would see values that are not within their limits."""
        scaled = any("Scaler" in part.model for part in self.estimator[:-1])
        for part in self.estimator[-1].within():
            if part.model == TREES and not scaled and "limits" not in part.parameters:
                raise ModelRefused(
                    f"{self.name}: River's {TREES} looks between 0 and 1 only, and nothing tells it more.",
                    next_step="give it limits, by signal and wider than where it runs: "
                    "{DO: [0, 120], pH: [6, 8]}",
                )

    def kind(self) -> Kind:
        """Return what the estimator can be asked.

        Raises:
            ModelRefused: it can neither score, nor forecast, nor predict a number; or cannot be built.
        """
        last = self.build()
        while hasattr(last, "_last_step"):
            last = last._last_step  # noqa: SLF001 - River says it nowhere else
        kinds: tuple[tuple[Kind, type | tuple[type, ...]], ...] = (
            ("detector", (base.AnomalyDetector, base.AnomalyFilter)),
            ("judge", base.SupervisedAnomalyDetector),
            ("forecaster", time_series.base.Forecaster),
            ("regressor", base.Regressor),
        )
        for kind, family in kinds:
            if isinstance(last, family):
                return kind
        raise ModelRefused(
            f"{self.estimator[-1].model} is neither an anomaly detector, nor a forecaster, nor a regressor.",
            next_step="end the estimator with one, such as anomaly.HalfSpaceTrees or time_series.HoltWinters",
        )

    @model_validator(mode="after")
    def _named_once(self) -> Self:
        if len(set(self.signals)) < len(self.signals):
            raise ValueError("signals: name each once")
        return self


def load(text: str) -> OwnRecipe:
    """Read a recipe written in `text` (YAML), and make sure that it can be built and kept.

    Raises:
        ModelRefused: it is no YAML, incomplete or wrong, or cannot be built or kept; says what and where.
    """
    try:
        said = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ModelRefused("The recipe is not YAML.", detail=str(error)) from error
    recipe = follows(OwnRecipe, said)
    recipe.kind()
    recipe.refuse_unscaled()
    try:
        model_of(state_of(recipe.build()))
    except (TypeError, SnapshotRefused) as wrong:
        raise ModelRefused(
            f"What {recipe.name} learns could not be kept through a restart: {wrong}.",
            next_step="leave out the part of River that it speaks of",
        ) from wrong
    return recipe


def follows(contract: type[R], said: object) -> R:
    """Return what YAML says as a recipe of this kind.

    Raises:
        ModelRefused: it is incomplete or wrong; says what and where.
    """
    if not isinstance(said, dict):
        raise ModelRefused(
            "This is not the recipe of a model: it has no lines such as `name: value`.",
            next_step="write one as docs/how-to/models.md shows it, beginning with name, version and about",
        )
    try:
        return contract.model_validate(said)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise ModelRefused(f"{_place(first['loc'])}: {first['msg']}.", detail=complaints(error)) from error


def layer(recipe: OwnRecipe) -> Layer:
    """Return the layer that runs this recipe.

    Raises:
        ModelRefused: it cannot be built here.
    """
    kind = recipe.kind()
    return OwnDetector(recipe) if kind == "detector" else OwnSignals(recipe, kind)


def _place(where: Sequence[int | str]) -> str:
    """Say where in a recipe something stands: estimator, part 2, parameters, q."""
    return ", ".join(f"part {one + 1}" if isinstance(one, int) else one for one in where) or "the recipe"


def _river_class(name: str) -> type[Any]:
    part, *path = name.split(".")
    if part not in PARTS:
        raise ModelRefused(
            f"A recipe cannot name {name}: it names River's {', '.join(sorted(PARTS))}.",
            next_step="write it as River does, without `river.`, such as anomaly.HalfSpaceTrees",
        )
    found: Any = import_module(f"river.{part}")
    for step in path:
        found = getattr(found, step, None)
    ours = isinstance(found, type) and issubclass(found, base.Base) and found.__module__.startswith("river.")
    if not ours:
        near = get_close_matches(path[-1], import_module(f"river.{part}").__all__, 1)
        meant = f"write {part}.{near[0]}, if that is meant" if near else "look it up in River's documentation"
        raise ModelRefused(f"River {RIVER} has no {name}.", next_step=meant)
    known: type[Any] = found
    return known


def _built(value: Part | tuple[Part, ...] | Plain) -> Any:
    if isinstance(value, Part):
        return value.build()
    return [_built(one) for one in value] if isinstance(value, tuple) else value
