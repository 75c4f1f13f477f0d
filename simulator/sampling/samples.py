"""Operators' samples: drawn by a plan that people keep roughly, seldomer at night, with results later."""

from __future__ import annotations

from dataclasses import dataclass
from heapq import heappop, heappush
from math import isnan
from typing import TYPE_CHECKING

import numpy as np

from simulator.sampling.assay import assays

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from simulator.controllers.schedule import Schedule
    from simulator.physics.state import Actuators, Floats
    from simulator.recipes.recipe import Recipe, Samples

LABORATORY = 32
"""Stream of random numbers for when samples are drawn and what is found in them."""
JITTER_H = 0.08
"""Standard deviation of the time between samples (rule of practice: some minutes)."""
NIGHT_H = (22.0, 6.0)
SECOND_DRAWING_H = 0.05
"""A sample never comes sooner after the one before."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One sample and what is found in it.

    Attributes:
        unit: index in the fleet.
        hours: since inoculation, when it was drawn.
        volume_l: drawn.
        results: value by assay; the unit stands in `assays()`.
        known_h: when each result is known, in hours since inoculation.
        below_limit: assays that found less than they can detect; they have no result.
    """

    unit: int
    hours: float
    volume_l: float
    results: Mapping[str, float]
    known_h: Mapping[str, float]
    below_limit: tuple[str, ...]


class Sampling:
    """The samples of a fleet.

    Args:
        recipes, working_l, seeds: one a bioreactor.
    """

    def __init__(self, recipes: Sequence[Recipe], working_l: Floats, seeds: Sequence[int]) -> None:
        self._recipes = tuple(recipes)
        self._working_l = working_l
        self._chance = [np.random.Generator(np.random.Philox(key=[seed, LABORATORY])) for seed in seeds]
        self._phase = np.full(len(self._recipes), -1, dtype=np.int64)
        self._due_h = np.full(len(self._recipes), np.inf)
        self._coming: list[list[tuple[float, str, float]]] = [[] for _ in self._recipes]
        self._next_h = np.full(len(self._recipes), np.inf)
        self._known: dict[str, Floats] = {}

    def draw(
        self, schedule: Schedule, hours: Floats, truth: Mapping[str, Floats], set_to: Actuators
    ) -> list[Sample]:
        """The samples drawn now, at the beginning of a step; sets `set_to.sample_l`.

        Args:
            schedule: where the batches are.
            hours: (N,) since inoculation.
            truth: of the moment, by assay, in the assay's unit; NaN or absent: the assay is left out.
            set_to: told what is drawn.
        """
        phase, over = schedule.phase, schedule.over
        entered = phase != self._phase
        self._due_h = np.where(entered, hours, self._due_h)
        self._phase = phase.copy()
        drawn = []
        for unit in np.flatnonzero((hours >= self._due_h) & ~over):
            sample = self._draw_one(int(unit), float(hours[unit]), truth)
            if sample is not None:
                set_to.sample_l[unit] = sample.volume_l
                drawn.append(sample)
        return drawn

    def known(self, hours: Floats) -> Mapping[str, Floats]:
        """The latest result of each assay that is known by `hours`; NaN: none yet, 0: below its limit."""
        for unit in np.flatnonzero(hours >= self._next_h):
            coming = self._coming[unit]
            while coming and coming[0][0] <= hours[unit]:
                _, assay, value = heappop(coming)
                held = self._known.setdefault(assay, np.full(len(self._recipes), np.nan))
                held[unit] = value
            self._next_h[unit] = coming[0][0] if coming else np.inf
        return self._known

    def _draw_one(self, unit: int, hours: float, truth: Mapping[str, Floats]) -> Sample | None:
        recipe = self._recipes[unit]
        plan = recipe.phases[int(self._phase[unit])].samples
        if plan is None:
            self._due_h[unit] = np.inf
            return None
        chance = self._chance[unit]
        clock = (recipe.inoculated_at_h + hours) % 24.0
        wait = _wait_h(plan, clock) + JITTER_H * float(chance.standard_normal())
        self._due_h[unit] = hours + max(wait, SECOND_DRAWING_H)
        results: dict[str, float] = {}
        below = []
        for name in plan.assays:
            assay, chances = assays()[name], float(chance.standard_normal())
            true = float(truth[name][unit]) if name in truth else float("nan")
            if isnan(true):
                continue
            found = assay.result(true, chances)
            if found is None:
                below.append(name)
            else:
                results[name] = found
        known_h = {name: hours + assays()[name].delay_h for name in results}
        coming = self._coming[unit]
        # People know what "below the limit" means, although it is no number for the record.
        for name in (*results, *below):
            heappush(coming, (hours + assays()[name].delay_h, name, results.get(name, 0.0)))
        self._next_h[unit] = coming[0][0] if coming else np.inf
        volume_l = plan.ml_l * float(self._working_l[unit]) / 1000.0
        return Sample(unit, hours, volume_l, results, known_h, tuple(below))


def _wait_h(plan: Samples, clock: float) -> float:
    """Hours to the next sample from this hour of the day."""
    evening, morning = NIGHT_H
    at_night = clock >= evening or clock < morning
    return plan.night_every_h if at_night and plan.night_every_h is not None else plan.every_h
