"""A River model of one's own for each signal of a unit, with calibrated tails; a Layer.

A forecaster foresees a signal's next value from its past, a regressor predicts it from the last values, and a
judge scores the value itself. What is left over gets its usual size in a baseline, and a learnt tail beyond.
"""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np

from agents.models.banks.columns import Columns
from agents.models.own_detector import ALL, LARGEST, LEAST_SPREAD, MAD_OF_SIGMA, RELATIVE_SPREAD, TYPICAL
from agents.models.river_panic import panics_as_errors
from agents.models.river_state import model_of, state_of
from agents.models.step import SignalScores
from agents.models.tail import TailBank

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from agents.models.own_recipe import Kind, OwnRecipe
    from agents.models.step import Step
    from schemas.signals import SignalSpec


class OwnSignals:
    """One River model a signal.

    Args:
        recipe: one whose estimator is of this kind.
        kind: forecaster, regressor or judge.
    """

    def __init__(self, recipe: OwnRecipe, kind: Kind) -> None:
        self.recipe = recipe
        self._kind = kind
        self._names: list[str] = []
        self._models: list[Any] = []
        self._tail = TailBank(recipe.tail_memory)
        self._under_way: list[str | None] | None = None
        self._lanes = Columns(
            {
                "used": False,
                "learned": 0,  # values that its model has had
                "kept": 0,  # deviations kept for the baseline
                "baseline": np.zeros(recipe.baseline_steps),
                "ready": False,
                "expected": np.nan,  # what the next value is to be
                "middle": 0.0,
                "spread": 1.0,
                "typical": np.nan,
                "lags": np.full(recipe.lags, np.nan),  # the last values, the latest first
                "trusted": False,
                "doubts": 0,
            }
        )
        self._life = Columns({"rebaselines": 0})

    @property
    def expected(self) -> NDArray[np.float64]:
        """(S,) what the next samples are judged against."""
        return self._lanes["expected"]

    @property
    def spread(self) -> NDArray[np.float64]:
        """(S,) the usual size of their deviation from it, > 0; of a judge's scores."""
        return self._lanes["spread"]

    @property
    def ready(self) -> NDArray[np.bool_]:
        """(S,) which signals can be judged."""
        ready: NDArray[np.bool_] = self._lanes["ready"] & np.isfinite(self._lanes["expected"])
        return ready

    @property
    def rebaselines(self) -> NDArray[np.int64]:
        """(S,) how often each signal's model has started anew."""
        return self._life["rebaselines"]

    def add(self, name: str, spec: SignalSpec | None) -> None:  # noqa: ARG002 - any signal will do
        """Give the next slot to a signal; only those that the recipe names are used, if it names any."""
        self._names.append(name)
        self._lanes.add()
        self._life.add()
        self._tail.add()
        self._lanes["used"][-1] = not self.recipe.signals or name in self.recipe.signals
        self._models.append(self.recipe.build())

    def take(self, step: Step, doubted: NDArray[np.bool_]) -> SignalScores | None:
        """Judge each signal's value, then learn it where nothing speaks against it."""
        if not len(self._lanes):
            return None
        # A model that overflows says so by what is not finite, and starts anew.
        with np.errstate(all="ignore"), panics_as_errors():
            return self._take(step, doubted)

    def _take(self, step: Step, doubted: NDArray[np.bool_]) -> SignalScores:
        lanes = self._lanes
        self._notice([step.context.batch, step.context.phase])
        there = lanes["used"] & np.isfinite(step.value)
        fresh = there & step.fresh
        lanes["trusted"][fresh] = (step.fit & (np.abs(step.value) <= LARGEST))[fresh]
        value = np.clip(np.where(there, step.value, 0.0), -LARGEST, LARGEST)
        expected = lanes["expected"].copy()
        deviation = self._deviations(value, there)
        # Deviations are of numbers up to LARGEST, over a spread that may be as small as LEAST_SPREAD.
        size = self._size(deviation)
        judged = fresh & lanes["ready"] & np.isfinite(deviation)
        score = np.where(
            judged, self._tail.score(np.where(judged, size, 0.0), np.zeros(len(lanes)), ALL), np.nan
        )
        suspect = judged & (score >= self.recipe.suspect_at)
        lost = there & lanes["ready"] & ~np.isfinite(deviation)
        lanes["doubts"][fresh | lost] = np.where(suspect | lost, lanes["doubts"] + 1, 0)[fresh | lost]
        may = there & lanes["trusted"] & ~suspect & ~doubted & ~lost
        said = SignalScores(
            expected=np.where(judged, expected, np.nan),
            spread=np.where(judged, lanes["spread"], np.nan),
            score=score,
            suspect=suspect,
            learned=may & fresh & ((self.recipe.learning == "guarded") | ~lanes["ready"]),
        )
        guarded = self.recipe.learning == "guarded"
        self._tail.learn(np.where(judged, size, 0.0), judged & may & guarded)
        for slot in np.flatnonzero(there).tolist():
            self._move(
                *(slot, float(value[slot]), float(expected[slot])),
                may=bool(may[slot]),
                fresh=bool(fresh[slot]),
            )
            if fresh[slot] and may[slot] and not lanes["ready"][slot]:
                self._learn_baseline(slot, float(deviation[slot]))
            self._aim(slot)
        for slot in np.flatnonzero(lanes["doubts"] >= self.recipe.rebaseline_steps).tolist():
            self._begin(slot)
        return said

    def score_of(
        self,
        value: NDArray[np.float64],
        expected: NDArray[np.float64],
        spread: NDArray[np.float64],
        slots: NDArray[np.intp],
        samples: NDArray[np.intp] | int = 1,
    ) -> NDArray[np.float64]:
        """Score values of the signals at `slots`, each the worst of `samples`; as value, >= 0, finite."""
        value = np.clip(value, -LARGEST, LARGEST)
        if self._kind == "judge":
            with panics_as_errors():
                raw = [
                    self._models[slot].score_one(self._features(slot), one)
                    for slot, one in zip(slots.tolist(), value.tolist(), strict=True)
                ]
            off = np.nan_to_num(np.array(raw, dtype=np.float64), nan=0.0) - self._lanes["middle"][slots]
            size = np.maximum(off, 0.0) / spread
        else:
            size = np.abs(value - expected) / spread
        score = self._tail.score(size, np.zeros(size.size), slots) - np.log10(samples)
        return np.maximum(score, 0.0)

    def state(self) -> dict[str, Any]:
        """Everything that it knows."""
        return {
            "models": state_of(self._models),
            "lanes": self._lanes.state(),
            "life": self._life.state(),
            "tail": self._tail.state(),
            "under_way": self._under_way,
        }

    def take_up(self, state: Mapping[str, Any]) -> None:
        """Go on from `state`; raises SnapshotRefused where it does not fit or another River kept it."""
        self._models = model_of(state["models"])
        self._lanes.take_up(state["lanes"])
        self._life.take_up(state["life"])
        self._tail.take_up(state["tail"])
        self._under_way = state["under_way"]

    def _begin(self, slot: int) -> None:
        self._models[slot] = self.recipe.build()
        only = np.arange(len(self._lanes)) == slot
        used = self._lanes["used"][slot]
        self._lanes.begin(only)
        self._lanes["used"][slot] = used
        self._tail.begin(only)
        self._life["rebaselines"][slot] += 1

    def _notice(self, now: list[str | None]) -> None:
        if self._under_way not in (None, now):
            for slot in np.flatnonzero(self._lanes["learned"] > 0).tolist():
                self._begin(slot)
        self._under_way = now

    def _deviations(self, value: NDArray[np.float64], there: NDArray[np.bool_]) -> NDArray[np.float64]:
        """(S,) how far off each value is, or what a judge says of it; NaN where that cannot be said."""
        expected = self._lanes["expected"]
        if self._kind != "judge":
            return np.where(there, value - expected, np.nan)
        deviation = np.full(value.size, np.nan)
        for slot in np.flatnonzero(there & np.isfinite(expected)).tolist():
            deviation[slot] = self._models[slot].score_one(self._features(slot), float(value[slot]))
        return deviation

    def _aim(self, slot: int) -> None:
        """Say what the next value of a signal is to be."""
        lanes, model = self._lanes, self._models[slot]
        if lanes["learned"][slot] < max(self.recipe.settle_steps, self.recipe.lags):
            return
        if self._kind == "judge":
            lanes["expected"][slot] = lanes["typical"][slot]
            return
        foreseen = (
            model.forecast(1)[0] if self._kind == "forecaster" else model.predict_one(self._features(slot))
        )
        lanes["expected"][slot] = foreseen + lanes["middle"][slot] if abs(foreseen) <= LARGEST else np.nan

    def _size(self, deviation: NDArray[np.float64]) -> NDArray[np.float64]:
        # What a forecast is usually off by is in what is expected already.
        off = (
            np.maximum(deviation - self._lanes["middle"], 0.0) if self._kind == "judge" else np.abs(deviation)
        )
        size: NDArray[np.float64] = off / self._lanes["spread"]
        return size

    def _move(self, slot: int, value: float, expected: float, *, may: bool, fresh: bool) -> None:
        """Let a model have a step: the value, or, while that must not be learnt, its forecast for a time."""
        lanes = self._lanes
        frozen = self.recipe.learning == "frozen" and bool(lanes["ready"][slot])
        if not may:
            coasts = 0 < lanes["doubts"][slot] <= self.recipe.coast_steps and isfinite(expected)
            if not coasts or self._kind == "judge":
                return
            value = expected
        # What a forecaster learns is also how it moves on; the others can be moved on without learning.
        if self._kind == "forecaster":
            self._models[slot].learn_one(value)
        elif may and fresh and not frozen and lanes["learned"][slot] >= self.recipe.lags:
            self._models[slot].learn_one(self._features(slot), value)
        lags = lanes["lags"][slot]
        lags[1:] = lags[:-1].copy()
        lags[0] = value
        if may:
            lanes["learned"][slot] += 1
            typical = lanes["typical"][slot]
            lanes["typical"][slot] = value if np.isnan(typical) else typical + TYPICAL * (value - typical)

    def _learn_baseline(self, slot: int, deviation: float) -> None:
        lanes = self._lanes
        if not isfinite(deviation):
            return
        kept = int(lanes["kept"][slot])
        lanes["baseline"][slot, kept] = deviation
        lanes["kept"][slot] = kept + 1
        if kept + 1 < self.recipe.baseline_steps:
            return
        deviations = lanes["baseline"][slot]
        middle = float(np.median(deviations))
        spread = MAD_OF_SIGMA * float(np.median(np.abs(deviations - middle)))
        level = middle if self._kind == "judge" else float(lanes["typical"][slot])
        lanes["middle"][slot] = middle
        lanes["spread"][slot] = max(spread, RELATIVE_SPREAD * abs(level), LEAST_SPREAD)
        lanes["ready"][slot] = True
        off = (deviations - middle) / lanes["spread"][slot]
        self._tail.start(slot, np.maximum(off, 0.0) if self._kind == "judge" else np.abs(off))

    def _features(self, slot: int) -> dict[str, float]:
        return {f"lag_{lag}": value for lag, value in enumerate(self._lanes["lags"][slot].tolist(), start=1)}
