"""The models of one unit: layer after layer on one grid of device time, and what they say of a frame.

Every sample is scored at once against what its step is expected to be; the layers themselves move when a step
is complete. A layer that raises is out of service for this unit and its fault is kept; the rest goes on.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import structlog

from agents.context import NO_BATCH
from agents.models.grid import Grid
from agents.models.lineup import FORECAST, everywhere
from agents.models.seat import Seat, Whole, take, told
from agents.models.step import SignalScores
from agents.models.worst import Scores, Worst, of_steps
from schemas.errors import SnapshotRefused

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from agents.context import Context
    from agents.models.divergence import Divergence
    from agents.models.drift import Drift
    from agents.models.forecasting.layer import Outlooks
    from agents.models.lineup import Choice, Lineup, Role
    from agents.models.step import Layer, Step, UnitScore
    from agents.samples import Samples
    from schemas.score import ModelRef
    from schemas.signals import SignalSpec

log = structlog.get_logger("models")

STEP_US = 5_000_000
"""The grid of every unit; the step of a recipe is this or a multiple of it."""

LARGEST = 1e30
"""Beyond it no reading is meant and squares overflow: such samples are not scored."""


@dataclass(frozen=True, slots=True)
class Said:
    """What one model says of a frame: of its signals' samples, and of the unit at the ends of steps."""

    choice: Choice
    scores: Scores | None
    unit: tuple[tuple[int, UnitScore], ...]


@dataclass(frozen=True, slots=True)
class Foresaid:
    """What a champion, or a challenger in its shadow, forecasts from `made_us` (device time) on.

    coverage: the share of true values that its intervals are meant to hold. now: (S,) the last values.
    """

    ref: ModelRef
    role: Role
    coverage: float
    made_us: int
    now: NDArray[np.float64]
    outlooks: Outlooks


