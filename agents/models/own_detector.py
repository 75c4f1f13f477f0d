"""A River anomaly detector of one's own over all signals of a unit, with a calibrated tail; a Layer.

What a detector says is a number of its own kind. Here it becomes a tail probability: its scores over a
baseline give their usual middle and spread, and a learnt tail says how unlikely a higher one is.
"""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np

from agents.models.banks.columns import Columns
from agents.models.river_panic import panics_as_errors
from agents.models.river_state import model_of, state_of
from agents.models.step import UnitScore
from agents.models.tail import TailBank

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from agents.context import Context
    from agents.models.own_recipe import OwnRecipe
    from agents.models.step import Step
    from schemas.signals import SignalSpec

LARGEST = 1e30
"""Beyond it no reading is meant and squares overflow: such values are judged as this one, never learnt."""

MAD_OF_SIGMA = 1.4826
LEAST_SPREAD = 1e-12
RELATIVE_SPREAD = 1e-3
"""The spread of scores is at least this part of their middle: a score that never moved says little."""

TYPICAL = 0.01
"""Weight of a new value in a signal's typical one."""

ALL = slice(None)


class OwnDetector:
    """The detector of one unit. `rebaselines` counts how often it has started anew.

    Args:
        recipe: one whose estimator is a detector.
    """

    def __init__(self, recipe: OwnRecipe) -> None:
        self.recipe = recipe
        self.rebaselines = 0
        self._names: list[str] = []
        self._scores: list[float] = []
        self._signals = Columns({"used": False, "trusted": False, "typical": np.nan})
        self._tail = TailBank(recipe.tail_memory)
        self._tail.add()
        self._under_way: list[str | None] | None = None
        self._begin()

    def add(self, name: str, spec: SignalSpec | None) -> None:  # noqa: ARG002 - a detector takes any signal
        """Give the next slot to a signal; only those that the recipe names are used, if it names any."""
        self._names.append(name)
        self._signals.add()
        self._signals["used"][-1] = not self.recipe.signals or name in self.recipe.signals

    def take(self, step: Step, doubted: NDArray[np.bool_]) -> UnitScore | None:
        """Judge a step, then learn from it where nothing speaks against it; None without a baseline."""
        # A model that overflows says so by what is not finite, and starts anew.
        with np.errstate(all="ignore"), panics_as_errors():
            return self._take(step, doubted)

    def _take(self, step: Step, doubted: NDArray[np.bool_]) -> UnitScore | None:
        self._notice(step.context)
        used = self._signals["used"]
        fresh = used & step.fresh & np.isfinite(step.value)
        self._signals["trusted"][fresh] = (step.fit & (np.abs(step.value) <= LARGEST))[fresh]
        if not fresh.any():
            return None
        there = used & np.isfinite(step.value)
        values = {
            self._names[slot]: float(np.clip(step.value[slot], -LARGEST, LARGEST))
            for slot in np.flatnonzero(there).tolist()
        }
        credible = not (there & (doubted | ~self._signals["trusted"])).any()
        if self._ready:
            return self._judge(values, there, credible=credible)
        if credible:
            self._learn_baseline(values, there)
        return None

    def state(self) -> dict[str, Any]:
        """Everything that it knows."""
        return {
            "model": state_of(self._model),
            "signals": self._signals.state(),
            "tail": self._tail.state(),
            "scores": np.array(self._scores),
            "under_way": self._under_way,
            "numbers": [
                self._learned,
                self._ready,
                self._middle,
                self._spread,
                self._doubts,
                self.rebaselines,
            ],
        }

    def take_up(self, state: Mapping[str, Any]) -> None:
        """Go on from `state`; raises SnapshotRefused where it does not fit or another River kept it."""
        self._model = model_of(state["model"])
        self._signals.take_up(state["signals"])
        self._tail.take_up(state["tail"])
        self._scores = state["scores"].tolist()
        self._under_way = state["under_way"]
        numbers = state["numbers"]
        self._learned, self._ready, self._middle, self._spread, self._doubts, self.rebaselines = numbers

    def _begin(self) -> None:
        self._model = self.recipe.build()
        self._tail.begin(np.ones(1, dtype=np.bool_))
        self._scores = []
        self._learned, self._ready, self._middle, self._spread, self._doubts = 0, False, 0.0, 1.0, 0

    def _notice(self, context: Context) -> None:
        now = [context.batch, context.phase]
        if self._under_way not in (None, now):
            self.rebaselines += 1
            self._begin()
        self._under_way = now

    def _learn_baseline(self, values: dict[str, float], there: NDArray[np.bool_]) -> None:
        if self._learned >= self.recipe.settle_steps:
            score = float(self._model.score_one(values))
            if isfinite(score):
                self._scores.append(score)
        self._learn(values, there)
        if len(self._scores) < self.recipe.baseline_steps:
            return
        scores = np.array(self._scores)
        self._middle = float(np.median(scores))
        spread = MAD_OF_SIGMA * float(np.median(np.abs(scores - self._middle)))
        self._spread = max(spread, RELATIVE_SPREAD * abs(self._middle), LEAST_SPREAD)
        self._tail.start(0, self._sizes(scores))
        self._scores = []
        self._ready = True

    def _judge(
        self, values: dict[str, float], there: NDArray[np.bool_], *, credible: bool
    ) -> UnitScore | None:
        raw = float(self._model.score_one(values))
        sizes = self._sizes(np.array([raw]))
        score = float(self._tail.score(sizes, np.zeros(1), ALL)[0]) if isfinite(raw) else None
        suspect = score is None or score >= self.recipe.suspect_at
        self._doubts = self._doubts + 1 if suspect else 0
        learned = credible and not suspect and self.recipe.learning == "guarded"
        said = None
        if score is not None:
            shares = self._contributions(values, raw) if suspect else np.zeros(len(self._names))
            said = UnitScore(self.recipe.layer, score, suspect, learned, shares, self._reason(raw, shares))
        if learned:
            self._learn(values, there)
            self._tail.learn(sizes, np.ones(1, dtype=np.bool_))
        elif self._doubts >= self.recipe.rebaseline_steps:
            self.rebaselines += 1
            self._begin()
        return said

    def _learn(self, values: dict[str, float], there: NDArray[np.bool_]) -> None:
        self._model.learn_one(values)
        self._learned += 1
        typical = self._signals["typical"]
        now = np.full(len(self._names), np.nan)
        now[there] = list(values.values())
        known = there & np.isfinite(typical)
        typical[known] += TYPICAL * (now[known] - typical[known])
        typical[there & ~known] = now[there & ~known]

    def _sizes(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        sizes: NDArray[np.float64] = np.maximum(scores - self._middle, 0.0) / self._spread
        return sizes

    def _contributions(self, values: dict[str, float], raw: float) -> NDArray[np.float64]:
        """(S,) by how much the score falls when a signal is given its typical value, as shares of the sum."""
        falls = np.zeros(len(self._names))
        for slot, name in enumerate(self._names):
            typical = float(self._signals["typical"][slot])
            if name in values and isfinite(typical):
                other = float(self._model.score_one({**values, name: typical}))
                falls[slot] = max(0.0, raw - other) if isfinite(other) else 0.0
        total = float(falls.sum())
        return falls / total if isfinite(total) and total > 0.0 else np.zeros(len(self._names))

    def _reason(self, raw: float, shares: NDArray[np.float64]) -> str:
        order = np.argsort(-shares, kind="stable")[:3]
        blamed = [self._names[slot] for slot in order.tolist() if shares[slot] > 0.1]
        if not blamed:
            return ""
        return f"{self.recipe.name} says {raw:.3g}, usually {self._middle:.3g}: mostly {', '.join(blamed)}"
