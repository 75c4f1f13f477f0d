"""The feed follows its profile, and gives way to oxygen, heat, a full vessel and the laboratory."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from simulator.controllers.aeration import AerationLoop
from simulator.controllers.equipment import Equipment
from simulator.controllers.feeding import Feeding, Orders, Profile, Trimming
from simulator.recipes.recipe import Trim, recipe
from simulator.vessels.vessel import vessel

ONE = np.ones(1)
HEALTHY = {
    "oxygen": 35.0 * ONE,
    "too_warm": 0.0 * ONE,
    "volume_l": 1.4 * ONE,
    "stirring_share": ONE,
}
INOCULATED_L, FEED_G_L = 1.3, 600.0


def feeding() -> Feeding:
    recipes, plant = [recipe("e_coli")], Equipment.of([vessel("2L")])
    return Feeding(recipes, plant, AerationLoop.of(recipes, plant, 35.0 * ONE))


def orders(profile: Profile, g_l_h: float = 3.0) -> Orders:
    return Orders(np.array([profile]), g_l_h * ONE, 0.15 * ONE, 9.0 * ONE, 60.0 * ONE, ONE / 30.0)


def fed_g(pump: Feeding, order: Orders, hours: float, **shown: np.ndarray) -> float:
    """Carbon source given in that time, in g per litre at inoculation."""
    steps = int(hours * 360.0)
    litres = sum(float(pump.act(order, 10.0, **{**HEALTHY, **shown})[0]) / 360.0 for _ in range(steps))
    return litres * FEED_G_L / INOCULATED_L


def test_an_exponential_feed_grows_at_its_rate_up_to_its_most() -> None:
    pump, order = feeding(), orders(Profile.EXPONENTIAL)
    pump.begin(order, [0])
    assert fed_g(pump, order, 4.0) == pytest.approx(3.0 * (np.exp(0.6) - 1.0) / 0.15, rel=0.01)
    fed_g(pump, order, 10.0)
    assert fed_g(pump, order, 1.0) == pytest.approx(9.0, rel=0.01)


def test_a_phase_that_gives_no_rate_goes_on_from_the_rate_before() -> None:
    pump, order = feeding(), orders(Profile.CONSTANT)
    pump.begin(order, [0])
    pump.begin(replace(order, g_l_h=np.array([np.nan])), [0])
    assert fed_g(pump, order, 1.0) == pytest.approx(3.0, rel=0.01)


def test_a_phase_without_feed_stops_it() -> None:
    pump = feeding()
    pump.begin(orders(Profile.CONSTANT), [0])
    pump.begin(orders(Profile.NONE), [0])
    assert fed_g(pump, orders(Profile.NONE), 1.0) == 0.0


def test_a_do_stat_feeds_a_pulse_when_oxygen_rises_and_nothing_before() -> None:
    pump, order = feeding(), orders(Profile.DO_STAT, g_l_h=30.0)
    pump.begin(order, [0])
    assert fed_g(pump, order, 0.5) == 0.0
    assert fed_g(pump, order, 0.05, oxygen=70.0 * ONE) == pytest.approx(30.0 / 30.0, rel=0.1)


def test_want_of_oxygen_takes_the_feed_away_and_it_comes_back() -> None:
    pump, order = feeding(), orders(Profile.CONSTANT)
    pump.begin(order, [0])
    fed_g(pump, order, 1.0, oxygen=2.0 * ONE)
    assert fed_g(pump, order, 0.2, oxygen=2.0 * ONE) == pytest.approx(0.0, abs=1e-6)
    fed_g(pump, order, 1.0)
    assert fed_g(pump, order, 1.0) == pytest.approx(3.0, rel=0.01)


def test_a_broth_that_stays_too_warm_takes_the_feed_away() -> None:
    pump, order = feeding(), orders(Profile.CONSTANT)
    pump.begin(order, [0])
    fed_g(pump, order, 3.0, too_warm=ONE)
    assert fed_g(pump, order, 0.2, too_warm=ONE) == pytest.approx(0.0, abs=1e-6)


def test_a_full_vessel_is_not_fed_until_there_is_room() -> None:
    pump, order = feeding(), orders(Profile.CONSTANT)
    pump.begin(order, [0])
    assert fed_g(pump, order, 0.5, volume_l=1.95 * ONE) == 0.0
    assert fed_g(pump, order, 0.5, volume_l=1.93 * ONE) == 0.0
    assert fed_g(pump, order, 0.5, volume_l=1.90 * ONE) > 1.0


def test_with_dead_probes_the_feed_goes_on_as_it_was() -> None:
    pump, order = feeding(), orders(Profile.CONSTANT)
    pump.begin(order, [0])
    dead = np.array([np.nan])
    shown = dict.fromkeys(HEALTHY, dead)
    assert fed_g(pump, order, 1.0, **shown) == pytest.approx(3.0, rel=0.01)


def test_a_stirrer_that_stands_stops_the_feed_within_seconds_until_it_turns() -> None:
    pump, order = feeding(), orders(Profile.CONSTANT)
    pump.begin(order, [0])
    fed_g(pump, order, 0.5)
    fed_g(pump, order, 20.0 / 3600.0, stirring_share=0.1 * ONE)
    assert pump.asked_l_h[0] == 0.0
    assert fed_g(pump, order, 0.5, stirring_share=0.1 * ONE) == pytest.approx(0.0, abs=0.01)
    assert fed_g(pump, order, 1.0) == pytest.approx(3.0, rel=0.01)


def test_a_stirrer_that_only_takes_a_moment_to_follow_does_not_stop_the_feed() -> None:
    pump, order = feeding(), orders(Profile.CONSTANT)
    pump.begin(order, [0])
    fed_g(pump, order, 10.0 / 3600.0, stirring_share=0.3 * ONE)
    assert pump.asked_l_h[0] > 0.0


def test_operators_feed_more_when_they_find_too_little_once_for_each_result() -> None:
    trim, fed = Trimming.of([Trim(assay="glucose", target=4.0), None]), np.array([True, True])
    for _ in range(10):
        trim.look({"glucose": np.array([2.0, 2.0])}, fed)
    assert trim.factor == pytest.approx([1.2, 1.0])
    trim.look({"glucose": np.array([6.0, 6.0])}, fed)
    assert trim.factor == pytest.approx([1.2 * 0.8, 1.0])


def test_an_assay_that_is_not_known_changes_nothing() -> None:
    trim = Trimming.of([Trim(assay="glucose", target=4.0)])
    trim.look({}, ONE > 0.0)
    trim.look({"glucose": np.array([np.nan])}, ONE > 0.0)
    assert trim.factor == [1.0]


def test_a_feed_that_has_not_begun_is_not_trimmed() -> None:
    trim = Trimming.of([Trim(assay="glucose", target=4.0)])
    trim.look({"glucose": np.array([9.0])}, ONE < 0.0)
    assert trim.factor == [1.0]
