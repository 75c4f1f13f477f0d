"""The batch envelope as a layer: how a batch under way compares with good ones of the same maturity.

What is scored of each signal is its level against the mean batch, the change of that level within this
batch, and standing still to the last digit. Level and change are Student t by as many degrees of freedom as
the reference batches really give, so that few batches make a mild judge and not a wrong one. The envelope
itself never learns; only the batch's own slow level moves, and only while the signal is not suspect.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml

from agents.models.golden import EnvelopeRecipe
from agents.models.maturity import NEEDS, MaturityClock
from agents.models.small_sample import LARGEST, t_tail
from agents.models.step import SignalScores, UnitScore
from schemas.errors import SnapshotRefused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from agents.models.golden import Envelope, Segment
    from agents.models.step import Step
    from schemas.signals import SignalSpec

LAYER = "envelope"
WORDS = (
    "{} is not where good batches are",
    "{} leaves its course",
    "{} stands still to the last digit",
)
FILTERS = ("quick", "slow", "base", "peak", "before", "still_steps", "suspect_steps", "new_steps")
UNKNOWN_AT_FIRST = frozenset({"quick", "slow", "before"})
RETURNED = 3.0
"""A level taken for the batch's own follows one that is so many spreads nearer to that of good batches."""
RECEDED = 0.8
"""A deviation that has fallen to this share of its peak is on its way back."""


@lru_cache(maxsize=1)
def shipped() -> EnvelopeRecipe:
    """Return the recipe that comes with Sparge."""
    text = files("agents.models").joinpath("recipes/envelope.yaml").read_text("utf-8")
    return EnvelopeRecipe.model_validate(yaml.safe_load(text))


