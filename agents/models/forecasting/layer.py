"""Where each signal of a unit will be: forecasts at several horizons with intervals, on one grid.

Everything is learnt from what came true: who forecasts best at a horizon, how far off that usually is, and
whether it is worth saying. Where it is not, or has diverged, the naive forecast answers and is named so.

A doubted value is passed over; a doubt that lasts is what the signal does now, and levels and trends start
anew from there, as they do after a long silence and where a batch or a phase begins: what was then under way
is not compared, so that a jump is not taken for an error.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from agents.models.banks.columns import Columns
from agents.models.forecasting.choice import Choice
from agents.models.forecasting.experts import Experts
from agents.models.forecasting.intervals import Intervals
from agents.models.forecasting.pending import NEVER, Pending
from schemas.errors import SnapshotRefused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from agents.models.forecasting.recipe import ForecastingRecipe
    from agents.models.step import Step
    from schemas.signals import SignalSpec

LARGEST = 1e30
"""Beyond it no reading is meant and squares overflow: such values are never learnt."""

BLEND, ANSWER, BELOW, ABOVE = range(4)
"""What is kept with the forecasters' own words until it comes true."""


@dataclass(frozen=True, slots=True)
class Outlooks:
    """The forecasts of all signals of a unit from their last values on: (S, H), in each signal's unit.

    horizon_s: (H,). value, lower, upper: NaN where a horizon is not known well enough yet. fallback: the
    model has diverged, and the naive forecast answers. silent: the model is no better than the naive one,
    which is what `value` is, and need not be shown. reached: the share of true values that the intervals have
    held so far.
    """

    horizon_s: NDArray[np.float64]
    value: NDArray[np.float64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    fallback: NDArray[np.bool_]
    silent: NDArray[np.bool_]
    reached: NDArray[np.float64]


class ForecastLayer:
    """The forecasts of one unit; a Layer that says nothing by itself: `outlook` is asked.

    rebaselines: (S,) how often each signal has started anew.
    """

    def __init__(self, recipe: ForecastingRecipe) -> None:
        self.recipe = recipe
        self._experts = Experts(recipe)
        count = len(self._experts.names)
        self._inputs = self._experts.inputs
        # Persistence says 0 at all times: that need not be kept.
        self._pending = Pending(recipe, self._inputs + count + ABOVE)
        self._choice = Choice(recipe, count, self._experts.naive)
        self._intervals = Intervals(recipe)
        self._looked: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None
        self._plausible = np.empty((0, 2))
        self._index = NEVER
        self._phase: list[str | None] = [None, None]
        self._lanes = Columns({"learnt": NEVER, "doubts": 0, "rebaselines": 0})

    @property
    def rebaselines(self) -> NDArray[np.int64]:
        """(S,) how often each signal has started anew."""
        return self._lanes["rebaselines"]

    @property
    def value(self) -> NDArray[np.float64]:
        """(S,) the last value learnt, from which the forecasts are."""
        return self._experts.value

    def add(self, name: str, spec: SignalSpec | None) -> None:  # noqa: ARG002 - a Layer is told the name, too
        """Give the next slot to a signal; its plausible range holds its forecasts."""
        band = spec.plausible if spec is not None else (-LARGEST, LARGEST)
        self._plausible = np.concatenate([self._plausible, np.array([band], dtype=np.float64)])
        for part in (self._lanes, self._experts, self._pending, self._choice, self._intervals):
            part.add()
        self._looked = None

    def take(self, step: Step, doubted: NDArray[np.bool_]) -> None:
        """Compare what was forecast of this step, learn from what is fit and not doubted, and look ahead."""
        if not len(self._lanes):
            return
        self._looked = None
        index = step.end_us // self.recipe.step_us
        usable = step.fit & step.fresh & (np.abs(step.value) <= LARGEST)
        value = np.where(usable, step.value, 0.0)
        doubts = self._lanes["doubts"]
        np.copyto(doubts, np.where(doubted, doubts + 1, 0), where=usable)
        follows = usable & ((doubts == 0) | (doubts > self.recipe.follow_after_steps))
        self._start_anew(index, step, follows)
        self._experts.follow(index, value, follows)
        np.copyto(self._lanes["learnt"], index, where=follows)
        self._index = index
        targets = self._pending.due(index)
        if targets.size:
            self._compare(targets)
            self._choice.allow(targets)
            inputs, said = self._look()
            chosen = self._choice.choose(said)
            below, above = self._intervals.ends()
            known = self._choice.known
            ends = (np.where(known, below, np.nan), np.where(known, above, np.nan))
            told = np.stack([chosen.blend, chosen.answer, *ends], axis=2)
            held = self._held()
            then = np.where(held, self._experts.value, np.nan)
            kept = np.concatenate([inputs, said[..., 1:], told], axis=2)
            self._choice.stake(targets, chosen.answer[:, targets], held)
            self._pending.keep(index, targets, then, kept[:, targets])

    def outlook(self) -> Outlooks:
        """Return where the signals will be, from the last step that was taken."""
        chosen = self._choice.choose(self._look()[1])
        below, above = self._intervals.ends()
        now = np.where(self._held(), self._experts.value, np.nan)[:, None]
        answer = np.where(self._choice.known, now + chosen.answer, np.nan)
        low, high = self._plausible[:, :1], self._plausible[:, 1:]
        value, lower, upper = (
            np.minimum(np.maximum(ahead, low), high) for ahead in (answer, answer - below, answer + above)
        )
        return Outlooks(
            horizon_s=np.array(self.recipe.horizons_s),
            value=value,
            lower=lower,
            upper=upper,
            fallback=chosen.diverged,
            silent=chosen.silent,
            reached=self._intervals.reached,
        )

    def state(self) -> dict[str, Any]:
        """Everything that it knows."""
        return {
            "index": int(self._index),
            "phase": list(self._phase),
            "signals": self._lanes.state(),
            **{name: part.state() for name, part in self._parts()},
        }

    def take_up(self, state: Mapping[str, Any]) -> None:
        """Go on from `state`, after the same signals were added.

        Raises:
            SnapshotRefused: it is of other signals or of another recipe.
        """
        signals = len(self._lanes)
        self._looked = None
        try:
            self._lanes.take_up(state["signals"])
            for name, part in self._parts():
                part.take_up(state[name])
            self._index, self._phase = int(state["index"]), list(state["phase"])
        except (KeyError, TypeError, ValueError) as wrong:
            raise SnapshotRefused("What was kept of the forecasts is torn.", detail=repr(wrong)) from wrong
        if len(self._lanes) != signals:
            raise SnapshotRefused("What was kept of the forecasts is of another number of signals.")

    def _parts(self) -> tuple[tuple[str, Experts | Pending | Choice | Intervals], ...]:
        return (
            ("experts", self._experts),
            ("pending", self._pending),
            ("choice", self._choice),
            ("intervals", self._intervals),
        )

    def _start_anew(self, index: int, step: Step, follows: NDArray[np.bool_]) -> None:
        lanes = self._lanes
        phase = [step.context.batch, step.context.phase]
        anew = follows & (lanes["doubts"] == self.recipe.follow_after_steps + 1)
        anew |= follows & self._experts.begun & (index - lanes["learnt"] > self.recipe.hold_steps)
        if phase != self._phase:
            self._phase = phase
            anew = anew | self._experts.begun
        if index <= self._index:  # the clock has gone back: what is under way is of another time
            anew = anew | self._experts.begun
            lanes["learnt"][self._experts.begun] = index
        if anew.any():
            self._pending.forget(anew)
            self._experts.begin(anew)
            lanes["rebaselines"][anew] += 1

    def _held(self) -> NDArray[np.bool_]:
        """(S,) which signals have a value that is young enough to be forecast from."""
        young = self._index - self._lanes["learnt"] <= self.recipe.hold_steps
        held: NDArray[np.bool_] = self._experts.begun & young
        return held

    def _look(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Look ahead from the last step that was taken, once."""
        if self._looked is None:
            self._looked = self._experts.views(self._index)
        return self._looked

    def _compare(self, targets: NDArray[np.intp]) -> None:
        then, kept = self._pending.come_true(self._index, targets)
        # A slow signal has no value in just this step; one since the horizon was last due will do.
        lately = (self._index - self._lanes["learnt"])[:, None] < self._pending.strides[targets]
        doubts = self._lanes["doubts"]
        sure = (doubts == 0) | (doubts > self.recipe.follow_after_steps)
        told = kept[..., -ABOVE - 1 :]
        self._choice.give_back(targets, np.where(np.isfinite(then), told[..., ANSWER], np.nan))
        where = lately & sure[:, None] & np.isfinite(then)
        if not where.any():
            return
        came = np.where(where, self._experts.value[:, None] - then, 0.0)
        inputs = kept[..., : self._inputs]
        said = np.zeros((*came.shape, len(self._experts.names)))
        said[..., 1:] = kept[..., self._inputs : -ABOVE - 1]
        learns = where
        if self.recipe.learning == "frozen":
            learns = where & ~self._choice.settled[:, targets]
        self._choice.learn(
            targets, said, (told[..., BLEND], told[..., ANSWER]), came, where=where, weighs=learns
        )
        off = came - told[..., ANSWER]
        self._intervals.learn(targets, off, told[..., BELOW], told[..., ABOVE], where)
        if learns.any():
            self._experts.learn(targets, inputs, said[..., -1], came, learns)
