"""Healthy cultures of every organism in every kind of vessel are quiet under these controllers."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest

from simulator.controllers.controllers import Controllers
from simulator.organisms.organism import organism
from simulator.physics.process import Process
from simulator.physics.state import Actuators, Disturbances, Ledger
from simulator.physics.true_signals import true_signals
from simulator.recipes.recipe import recipe
from simulator.vessels.vessel import vessel

if TYPE_CHECKING:
    from simulator.controllers.schedule import PhaseChange

MICROBES = [
    (name, hull) for name in ("e_coli", "s_cerevisiae", "p_chrysogenum") for hull in ("2L", "200L", "25000L")
]
CULTURES = [*MICROBES, *(("cho", hull) for hull in ("2L_cell", "200L_cell", "25000L_cell"))]
HOURS, STEP_S = 7.75, 10.0
SETTLED = slice(int(1.0 / (STEP_S / 3600.0)), None)


@dataclass(frozen=True)
class Course:
    """What was shown, (steps, N), less what was to be held."""

    oxygen: np.ndarray
    ph: np.ndarray
    temperature: np.ndarray
    regulated: np.ndarray
    """Where the oxygen cascade was between its limits."""
    changes: list[PhaseChange]
    feed: np.ndarray


@functools.cache
def course() -> Course:
    """The first hours of all cultures, from one fleet."""
    recipes, vessels = [recipe(name) for name, _ in CULTURES], [vessel(hull) for _, hull in CULTURES]
    process = Process([organism(it.organism) for it in recipes], vessels, [it.medium for it in recipes])
    count = len(CULTURES)
    state, set_to, ledger = process.start(), Actuators.zeros(count), Ledger.zeros(count)
    controllers = Controllers(recipes, vessels, list(range(count)))
    flux = process.advance(state, set_to, Disturbances.zeros(count), 1.0, ledger)
    shown: list[list[np.ndarray]] = []
    changes = []
    for _ in range(int(HOURS * 3600.0 / STEP_S)):
        truth = true_signals(process, state, set_to, flux, ledger)
        changes += controllers.act(truth, state.hours, STEP_S, set_to)
        held = controllers.setpoints()
        slowest = controllers.equipment.fastest_per_min
        speed = set_to.speed_per_min
        regulated = speed > 1.01 * np.maximum(
            controllers.schedule.value("stirrer_share") * slowest, controllers.equipment.slowest_per_min
        )
        errors = [truth[name] - held[f"{name}_setpoint"] for name in ("DO", "pH", "temperature")]
        shown.append([*errors, regulated, set_to.feed_l_h])
        flux = process.advance(state, set_to, Disturbances.zeros(count), STEP_S, ledger)
    oxygen, ph, temperature, regulated, feed = np.array(shown).transpose(1, 0, 2)
    return Course(oxygen, ph, temperature, regulated > 0.0, changes, feed)


@pytest.mark.parametrize("culture", CULTURES, ids=" in ".join)
def test_ph_and_temperature_are_held(culture: tuple[str, str]) -> None:
    at = CULTURES.index(culture)
    assert np.abs(course().ph[SETTLED, at]).max() < 0.08
    assert np.quantile(np.abs(course().ph[SETTLED, at]), 0.98) < 0.05
    assert np.abs(course().temperature[SETTLED, at]).max() < 0.4
    assert np.quantile(np.abs(course().temperature[SETTLED, at]), 0.98) < 0.2


@pytest.mark.parametrize("culture", MICROBES, ids=" in ".join)
def test_oxygen_is_held_wherever_the_cascade_can(culture: tuple[str, str]) -> None:
    """Half an hour around a change of phase is left out: hunger and a new feed move oxygen, as they shall."""
    at = CULTURES.index(culture)
    steady = course().regulated[:, at].copy()
    hours = np.arange(steady.size) * STEP_S / 3600.0
    for change in course().changes:
        steady &= (change.unit != at) | (np.abs(hours - change.hours) > 0.5)
    errors = np.abs(course().oxygen[steady, at])
    if errors.size > 360:
        assert np.quantile(errors, 0.9) < 5.0
        assert np.median(errors) < 2.0


@pytest.mark.parametrize("hull", ["2L", "200L", "25000L"])
def test_the_end_of_the_glucose_is_seen_and_the_feed_begins(hull: str) -> None:
    at = CULTURES.index(("e_coli", hull))
    (begun,) = [it for it in course().changes if it.unit == at and it.phase == "feed"]
    assert 5.5 < begun.hours < 8.0
    assert course().feed[-1, at] > 0.0


def test_nothing_is_fed_before_the_feed_phase() -> None:
    assert not course().feed[: int(5.0 * 3600.0 / STEP_S)].any()
