"""Process or sensor? What an anomaly looks like, from redundancy and balances, with the evidence in words.

A sensor that lies breaks what it has to do with others, and with its twin first of all; a process that goes
wrong moves several instruments and leaves twins together. Where nothing can be compared the verdict is
unknown: a guess would cost more trust than it gives.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from math import ceil, exp, isnan, log, nan
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
import yaml
from pydantic import Field
from scipy.special import stdtrit

from agents.alarms.wording import quantity
from agents.models.recipe import Positive, Recipe, Steps
from agents.models.relations import FLOWS, Relation, Relations
from agents.models.small_sample import LARGEST, t_tail
from agents.models.step import UnitScore
from schemas.errors import SnapshotRefused
from schemas.signals import spec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from agents.models.step import Step
    from schemas.signals import SignalSpec

LAYER = "attribution"
Looks = Literal["process", "sensor", "unknown"]
SEVERAL = 3
"""So many independent instruments do not fail at once."""
USUAL = 2.0
"""Deviations of so many spreads are still usual."""
LARGEST_RATIO = 700.0
"""Beyond this power of e a float overflows."""


class AttributionRecipe(Recipe):
    """Parameters of the verdict; recipes/attribution.yaml says what each does."""

    learning: Literal["frozen", "guarded"]
    baseline_steps: Annotated[int, Field(ge=10)]
    memory_steps: Annotated[int, Field(ge=10)]
    smooth_steps: Steps
    settle_s: Positive
    commands: tuple[str, ...]
    steady_steps: Steps
    steady_within: Positive
    freedom: Positive
    suspect_at: Positive
    clear_below: Positive
    recall_s: Positive
    rebaseline_after_s: Positive
    instruments: tuple[tuple[str, ...], ...]
    relations: Annotated[tuple[Relation, ...], Field(min_length=1)]


@lru_cache(maxsize=1)
def shipped() -> AttributionRecipe:
    """Return the recipe that comes with Sparge."""
    text = files("agents.models").joinpath("recipes/attribution.yaml").read_text("utf-8")
    return AttributionRecipe.model_validate(yaml.safe_load(text))


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an anomaly looks like, and why; about: the signals that this concerns."""

    looks_like: Looks
    evidence: str
    about: tuple[str, ...] = ()


