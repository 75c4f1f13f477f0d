"""A unit on which a recipe is checked: signals from a seed, step after step, and what may be said of them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from agents.context import Context
from agents.models.forecasting.layer import Outlooks
from agents.models.step import SignalScores, Step, UnitScore
from schemas.signals import spec

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from agents.models.drift import Drift
    from agents.models.recipe import Recipe
    from agents.models.step import Layer

    Said = SignalScores | UnitScore | Outlooks | list[Drift] | None

LEVELS: Mapping[str, float] = {
    "DO": 40.0,
    "pH": 7.0,
    "temperature": 37.0,
    "pressure": 1.2,
    "agitation": 600.0,
    "a_signal_of_your_own": 3.0,
}
"""The signals that a model is shown as a rule, and about what they move."""

STEPS = 1500
"""Steps of a check, unless a model's baseline takes more."""

BEGAN_US = 1_790_000_000_000_000
PHASE = "batch"
NOISE = 0.01
"""Standard deviation of what is steady, as a share of its level."""


class Wrong(Exception):
    """What a model said or did that none may."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is checked.

    make: a new model of the recipe. kind: the layer that it is for. levels: by signal, what it is shown.
    steps: how long a check is, longer than the baseline. most_suspected: share of steady noise that it may
    suspect. most_bytes: of its state, with these signals. judges_stillness: to stand still may be suspect.
    """

    make: Callable[[], Layer]
    recipe: Recipe
    kind: str
    levels: Mapping[str, float]
    steps: int
    most_suspected: float
    most_bytes: int
    judges_stillness: bool = False

    @property
    def signals(self) -> Sequence[str]:
        """Their names."""
        return list(self.levels)


class Unit:
    """A model under check with the unit that it judges, in a batch that has just begun."""

    def __init__(self, subject: Subject, seed: int = 0, signals: int | None = None) -> None:
        self.layer: Any = subject.make()
        self.names: list[str] = []
        self.step_us = subject.recipe.step_us
        self.end_us = BEGAN_US
        self.noise = np.random.default_rng(seed)
        self._levels = np.empty(0)
        self.begin("B1")
        for name in subject.signals[:signals]:
            self.add(name, subject.levels[name])

    def begin(self, batch: str, phase: str = PHASE) -> None:
        """Let a batch begin."""
        self.context = Context(
            batch=batch, phase=phase, batch_since_us=self.end_us, phase_since_us=self.end_us
        )

    def add(self, name: str, level: float) -> None:
        """Let a signal come."""
        self.layer.add(name, spec(name))
        self.names.append(name)
        self._levels = np.append(self._levels, level)

    def steady(self) -> NDArray[np.float64]:
        """Values that move about their level."""
        return self._levels * (1.0 + NOISE * self.noise.standard_normal(self._levels.size))

    def take(
        self,
        value: NDArray[np.float64],
        *,
        fresh: NDArray[np.bool_] | None = None,
        fit: NDArray[np.bool_] | None = None,
    ) -> Said:
        """Let the model take a step, and ask it; raises Wrong where its answer is none that may be shown."""
        finite = np.isfinite(value)
        fresh = finite if fresh is None else fresh & finite
        fit = fresh if fit is None else fit & fresh
        self.end_us += self.step_us
        step = Step(self.end_us, value, fresh, fit, self.context)
        said: Said = self.layer.take(step, np.zeros(len(self.names), dtype=np.bool_))
        if hasattr(self.layer, "outlook"):
            said = self.layer.outlook()
        refuse_unshowable(said, len(self.names))
        return said


def refuse_unshowable(said: Said, signals: int) -> None:
    """Raise Wrong where an answer is none that may be shown."""
    if isinstance(said, UnitScore):
        _of_unit(said, signals)
    elif isinstance(said, SignalScores):
        _of_signals(said)
    elif isinstance(said, Outlooks):
        _ahead(said)
    elif said is not None and not all(np.isfinite(one.off) and one.text for one in said):
        raise Wrong("a drift has no size or is not told")


def _of_unit(said: UnitScore, signals: int) -> None:
    if not (np.isfinite(said.score) and said.score >= 0.0):
        raise Wrong(f"its score is {said.score}; a score is a number from 0 up")
    if said.contributions.shape != (signals,) or not np.isfinite(said.contributions).all():
        raise Wrong("its contributions are not one number a signal")


def _of_signals(said: SignalScores) -> None:
    told = ~np.isnan(said.score)
    if not (np.isfinite(said.score[told]) & (said.score[told] >= 0.0)).all():
        raise Wrong("a score is not a number from 0 up")
    if not (np.isfinite(said.expected[told]) & np.isfinite(said.spread[told])).all():
        raise Wrong("a score stands beside an expected value or a spread that is not a number")


def _ahead(said: Outlooks) -> None:
    told = np.isfinite(said.lower) & np.isfinite(said.upper)
    if np.isinf(said.value).any() or not np.isfinite(said.value[told]).all():
        raise Wrong("a forecast is not a number")
    if (said.lower[told] > said.upper[told]).any():
        raise Wrong("an interval ends before it begins")


def suspected(said: Said) -> float:
    """The share of the judged that is suspected; NaN while nothing is judged."""
    if isinstance(said, UnitScore):
        return float(said.suspect)
    if isinstance(said, SignalScores) and (told := ~np.isnan(said.score)).any():
        return float(said.suspect[told].mean())
    return float(bool(said)) if isinstance(said, list) else float("nan")


def shown(said: Said) -> bool:
    """Whether a score was said of a signal or of the unit."""
    return not np.isnan(suspected(said)) and said != []


def learned(said: Said) -> bool:
    """Whether it says that it has learnt."""
    return isinstance(said, (SignalScores, UnitScore)) and bool(np.any(said.learned))


def in_bytes(said: Said) -> Any:
    """What a model said, to be compared bit by bit."""
    if said is None:
        return None
    if isinstance(said, list):
        return [repr(one) for one in said]
    values = [getattr(said, field.name) for field in fields(said)]
    return [
        value.tobytes()
        if isinstance(value, np.ndarray)
        else np.float64(value).tobytes()
        if isinstance(value, float)
        else value
        for value in values
    ]
