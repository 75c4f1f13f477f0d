"""One model of a unit in its place: the layer, the steps that it takes, and how it found the last of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

from agents.models.divergence import DivergenceWatch
from agents.models.grid import Coarser
from agents.models.step import SignalScores, UnitScore
from agents.models.worst import Judge

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from agents.models.attribution import Looks
    from agents.models.divergence import Divergence
    from agents.models.drift import Drift
    from agents.models.lineup import Choice
    from agents.models.step import Layer, Step

FOUND = 3.0
"""The score of a drift or divergence: its tests find one where there is none about once in a thousand."""


MOST_NAMED = 3
"""So many signals of those that contributed to a score are named in an alarm."""


class Whole(NamedTuple):
    """How a model found the unit as a whole.

    about: the signals that `looks_like` concerns, None where nobody says. most: slots of those that
    contributed most, the largest first.
    """

    suspect: bool
    score: float
    reason: str
    looks_like: Looks | None
    about: Sequence[str] | None = None
    most: Sequence[int] = ()


@dataclass(slots=True, eq=False)
class Seat:
    """A model of the unit.

    judge: the layer where it can judge single samples. parting: of a challenger, how far it has gone from
    the champion. doubts: (S,) what it suspected in its last step, and score: (S,) how unlikely that was.
    value, expected: (S,) of that step, NaN where unknown.
    whole: how it found the unit then; None before. step: what it said of signals, and of which step.
    """

    choice: Choice
    layer: Layer
    coarser: Coarser
    judge: Judge | None
    parting: DivergenceWatch | None = None
    doubts: NDArray[np.bool_] = field(default_factory=lambda: np.empty(0, dtype=np.bool_))
    score: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    value: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    expected: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    whole: Whole | None = None
    step: tuple[int, SignalScores] | None = None

    @classmethod
    def of(cls, choice: Choice, step_us: int, stride: int, champion: Choice | None) -> Self:
        """Seat a new model; raises whatever its recipe does when it is built."""
        layer = choice.build()
        judge = layer if isinstance(layer, Judge) else None
        seat = cls(choice, layer, Coarser(step_us, stride), judge)
        if champion is not None and np.isfinite(seat.suspect_at):
            mine, other = (f"{one.recipe.name} {one.recipe.version}" for one in (champion, choice))
            seat.parting = DivergenceWatch(mine, other, suspect_at=seat.suspect_at)
        return seat

    @property
    def suspect_at(self) -> float:
        """From which score on it suspects; infinite where its recipe does not say."""
        recipe = self.choice.recipe
        return float(getattr(recipe, "suspect_at", getattr(recipe, "enter", np.inf)))

    @property
    def clear_below(self) -> float | None:
        """Below which score it no longer suspects what it has suspected; None where that is `suspect_at`."""
        recipe = self.choice.recipe
        found = getattr(recipe, "clear_below", getattr(recipe, "leave", None))
        return None if found is None else float(found)

    def play(self, choice: Choice) -> None:
        """Go on as champion or challenger, with what it knows."""
        if choice.role == "champion":
            self.parting = None
        self.choice = choice

    def grow(self, name: str) -> None:
        """Make room for another signal."""
        self.coarser.add()
        if self.parting is not None:
            self.parting.add(name)
        self.doubts = np.append(self.doubts, np.False_)
        self.score = np.append(self.score, 0.0)
        self.value, self.expected = np.append(self.value, np.nan), np.append(self.expected, np.nan)

    def note(self, said: SignalScores | UnitScore, step: Step) -> None:
        """Remember how it found a step."""
        if isinstance(said, SignalScores):
            self.step = (step.end_us, said)
            self.value, self.expected = step.value, said.expected
            self.doubts = said.suspect
            self.score = np.where(said.score > 0.0, said.score, 0.0)
        else:
            share = said.contributions
            most = [
                slot for slot in np.argsort(-share, kind="stable")[:MOST_NAMED].tolist() if share[slot] > 0.0
            ]
            self.whole = Whole(
                *(bool(said.suspect), float(said.score), said.reason, said.looks_like), said.about, most
            )

    def part(self, champion: Seat) -> list[Divergence]:
        """Compare what both said of this step."""
        if self.parting is None or self.step is None or champion.step is None:
            return []
        (end_us, mine), (then_us, other) = self.step, champion.step
        return self.parting.take(other.score, mine.score, end_us) if end_us == then_us else []

    def state(self) -> dict[str, Any]:
        """Everything that it knows, for state_codec."""
        return {
            "layer": self.layer.state(),
            "coarser": self.coarser.state(),
            "parting": None if self.parting is None else self.parting.state(),
            "doubts": self.doubts,
            "score": self.score,
            "value": self.value,
            "expected": self.expected,
            "whole": self.whole,
        }

    def take_up(self, state: Mapping[str, Any]) -> None:
        """Go on from `state`, after the same signals; raises SnapshotRefused where the layer refuses it."""
        self.layer.take_up(state["layer"])
        self.coarser.take_up(state["coarser"])
        if self.parting is not None and state["parting"] is not None:
            self.parting.take_up(state["parting"])
        self.doubts, self.score = np.array(state["doubts"]), np.array(state["score"])
        unknown = np.full(self.score.size, np.nan)
        self.value = np.array(state.get("value", unknown))
        self.expected = np.array(state.get("expected", unknown))
        self.whole = None if state["whole"] is None else Whole(*state["whole"])


def take(layer: Any, step: Step, doubted: NDArray[np.bool_]) -> SignalScores | UnitScore | list[Drift] | None:
    """Let a layer take a step; those that search for drift return what they found."""
    said: SignalScores | UnitScore | list[Drift] | None = layer.take(step, doubted)
    return said


def told(found: Drift | Divergence, layer: str, names: Sequence[str]) -> UnitScore:
    """Return a drift or divergence as a score of the unit that blames its signal."""
    share = np.array([float(name == found.signal) for name in names])
    return UnitScore(layer, FOUND, suspect=True, learned=False, contributions=share, reason=found.text)
