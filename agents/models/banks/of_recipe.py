"""Which bank runs the River model that a recipe names."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from agents.models.banks.gaussian import FadingBank, GaussianBank
from agents.models.banks.holt_winters import HoltWintersBank
from agents.models.banks.river_forecasters import RiverForecasters

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

    from agents.models.recipe import RiverModel


class Lanes(Protocol):
    """One model a signal; `where` (S,) says for which signals something holds."""

    def add(self, lanes: int = 1) -> None:
        """Add fresh lanes."""

    def begin(self, where: NDArray[np.bool_]) -> None:
        """Start the lanes in `where` anew."""

    def learn(self, value: NDArray[np.float64], where: NDArray[np.bool_]) -> None:
        """Let the lanes in `where` learn their `value` (S,)."""

    def state(self) -> dict[str, Any]:
        """Everything that it knows."""

    def take_up(self, state: Mapping[str, Any]) -> None:
        """Go on from `state`; raises SnapshotRefused where it does not fit."""


class Forecasters(Lanes, Protocol):
    """Forecasts of one step."""

    @property
    def running(self) -> NDArray[np.bool_]:
        """(S,) which lanes can forecast."""

    def forecast(self) -> NDArray[np.float64]:
        """(S,) what comes next; without meaning in lanes that are not running."""


class Spreads(Lanes, Protocol):
    """Mean and standard deviation of what was learnt."""

    def start(self, lane: int, values: NDArray[np.float64]) -> None:
        """Let one lane begin with a baseline."""

    def mean(self) -> NDArray[np.float64]:
        """(S,) the mean."""

    def sigma(self) -> NDArray[np.float64]:
        """(S,) the standard deviation."""


def forecasters(model: RiverModel) -> Forecasters:
    """Return the bank of a River forecaster: HoltWinters as vectors, any other as River's own objects."""
    if model.model == "HoltWinters" and not model.parameters.get("multiplicative"):
        return HoltWintersBank(
            alpha=model.parameters["alpha"],
            beta=model.parameters.get("beta"),
            gamma=model.parameters.get("gamma"),
            seasonality=int(model.parameters.get("seasonality", 0)),
        )
    return RiverForecasters(model)


def spreads(model: RiverModel) -> Spreads:
    """Return the bank of GaussianScorer or EWVar.

    Raises:
        ValueError: it is neither: a spread in the signal's unit must come out of it.
    """
    if model.model == "GaussianScorer":
        return GaussianBank(int(model.parameters.get("window_size") or 0))
    if model.model == "EWVar":
        return FadingBank(float(model.parameters["fading_factor"]))
    raise ValueError(f"{model.model} tells no spread of residuals; name GaussianScorer or EWVar")
