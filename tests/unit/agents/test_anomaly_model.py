"""The one-step residual: calibrated, guarded in what it learns, and able to start anew."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from agents.models.anomaly import ResidualModel, suspect_z, tail_score
from agents.models.recipe import shipped

RECIPE = shipped().anomaly


def trained(noise: float | None = 0.3, steps: int = 400, seed: int = 0) -> ResidualModel:
    model = ResidualModel(RECIPE, noise)
    for value in (40.0 + 0.3 * np.random.default_rng(seed).standard_normal(steps)).tolist():
        model.learn(value)
    return model


@given(st.floats(0.0, 30.0))
def test_the_score_is_minus_log10_of_the_two_sided_tail_probability(z: float) -> None:
    assert tail_score(np.array([z]))[0] == pytest.approx(-math.log10(2 * norm.sf(z)), abs=1e-9)


def test_the_score_does_not_saturate() -> None:
    scores = tail_score(np.array([10.0, 40.0, 100.0, 1e6, 1e42]))
    assert np.isfinite(scores).all()
    assert (np.diff(scores) > 0).all()


def test_the_worst_of_many_samples_is_less_remarkable_than_a_single_one() -> None:
    one, of_ten = tail_score(np.array([4.0, 4.0]), np.array([1, 10]))
    assert of_ten == pytest.approx(one - 1.0)
    assert tail_score(np.array([0.1]), 10)[0] == 0.0


@given(st.floats(0.5, 200.0))
def test_the_suspect_residual_has_the_suspect_score(score: float) -> None:
    assert tail_score(np.array([suspect_z(score)]))[0] == pytest.approx(score, rel=1e-6)


def test_it_has_no_opinion_before_its_baseline() -> None:
    model = trained(steps=RECIPE.baseline_steps)
    assert not model.ready
    for _ in range(3):
        model.learn(40.0)
    assert model.ready


def test_scores_of_healthy_samples_are_calibrated() -> None:
    model = ResidualModel(RECIPE, 0.01)
    scores = []
    for value in (40.0 + 0.3 * np.random.default_rng(5).standard_normal(5000)).tolist():
        if model.ready:
            z = (value - model.expected) / model.spread
            scores.append(float(tail_score(np.array([z]))[0]))
        model.learn(value)
    for level in (1.0, 2.0):
        assert np.mean(np.array(scores) > level) == pytest.approx(10**-level, rel=0.5)


def test_outliers_within_the_baseline_are_left_out_of_it() -> None:
    clean, dirty = trained(steps=100), ResidualModel(RECIPE, 0.3)
    for step, value in enumerate((40.0 + 0.3 * np.random.default_rng(0).standard_normal(100)).tolist()):
        dirty.learn(1e9 if step == 30 else value, credible=step != 30)
    assert dirty.spread == pytest.approx(clean.spread, rel=0.5)


def test_it_learns_from_what_it_does_not_suspect_and_from_nothing_else() -> None:
    model = trained()
    assert model.learn(40.2)
    spread = model.spread
    for _ in range(50):
        assert not model.learn(55.0)
    assert model.spread == spread
    assert model.expected == pytest.approx(40.0, abs=3.0)


def test_it_goes_on_where_a_single_outlier_is_over() -> None:
    model = trained()
    model.learn(55.0)
    assert model.learn(40.1)


def test_a_ramp_that_it_has_learned_is_not_suspect() -> None:
    random = np.random.default_rng(3)
    model = ResidualModel(RECIPE, 0.01)
    learned = [model.learn(0.05 * step + 0.01 * float(random.standard_normal())) for step in range(1000)]
    assert np.mean(learned[200:]) > 0.99


def test_after_long_suspicion_it_takes_a_new_baseline() -> None:
    model = trained()
    random = np.random.default_rng(1)
    learned = [model.learn(55.0 + 0.3 * float(random.standard_normal())) for _ in range(400)]
    assert model.rebaselines == 1
    assert learned.index(True) == RECIPE.rebaseline_steps
    assert model.ready
    assert model.expected == pytest.approx(55.0, abs=1.0)


def test_held_values_move_the_forecast_on_and_say_nothing_of_the_spread() -> None:
    model = trained()
    spread = model.spread
    for _ in range(100):
        model.learn(40.0, held=True)
    assert model.spread == spread


def test_a_constant_signal_has_a_spread_that_its_noise_gives() -> None:
    declared, other = ResidualModel(RECIPE, 0.3), ResidualModel(RECIPE, None)
    for model in (declared, other):
        for _ in range(200):
            model.learn(50.0)
    assert declared.spread == pytest.approx(RECIPE.spread_noise * 0.3)
    assert other.spread == pytest.approx(RECIPE.spread_relative * 50.0)


@given(
    st.lists(
        st.tuples(
            st.one_of(st.floats(-1e30, 1e30), st.sampled_from([0.0, 1e9, -1e9, 1e-300])),
            st.booleans(),
            st.booleans(),
            st.integers(1, 90),
        ),
        max_size=8,
    ),
    st.sampled_from([None, 0.01, 1.0]),
)
def test_whatever_it_is_given_it_expects_a_number(
    runs: list[tuple[float, bool, bool, int]], noise: float | None
) -> None:
    model = ResidualModel(RECIPE, noise)
    for value, held, credible, times in runs:
        for _ in range(times):
            model.learn(value, held=held, credible=credible)
            assert math.isfinite(model.expected)
            assert math.isfinite(model.spread)
            assert model.spread > 0.0
