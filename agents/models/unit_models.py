"""The models of one unit: layer after layer on one grid of device time, and what they say of a frame.

Every sample is scored at once against what its step is expected to be; the layers themselves move when a step
is complete. A layer that raises is out of service for this unit: a score of 0 says why, and the rest goes on.
With the next batch it starts anew.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import structlog

from agents.context import NO_BATCH
from agents.models.grid import Grid
from agents.models.lineup import FORECAST, everywhere
from agents.models.seat import Seat, Whole, take, told
from agents.models.step import SignalScores, UnitScore
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
    from agents.models.step import Layer, Step
    from agents.samples import Samples
    from schemas.score import ModelRef
    from schemas.signals import SignalSpec

log = structlog.get_logger("models")

STEP_US = 5_000_000
"""The grid of every unit; the step of a recipe is this or a multiple of it."""

LARGEST = 1e30
"""Beyond it no reading is meant and squares overflow: such samples are not scored."""

ALL = "all"
"""The name under which a fault stands that was none of a single model."""

MOST_WORDS = 300
"""Of a fault, so many characters are told."""


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
    """The models of one unit; `faults` has the fault of each that is out of service, by its name.

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
        self._fallen: list[Choice] = []
        self._batch: str | None = None
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
        _grow(self._grid, spec)
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
            log.exception("the models of a unit failed and are out of service")
            self.faults[ALL] = _words(fault)
            for seat in list(self._seats):
                self._out(seat.choice, fault)
            return self._why_fallen(int(samples.time_us.max()))

    def _take(
        self, device: str, samples: Samples, unfit: NDArray[np.bool_], context: Context, now_us: int
    ) -> list[Said]:
        self.foresaid = []
        self._follow(context)
        if ALL in self.faults:
            return []
        heard = _Heard(samples.slots)
        for index, within in self._grid.hear(device, samples, now_us):
            for step in self._grid.complete(index, context):
                self._take_step(step, heard)
            for seat in list(self._seats):
                if seat.judge is not None:
                    self._try(seat, partial(heard.worst_of(seat).see, within))
            self._grid.put(index, within, unfit)
        for step in self._grid.complete(None, context):
            self._take_step(step, heard)
        self._foretell(heard)
        return [*self._tell(heard), *self._why_fallen(int(samples.time_us.max()))]

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

    def out_of_service(self, model: ModelRef) -> bool:
        """Whether a model has failed, and waits for the next batch."""
        return ALL in self.faults or any(name.endswith(f"/{model.digest}") for name in self.faults)

    def champions(self) -> list[Seat]:
        """The models that may alarm."""
        return [seat for seat in self._seats if seat.choice.role == "champion"]

    def state(self) -> dict[str, Any]:
        """Everything that the models know, for state_codec, but for what cannot be kept."""
        seats, unkept = {}, {}
        for seat in self._seats:
            try:
                seats[seat.choice.name] = seat.state()
            except Exception as fault:  # noqa: BLE001 - whatever a model does, alarms must be kept; it is told
                unkept[seat.choice.name] = f"What it knew could not be kept: {_words(fault)}."
        return {
            "signals": [name for name, _ in self._signals],
            "grid": self._grid.state(),
            "seats": seats,
            "unkept": unkept,
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
        anew = dict(state.get("unkept", {}))
        for seat in list(self._seats):
            name = seat.choice.name
            kept = state["seats"].get(name)
            if name in self.faults:
                self._seats.remove(seat)
            elif kept is not None:
                try:
                    seat.take_up(kept)
                except (SnapshotRefused, KeyError, TypeError, ValueError, IndexError) as refused:
                    anew[name] = refused.message if isinstance(refused, SnapshotRefused) else _words(refused)
                    self._reseat(seat)
        return anew

    def _reseat(self, seat: Seat) -> None:
        """Put a new one in the place of a model that has taken up a part of a memory."""
        place = self._seats.index(seat)
        self._seat(seat.choice)
        if self._seats[-1].choice is seat.choice and self._seats[-1] is not seat:
            self._seats[place] = self._seats.pop()

    def _follow(self, context: Context) -> None:
        """Let the models of another context take their seats; those that go on keep what they know."""
        failed = dict(self.faults)
        if context.batch != self._batch:
            self._batch = context.batch
            self._begin_anew()
        lineup = self._choose(context)
        if lineup is self._lineup and failed == self.faults:
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

    def _begin_anew(self) -> None:
        """Let what has failed have another chance: what it failed of may have gone with the batch."""
        if ALL in self.faults:
            self._grid = Grid(STEP_US)
            for _, spec in self._signals:
                _grow(self._grid, spec)
        self.faults.clear()

    def _seat(self, choice: Choice) -> None:
        stride, rest = divmod(choice.recipe.step_us, STEP_US)
        if rest:
            self._out(
                choice, ValueError(f"a step of {choice.recipe.step_s} s is no multiple of {STEP_US / 1e6} s")
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
                said = self._try(seat, partial(take, step=whole, doubted=so_far))
                if seat not in self._seats:
                    break
                self._hear(seat, whole, said, heard)
            if seat.choice.role == "champion":
                doubted = doubted | seat.doubts

    def _hear(self, seat: Seat, step: Step, said: Any, heard: _Heard) -> None:
        end_us = step.end_us
        if said is None:
            seat.whole = None
        elif isinstance(said, SignalScores):
            seat.note(said, step)
            heard.judged(seat, step, said)
            champion = self._champion(seat.choice.kind) if seat.parting is not None else None
            if champion is not None:
                heard.found(seat, end_us, seat.part(champion), self._names)
        elif isinstance(said, list):
            if said:
                heard.found(seat, end_us, said, self._names)
        elif np.isfinite(said.score):
            seat.note(said, step)
            heard.say(seat, end_us, said)

    def _tell(self, heard: _Heard) -> list[Said]:
        told = []
        for seat in list(self._seats):
            name = seat.choice.name
            worst = heard.worst.get(name)
            scores = None
            if worst is not None and seat.judge is not None:
                scores = self._try(seat, partial(worst.scores, suspect_at=seat.suspect_at))
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
        self.faults[choice.name] = _words(fault)
        self._fallen.append(choice)
        log.error("a model failed and is out of service", model=choice.name, fault=repr(fault))

    def _why_fallen(self, time_us: int) -> list[Said]:
        """What is said, once, of the models that have gone out of service."""
        nobody = np.zeros(len(self._signals))
        said = []
        for choice in self._fallen:
            why = f"out of service until the next batch: {self.faults.get(choice.name, '')}"
            score = UnitScore(
                choice.kind, 0.0, suspect=False, learned=False, contributions=nobody, reason=why
            )
            said.append(Said(choice, None, ((time_us, score),)))
        self._fallen = []
        return said


def _words(fault: Exception) -> str:
    """A fault as it is told: the same whenever it happens again, so without places in memory."""
    return re.sub(r" at 0x[0-9a-f]+", "", repr(fault))[:MOST_WORDS]


def _grow(grid: Grid, spec: SignalSpec | None) -> None:
    grid.add(held=spec is not None and (spec.reading == "held" or spec.signal_class == "setpoint"))


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
