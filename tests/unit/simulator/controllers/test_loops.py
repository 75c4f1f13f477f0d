"""Each loop holds a small plant of its kind, at any step, and a fleet is as many loops side by side."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.controllers.acidity import AcidityLoop
from simulator.controllers.aeration import AerationLoop
from simulator.controllers.controllers import Controllers
from simulator.controllers.equipment import Equipment
from simulator.controllers.temperature import WATER_J_L_K, TemperatureLoop
from simulator.physics.state import Actuators
from simulator.recipes.recipe import recipe, recipe_names
from simulator.vessels.vessel import vessel, vessel_names

STEPS_S = [1.0, 5.0, 10.0]
ACTUATORS = tuple(field.name for field in fields(Actuators))
SIGNALS = ("DO", "pH", "temperature", "volume", "foam", "jacket_outlet_temperature", "offgas_CO2")


def plant(name: str) -> Equipment:
    return Equipment.of([vessel(name)])


@pytest.mark.parametrize("dt_s", STEPS_S)
@pytest.mark.parametrize("name", ["2L", "200L", "25000L"])
def test_ph_is_held_while_cells_make_acid(name: str, dt_s: float) -> None:
    """A broth of 40 mmol/L per pH that takes up 60 mmol/L of acid an hour, read with a lag of 6 s."""
    loop = AcidityLoop.of([recipe("e_coli")], plant(name))
    full_mmol_l_h = 13_400.0 * vessel(name).base_max_l_h / vessel(name).working_l
    ph, shown, seen = 7.0, 7.0, []
    for _ in range(int(7200.0 / dt_s)):
        base, _ = loop.act(np.array([7.0]), np.array([shown]), dt_s)
        ph += (full_mmol_l_h * float(base[0]) - 60.0) / 40.0 * dt_s / 3600.0
        shown += (ph - shown) * (1.0 - np.exp(-dt_s / 6.0))
        seen.append(ph)
    assert max(abs(value - 7.0) for value in seen) < 0.05
    assert np.ptp(seen[len(seen) // 2 :]) < 0.01


@pytest.mark.parametrize("dt_s", STEPS_S)
@pytest.mark.parametrize("name", ["2L", "200L", "25000L"])
def test_temperature_is_held_when_heat_comes_and_goes(name: str, dt_s: float) -> None:
    """Broth and jacket as two stirred volumes; 5 W/L comes after an hour and goes after two."""
    it, one = vessel(name), plant(name)
    loop, broth, jacket, seen = TemperatureLoop.of(one, np.array([30.0])), 30.0, 30.0, []
    wall_w_k = float(one.jacket_w_k[0])
    for step in range(int(10800.0 / dt_s)):
        valve, heater = loop.act(np.array([30.0]), np.array([broth]), np.array([jacket]), dt_s)
        coolant = float(valve[0]) * it.coolant_max_l_min / 60.0 * WATER_J_L_K
        through = wall_w_k + coolant
        settles_c = (wall_w_k * broth + coolant * it.coolant_c + float(heater[0])) / through
        jacket = settles_c + (jacket - settles_c) * np.exp(
            -dt_s * through / (it.jacket_water_kg * WATER_J_L_K)
        )
        made = 5.0 * it.working_l * (3600.0 <= step * dt_s < 7200.0)
        lost = it.heat_loss_w_k * (broth - it.surroundings_c)
        broth += (made - lost - wall_w_k * (broth - jacket)) * dt_s / (it.working_l * WATER_J_L_K)
        seen.append(broth - 30.0)
    assert max(map(abs, seen)) < 0.4
    assert max(map(abs, seen[-100:])) < 0.05


@pytest.mark.parametrize("dt_s", STEPS_S)
@pytest.mark.parametrize("name", ["e_coli", "s_cerevisiae", "p_chrysogenum"])
def test_oxygen_is_held_while_the_culture_grows(name: str, dt_s: float) -> None:
    """Oxygen settles with kLa, which goes with the square of the speed; the probe lags by 25 s."""
    process, one = recipe(name), plant("2L")
    sought = np.array([float(process.phases[0].set.dissolved_oxygen or 0.0)])
    loop = AerationLoop.of([process], one, sought)
    oxygen = shown = float(sought[0])
    errors = []
    for step in range(int(7200.0 / dt_s)):
        asked = loop.act(
            sought, np.array([shown]), dt_s, stirrer_share=np.array([0.25]), vvm=np.array([0.75])
        )
        kla_per_h = 60.0 * (float(asked.speed_per_min[0]) / 300.0) ** 2.1
        demand = 4500.0 * np.exp(0.4 * step * dt_s / 3600.0)
        settles = 105.0 - demand / kla_per_h
        oxygen = max(settles + (oxygen - settles) * np.exp(-dt_s * kla_per_h / 3600.0), 0.0)
        shown += (oxygen - shown) * (1.0 - np.exp(-dt_s / 25.0))
        errors.append(oxygen - float(sought[0]))
    assert max(map(abs, errors[len(errors) // 2 :])) < 1.0


@given(low=st.floats(0.0, 1.0), more=st.floats(0.0, 1.0), name=st.sampled_from(recipe_names()))
def test_more_output_never_gives_less_of_anything_and_keeps_the_vessels_limits(
    low: float, more: float, name: str
) -> None:
    one = plant("25000L")
    loop = AerationLoop.of([recipe(name)], one, np.array([30.0]))
    shares = {"stirrer_share": np.array([0.25]), "vvm": np.array([0.5])}
    less, greater = (loop.split(np.array([output]), **shares) for output in (low, min(1.0, low + more)))
    assert greater.speed_per_min >= less.speed_per_min
    assert greater.gas_l_min >= less.gas_l_min
    assert greater.o2_l_min >= less.o2_l_min
    assert greater.speed_per_min <= one.fastest_per_min * (1.0 + 1e-9)
    assert greater.gas_l_min <= one.gas_full_l_min * (1.0 + 1e-9)
    assert greater.o2_l_min <= np.minimum(one.o2_full_l_min, greater.gas_l_min)


def fleet(count: int) -> tuple[list[str], list[str]]:
    """Recipes and vessels of a mixed fleet."""
    names, vessels = recipe_names(), vessel_names()
    return [names[at % len(names)] for at in range(count)], [
        vessels[at % len(vessels)] for at in range(count)
    ]


def driven(names: list[str], vessels: list[str], seeds: list[int], seen: np.ndarray) -> np.ndarray:
    """(steps, actuators, N) that controllers set when they are shown `seen` (steps, signals, N)."""
    controllers = Controllers([recipe(it) for it in names], [vessel(it) for it in vessels], seeds)
    set_to, given = Actuators.zeros(len(names)), []
    for step, shown in enumerate(seen):
        hours = np.full(len(names), step * 10.0 / 3600.0)
        controllers.act(dict(zip(SIGNALS, shown, strict=True)), hours, 10.0, set_to)
        given.append([getattr(set_to, name).copy() for name in ACTUATORS])
    return np.array(given)


def readings(steps: int, count: int) -> np.ndarray:
    """Anything that instruments might show: noise about usual values, and now and then nothing."""
    chance = np.random.default_rng(7)
    usual = np.array([40.0, 7.0, 33.0, 5.0, 5.0, 30.0, 2.0])[None, :, None]
    shown = usual * chance.normal(1.0, 0.3, (steps, len(SIGNALS), count))
    shown[chance.random(shown.shape) < 0.02] = np.nan
    return shown


def test_whatever_instruments_show_the_actuators_stay_within_the_vessels_limits() -> None:
    names, vessels = fleet(12)
    limits = Equipment.of([vessel(it) for it in vessels])
    given = driven(names, vessels, list(range(12)), readings(600, 12))
    assert np.isfinite(given).all()
    assert (given >= 0.0).all()
    of = dict(zip(ACTUATORS, given.transpose(1, 0, 2), strict=True))
    assert (of["speed_per_min"] <= limits.fastest_per_min * (1.0 + 1e-9)).all()
    assert (of["feed_l_h"] <= limits.feed_full_l_h * (1.0 + 1e-9)).all()
    assert (of["base_l_h"] <= limits.base_full_l_h * (1.0 + 1e-9)).all()
    assert (of["cooling_valve"] <= 1.0).all()
    assert (of["heater_w"] <= limits.heater_full_w).all()
    assert (of["pressure_bar"] <= limits.pressure_most_bar).all()


def test_what_a_bioreactor_is_told_does_not_depend_on_its_neighbours() -> None:
    names, vessels = fleet(8)
    shown = readings(500, 8)
    together = driven(names, vessels, list(range(8)), shown)
    alone = driven(names[5:6], vessels[5:6], [5], shown[:, :, 5:6])
    np.testing.assert_allclose(alone[:, :, 0], together[:, :, 5], rtol=1e-9, atol=1e-12)
