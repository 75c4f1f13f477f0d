"""The models of one unit: two a signal, on one even grid of device time, and what they say of a frame.

Samples are scored all at once, a step of the grid at a time, against what each model expects of this step;
the models themselves move once a step. A model that raises is taken out of service for its signal and its
fault kept; nothing else of the unit notices.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import structlog

from agents.health import plausible
from agents.limits import Band
from agents.models.anomaly import ResidualModel, tail_score
from agents.models.forecast import ForecastModel

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from agents.models.forecast import Outlook
    from agents.models.recipe import Recipes
    from agents.samples import Samples
    from schemas.signals import SignalSpec

log = structlog.get_logger("models")

LARGEST = 1e30
"""Beyond it no reading is meant and squares overflow: such samples are not scored."""

NO_STEP = np.iinfo(np.int64).min

STATE = np.dtype(
    [
        ("step", np.int64),  # the step of the grid that the last sample lies in; NO_STEP before the first
        ("value", np.float64),  # the last value in it
        ("expected", np.float64),
        ("spread", np.float64),
        ("ready", np.bool_),
    ]
)


@dataclass(frozen=True, slots=True)
class Scores:
    """The worst sample of each scored signal of a frame, arrays of one length."""

    slots: NDArray[np.intp]
    time_us: NDArray[np.int64]
    value: NDArray[np.float64]
    expected: NDArray[np.float64]
    score: NDArray[np.float64]
    suspect: NDArray[np.bool_]
    learned: NDArray[np.bool_]


@dataclass(slots=True)
class _Signal:
    name: str
    plausible: Band
    anomaly: ResidualModel | None
    forecast: ForecastModel | None
    doubted: bool = False


class ModelBank:
    """The models of one unit; `faults` has the fault of each model taken out of service, by signal/model."""

    def __init__(self, recipes: Recipes) -> None:
        self.recipes = recipes
        self.faults: dict[str, str] = {}
        self._signals: list[_Signal] = []
        self._state = np.empty(0, dtype=STATE)
        self._stride = recipes.forecast.step_us // recipes.anomaly.step_us

    def __len__(self) -> int:
        return len(self._signals)

    def add(self, name: str, spec: SignalSpec | None) -> None:
        """Give the next slot to a signal."""
        band = plausible(spec) if spec else Band()
        self._signals.append(
            _Signal(
                name,
                band,
                ResidualModel(self.recipes.anomaly, spec.noise if spec else None),
                ForecastModel(self.recipes.forecast, Band(*spec.plausible) if spec else None),
            )
        )
        fresh = np.array([(NO_STEP, 0.0, 0.0, 1.0, False)], dtype=STATE)
        self._state = np.concatenate([self._state, fresh])

    def take(self, samples: Samples) -> Scores | None:
        """Score the samples of a frame, and let the models learn what the grid has completed.

        Returns:
            The scores of the signals whose models have their baseline; None where there are none.
        """
        within = np.abs(samples.value) <= LARGEST
        samples = samples.keep(within)
        if not samples.slots.size:
            return None
        worst = _Worst(samples.slots)
        steps = samples.time_us // self.recipes.anomaly.step_us
        only = int(steps[0])
        if (steps == only).all():
            self._take_step(only, samples, worst)
        else:
            for step in np.unique(steps).tolist():
                self._take_step(step, samples.keep(steps == step), worst)
        return worst.scores(self.recipes.anomaly.suspect_at)

    def outlooks(self) -> list[tuple[int, Outlook]]:
        """Return the forecast of each signal that has one, with its slot."""
        found = []
        for slot, signal in enumerate(self._signals):
            if signal.forecast is not None:
                outlook = signal.forecast.outlook()
                if outlook is not None:
                    found.append((slot, outlook))
        return found

    def _take_step(self, step: int, samples: Samples, worst: _Worst) -> None:
        slots = samples.slots
        before = self._state["step"][slots]
        for slot in slots[(before < step) & (before != NO_STEP)].tolist():
            if self._complete(slot, step):
                worst.learned.add(slot)
        state = self._state[slots]
        z = np.abs(samples.value - samples.each(state["expected"])) / samples.each(state["spread"])
        highest = np.maximum.reduceat(z, samples.starts)
        places = np.flatnonzero(z == samples.each(highest))
        worst.see(samples, places[np.searchsorted(places, samples.starts)], highest, state)
        self._state["step"][slots] = step
        self._state["value"][slots] = samples.value[samples.ends]

    def _complete(self, slot: int, until: int) -> bool:
        """Let the models of a signal have the steps from its last sample's to the one before `until`."""
        signal = self._signals[slot]
        step, value = int(self._state["step"][slot]), float(self._state["value"][slot])
        credible = signal.plausible.low <= value <= signal.plausible.high
        last = min(until, step + 1 + self.recipes.anomaly.hold_steps)
        learned = False
        for at in range(step, last):
            learned |= self._learn_anomaly(signal, value, held=at > step, credible=credible)
            if at % self._stride == self._stride - 1:
                self._learn_forecast(signal, value, suspect=signal.doubted or not credible)
        model = signal.anomaly
        self._state[slot] = (
            (until, value, model.expected, model.spread, model.ready)
            if model
            else (until, value, 0.0, 1.0, False)
        )
        return learned

    def _learn_anomaly(self, signal: _Signal, value: float, *, held: bool, credible: bool) -> bool:
        if signal.anomaly is None:
            return False
        try:
            learned = signal.anomaly.learn(value, held=held, credible=credible)
        except Exception as fault:  # noqa: BLE001 - whatever a model does, limits must go on; it is reported
            signal.anomaly = None
            signal.doubted = False
            self._report(signal.name, self.recipes.anomaly.name, fault)
            return False
        signal.doubted = signal.anomaly.ready and not learned
        return learned

    def _learn_forecast(self, signal: _Signal, value: float, *, suspect: bool) -> None:
        if signal.forecast is None:
            return
        try:
            signal.forecast.learn(value, suspect=suspect)
        except Exception as fault:  # noqa: BLE001 - whatever a model does, limits must go on; it is reported
            signal.forecast = None
            self._report(signal.name, self.recipes.forecast.name, fault)

    def _report(self, signal: str, model: str, fault: Exception) -> None:
        self.faults[f"{signal}/{model}"] = repr(fault)
        log.error("a model failed and is out of service", signal=signal, model=model, fault=repr(fault))