class BatchEnvelope:
    """Judges each step of a batch by the envelope of good batches; silent without one, and outside batches.

    Attributes:
        recipe: its parameters.
        signals: what the last step said of each signal; None while it is silent.
        rebaselines: how often a signal's own level was taken anew after lasting suspicion.
        standing: why it is silent, in plain words; empty where it speaks.
    """

    def __init__(self, recipe: EnvelopeRecipe | None = None, envelope: Envelope | None = None) -> None:
        self.recipe = recipe or shipped()
        self.signals: SignalScores | None = None
        self.rebaselines = 0
        self._envelope = envelope
        self._names: list[str] = []
        self._columns = np.empty(0, dtype=np.intp)
        self._filters = {name: np.empty(0) for name in FILTERS}
        self._suspect = np.empty(0, dtype=np.bool_)
        self._unit_suspect = False
        self._segments: dict[str, Segment] = {}
        self._reading_slot: int | None = None
        indicator = envelope.indicator if envelope else "batch_age"
        self._needs = NEEDS[indicator]
        self._clock = MaturityClock(indicator, self.recipe.step_s)

    @property
    def standing(self) -> str:
        """Why the layer is silent; empty while it can speak."""
        if self._envelope is None:
            return self.recipe.shortage
        return self._envelope.shortage

    def add(self, name: str, spec: SignalSpec | None) -> None:
        """Give the next slot to a signal; one that the envelope does not know stays unjudged."""
        del spec
        known = self._envelope.signals if self._envelope else ()
        column = known.index(name) if name in known else -1
        if name == self._needs:
            self._reading_slot = len(self._names)
        self._names.append(name)
        self._columns = np.append(self._columns, column)
        for part in FILTERS:
            start = np.nan if part in UNKNOWN_AT_FIRST else 0.0
            self._filters[part] = np.append(self._filters[part], start)
        self._suspect = np.append(self._suspect, np.False_)

    def take(self, step: Step, doubted: NDArray[np.bool_]) -> UnitScore | None:
        """Judge a step of the grid; None outside batches and where the references say nothing.

        In the first step of a span that it is silent in, a score of 0 says why.
        """
        self.signals = None
        slot = self._reading_slot
        reading = float("nan") if slot is None else float(step.value[slot])
        began = self._clock.move(step.end_us, step.context, reading)
        if began:
            self._begin()
        span = self._clock.span
        if span is None:
            return None
        segment = self._envelope.segments.get(span) if self._envelope else None
        if segment is None or self._clock.late:
            return self._silent(span) if began else None
        return self._judge(step, doubted, segment, int(self._clock.reached / segment.point + 1e-9))

    def state(self) -> dict[str, Any]:
        """Everything that it knows but the envelope, of which it names the digest."""
        return {
            "recipe": self.recipe.digest,
            "envelope": self._envelope.digest if self._envelope else "",
            "names": list(self._names),
            "clock": self._clock.state(),
            "filters": {name: values.copy() for name, values in self._filters.items()},
            "suspect": self._suspect.copy(),
            "unit_suspect": self._unit_suspect,
            "rebaselines": self.rebaselines,
        }

    def take_up(self, state: Mapping[str, Any]) -> None:
        """Go on from `state`; raises SnapshotRefused where recipe or envelope are others."""
        digest = self._envelope.digest if self._envelope else ""
        if (state["recipe"], state["envelope"]) != (self.recipe.digest, digest):
            raise SnapshotRefused(
                "The memory of the batch envelope belongs to another recipe or other reference batches.",
                detail=f"kept {state['recipe'][:12]}/{state['envelope'][:12]}, "
                f"here {self.recipe.digest[:12]}/{digest[:12]}",
                kept="The envelope itself; the batch's own level is taken anew.",
            )
        for name in state["names"][len(self._names) :]:
            self.add(name, None)
        self._clock.take_up(state["clock"])
        self._filters = {name: np.array(state["filters"][name], dtype=float) for name in FILTERS}
        self._suspect = np.array(state["suspect"], dtype=np.bool_)
        self._unit_suspect = bool(state["unit_suspect"])
        self.rebaselines = int(state["rebaselines"])

    def _begin(self) -> None:
        """Forget the batch's own level: another span has begun."""
        for name, values in self._filters.items():
            values.fill(np.nan if name in UNKNOWN_AT_FIRST else 0.0)
        self._suspect.fill(False)
        self._unit_suspect = False

    def _silent(self, span: str) -> UnitScore:
        """What is said, once a span, of saying nothing in it."""
        unknown = "it came too late into the phase to know how far the batch is"
        absent = f"too few reference batches had the phase {span}"
        why = self.standing or (unknown if self._clock.late else absent)
        nobody = np.zeros(len(self._names))
        return UnitScore(LAYER, 0.0, suspect=False, learned=False, contributions=nobody, reason=why)

    def _judge(self, step: Step, doubted: NDArray[np.bool_], segment: Segment, at: int) -> UnitScore | None:
        recipe, held = self.recipe, self._filters
        columns = self._columns
        value = np.clip(step.value, -LARGEST, LARGEST)
        last = segment.low.shape[0] - 1
        # Beyond the maturity that enough batches reached only standing still can be told.
        within, at = at <= last, min(at, last)
        low, high = segment.low[at, columns], segment.high[at, columns]
        off = value - np.clip(value, low, high)
        known = (columns >= 0) & np.isfinite(off)
        if not known.any():
            return None
        off = np.where(known & within, off, 0.0)
        first = known & np.isnan(held["slow"])
        slow = np.where(first, off, held["slow"])
        quick = np.where(first, off, held["quick"])
        quick = np.where(known, quick + (off - quick) / recipe.level_steps, quick)
        # To come back to the course of good batches is no event: what is left of a deviation that shrinks
        # is taken for known, and only what goes beyond it again is judged.
        size = np.abs(quick)
        receding = self._suspect & (size <= RECEDED * held["peak"])
        level_spread = segment.level_spread[at, columns]
        known_level = receding | (size <= np.abs(held["base"]) - RETURNED * level_spread)
        base = np.where(known_level, quick, held["base"])
        slow = np.where(receding | (self._suspect & (np.abs(off) <= np.abs(slow))), off, slow)
        away = np.where(np.abs(off) > np.abs(slow), off - slow, 0.0)
        scaled = np.stack([(quick - base) / level_spread, away / segment.change_spread[at, columns]])
        scores = np.empty((len(WORDS), off.size))
        scores[:2] = t_tail(scaled, segment.freedom[:, at, columns])
        scores[2] = self._stillness(step, known, segment)
        held["new_steps"] = np.where(known, held["new_steps"] + 1.0, held["new_steps"])
        scores[:, ~known | (held["new_steps"] <= recipe.grace_steps)] = 0.0
        score = scores.max(axis=0)
        # A signal that is judged in several ways has as many chances of a false alarm.
        score = np.maximum(score - np.log10(len(WORDS)), 0.0)
        suspect = known & (score >= np.where(self._suspect, recipe.clear_below, recipe.suspect_at))
        fit = known & step.fit & ~doubted & ~suspect
        held["suspect_steps"] = np.where(
            suspect, held["suspect_steps"] + 1.0, np.where(known, 0.0, held["suspect_steps"])
        )
        anew = held["suspect_steps"] >= recipe.rebaseline_steps
        self.rebaselines += int(anew.sum())
        slow = np.where(fit, slow + (off - slow) / recipe.memory_steps, slow)
        held["slow"] = np.where(anew, off, slow)
        held["base"] = np.where(anew, quick, base)
        held["suspect_steps"] = np.where(anew, 0.0, held["suspect_steps"])
        held["peak"] = np.where(
            suspect & ~receding, np.maximum(held["peak"], size), np.where(suspect, size, 0.0)
        )
        held["quick"] = quick
        held["before"] = np.where(known, step.value, held["before"])
        self._suspect = suspect
        middle = (low + high) / 2.0
        self.signals = SignalScores(
            np.where(known, middle, np.nan), level_spread, np.where(known, score, np.nan), suspect, fit
        )
        return self._unit(score, scores, known, learned=bool(fit.any()))

    def _stillness(self, step: Step, known: NDArray[np.bool_], segment: Segment) -> NDArray[np.float64]:
        """-log10 of the chance of standing still as much longer than any good batch did."""
        held, columns, value = self._filters, self._columns, step.value
        still = known & (value == held["before"])
        # What was not sampled says nothing of standing still.
        steps = np.where(step.fresh, np.where(still, held["still_steps"] + 1.0, 0.0), held["still_steps"])
        held["still_steps"] = steps
        ends = ((value <= segment.least[columns]) | (value >= segment.most[columns])).astype(np.intp)
        usual = segment.still[ends, columns]
        beyond = np.maximum(steps - segment.longest[ends, columns], 0.0)
        return np.where(usual <= self.recipe.still_share, -beyond * np.log10(usual), 0.0)

    def _unit(
        self,
        score: NDArray[np.float64],
        scores: NDArray[np.float64],
        known: NDArray[np.bool_],
        *,
        learned: bool,
    ) -> UnitScore:
        worst = int(np.argmax(score))
        # The least of many tail probabilities, by Bonferroni's bound.
        unit = max(0.0, float(score[worst]) - float(np.log10(known.sum())))
        self._unit_suspect = unit >= (
            self.recipe.clear_below if self._unit_suspect else self.recipe.suspect_at
        )
        weight = score * score
        total = float(weight.sum())
        reason = ""
        if self._unit_suspect:
            reason = WORDS[int(np.argmax(scores[:, worst]))].format(self._names[worst])
        contributions = weight / total if total > 0.0 else np.zeros_like(weight)
        return UnitScore(LAYER, unit, self._unit_suspect, learned, contributions, reason)
