"""A signal at several time scales: what a forecast of one step cannot see, such as slow shifts.

Of each signal five aspects are watched: its change from step to step, its recent mean against the longer
past, its recent mean against what it was at this time of day, its slow level, and how lively it is. Each has
its own Gaussian (River's) and learnt tail. What several aspects say together counts: the score of a signal is
the mean of its highest aspects' scores, each raised by how much rarer than the recent mean it tells news.

A mean of logarithms of probabilities that depend on each other is itself one up to a factor e (Vovk and Wang
2020); for the highest alone there is no such bound, so bench/models/nab.py measures how often it is reached.

What is usual is that of a phase: a new one, or a new batch, begins all anew but the means by the time of day.
"""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import Field

from agents.models.banks import parts
from agents.models.banks.columns import Columns
from agents.models.banks.gaussian import FadingBank, GaussianBank
from agents.models.recipe import Positive, Recipe, Share, Steps
from agents.models.step import SignalScores
from agents.models.tail import TailBank
from schemas.signals import read_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from agents.context import Context
    from agents.models.step import Step
    from schemas.signals import SignalSpec

ASPECTS = ("step", "shift", "time of day", "level", "liveliness")

LARGEST = 1e30

LEAST = 1e-9

LEAST_T = 0.1
"""The tail's t is not taken as less, in standard deviations."""

DAY_US = 86_400_000_000


class ScalesRecipe(Recipe):
    """Parameters of the aspects; recipes/scales.yaml says what each does."""

    learning: Literal["frozen", "guarded"]
    fast_steps: Steps
    slow_steps: Steps
    past_steps: Steps
    memory_steps: Annotated[int, Field(ge=0)]
    day_slots: Steps
    day_fading: Share
    baseline_steps: Annotated[int, Field(ge=10)]
    settle_steps: Steps
    tail_memory: Steps
    spread_relative: Positive
    suspect_aspect_at: Positive
    rebaseline_steps: Steps
    count_highest: Annotated[int, Field(ge=1, le=len(ASPECTS))]
    enough: Positive
    suspect_at: Positive


def shipped() -> ScalesRecipe:
    """Return the recipe that comes with Sparge."""
    text = files("agents.models").joinpath("recipes", "scales.yaml").read_text("utf-8")
    return ScalesRecipe.model_validate(read_yaml(text))