class Attribution:
    """Judges the relations of a unit, and says of what is doubted whether it is the process or a sensor.

    Attributes:
        recipe: its parameters.
        verdict: on the last step; None while nothing is doubted and every relation holds.
        rebaselines: how often a relation got a new offset after it had been broken for long.
    """

    def __init__(self, recipe: AttributionRecipe | None = None) -> None:
        self.recipe = recipe or shipped()
        self.verdict: Verdict | None = None
        self.rebaselines = 0
        count = len(self.recipe.relations)
        self._relations = Relations(self.recipe.relations)
        self._far = float(stdtrit(self.recipe.freedom, 1.0 - 0.5 * 10.0**-self.recipe.clear_below))
        self._least = np.array([one.floor for one in self.recipe.relations])
        self._floor = self._least
        self._balances = np.array([one.kind == "balance" for one in self.recipe.relations])
        self._before = np.empty(0)
        self._recent = np.empty(0)
        self._concern = np.empty((count, 0), dtype=np.bool_)
        self._phase: str | None = None
        self._commands = np.empty(0, dtype=np.bool_)
        self._set_to = np.empty(0)
        self._waiting = 0
        self._uptake = nan
        self._learnt = np.zeros(count)
        self._mean = np.zeros(count)
        self._variance = np.zeros(count)
        self._smooth = np.full(count, np.nan)
        self._broken = np.zeros(count, dtype=np.bool_)
        self._broken_steps = np.zeros(count)

    def add(self, name: str, spec: SignalSpec | None) -> None:
        """Give the next slot to a signal."""
        del spec
        self._relations.add(name)
        self._commands = np.append(self._commands, name in self.recipe.commands)
        self._set_to = np.append(self._set_to, np.nan)
        self._before = np.empty(0)
        self._recent = np.append(self._recent, 0.0)
        concern = [self._relations.concerns(row, name) for row in range(self._learnt.size)]
        self._concern = np.column_stack([self._concern, np.array(concern, dtype=np.bool_)])

    def take(self, step: Step, doubted: NDArray[np.bool_]) -> UnitScore | None:
        """Judge a step; None while there is nothing to compare and nothing is doubted."""
        recipe = self.recipe
        recall = round(recipe.recall_s / recipe.step_s)
        self._recent = np.where(doubted, float(recall), np.maximum(self._recent - 1.0, 0.0))
        self._follow(step)
        number = self._numbers(step)
        score, learned = self._judge(number, step, doubted)
        self.verdict = self._decide(number)
        judged = np.isfinite(score)
        if not (np.count_nonzero(judged) or self.verdict):
            return None
        known = np.where(judged, score, 0.0)
        # A relation is judged by itself, so its own tail probability is what is shown beside the limit.
        unit = float(known.max())
        weight = np.where(self._broken, known, 0.0) @ self._concern
        total = float(weight.sum())
        return UnitScore(
            LAYER,
            unit,
            bool(self._broken.any()),
            learned,
            weight / total if total > 0.0 else np.zeros_like(weight),
            self.verdict.evidence if self.verdict else "",
            self.verdict.looks_like if self.verdict else None,
            self.verdict.about if self.verdict else None,
        )

    def state(self) -> dict[str, Any]:
        """Everything that it knows."""
        return {
            "recipe": self.recipe.digest,
            "names": list(self._relations.names),
            "phase": self._phase,
            "waiting": self._waiting,
            "uptake": self._uptake,
            "rebaselines": self.rebaselines,
            **{name: getattr(self, f"_{name}").copy() for name in _KEPT},
        }

    def take_up(self, state: Mapping[str, Any]) -> None:
        """Go on from `state`; raises SnapshotRefused where it is another recipe's."""
        if state["recipe"] != self.recipe.digest:
            raise SnapshotRefused(
                "The memory of the verdict between process and sensor belongs to another recipe.",
                detail=f"kept {state['recipe'][:12]}, here {self.recipe.digest[:12]}",
                kept="Everything else; the relations are learnt anew.",
            )
        for name in state["names"][len(self._relations.names) :]:
            self.add(name, None)
        self._phase, self.rebaselines = state["phase"], int(state["rebaselines"])
        self._waiting, self._uptake = int(state["waiting"]), float(state["uptake"])
        for name in _KEPT:
            setattr(self, f"_{name}", np.array(state[name]))

    def _numbers(self, step: Step) -> NDArray[np.float64]:
        now = self._relations.quantities(np.minimum(np.maximum(step.value, -LARGEST), LARGEST))
        before = self._before if self._before.size == now.size else np.full_like(now, np.nan)
        self._before = now
        number = self._relations.of(now, before)
        self._floor = self._least + self._relations.rounding(now)
        steady = self._is_steady(now)
        if self._waiting or not steady:
            self._waiting = max(0, self._waiting - 1)
            number[self._balances] = np.nan
        return number

    def _follow(self, step: Step) -> None:
        """Let balances come to rest, and be learnt anew, where the process is told to go elsewhere."""
        told = self._commands & np.isfinite(step.value)
        moved = told & np.isfinite(self._set_to) & (step.value != self._set_to)
        np.copyto(self._set_to, step.value, where=told)
        if step.context.phase != self._phase or np.count_nonzero(moved):
            self._phase = step.context.phase
            self._waiting = round(self.recipe.settle_s / self.recipe.step_s)
            self._learnt[self._balances] = 0.0
            self._broken[self._balances] = False

    def _is_steady(self, now: NDArray[np.float64]) -> bool:
        """Whether oxygen uptake is what it was: gas lags behind the broth, so balances hold at rest only."""
        place = self._relations.place("uptake")
        uptake = nan if place is None else float(now[place])
        if not uptake > 0.0:
            return True
        size = log(uptake)
        if isnan(self._uptake):
            self._uptake = size
        self._uptake += (size - self._uptake) / self.recipe.steady_steps
        return abs(size - self._uptake) <= self.recipe.steady_within

    def _judge(
        self, number: NDArray[np.float64], step: Step, doubted: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float64], bool]:
        """(R,) -log10 of each relation's tail probability, NaN where it is silent, and whether any learnt."""
        recipe = self.recipe
        known = np.isfinite(number)
        first = known & np.isnan(self._smooth)
        smooth = np.where(first, number, self._smooth)
        self._smooth = np.where(known, smooth + (number - smooth) / recipe.smooth_steps, smooth)
        ready = known & (self._learnt >= recipe.baseline_steps)
        spread = np.sqrt(np.maximum(self._variance, 0.0) + self._floor**2)
        off = np.where(ready, self._smooth - self._mean, 0.0)
        tail = t_tail(off / spread, recipe.freedom)
        score = np.where(ready, tail, np.nan)
        # Learning is guarded by the number itself: its mean over some steps comes too late.
        credible = ~ready | (np.abs(number - self._mean) < self._far * spread)
        held = np.where(self._broken, recipe.clear_below, recipe.suspect_at)
        # Where a relation falls silent it neither breaks nor heals.
        self._broken = np.where(ready, tail >= held, self._broken & ~known)
        self._broken_steps = np.where(self._broken, self._broken_steps + 1.0, 0.0)
        if np.count_nonzero(self._broken):
            self._begin_anew()
        doubtful = self._concern @ (doubted | ~step.fit & step.fresh)
        fit = known & credible & ~self._broken & ~doubtful
        self._learn(number, fit, spread)
        return score, bool(fit.any())

    def _begin_anew(self) -> None:
        """Give a new offset to what has been broken for too long."""
        anew = self._broken_steps * self.recipe.step_s >= self.recipe.rebaseline_after_s
        self.rebaselines += int(np.count_nonzero(anew))
        self._broken = self._broken & ~anew
        self._broken_steps = np.where(anew, 0.0, self._broken_steps)
        self._learnt = np.where(anew, 0.0, self._learnt)

    def _learn(
        self, number: NDArray[np.float64], fit: NDArray[np.bool_], spread: NDArray[np.float64]
    ) -> None:
        """Exponentially weighted mean and variance, plain ones until the memory is full.

        After the baseline a step counts for no more than a usual deviation: what goes wrong slowly would
        else widen the spread by which it is judged.
        """
        bound = np.where(self._learnt >= self.recipe.baseline_steps, USUAL * spread, np.inf)
        self._learnt = np.where(fit, np.minimum(self._learnt + 1.0, self.recipe.memory_steps), self._learnt)
        share = np.where(fit, 1.0 / np.maximum(self._learnt, 1.0), 0.0)
        off = np.where(fit, number - self._mean, 0.0)
        off = np.minimum(np.maximum(off, -bound), bound)
        self._mean = self._mean + share * off
        self._variance = np.where(share < 1.0, (1.0 - share) * (self._variance + share * off * off), 0.0)

    def _decide(self, number: NDArray[np.float64]) -> Verdict | None:
        if not (np.count_nonzero(self._broken) or np.count_nonzero(self._recent)):
            return None
        names, every = self._relations.names, self.recipe.relations
        doubted = [name for name, recent in zip(names, self._recent.tolist(), strict=True) if recent > 0.0]
        broken = [every[row] for row in np.flatnonzero(self._broken).tolist()]
        told = {every[row].name: self._told(row) for row in np.flatnonzero(self._broken).tolist()}
        for relation in broken:
            if relation.kind == "pair":
                return self._one_probe(relation, told[relation.name], broken, doubted)
        for relation in broken:
            if relation.kind == "control":
                # What the equipment does not do moves what is doubted.
                about = tuple(sorted(relation.measured | set(doubted)))
                why = f"{told[relation.name]}: the equipment does not do as it is told"
                return Verdict("process", why, about)
        ready = self._learnt >= self.recipe.baseline_steps
        for row, relation in enumerate(every):
            both = set(relation.signals) <= set(doubted)
            if relation.kind == "pair" and both and ready[row] and np.isfinite(number[row]):
                about = tuple(sorted(relation.measured))
                return Verdict("process", f"{relation.says} moved together: both probes show it", about)
        return self._by_balance(broken, told, doubted)

    def _one_probe(
        self, pair: Relation, told: str, broken: Sequence[Relation], doubted: Sequence[str]
    ) -> Verdict:
        blamed = [name for name in pair.signals if name in doubted]
        which = f"most likely {blamed[0]}" if len(blamed) == 1 else "one of the probes"
        others = [name for name in doubted if name not in pair.signals]
        beside = [relation for relation in broken if not set(pair.signals) & relation.measured]
        about = tuple(sorted(pair.measured))
        if others or beside:
            why = f"{told}: {which}; what else moves may follow from its control loop"
            return Verdict("sensor", why, about)
        return Verdict("sensor", f"{told}: {which}; the process shows nothing else", about)

    def _by_balance(
        self, broken: Sequence[Relation], told: Mapping[str, str], doubted: Sequence[str]
    ) -> Verdict:
        witnesses = {self._instrument(name) for name in doubted}
        if len(witnesses) >= SEVERAL:
            why = f"independent instruments moved together: {', '.join(doubted)}"
            return Verdict("process", why, tuple(doubted))
        if not broken:
            return Verdict("unknown", f"{', '.join(doubted)}: {self._nothing(doubted)}", tuple(doubted))
        evidence = "; ".join(told[relation.name] for relation in broken)
        # A gas flow that is wrong has left its set point; here it is but one of the terms.
        blamed = set(doubted).difference(FLOWS)
        if len(witnesses) == 1 and all(blamed & relation.measured for relation in broken):
            why = f"{evidence}: only {', '.join(doubted)} moved, the rest of it did not"
            return Verdict("sensor", why, tuple(doubted))
        about = tuple(sorted(frozenset[str]().union(*(relation.measured for relation in broken))))
        return Verdict("unknown", f"{evidence}: any of them may be wrong", about)

    def _nothing(self, doubted: Sequence[str]) -> str:
        """Why there is nothing to check these signals against: it is not yet learnt, or there is nothing."""
        left = [
            self.recipe.baseline_steps - float(self._learnt[row])
            for row, relation in enumerate(self.recipe.relations)
            if 0.0 < self._learnt[row] < self.recipe.baseline_steps and relation.measured & set(doubted)
        ]
        if not left:
            return "there is nothing sound to check against"
        minutes = ceil(min(left) * self.recipe.step_s / 60.0)
        return f"what goes with it is not yet learnt, which takes about {minutes} min more without doubt"

    def _instrument(self, name: str) -> str:
        return next((group[0] for group in self.recipe.instruments if name in group), name)

    def _told(self, row: int) -> str:
        relation = self.recipe.relations[row]
        now, usual = float(self._smooth[row]), float(self._mean[row])
        if relation.linear:
            declared = spec(relation.signals[0])
            unit_code = declared.unit if declared is not None else "1"
            off, before = (quantity(float(f"{abs(one):.3g}"), unit_code) for one in (now, usual))
            return f"{relation.says} differ by {off}, usually {before}"
        if relation.increment:
            return f"{relation.says} do not add up by {abs(now - usual):.2g} kg a step"
        times = exp(min(max(now - usual, -LARGEST_RATIO), LARGEST_RATIO))
        return f"{relation.says} do not fit: their ratio is {times:.2g} times what it was"


_KEPT = (
    "before",
    "set_to",
    "recent",
    "learnt",
    "mean",
    "variance",
    "smooth",
    "broken",
    "broken_steps",
)
