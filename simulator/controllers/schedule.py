"""Where each bioreactor is in its recipe: phases, how instruments show their end, ramps of set points."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from simulator.controllers.feeding import Orders, Profile
from simulator.recipes.recipe import SET_POINTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from simulator.physics.state import Floats
    from simulator.recipes.recipe import Ending, Phase, Recipe

    Mask = NDArray[np.bool_]

OPERATORS = 31
"""Stream of random numbers for what people do: when they get round to it."""
LATE_H = 0.1
"""Usual delay (half-normal) of a step that an operator takes by the clock (rule of practice)."""

SMOOTH_S = 30.0
"""Readings are smoothed over so long before a phase is ended by them: one spike ends nothing."""

TEMPERATURE = SET_POINTS.index("temperature_c")
TEMPERED_S = 600.0
"""After a ramp of temperature the broth is given so long to come to rest before anything judges it."""
RAMP_LEAD_C = 0.3
"""A ramp of temperature runs no further ahead of the broth: a large vessel takes the time that it needs."""


@dataclass(frozen=True, slots=True)
class PhaseChange:
    """A moment in the life of a batch.

    Attributes:
        unit: index in the fleet.
        hours: since inoculation.
        event: the batch starts (with its first phase), changes phase, or ends (with the phase that was last).
    """

    unit: int
    hours: float
    event: Literal["start", "phase", "end"]
    phase: str


@dataclass(frozen=True, slots=True)
class _Step:
    """A phase, or what is left of it after a change of set points."""

    phase: int
    begins_h: float
    over_h: float
    targets: tuple[float, ...]


class Schedule:
    """The recipes' course; one column a bioreactor.

    Args:
        recipes: one a bioreactor.
        seeds: of the operators, one a bioreactor.

    Attributes:
        phase: (N,) index into `recipe.phases`; stays at the last when the batch is over.
        over: (N,) the batch has ended.
        hours_in_phase: (N,).
        set_points: (len(SET_POINTS), N) in force, ramps included.
        orders: of the feed, in force.
    """

    def __init__(self, recipes: Sequence[Recipe], seeds: Sequence[int]) -> None:
        count = len(recipes)
        self._recipes = tuple(recipes)
        self._steps = [_steps(recipe) for recipe in recipes]
        self._late_h = [
            _lateness(seed, len(recipe.phases)) for recipe, seed in zip(recipes, seeds, strict=True)
        ]
        endings = [end for recipe in recipes for phase in recipe.phases for end in phase.ends]
        self._signals = tuple(sorted({end.signal for end in endings if end.signal is not None}))
        most = max(len(_shown(phase)) for recipe in recipes for phase in recipe.phases)
        self._ending = _Endings.none(max(1, most), count)
        self._step = np.zeros(count, dtype=np.int64)
        self._next_step_h = np.full(count, np.inf)
        self._after_h = np.full(count, np.inf)
        self._began_h = np.zeros(count)
        self._targets = np.array([steps[0].targets for steps in self._steps]).T.copy()
        self._per_h = np.full_like(self._targets, np.inf)
        self._started = False
        self._stood_s = np.full(count, np.inf)
        self.phase = np.zeros(count, dtype=np.int64)
        self.over = np.zeros(count, dtype=bool)
        self.hours_in_phase = np.zeros(count)
        self.set_points = self._targets.copy()
        self.orders = Orders(np.zeros(count, dtype=np.int64), *(np.zeros(count) for _ in range(5)))
        for unit in range(count):
            self._enter(unit, 0, 0.0)

    def advance(self, readings: Mapping[str, Floats], hours: Floats, dt_s: float) -> list[PhaseChange]:
        """Move on to `hours`; what happened by then.

        The set points, orders and phases that it leaves are those in force from now on.
        """
        happened = [] if self._started else self._start(hours)
        self.hours_in_phase = hours - self._began_h
        ends = self._ending.met(self._shown(readings), self.hours_in_phase, dt_s)
        ends = (ends | (self.hours_in_phase >= self._after_h)) & ~self.over
        for unit in np.flatnonzero(ends):
            happened.append(self._end_phase(int(unit), float(hours[unit])))
        for unit in np.flatnonzero(self.hours_in_phase >= self._next_step_h):
            self._take_step(int(unit), int(self._step[unit]) + 1)
        self._ramp(readings.get("temperature"), dt_s)
        return happened

    def value(self, name: str) -> Floats:
        """A set point in force, by its name in `SetPoints`."""
        held: Floats = self.set_points[SET_POINTS.index(name)]
        return held

    def tempered(self) -> Mask:
        """(N,) where the set point of temperature has stood long enough for the broth to have followed."""
        stood: Mask = self._stood_s >= TEMPERED_S
        return stood

    def _ramp(self, temperature_c: Floats | None, dt_s: float) -> None:
        """Move the set points on; that of temperature waits for a broth that lags too far behind it."""
        way = self._targets - self.set_points
        most = self._per_h * (dt_s / 3600.0)
        if temperature_c is not None:
            ahead = self.set_points[TEMPERATURE] - temperature_c
            waits = (ahead * way[TEMPERATURE] > 0.0) & (np.abs(ahead) > RAMP_LEAD_C)
            most[TEMPERATURE] = np.where(waits, 0.0, most[TEMPERATURE])
        self.set_points = self.set_points + np.minimum(np.maximum(way, -most), most)
        moving = self.set_points[TEMPERATURE] != self._targets[TEMPERATURE]
        self._stood_s = np.where(moving | (way[TEMPERATURE] != 0.0), 0.0, self._stood_s + dt_s)

    def _start(self, hours: Floats) -> list[PhaseChange]:
        self._started = True
        self._began_h = hours.copy()
        names = [recipe.phases[0].name for recipe in self._recipes]
        return [PhaseChange(unit, float(hours[unit]), "start", name) for unit, name in enumerate(names)]

    def _shown(self, readings: Mapping[str, Floats]) -> Floats:
        """(signals + 1, N) what the endings look at; the last row is unknown for ever."""
        nothing = np.full(self.phase.shape, np.nan)
        return np.stack([*(readings.get(name, nothing) for name in self._signals), nothing])

    def _end_phase(self, unit: int, hours: float) -> PhaseChange:
        phases, phase = self._recipes[unit].phases, int(self.phase[unit])
        if phase + 1 == len(phases):
            self.over[unit] = True
            return PhaseChange(unit, hours, "end", phases[phase].name)
        self._enter(unit, phase + 1, hours)
        return PhaseChange(unit, hours, "phase", phases[phase + 1].name)

    def _enter(self, unit: int, phase: int, hours: float) -> None:
        self.phase[unit] = phase
        self._began_h[unit] = hours
        self.hours_in_phase[unit] = 0.0
        ordered = self._recipes[unit].phases[phase]
        clocks = [end.after_h for end in ordered.ends if end.after_h is not None]
        self._after_h[unit] = min(clocks) + self._late_h[unit][phase]
        self._ending.enter(unit, ordered, self._signals)
        feed = ordered.feed
        self.orders.profile[unit] = Profile[feed.profile.upper()]
        self.orders.g_l_h[unit] = np.nan if feed.g_l_h is None else feed.g_l_h
        self.orders.growth_per_h[unit] = feed.growth_per_h
        self.orders.most_g_l_h[unit] = feed.most_g_l_h or np.inf
        self.orders.above_percent[unit] = np.inf if feed.above is None else feed.above
        self.orders.pulse_h[unit] = feed.pulse_min / 60.0
        steps = self._steps[unit]
        self._take_step(unit, next(place for place, step in enumerate(steps) if step.phase == phase))

    def _take_step(self, unit: int, place: int) -> None:
        steps = self._steps[unit]
        step = steps[place]
        self._step[unit] = place
        more = place + 1 < len(steps) and steps[place + 1].phase == step.phase
        self._next_step_h[unit] = steps[place + 1].begins_h if more else np.inf
        targets = np.array(step.targets)
        way = np.abs(targets - self.set_points[:, unit])
        per_h = way / step.over_h if step.over_h > 0.0 else np.full_like(way, np.inf)
        # A change of one set point leaves the ramps of the others as they are.
        same = targets == self._targets[:, unit]
        self._per_h[:, unit] = np.where(same, self._per_h[:, unit], per_h)
        self._targets[:, unit] = targets


class _Endings:
    """What instruments have to show for the phases in force to end, (conditions, N) each."""

    def __init__(self, count: int, units: int) -> None:
        shape = (count, units)
        self.row = np.zeros(shape, dtype=np.int64)
        self.sense = np.zeros(shape)
        self.bound = np.zeros(shape)
        self.of_peak = np.zeros(shape, dtype=bool)
        self.for_s = np.full(shape, np.inf)
        self.not_before_h = np.zeros(shape)
        self.over_lowest = np.zeros(shape, dtype=bool)
        self.peak = np.full(shape, -np.inf)
        self.lowest = np.full(shape, np.inf)
        self.held_s = np.zeros(shape)
        self.smooth = np.full(shape, np.nan)
        self._columns = np.arange(units)

    @classmethod
    def none(cls, count: int, units: int) -> _Endings:
        """Conditions that are never met."""
        return cls(count, units)

    def enter(self, unit: int, phase: Phase, signals: tuple[str, ...]) -> None:
        """Watch for the endings of a phase that begins."""
        self.row[:, unit], self.sense[:, unit], self.for_s[:, unit] = len(signals), 0.0, np.inf
        self.peak[:, unit], self.held_s[:, unit], self.of_peak[:, unit] = -np.inf, 0.0, False
        self.smooth[:, unit], self.lowest[:, unit], self.over_lowest[:, unit] = np.nan, np.inf, False
        for place, end in enumerate(_shown(phase)):
            self.row[place, unit] = signals.index(str(end.signal))
            upwards = end.above is not None or end.above_lowest is not None
            self.sense[place, unit] = 1.0 if upwards else -1.0
            self.bound[place, unit] = end.bounds[0]
            self.over_lowest[place, unit] = end.above_lowest is not None
            self.of_peak[place, unit] = end.below_peak is not None
            self.for_s[place, unit] = end.for_s
            self.not_before_h[place, unit] = end.not_before_h

    def met(self, shown: Floats, hours_in_phase: Floats, dt_s: float) -> Mask:
        """(N,) where one of the conditions has been met for long enough."""
        read = shown[self.row, self._columns]
        nearer = 1.0 - np.exp(-dt_s / SMOOTH_S)
        known = np.isnan(self.smooth) | np.isnan(read)
        self.smooth = np.where(known, read, self.smooth + nearer * (read - self.smooth))
        values = self.smooth
        self.peak = np.fmax(self.peak, values)
        self.lowest = np.fmin(self.lowest, values)
        bound = np.where(self.of_peak, self.bound * np.maximum(self.peak, 0.0), self.bound)
        bound = np.where(self.over_lowest, self.lowest + self.bound, bound)
        due = (self.sense * (values - bound) > 0.0) & (hours_in_phase >= self.not_before_h)
        self.held_s = np.where(due, self.held_s + dt_s, 0.0)
        ended: Mask = np.any(due & (self.held_s >= self.for_s), axis=0)
        return ended


def _shown(phase: Phase) -> list[Ending]:
    """The endings that instruments show, not the clock."""
    return [end for end in phase.ends if end.signal is not None]


def _steps(recipe: Recipe) -> list[_Step]:
    """The recipe's phases, cut where set points change, each with all its set points."""
    steps: list[_Step] = []
    targets = dict.fromkeys(SET_POINTS, 0.0)
    for index, phase in enumerate(recipe.phases):
        moments = [(0.0, phase.over_h, phase.set), *((it.at_h, it.over_h, it.to) for it in phase.changes)]
        for at_h, over_h, changed in moments:
            targets |= changed.model_dump(exclude_none=True)
            steps.append(_Step(index, at_h, over_h, tuple(targets[name] for name in SET_POINTS)))
    return steps


def _lateness(seed: int, phases: int) -> Floats:
    """By how much operators are late at the end of each phase that ends by the clock, h."""
    people = np.random.Generator(np.random.Philox(key=[seed, OPERATORS]))
    return np.abs(people.normal(0.0, LATE_H, phases))
