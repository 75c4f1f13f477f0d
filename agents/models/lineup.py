"""Which models speak for a unit: a champion of each layer, and challengers in its shadow."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

from agents.models import attribution, drift, envelope, multivariate, residual, scales
from agents.models.attribution import Attribution
from agents.models.drift import DriftLayer
from agents.models.envelope import BatchEnvelope
from agents.models.forecasting import recipe as forecasts
from agents.models.forecasting.layer import ForecastLayer
from agents.models.multivariate import MultivariateLayer
from agents.models.residual import ResidualLayer
from agents.models.scales import ScalesLayer

if TYPE_CHECKING:
    from collections.abc import Callable

    from agents.context import Context
    from agents.models.recipe import Recipe

Role = Literal["champion", "challenger"]

FORECAST = "forecast"

ORDER = ("residual", "multivariate", "envelope", "attribution", "drift", FORECAST, "scales")
"""The layers of a unit: each is told what those before it doubt; what is last makes nobody doubt."""

QUIET = frozenset({"scales"})
"""Layers that raise no alarm: what they suspect is too common for one, and stands in their scores."""


@dataclass(frozen=True)
class Choice:
    """One model: `kind` is its layer of ORDER, `build` makes a new one that has seen nothing.

    It makes a Layer, or for drift one whose `take` returns what it found.
    """

    kind: str
    role: Role
    recipe: Recipe
    build: Callable[[], Any]

    @property
    def name(self) -> str:
        """What it is called where it is kept: a challenger that is promoted goes on with what it knows."""
        return f"{self.kind}/{self.recipe.digest}"


@dataclass(frozen=True)
class Lineup:
    """The models in force, in the order in which they judge."""

    choices: tuple[Choice, ...]


def ordered(choices: list[Choice]) -> Lineup:
    """Return a lineup: layers in their order, the champion of each before its challengers."""

    def rank(choice: Choice) -> tuple[int, bool, str]:
        place = ORDER.index(choice.kind) if choice.kind in ORDER else len(ORDER)
        return (place, choice.role == "challenger", choice.name)

    return Lineup(tuple(sorted(choices, key=rank)))


@lru_cache(maxsize=1)
def shipped() -> Lineup:
    """Return the champions that come with Sparge."""
    by_signal, by_unit, ahead = residual.shipped(), multivariate.shipped(), forecasts.shipped()
    by_batch, by_relation, slow = envelope.shipped(), attribution.shipped(), drift.shipped()
    at_scales = scales.shipped()
    return ordered(
        [
            Choice("residual", "champion", by_signal, lambda: ResidualLayer(by_signal)),
            Choice("multivariate", "champion", by_unit, lambda: MultivariateLayer(by_unit)),
            Choice("envelope", "champion", by_batch, lambda: BatchEnvelope(by_batch)),
            Choice("attribution", "champion", by_relation, lambda: Attribution(by_relation)),
            Choice("drift", "champion", slow, lambda: DriftLayer(slow)),
            Choice(FORECAST, "champion", ahead, lambda: ForecastLayer(ahead)),
            Choice("scales", "champion", at_scales, lambda: ScalesLayer(at_scales)),
        ]
    )


def everywhere(_: Context) -> Lineup:
    """Return the shipped champions, whatever is under way."""
    return shipped()