class UnitModels:
    """The models of one unit; `faults` has the fault of each that was taken out of service, by its name.

    `foresaid` is what was forecast with the last frame, the champion's before its challengers'; empty where
    it completed no step of the forecasts.

    Args:
        choose: which models are in force in a context, the same object while they are the same; the shipped
            champions if not given.
    """

    def __init__(self, choose: Callable[[Context], Lineup] = everywhere) -> None:
        self.faults: dict[str, str] = {}
        self.foresaid: list[Foresaid] = []
        self._choose = choose
        self._signals: list[tuple[str, SignalSpec | None]] = []
        self._grid = Grid(STEP_US)
        self._seats: list[Seat] = []
        self._lineup: Lineup | None = None
        self._follow(NO_BATCH)

    def __len__(self) -> int:
        return len(self._signals)

    @property
    def _names(self) -> list[str]:
        return [name for name, _ in self._signals]

    def add(self, name: str, spec: SignalSpec | None) -> None:
        """Give the next slot to a signal."""
        self._signals.append((name, spec))
        self._grid.add(held=spec is not None and (spec.reading == "held" or spec.signal_class == "setpoint"))
        for seat in list(self._seats):
            seat.grow(name)
            self._try(seat, partial(_add, name=name, spec=spec))

    def take(
        self, device: str, samples: Samples, unfit: NDArray[np.bool_], context: Context, now_us: int
    ) -> list[Said]:
        """Score the samples of a frame, and let the models have the steps that it completes.

        unfit: (S,) signals whose samples say nothing that may be learnt. now_us: log time.
        """
        samples = samples.keep(np.abs(samples.value) <= LARGEST)
        if not samples.slots.size:
            return []
        try:
            return self._take(device, samples, unfit, context, now_us)
        except Exception as fault:  # whatever the models do, limits must go on
            self._seats = []
            self.faults["all"] = repr(fault)
            log.exception("the models of a unit failed and are out of service")
            return []

    def _take(
        self, device: str, samples: Samples, unfit: NDArray[np.bool_], context: Context, now_us: int
    ) -> list[Said]:
        self._follow(context)
        self.foresaid = []
        heard = _Heard(samples.slots)
        for index, within in self._grid.hear(device, samples, now_us):
            for step in self._grid.complete(index, context):
                self._take_step(step, heard)
            for seat in self._seats:
                if seat.judge is not None:
                    heard.worst_of(seat).see(within, seat.judge)
            self._grid.put(index, within, unfit)
        for step in self._grid.complete(None, context):
            self._take_step(step, heard)
        self._foretell(heard)
        return self._tell(heard)

    def _foretell(self, heard: _Heard) -> None:
        for seat in list(self._seats) if heard.foreseen_us else ():
            made_us = heard.foreseen_us.get(seat.choice.name)
            foresaid = made_us and self._try(seat, partial(_foresaid, seat.choice, made_us))
            if foresaid:
                self.foresaid.append(foresaid)

    def looks_like(self) -> Whole | None:
        """What an anomaly is taken for just now, with the evidence; None where nobody says."""
        found = (seat.whole for seat in self.champions() if seat.whole is not None)
        return next((whole for whole in found if whole.looks_like is not None), None)

    def champions(self) -> list[Seat]:
        """The models that may alarm."""
        return [seat for seat in self._seats if seat.choice.role == "champion"]

    def state(self) -> dict[str, Any]:
        """Everything that the models know, for state_codec."""
        return {
            "signals": [name for name, _ in self._signals],
            "grid": self._grid.state(),
            "seats": {seat.choice.name: seat.state() for seat in self._seats},
            "faults": dict(self.faults),
        }

    def take_up(self, state: Mapping[str, Any], context: Context) -> dict[str, str]:
        """Go on from `state`, after the same signals were added.

        Returns:
            By model why its memory was not taken up: it starts anew.

        Raises:
            SnapshotRefused: the state is of other signals.
        """
        if list(state["signals"]) != [name for name, _ in self._signals]:
            raise SnapshotRefused(
                "What was kept of the models is of other signals.",
                kept="The samples; the models take a new baseline.",
            )
        self._follow(context)
        self._grid.take_up(state["grid"])
        self.faults = dict(state["faults"])
        anew = {}
        for seat in list(self._seats):
            name = seat.choice.name
            kept = state["seats"].get(name)
            if name in self.faults:
                self._seats.remove(seat)
            elif kept is not None:
                try:
                    seat.take_up(kept)
                except SnapshotRefused as refused:
                    anew[name] = refused.message
        return anew

    def _follow(self, context: Context) -> None:
        """Let the models of another context take their seats; those that go on keep what they know."""
        lineup = self._choose(context)
        if lineup is self._lineup:
            return
        self._lineup = lineup
        sitting = {seat.choice.name: seat for seat in self._seats}
        self._seats = []
        for choice in lineup.choices:
            seat = sitting.get(choice.name)
            if seat is not None:
                seat.play(choice)
                self._seats.append(seat)
            elif choice.name not in self.faults:
                self._seat(choice)

    def _seat(self, choice: Choice) -> None:
        stride, rest = divmod(choice.recipe.step_us, STEP_US)
        if rest:
            self.faults[choice.name] = (
                f"its step of {choice.recipe.step_s} s is no multiple of {STEP_US / 1e6} s"
            )
            return
        champion = self._champion(choice.kind) if choice.role == "challenger" else None
        try:
            seat = Seat.of(choice, STEP_US, stride, champion.choice if champion else None)
        except Exception as fault:  # noqa: BLE001 - whatever a recipe does, limits must go on; it is reported
            self._out(choice, fault)
            return
        self._seats.append(seat)
        for name, spec in self._signals:
            seat.grow(name)
            self._try(seat, partial(_add, name=name, spec=spec))

    def _champion(self, kind: str) -> Seat | None:
        return next((seat for seat in self.champions() if seat.choice.kind == kind), None)

    def _take_step(self, step: Step, heard: _Heard) -> None:
        doubted = np.zeros(len(self._signals), dtype=np.bool_)
        for seat in list(self._seats):
            for whole, so_far in seat.coarser.take(step, doubted):
                if seat.choice.kind == FORECAST:
                    heard.foreseen_us[seat.choice.name] = whole.end_us
                try:
                    said = take(seat.layer, whole, so_far)
                except Exception as fault:  # noqa: BLE001 - whatever it does, limits must go on; it is reported
                    self._out(seat.choice, fault)
                    break
                self._hear(seat, whole, said, heard)
            if seat.choice.role == "champion":
                doubted = doubted | seat.doubts

    def _hear(self, seat: Seat, step: Step, said: Any, heard: _Heard) -> None:
        end_us = step.end_us
        if said is None:
            seat.whole = None
        elif isinstance(said, SignalScores):
            seat.note(said, end_us)
            heard.judged(seat, step, said)
            champion = self._champion(seat.choice.kind) if seat.parting is not None else None
            if champion is not None:
                heard.found(seat, end_us, seat.part(champion), self._names)
        elif isinstance(said, list):
            if said:
                heard.found(seat, end_us, said, self._names)
        elif np.isfinite(said.score):
            seat.note(said, end_us)
            heard.say(seat, end_us, said)

    def _tell(self, heard: _Heard) -> list[Said]:
        told = []
        for seat in self._seats:
            name = seat.choice.name
            worst = heard.worst.get(name)
            scores = None
            if worst is not None and seat.judge is not None:
                scores = worst.scores(seat.judge, seat.suspect_at)
            elif name in heard.steps:
                scores = of_steps(heard.steps[name])
            if scores is not None or name in heard.unit:
                told.append(Said(seat.choice, scores, tuple(heard.unit.get(name, ()))))
        return told

    def _try(self, seat: Seat, what: Callable[[Layer], Any]) -> Any:
        try:
            return what(seat.layer)
        except Exception as fault:  # noqa: BLE001 - whatever a model does, limits must go on; it is reported
            self._out(seat.choice, fault)
            return None

    def _out(self, choice: Choice, fault: Exception) -> None:
        self._seats = [seat for seat in self._seats if seat.choice is not choice]
        self.faults[choice.name] = repr(fault)
        log.error("a model failed and is out of service", model=choice.name, fault=repr(fault))


