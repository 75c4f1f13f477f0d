"""From what is registered to what runs: recipes read, layers built, a lineup for each unit and context.

A recipe that cannot be built here (another River, a changed contract) does not run, and why stands in
`refused`: its layer falls back to the model that comes with Sparge.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache, partial
from importlib import metadata
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import yaml

from agents.models import attribution, drift, multivariate, own_recipe, residual, scales
from agents.models.envelope import BatchEnvelope
from agents.models.forecasting import recipe as forecasts
from agents.models.forecasting.layer import ForecastLayer
from agents.models.golden import EnvelopeRecipe, ReferencedRecipe
from agents.models.kept_envelope import Envelopes
from agents.models.lineup import FORECAST, Choice, Lineup, ordered
from agents.models.registry import EVERYWHERE
from agents.models.river_state import RIVER
from schemas.errors import ModelRefused
from schemas.model_event import SYSTEM, ModelEvent

if TYPE_CHECKING:
    from collections.abc import Callable

    from agents.context import Context
    from agents.models.lineup import Role
    from agents.models.recipe import Recipe
    from agents.models.registry import Registry, Standing
    from agents.models.step import Layer

NUMPY = metadata.version("numpy")
GRID_S = 5
"""The grid of every unit; a recipe's step is a multiple of it."""


@dataclass(frozen=True, slots=True)
class Shipped:
    """A layer that comes with Sparge: its contract, its layer, and the file with its values."""

    recipe: type[Recipe]
    layer: Callable[[Any], Any]
    file: str

    def text(self) -> str:
        """The file as it is written."""
        return files("agents.models").joinpath("recipes", self.file).read_text("utf-8")


SHIPPED = {
    "residual": Shipped(residual.ResidualRecipe, residual.ResidualLayer, "residual.yaml"),
    "multivariate": Shipped(
        multivariate.MultivariateRecipe, multivariate.MultivariateLayer, "multivariate.yaml"
    ),
    "envelope": Shipped(EnvelopeRecipe, BatchEnvelope, "envelope.yaml"),
    "attribution": Shipped(attribution.AttributionRecipe, attribution.Attribution, "attribution.yaml"),
    "drift": Shipped(drift.DriftRecipe, drift.DriftLayer, "drift.yaml"),
    FORECAST: Shipped(forecasts.ForecastingRecipe, ForecastLayer, "forecast.yaml"),
    "scales": Shipped(scales.ScalesRecipe, scales.ScalesLayer, "scales.yaml"),
}


def read(text: str, layer: str | None = None) -> tuple[str, Recipe, Callable[[], Layer]]:
    """Return a recipe's layer, the recipe, and how to make a new layer of it.

    layer: the shipped layer whose parameters these are; None for a recipe that names River's estimators.

    Raises:
        ModelRefused: it is incomplete or wrong, or cannot be built here.
    """
    if layer is None or layer not in SHIPPED or "estimator" in (_mapping(text) or {}):
        own = own_recipe.load(text)
        if own.layer == FORECAST:
            raise ModelRefused(
                "layer: forecast is for forecasts at several horizons, and these estimators judge samples.",
                next_step="give them a layer of another name; a forecaster of River's among the shipped ones "
                "is named under `river` in a copy of recipes/forecast.yaml",
            )
        return own.layer, _on_grid(own), partial(own_recipe.layer, own)
    shipped, said = SHIPPED[layer], _mapping(text)
    contract = ReferencedRecipe if layer == "envelope" and "references" in (said or {}) else shipped.recipe
    recipe = own_recipe.follows(contract, said)
    return layer, _on_grid(recipe), partial(shipped.layer, recipe)


def registrations() -> list[ModelEvent]:
    """The registration of every model that comes with this version; id and time are for `announcements`."""
    return [
        ModelEvent(
            id="shipped",
            event="registered",
            time_us=0,
            by=SYSTEM,
            why=f"It comes with Sparge {metadata.version('sparge')}.",
            layer=layer,
            context=EVERYWHERE,
            model=read(shipped.text(), layer)[1].ref,
            recipe=shipped.text(),
            river_version=RIVER,
            numpy_version=NUMPY,
            author="Sparge",
        )
        for layer, shipped in SHIPPED.items()
    ]


class Contenders:
    """The models that a registry puts into force. `refused` has, by digest, why one does not run.

    envelopes: of the recipes that name reference batches.
    """

    def __init__(self, registry: Registry, envelopes: Envelopes | None = None) -> None:
        self.registry = registry
        self._envelopes = envelopes or Envelopes()
        self.refused: dict[str, str] = {}
        self._read: dict[tuple[str, str], tuple[Recipe, Callable[[], Layer]]] = {}
        self._layers = {*SHIPPED, *(one.layer for one in registry.standings())}

    def choose(self, unit: str, context: Context) -> Lineup:
        """Return the champions and challengers of the unit `site/unit` in a context."""
        choices = []
        for layer in sorted(self._layers):
            champion = self.registry.champion(layer, unit, context)
            chosen = self._choice(champion, "champion") if champion else None
            if chosen is None and layer in SHIPPED:
                chosen = _shipped(layer)
            choices += [chosen] if chosen else []
            for challenger in self.registry.challengers(layer, unit, context):
                shadow = self._choice(challenger, "challenger")
                choices += [shadow] if shadow else []
        return ordered(choices)

    def _choice(self, standing: Standing, role: Role) -> Choice | None:
        digest, layer = standing.model.digest, standing.layer
        if (layer, digest) not in self._read and digest not in self.refused:
            try:
                self._read[layer, digest] = self._built(standing)
            except ModelRefused as refused:
                self.refused[digest] = refused.message
        found = self._read.get((layer, digest))
        return None if found is None else Choice(layer, role, *found)

    def _built(self, standing: Standing) -> tuple[Recipe, Callable[[], Layer]]:
        _, recipe, make = read(standing.registered.recipe or "", standing.layer)
        if recipe.digest != standing.model.digest:
            raise ModelRefused(
                f"The recipe of {standing.model.name} {standing.model.version} reads as "
                f"{recipe.digest[:12]} here, and was registered as {standing.model.digest[:12]}.",
                next_step="register it anew, with a new version",
            )
        if isinstance(recipe, ReferencedRecipe):
            return recipe, partial(BatchEnvelope, recipe, self._envelopes.get(recipe.references.envelope))
        return recipe, make


@lru_cache
def _shipped(layer: str) -> Choice:
    kind, recipe, make = read(SHIPPED[layer].text(), layer)
    return Choice(kind, "champion", recipe, make)


def _on_grid(recipe: Recipe) -> Recipe:
    if recipe.step_us % (GRID_S * 1_000_000):
        raise ModelRefused(
            f"step_s: {recipe.step_s:g} is not a multiple of {GRID_S}, the grid of every unit."
        )
    return recipe


def _mapping(text: str) -> dict[str, Any] | None:
    try:
        said = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ModelRefused("The recipe is not YAML.", detail=str(error)) from error
    return said if isinstance(said, dict) else None
