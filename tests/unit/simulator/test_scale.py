"""The same recipe in three vessels: the largest comes to limits of which the smallest knows nothing."""

from __future__ import annotations

import numpy as np

from simulator.vessels.vessel import vessel
from tests.unit.simulator.batches import UNITS, recording


def _share(unit: str, signal: str, most: str) -> np.ndarray:
    """(T,) of a signal over what the vessel can do."""
    share: np.ndarray = recording().true(unit, signal) / getattr(vessel(UNITS[unit].vessel), most)
    return share


def test_while_fed_little_all_scales_grow_alike() -> None:
    batch = recording()
    at = batch.at("large", "feed", skip_h=8.0) & batch.at("small", "feed", skip_h=8.0)
    small, large = (batch.true(unit, "biomass")[at] for unit in ("small", "large"))
    np.testing.assert_allclose(large, small, rtol=0.1)


def test_only_the_large_vessel_runs_out_of_coolant() -> None:
    batch = recording()
    assert (batch.true("large hungry", "cooling_valve") > 99.0).sum() > 60
    assert batch.true("small hungry", "cooling_valve").max() < 20.0


def test_the_large_vessel_takes_longer_to_cool_down_for_induction() -> None:
    batch = recording()

    def minutes(unit: str) -> int:
        warm = batch.true(unit, "temperature") > 30.5
        return int((batch.at(unit, "induction") & warm).sum())

    assert minutes("large") > minutes("small")


def test_only_the_large_vessel_comes_to_the_end_of_its_stirrer_and_its_air() -> None:
    batch = recording()
    fed = batch.at("large hungry", "feed", skip_h=5.0)
    assert _share("large hungry", "gas_flow", "gas_max_l_min")[fed].max() > 0.99
    assert batch.true("large hungry", "O2_flow")[fed].max() > 100.0
    assert _share("small hungry", "gas_flow", "gas_max_l_min").max() < 0.95


def test_the_large_vessel_cannot_stir_in_as_much_power() -> None:
    batch = recording()
    per_l = {
        unit: (batch.true(unit, "power") / batch.true(unit, "volume")).max()
        for unit in ("small hungry", "large hungry")
    }
    assert per_l["large hungry"] < 0.3 * per_l["small hungry"]


def test_asked_for_more_the_large_vessel_grows_less_than_the_small() -> None:
    batch = recording()
    fed = [batch.true(unit, "feed_total")[-1] for unit in ("small hungry", "large hungry")]
    working = [vessel(UNITS[unit].vessel).working_l for unit in ("small hungry", "large hungry")]
    assert batch.true("large hungry", "OTR").max() < 0.97 * batch.true("small hungry", "OTR").max()
    assert fed[1] / working[1] < fed[0] / working[0]


def test_only_in_the_large_vessel_do_the_zones_differ() -> None:
    batch = recording()
    for unit, highest in (("small", 3.0), ("pilot", 10.0)):
        apart = batch.true(unit, "DO") - batch.true(unit, "DO_2")
        assert np.abs(apart[batch.at(unit, "feed")]).max() < highest, unit
    fed = batch.at("large", "feed", skip_h=7.0)
    assert np.median((batch.true("large", "DO") - batch.true("large", "DO_2"))[fed]) > 10.0
    above, below = (batch.true("large", f"substrate {where}")[fed] for where in ("above", "below"))
    assert np.median(above / below) > 1.3


def test_a_recipe_that_every_vessel_can_follow_leaves_no_half_of_the_large_one_without_oxygen() -> None:
    batch = recording()
    for phase in ("feed", "induction"):
        fed = batch.at("large", phase, skip_h=1.0)
        assert np.percentile(batch.true("large", "DO_2")[fed], 5.0) > 10.0, phase
