"""Samples are drawn by plan, roughly; what is found in them is near the truth and known later."""

from __future__ import annotations

import numpy as np
import pytest

from schemas.signals import DICTIONARY
from simulator.controllers.schedule import Schedule
from simulator.physics.state import Actuators
from simulator.recipes.recipe import recipe
from simulator.sampling.assay import assays
from simulator.sampling.samples import Sample, Sampling

TRUTH = {"OD": 20.0, "glucose": 3.0, "acetate": 0.001, "biomass": 8.0}
STEP_H = 1.0 / 60.0


def day(seed: int, hours: float, unit: int = 0, units: int = 1) -> list[Sample]:
    """The samples of one bioreactor of E. coli whose broth never changes."""
    recipes, seeds = [recipe("e_coli")] * units, [seed + 10 * (place != unit) for place in range(units)]
    schedule = Schedule(recipes, seeds)
    sampling = Sampling(recipes, np.full(units, 2.0), seeds)
    drawn = []
    for minute in range(int(hours * 60)):
        now = np.full(units, minute * STEP_H)
        schedule.advance({}, now, 60.0)
        set_to = Actuators.zeros(units)
        truth = {name: np.full(units, value) for name, value in TRUTH.items()}
        drawn += [sample for sample in sampling.draw(schedule, now, truth, set_to) if sample.unit == unit]
    return drawn


def test_assays_are_declared_signals_in_their_units() -> None:
    for name, assay in assays().items():
        assert DICTIONARY[name].unit == assay.unit, name


def test_a_sample_takes_its_volume_from_the_broth() -> None:
    recipes, set_to = [recipe("e_coli")], Actuators.zeros(1)
    schedule = Schedule(recipes, [1])
    (sample,) = Sampling(recipes, np.array([200.0]), [1]).draw(schedule, np.zeros(1), {}, set_to)
    assert sample.volume_l == pytest.approx(0.4)
    assert set_to.sample_l[0] == sample.volume_l


def test_each_phase_begins_with_a_sample_and_hourly_ones_come_about_hourly() -> None:
    times = [sample.hours for sample in day(1, 8.0)]
    waits = np.diff(times[2:])
    assert times[0] == 0.0
    assert np.all(np.abs(waits - 1.0) < 0.4)
    assert np.std(waits) > 0.01


def test_the_same_seed_finds_the_same_and_another_one_does_not() -> None:
    assert day(1, 5.0) == day(1, 5.0)
    assert [sample.results for sample in day(1, 5.0)] != [sample.results for sample in day(2, 5.0)]


def test_the_neighbours_change_nothing() -> None:
    alone = day(1, 5.0)
    for sample, beside in zip(alone, day(1, 5.0, unit=2, units=3), strict=True):
        assert (sample.hours, sample.results) == (beside.hours, beside.results)


def test_results_scatter_about_the_truth_as_the_assay_says() -> None:
    chance = np.random.default_rng(1)
    found = [assays()["OD"].result(20.0, float(chance.standard_normal())) or 0.0 for _ in range(2000)]
    assert np.mean(found) == pytest.approx(20.0, rel=0.005)
    assert np.std(found) / 20.0 == pytest.approx(0.03, rel=0.1)
    assert all(round(value, 2) == value for value in found)


def test_less_than_the_assay_can_detect_is_no_result() -> None:
    for sample in day(1, 6.0):
        assert "acetate" not in sample.results
    assert "acetate" in day(1, 6.0)[-1].below_limit


def test_nobody_finds_more_than_all_cells_alive() -> None:
    assert assays()["viability"].result(99.5, 3.0) == 100.0


def test_a_result_is_known_after_the_assays_delay_and_not_before() -> None:
    recipes = [recipe("e_coli")]
    sampling = Sampling(recipes, np.array([2.0]), [1])
    truth = {name: np.array([value]) for name, value in TRUTH.items()}
    (sample,) = sampling.draw(Schedule(recipes, [1]), np.zeros(1), truth, Actuators.zeros(1))
    delay_h = assays()["glucose"].delay_h
    assert "glucose" not in sampling.known(np.array([0.9 * delay_h]))
    assert sampling.known(np.array([1.1 * delay_h]))["glucose"][0] == sample.results["glucose"]
    assert sample.known_h["glucose"] == pytest.approx(delay_h)


def test_operators_take_less_than_the_assay_can_detect_for_nothing() -> None:
    recipes = [recipe("e_coli")]
    sampling = Sampling(recipes, np.array([2.0]), [1])
    truth = {"OD": np.array([20.0]), "glucose": np.array([0.0])}
    (sample,) = sampling.draw(Schedule(recipes, [1]), np.zeros(1), truth, Actuators.zeros(1))
    assert sample.below_limit == ("glucose",)
    assert sampling.known(np.array([1.0]))["glucose"] == [0.0]