def _add(layer: Layer, name: str, spec: SignalSpec | None) -> None:
    layer.add(name, spec)


def _foresaid(choice: Choice, made_us: int, layer: Any) -> Foresaid | None:
    outlooks: Outlooks = layer.outlook()
    if not np.isfinite(outlooks.value).any():
        return None
    coverage = float(getattr(choice.recipe, "coverage", 0.0))
    return Foresaid(choice.recipe.ref, choice.role, coverage, made_us, layer.value.copy(), outlooks)


class _Heard:
    """What the models have said of a frame so far."""

    def __init__(self, slots: NDArray[np.intp]) -> None:
        self._slots = slots
        self.foreseen_us: dict[str, int] = {}
        self.worst: dict[str, Worst] = {}
        self.steps: dict[str, list[tuple[Step, SignalScores]]] = {}
        self.unit: dict[str, list[tuple[int, UnitScore]]] = {}

    def worst_of(self, seat: Seat) -> Worst:
        name = seat.choice.name
        if name not in self.worst:
            self.worst[name] = Worst(self._slots)
        return self.worst[name]

    def say(self, seat: Seat, end_us: int, score: UnitScore) -> None:
        self.unit.setdefault(seat.choice.name, []).append((end_us, score))

    def found(
        self, seat: Seat, end_us: int, what: Sequence[Drift | Divergence], names: Sequence[str]
    ) -> None:
        for one in what:
            self.say(seat, end_us, told(one, seat.choice.kind, names))

    def judged(self, seat: Seat, step: Step, said: SignalScores) -> None:
        if seat.judge is not None:
            self.worst_of(seat).learned |= said.learned[self._slots]
        else:
            self.steps.setdefault(seat.choice.name, []).append((step, said))