class _Worst:
    """The worst sample of each signal over the steps of a frame, and how many were scored."""

    def __init__(self, slots: NDArray[np.intp]) -> None:
        self.learned: set[int] = set()
        self._row = {slot: row for row, slot in enumerate(slots.tolist())}
        self._slots = slots
        self._z = np.full(slots.size, -1.0)
        self._counts = np.zeros(slots.size, dtype=np.intp)
        self._time_us = np.zeros(slots.size, dtype=np.int64)
        self._value = np.zeros(slots.size)
        self._expected = np.zeros(slots.size)

    def see(
        self,
        samples: Samples,
        places: NDArray[np.intp],
        z: NDArray[np.float64],
        state: NDArray[np.void],
    ) -> None:
        rows: NDArray[np.intp] | slice = slice(None)
        if samples.slots.size != self._slots.size:
            rows = np.array([self._row[slot] for slot in samples.slots.tolist()], dtype=np.intp)
        self._counts[rows] += np.where(state["ready"], samples.counts, 0)
        worse = state["ready"] & (z > self._z[rows])
        at = np.flatnonzero(worse) if isinstance(rows, slice) else rows[worse]
        self._z[at] = z[worse]
        self._time_us[at] = samples.time_us[places[worse]]
        self._value[at] = samples.value[places[worse]]
        self._expected[at] = state["expected"][worse]

    def scores(self, suspect_at: float) -> Scores | None:
        scored = np.flatnonzero(self._counts > 0)
        if not scored.size:
            return None
        score = tail_score(self._z[scored], self._counts[scored])
        slots = self._slots[scored]
        learned = np.array([slot in self.learned for slot in slots.tolist()])
        return Scores(
            slots,
            self._time_us[scored],
            self._value[scored],
            self._expected[scored],
            score,
            score >= suspect_at,
            learned,
        )
