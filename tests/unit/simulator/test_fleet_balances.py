"""Whole batches under control: what went in came out, was used or is there; of every organism."""

from __future__ import annotations

import numpy as np
import pytest

from tests.unit.simulator.batches import UNITS, index, recording

HIGHEST = 0.001
"""What a balance may miss of what was turned over."""


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("balance", ["oxygen", "carbon", "nitrogen", "mass", "heat"])
def test_each_balance_closes_over_a_whole_batch_under_control(unit: str, balance: str) -> None:
    assert abs(recording().gaps[balance][index(unit)]) < HIGHEST


@pytest.mark.parametrize("unit", UNITS)
def test_each_batch_went_through_its_phases_in_order(unit: str) -> None:
    passed = [name for _, name in recording().phases[unit]]
    whole = ["inoculation", "batch", "feed", "induction", "harvest", "end"]
    assert passed[:3] == whole[:3]
    assert passed == [name for name in whole if name in passed]
    assert unit in ("cells", "yeast") or passed[-1] == "end"


@pytest.mark.parametrize("unit", UNITS)
def test_each_batch_grew_was_fed_and_sampled(unit: str) -> None:
    batch = recording()
    assert batch.true(unit, "biomass").max() > 1.5 * batch.true(unit, "biomass")[0]
    assert batch.true(unit, "feed_total")[-1] > 0.0
    assert len(batch.samples[unit]) >= 3


def test_nothing_is_negative_or_undefined_in_a_whole_batch() -> None:
    truth = recording().truth
    for name in ("biomass", "substrate", "product", "volume", "pressure", "OTR", "kLa"):
        assert np.isfinite(truth[name]).all(), name
    for name in ("biomass", "substrate", "product"):
        assert truth[name].min() >= 0.0, name
