"""Growth rates read back from cultures that grow as told, fed, sampled and noisy."""

from __future__ import annotations

from math import exp, inf, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.growth import accumulated_cells, doubling_time, fastest_growth, growth_rate, growth_rates
from schemas.errors import Unidentifiable

HOURS = np.linspace(0.0, 6.0, 25)


@given(mu=st.floats(-0.5, 2.5), start=st.floats(0.01, 100.0), unit=st.floats(1e-3, 1e3))
def test_exponential_growth_is_read_back_in_any_unit_of_biomass(mu: float, start: float, unit: float) -> None:
    assert growth_rate(HOURS, unit * start * np.exp(mu * HOURS)).value == pytest.approx(mu, abs=1e-9)


@given(
    shape=st.lists(st.floats(0.1, 50.0), min_size=5, max_size=5),
    faster=st.floats(1.5, 5.0),
)
def test_the_same_growth_in_less_time_is_faster_in_proportion(shape: list[float], faster: float) -> None:
    hours = np.arange(5.0)
    slow, fast = growth_rate(hours, np.array(shape)), growth_rate(hours / faster, np.array(shape))
    assert fast.value == pytest.approx(faster * slow.value, abs=1e-9)
    assert fast.error == pytest.approx(faster * slow.error, abs=1e-9)


def test_feeding_dilutes_but_does_not_slow_growth() -> None:
    # mu 0.2, feed 0.05 L/h into 1 L: X falls behind e^(mu t) by V/V0.
    volume = 1.0 + 0.05 * HOURS
    biomass = 5.0 * np.exp(0.2 * HOURS) / volume
    assert growth_rate(HOURS, biomass, volume_l=volume).value == pytest.approx(0.2)
    assert growth_rate(HOURS, biomass).value < 0.17


def test_samples_take_cells_but_not_growth() -> None:
    # 20 mL at each reading out of 1 L: X is unharmed, X V is not.
    withdrawn = 0.02 * np.arange(25.0)
    biomass = 5.0 * np.exp(0.3 * HOURS)
    volume = 1.0 - withdrawn
    assert growth_rate(HOURS, biomass, volume_l=volume).value < 0.2
    whole = growth_rate(HOURS, biomass, volume_l=volume, withdrawn_l=withdrawn)
    assert whole.value == pytest.approx(0.3, abs=1e-4)


def test_the_interval_of_a_noisy_culture_holds_its_growth_rate() -> None:
    noise = np.random.default_rng(7)
    found = [
        growth_rate(HOURS, np.exp(0.4 * HOURS + noise.normal(0.0, 0.05, len(HOURS)))) for _ in range(400)
    ]
    held = sum(each.low <= 0.4 <= each.high for each in found)
    assert 360 <= held <= 396
    assert min(each.r2 for each in found) > 0.98


def test_missing_readings_are_left_out() -> None:
    biomass = np.exp(0.4 * HOURS)
    biomass[3] = np.nan
    found = growth_rate(HOURS, biomass)
    assert found.value == pytest.approx(0.4)
    assert found.points == 24


def test_trailing_windows_follow_a_culture_that_slows_down() -> None:
    hours = np.arange(0.0, 10.0, 0.25)
    logarithm = np.where(hours < 5.0, 0.6 * hours, 3.0 + 0.1 * (hours - 5.0))
    time, rate, error = growth_rates(hours, np.exp(logarithm), 1.0)
    np.testing.assert_array_equal(time, hours)
    assert np.all(np.isnan(rate[:2]))
    np.testing.assert_allclose(rate[(hours >= 0.5) & (hours <= 5.0)], 0.6, atol=1e-9)
    np.testing.assert_allclose(rate[hours >= 6.0], 0.1, atol=1e-9)
    assert np.nanmax(error) == np.nanmax(error[(hours > 5.0) & (hours < 6.0)])


def test_a_trailing_window_has_the_slope_and_error_of_its_line() -> None:
    noise = np.random.default_rng(8)
    biomass = np.exp(0.4 * HOURS + noise.normal(0.0, 0.05, len(HOURS)))
    _, rate, error = growth_rates(HOURS, biomass, 2.0)
    alone = growth_rate(HOURS[12:21], biomass[12:21])
    assert (rate[20], error[20]) == pytest.approx((alone.value, alone.error))


def test_the_fastest_window_is_found_between_lag_and_limitation() -> None:
    hours = np.arange(0.0, 12.0, 0.25)
    slope = np.select([hours < 3.0, hours < 8.0], [0.05, 0.55], 0.02)
    logarithm = np.concatenate([[0.0], np.cumsum(slope[:-1] * 0.25)])
    noise = np.random.default_rng(9).normal(0.0, 0.01, len(hours))
    found = fastest_growth(hours, np.exp(logarithm + noise), 2.0)
    assert 2.5 <= found.start_h < found.end_h <= 8.5
    assert found.rate.low <= 0.55 <= found.rate.high
    assert found.rate.points == 9


def test_doubling_time_is_ln_2_over_mu_and_endless_without_growth() -> None:
    assert doubling_time(log(2.0)) == pytest.approx(1.0)
    assert doubling_time(0.0) == inf
    np.testing.assert_allclose(doubling_time(np.array([log(2.0) / 2, -0.1])), [2.0, inf])


@given(mu=st.floats(-2.0, 2.0), step=st.floats(0.05, 3.0))
def test_the_integral_of_exponential_growth_is_exact_however_rare_the_readings(
    mu: float, step: float
) -> None:
    hours = np.arange(4.0) * step
    exact = (exp(mu * hours[-1]) - 1.0) / mu if abs(mu) > 1e-9 else hours[-1]
    assert accumulated_cells(hours, np.exp(mu * hours))[-1] == pytest.approx(exact, rel=1e-6)


def test_cells_that_are_not_there_add_nothing() -> None:
    found = accumulated_cells(np.arange(4.0), np.array([0.0, 0.0, 2.0, 2.0]))
    np.testing.assert_allclose(found, [0.0, 0.0, 1.0, 3.0])


def test_growth_that_cannot_be_told_is_refused() -> None:
    with pytest.raises(Unidentifiable, match="give 3 or more"):
        growth_rate(np.array([0.0, 1.0]), np.array([1.0, 2.0]))
    with pytest.raises(Unidentifiable, match="does not vary"):
        growth_rate(np.full(4, 2.0), np.array([1.0, 2.0, 3.0, 4.0]))
    with pytest.raises(Unidentifiable, match=r"Biomass -0\.1 in 1 L at 1 h has no logarithm"):
        growth_rate(np.arange(4.0), np.array([1.0, -0.1, 2.0, 3.0]))
    with pytest.raises(Unidentifiable, match="in 0 L at 0 h"):
        growth_rate(np.arange(4.0), np.ones(4), volume_l=np.arange(4.0))
    with pytest.raises(Unidentifiable, match=r"No window of 0\.1 h holds 3 readings"):
        fastest_growth(HOURS, np.exp(HOURS), 0.1)
    with pytest.raises(ValueError, match="not in order of time"):
        growth_rates(HOURS[::-1], np.exp(HOURS), 1.0)
