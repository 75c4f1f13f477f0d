"""The banks of the forecasts say what River's own classes say, one River object a signal."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from river import linear_model, stats

from agents.models.banks.bayesian_regression import BayesianRegressionBank
from agents.models.banks.fading_means import FadingMeans
from schemas.errors import SnapshotRefused

LANES, TARGETS, FEATURES = 3, 2, 3
seeds = st.integers(0, 2**32 - 1)


@settings(deadline=None, max_examples=25)
@given(seeds, st.sampled_from([1e-6, 1.0, 1e6]))
def test_the_bank_has_the_means_of_river_s_ewmean(seed: int, scale: float) -> None:
    random = np.random.default_rng(seed)
    factors = (0.5, 0.1)
    bank = FadingMeans(factors)
    bank.add(LANES)
    rivers = [[stats.EWMean(factor) for factor in factors] for _ in range(LANES)]
    for _ in range(60):
        there = random.random(LANES) < 0.7
        value = np.where(there, scale * (5.0 + random.standard_normal(LANES)), np.nan)
        bank.learn(value, there)
        for lane in np.flatnonzero(there).tolist():
            for place, river in enumerate(rivers[lane]):
                river.update(float(value[lane]))
                assert bank.mean[lane, place] == pytest.approx(river.get(), rel=1e-9)


@settings(deadline=None, max_examples=25)
@given(seeds, st.sampled_from([0.9, 0.99]))
def test_the_bank_predicts_as_river_s_bayesian_regression(seed: int, smoothing: float) -> None:
    random = np.random.default_rng(seed)
    bank = BayesianRegressionBank(TARGETS, FEATURES, alpha=2.0, smoothing=smoothing, ridge=0.0)
    bank.add(LANES)
    rivers = [
        [linear_model.BayesianLinearRegression(alpha=2.0, smoothing=smoothing) for _ in range(TARGETS)]
        for _ in range(LANES)
    ]
    every = np.arange(TARGETS)
    truth = random.standard_normal(FEATURES)
    for _ in range(40):
        targets = every[random.random(TARGETS) < 0.8]
        x = random.standard_normal((LANES, targets.size, FEATURES))
        y = x @ truth + 0.1 * random.standard_normal((LANES, targets.size))
        there = random.random(y.shape) < 0.7
        bank.learn(x, y, there.astype(np.float64), targets)
        for lane, place in np.argwhere(there).tolist():
            rivers[lane][targets[place]].learn_one(dict(enumerate(x[lane, place])), y[lane, place])
    asked = random.standard_normal((LANES, TARGETS, FEATURES))
    said = bank.predict(asked)
    for lane in range(LANES):
        for target in range(TARGETS):
            river: Any = rivers[lane][target]
            truly = river.predict_one(dict(enumerate(asked[lane, target])))
            assert said[lane, target] == pytest.approx(truly, rel=1e-9, abs=1e-12)


def test_a_regression_goes_on_from_its_state_bit_for_bit() -> None:
    random = np.random.default_rng(1)
    every = np.arange(TARGETS)
    banks = [BayesianRegressionBank(TARGETS, FEATURES, 10.0, 0.99, 0.001) for _ in range(2)]
    for bank in banks:
        bank.add(LANES)
    for at in range(30):
        x = random.standard_normal((LANES, TARGETS, FEATURES))
        y = random.standard_normal((LANES, TARGETS))
        banks[0].learn(x, y, np.ones_like(y), every)
        if at < 20:
            banks[1].take_up(banks[0].state())
        else:
            banks[1].learn(x, y, np.ones_like(y), every)
        assert banks[0].predict(x).tolist() == banks[1].predict(x).tolist()


def test_what_never_moved_has_no_coefficient_and_solves() -> None:
    bank = BayesianRegressionBank(1, 2, 10.0, 0.5, 0.001)
    bank.add()
    nothing = np.zeros((1, 1, 2))
    for _ in range(5000):
        bank.learn(nothing, np.zeros((1, 1)), np.ones((1, 1)), np.arange(1))
    assert bank.predict(np.ones((1, 1, 2))).tolist() == [[0.0]]


def test_a_regression_refuses_the_state_of_another() -> None:
    bank, other = BayesianRegressionBank(1, 2, 1.0, 0.9, 0.0), BayesianRegressionBank(2, 2, 1.0, 0.9, 0.0)
    bank.add()
    other.add()
    with pytest.raises(SnapshotRefused):
        bank.take_up(other.state())