class ScalesLayer:
    """The aspects of all signals of a unit; a Layer. `aspects` (S, A): the last step's scores, or NaN."""

    def __init__(self, recipe: ScalesRecipe) -> None:
        self.recipe = recipe
        self.aspects = np.empty((0, len(ASPECTS)))
        self._names: list[str] = []
        self._phase: list[str | None] | None = None
        self._fast = GaussianBank(recipe.fast_steps)
        self._slow = GaussianBank(recipe.slow_steps)
        self._past = FadingBank(1.0 / recipe.past_steps)
        self._usual = GaussianBank(recipe.memory_steps)
        self._tail = TailBank(recipe.tail_memory)
        slots = recipe.day_slots
        self._signals = Columns({"last": np.nan, "day": np.full(slots, np.nan), "days": np.zeros(slots)})
        self._lanes = Columns({"seen": 0, "doubts": 0})
        spans = [1, recipe.fast_steps, recipe.fast_steps, recipe.slow_steps, recipe.slow_steps]
        self._rarer = np.log10(spans) - np.log10(recipe.fast_steps)

    def add(self, name: str, spec: SignalSpec | None) -> None:  # noqa: ARG002 - a Layer's; all learn alike
        """Give the next slot to a signal."""
        self._names.append(name)
        for bank in (self._fast, self._slow, self._past, self._signals):
            bank.add()
        for lanes in (self._usual, self._tail, self._lanes):
            lanes.add(len(ASPECTS))
        self.aspects = np.full((len(self._names), len(ASPECTS)), np.nan)

    def take(self, step: Step, doubted: NDArray[np.bool_]) -> SignalScores:
        """Judge a step and learn from it; silent where nothing fit was sampled or there is no baseline.

        What is doubted is judged, and is part of the recent means that are judged, but nothing usual.
        """
        self._follow(step.context)
        fit = step.fit & step.fresh & np.isfinite(step.value) & (np.abs(step.value) < LARGEST)
        value = np.where(fit, step.value, 0.0)
        expected, spread = self._slow.mean().copy(), np.maximum(self._slow.sigma(), LEAST)
        seen = self._see(value, fit, fit & ~doubted, step.end_us)
        scores, far = self._judge(seen, np.repeat(~doubted, len(ASPECTS)))
        self.aspects = scores.reshape(-1, len(ASPECTS))
        score = self._together(self.aspects)
        suspect = np.nan_to_num(score) >= self.recipe.suspect_at
        learned = fit & ~doubted & ~far.reshape(-1, len(ASPECTS)).any(axis=1)
        return SignalScores(expected, spread, score, suspect, learned)

    def reason(self, slot: int) -> str:
        """Say in which aspects the signal was unusual at the last step; empty where in none."""
        scores = np.nan_to_num(self.aspects[slot])
        unusual = [
            ASPECTS[place] for place in np.argsort(-scores) if scores[place] >= self.recipe.suspect_at - 1
        ]
        return f"{self._names[slot]} is unusual in its {', '.join(unusual)}" if unusual else ""

    def state(self) -> dict[str, Any]:
        """Everything that it knows, but for the parameters."""
        phase = None if self._phase is None else list(self._phase)
        return {"phase": phase, **parts.state_of(self._names, self._parts())}

    def take_up(self, state: Mapping[str, Any]) -> None:
        """Go on from `state`, after the same signals were added in the same order.

        Raises:
            SnapshotRefused: it is of other signals, or does not fit this recipe.
        """
        parts.take_up(self._names, self._parts(), state, "the time scales")
        phase = state["phase"]
        self._phase = None if phase is None else list(phase)

    def _follow(self, context: Context) -> None:
        phase = [context.batch, context.phase]
        if phase != self._phase and self._phase is not None:
            for part in (self._fast, self._slow, self._past):
                part.begin(np.ones(len(self._names), dtype=np.bool_))
            self._signals["last"][:] = np.nan
            for lanes in (self._usual, self._lanes):
                lanes.begin(np.ones(self.aspects.size, dtype=np.bool_))
        self._phase = phase

    def _parts(self) -> dict[str, parts.Part]:
        return {
            "fast": self._fast,
            "slow": self._slow,
            "past": self._past,
            "usual": self._usual,
            "tail": self._tail,
            "signals": self._signals,
            "lanes": self._lanes,
        }

    def _see(
        self, value: NDArray[np.float64], fit: NDArray[np.bool_], sure: NDArray[np.bool_], end_us: int
    ) -> NDArray[np.float64]:
        """(S * A,) the aspects at this step, NaN where there is nothing to see; sure: fit and not doubted."""
        last, day, days = (self._signals[name] for name in ("last", "day", "days"))
        for bank in (self._fast, self._slow, self._past):
            bank.learn(value, fit)
        fast, slow = self._fast.mean(), self._slow.mean()
        slot = end_us % DAY_US * self.recipe.day_slots // DAY_US
        usual = day[:, slot]
        lively = self._slow.sigma() + self.recipe.spread_relative * np.abs(slow) + LEAST
        aspects = np.stack(
            [value - last, fast - self._past.mean(), fast - usual, slow, np.log(lively)], axis=1
        )
        aspects[~fit] = np.nan

        last[fit] = value[fit]
        days[sure, slot] += 1.0
        weight = np.maximum(1.0 / np.maximum(days[:, slot], 1.0), self.recipe.day_fading)
        moved = np.where(np.isnan(usual), fast, usual + weight * (fast - usual))
        np.copyto(day[:, slot], moved, where=sure)
        return aspects.ravel()

    def _judge(
        self, seen: NDArray[np.float64], sure: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Score the aspects (S * A,), let each learn where it is sure, and say which are far out."""
        count, doubts = self._lanes["seen"], self._lanes["doubts"]
        there = np.isfinite(seen)
        x = np.where(there, seen, 0.0)
        mean = self._usual.mean()
        sigma = self._usual.sigma() + self.recipe.spread_relative * np.abs(mean) + LEAST
        size = np.abs(x - mean) / sigma
        judged = there & (count >= self.recipe.baseline_steps)
        everywhere = slice(None)
        score = self._tail.score(size, np.full(size.size, LEAST_T), everywhere)
        far = judged & (score >= self.recipe.suspect_aspect_at)
        taught = there & sure
        if self.recipe.learning == "frozen":
            taught &= count < self.recipe.settle_steps
        self._usual.learn(x, taught & ~far)
        # What is far out counts as one that is just so: a spike that keeps coming back is no longer news.
        limit = self._tail.size_at(self.recipe.suspect_aspect_at, size, far)
        self._tail.learn(np.where(far, limit, size), taught & judged)
        count += there & sure
        doubts[there & ~far] = 0
        doubts += far
        again = doubts >= self.recipe.rebaseline_steps
        if again.any():
            for bank in (self._usual, self._lanes):
                bank.begin(again)
        return np.where(judged, score, np.nan), far

    def _together(self, aspects: NDArray[np.float64]) -> NDArray[np.float64]:
        raised = np.nan_to_num(aspects) + self._rarer
        # One aspect that is very far out shall not stand for three, yet no score ends.
        over = np.maximum(raised - self.recipe.enough, 0.0)
        raised = np.minimum(raised, self.recipe.enough) + np.log10(1.0 + over)
        highest = np.sort(raised, axis=1)[:, -self.recipe.count_highest :]
        score = np.maximum(highest.mean(axis=1), 0.0)
        return np.where(np.isnan(aspects).all(axis=1), np.nan, score)
