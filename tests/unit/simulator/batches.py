"""Batches for the tests that read them: what a whole fleet showed and what was true, run once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pytest

import simulator.fleet
from simulator.fleet import Fleet, Reactor
from simulator.physics.holdings import gaps, holdings
from simulator.physics.state import LOWER, UPPER, Species
from simulator.recipes.recipe import Ending, Phase, Recipe, recipe

Array = np.ndarray

STEP_S = 10.0
EVERY = 6
"""Steps between two rows of a recording: a minute."""
LASTS_H = 28.5
HURRY = 10.0
"""So much shorter are the phases of the cultures that take weeks, and so much denser is their inoculum."""
HUNGRY_G_L_H = 18.0
"""Most feed of the E. coli that ask more of a vessel than a large one can give."""

UNITS = {
    "small": Reactor("small", "e_coli", "2L", 11),
    "pilot": Reactor("pilot", "e_coli", "200L", 12),
    "large": Reactor("large", "e_coli", "25000L", 13),
    "yeast": Reactor("yeast", "s_cerevisiae", "2L", 14),
    "cells": Reactor("cells", "cho", "2L_cell", 15),
    "mould": Reactor("mould", "p_chrysogenum", "25000L", 16),
    "small hungry": Reactor("small hungry", "hungry", "2L", 17),
    "large hungry": Reactor("large hungry", "hungry", "25000L", 17),
}


@dataclass(frozen=True)
class Recording:
    """A row a minute; every array is (T, N).

    Attributes:
        hours: since inoculation.
        readings: what instruments showed.
        truth: of the same signals, and of flux and broth under the names that `_true` gives.
        gaps: (N,) what each balance misses at the end, over what was turned over.
        phases: of each unit, (hours at which it began, its name).
        samples: of each unit, (hours, assays).
    """

    hours: Array
    readings: dict[str, Array]
    truth: dict[str, Array]
    gaps: dict[str, Array]
    phases: dict[str, list[tuple[float, str]]]
    samples: dict[str, list[tuple[float, dict[str, float]]]]

    def shown(self, unit: str, *signals: str) -> list[Array]:
        """(T,) readings of a unit, signal by signal."""
        return [self.readings[name][:, index(unit)] for name in signals]

    def true(self, unit: str, name: str) -> Array:
        """(T,) of a unit."""
        column: Array = self.truth[name][:, index(unit)]
        return column

    def at(self, unit: str, phase: str, *, skip_h: float = 0.0) -> Array:
        """(T,) whether a row lies in the phase, `skip_h` after its begin or later."""
        begins = [(hours, name) for hours, name in self.phases[unit] if name != "end"]
        ends = [hours for hours, _ in begins[1:]] + [np.inf]
        inside = np.zeros(len(self.hours), dtype=bool)
        for (begin, name), end in zip(begins, ends, strict=True):
            if name == phase:
                inside |= (self.hours >= begin + skip_h) & (self.hours < end)
        return inside

    def assayed(self, unit: str, *assays: str) -> tuple[Array, ...]:
        """Hours and results of the samples of a unit that have all of these assays."""
        rows = [
            [hours, *(results[name] for name in assays)]
            for hours, results in self.samples[unit]
            if all(name in results for name in assays)
        ]
        return tuple(np.array(rows).T)


def index(unit: str) -> int:
    """Of a unit in the fleet."""
    return list(UNITS).index(unit)


@cache
def recording() -> Recording:
    """Every organism from inoculation to harvest under control, E. coli at all three scales."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(simulator.fleet, "recipe", _recipe)
        fleet = Fleet(list(UNITS.values()), step_s=STEP_S)
    before = holdings(fleet.process, fleet.state)
    hours: list[float] = []
    readings: dict[str, list[Array]] = {}
    truth: dict[str, list[Array]] = {}
    for step in range(1, round(LASTS_H * 3600.0 / STEP_S) + 1):
        fleet.step()
        if step % EVERY == 0:
            hours.append(step * STEP_S / 3600.0)
            for kept, values in ((readings, fleet.readings), (truth, _true(fleet))):
                for name, row in values.items():
                    kept.setdefault(name, []).append(row.copy())
    phases: dict[str, list[tuple[float, str]]] = {unit: [] for unit in UNITS}
    samples: dict[str, list[tuple[float, dict[str, float]]]] = {unit: [] for unit in UNITS}
    for happening in fleet.happenings(to_come=True):
        unit, when = list(UNITS)[happening.unit], happening.time_s / 3600.0
        if happening.event == "sample":
            samples[unit].append((when, dict(happening.results)))
        else:
            phases[unit].append((when, happening.phase or happening.event))
    return Recording(
        hours=np.array(hours),
        readings={name: np.array(rows) for name, rows in readings.items()},
        truth={name: np.array(rows) for name, rows in truth.items()},
        gaps=gaps(before, holdings(fleet.process, fleet.state), fleet.ledger),
        phases=phases,
        samples={unit: sorted(drawn, key=lambda one: one[0]) for unit, drawn in samples.items()},
    )


def _true(fleet: Fleet) -> dict[str, Array]:
    flux, broth = fleet.flux, fleet.state.broth
    mean = 0.5 * (broth[:, LOWER] + broth[:, UPPER])
    return {
        **fleet.truth,
        "OTR": flux.otr,
        "OUR": flux.our,
        "CTR": flux.ctr,
        "kLa": flux.kla_per_h,
        "growth": flux.growth_per_h,
        "product made": flux.product_g_l_h,
        "cooling": flux.cooling_w,
        "substrate below": broth[Species.SUBSTRATE, LOWER],
        "substrate above": broth[Species.SUBSTRATE, UPPER],
        **{one.name.lower(): mean[one] for one in (Species.BIOMASS, Species.SUBSTRATE, Species.PRODUCT)},
        "living and dead": mean[Species.BIOMASS] + mean[Species.DEAD],
    }


def _recipe(name: str) -> Recipe:
    """A recipe of the shelf, or made shorter or hungrier for these tests."""
    if name == "hungry":
        made = recipe("e_coli")
        return made.model_copy(update={"phases": tuple(_hungry(phase) for phase in made.phases)})
    made = recipe(name)
    if name in ("e_coli", "s_cerevisiae"):
        return made
    medium = replace(made.medium, inoculum_g_l=HURRY * made.medium.inoculum_g_l)
    return made.model_copy(
        update={"medium": medium, "phases": tuple(_hurried(phase) for phase in made.phases)}
    )


def _hungry(phase: Phase) -> Phase:
    if phase.name != "feed":
        return phase
    fed = phase.feed.model_copy(update={"growth_per_h": 0.25, "most_g_l_h": HUNGRY_G_L_H})
    return phase.model_copy(update={"feed": fed})


def _hurried(phase: Phase) -> Phase:
    ends = tuple(
        Ending(after_h=end.after_h / HURRY)
        if end.after_h is not None
        else end.model_copy(update={"not_before_h": end.not_before_h / HURRY})
        for end in phase.ends
    )
    changes = tuple(change.model_copy(update={"at_h": change.at_h / HURRY}) for change in phase.changes)
    return phase.model_copy(update={"ends": ends, "changes": changes})
