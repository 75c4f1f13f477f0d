"""Forecasts with intervals that hold what they promise, and persistence where the model is no better."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.limits import Band
from agents.models.forecast import ForecastModel, Outlook
from agents.models.recipe import shipped

RECIPE = shipped().forecast


def after(values: list[float], plausible: Band | None = None) -> Outlook:
    model = ForecastModel(RECIPE, plausible)
    for value in values:
        model.learn(value)
    outlook = model.outlook()
    assert outlook is not None
    return outlook


def ramp(steps: int = 600, noise: float = 0.02) -> list[float]:
    random = np.random.default_rng(0)
    return [float(each) for each in 50.0 - 0.02 * np.arange(steps) + noise * random.standard_normal(steps)]


def walk(steps: int = 1500) -> list[float]:
    return [float(each) for each in np.cumsum(np.random.default_rng(7).standard_normal(steps))]


def test_it_says_nothing_before_it_has_seen_how_wrong_it_is() -> None:
    model = ForecastModel(RECIPE)
    assert model.outlook() is None
    for value in ramp(RECIPE.horizon_steps[0] + RECIPE.errors_least - 1):
        model.learn(value)
    assert model.outlook() is None
    model.learn(50.0)
    outlook = model.outlook()
    assert outlook is not None
    assert outlook.horizon_s == (60.0,)


def test_it_carries_a_trend_forward() -> None:
    values = ramp()
    outlook = after(values)
    assert not outlook.fallback
    assert outlook.horizon_s == (60.0, 300.0, 900.0)
    for horizon_s, value, lower, upper in zip(
        outlook.horizon_s, outlook.value, outlook.lower, outlook.upper, strict=True
    ):
        true = 50.0 - 0.02 * (len(values) - 1 + horizon_s / RECIPE.step_s)
        assert lower <= true <= upper
        assert value == pytest.approx(true, abs=0.15)


def test_where_the_future_cannot_be_known_persistence_answers_most_of_the_time_and_says_so() -> None:
    values = walk(4000)
    model = ForecastModel(RECIPE)
    ours, persistence, fallbacks = [], [], []
    for step, value in enumerate(values[:-90]):
        model.learn(value)
        outlook = model.outlook()
        if outlook is not None and len(outlook.value) == 3:
            ours.append(abs(outlook.value[2] - values[step + 90]))
            persistence.append(abs(value - values[step + 90]))
            fallbacks.append(outlook.fallback)
    assert np.mean(fallbacks) > 0.6
    assert np.mean(ours) < 1.15 * np.mean(persistence)


def test_intervals_hold_the_share_that_they_promise() -> None:
    values = walk(4000)
    model = ForecastModel(RECIPE)
    held, all_of_them = 0, 0
    for step, value in enumerate(values[:-6]):
        model.learn(value)
        outlook = model.outlook()
        if outlook is not None:
            held += outlook.lower[0] <= values[step + 6] <= outlook.upper[0]
            all_of_them += 1
    assert held / all_of_them == pytest.approx(RECIPE.coverage, abs=0.05)


def test_a_constant_signal_is_forecast_constant() -> None:
    outlook = after([7.0] * 300)
    assert outlook.value == (7.0, 7.0, 7.0)
    assert outlook.lower == outlook.upper == (7.0, 7.0, 7.0)


def test_nothing_implausible_is_forecast() -> None:
    outlook = after(ramp(2400), Band(low=0.0, high=200.0))
    assert min(outlook.lower) >= 0.0
    assert min(outlook.value) >= 0.0


def test_a_short_doubt_does_not_move_it() -> None:
    calm, jolted = ForecastModel(RECIPE), ForecastModel(RECIPE)
    for value in ramp():
        calm.learn(value)
        jolted.learn(value)
    for _ in range(RECIPE.follow_after_steps):
        jolted.learn(1e6, suspect=True)
    before, now = calm.outlook(), jolted.outlook()
    assert before is not None
    assert now is not None
    assert now.value == before.value


def test_a_lasting_change_is_followed_without_throwing_the_trend() -> None:
    model = ForecastModel(RECIPE)
    for value in ramp():
        model.learn(value)
    for _ in range(60):
        model.learn(90.0, suspect=True)
    outlook = model.outlook()
    assert outlook is not None
    assert all(abs(value - 90.0) < 1.0 for value in outlook.value)


@given(
    st.lists(
        st.tuples(
            st.one_of(st.floats(-1e30, 1e30), st.sampled_from([0.0, 1e9, -1e9, 1e-300])),
            st.booleans(),
            st.integers(1, 60),
        ),
        max_size=10,
    )
)
def test_whatever_it_is_given_it_forecasts_numbers_within_their_interval(
    runs: list[tuple[float, bool, int]],
) -> None:
    model = ForecastModel(RECIPE)
    for value, suspect, times in runs:
        for _ in range(times):
            model.learn(value, suspect=suspect)
        outlook = model.outlook()
        if outlook is not None:
            assert len(outlook.value) == len(outlook.horizon_s) > 0
            for lower, middle, upper in zip(outlook.lower, outlook.value, outlook.upper, strict=True):
                assert math.isfinite(lower)
                assert math.isfinite(upper)
                assert lower <= middle <= upper
