"""Lines, planes and curves: exact on exact data, honest about scatter, and silent where data say nothing."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.regression import curve, finite, line, plane, student_t
from schemas.errors import Unidentifiable


@pytest.mark.parametrize(
    ("probability", "freedom", "expected"),
    [
        (0.975, 1, 12.7062),
        (0.975, 2, 4.30265),
        (0.975, 5, 2.57058),
        (0.95, 10, 1.81246),
        (0.975, 30, 2.04227),
        (0.995, 120, 2.61742),
        (0.975, 10_000_000, 1.95996),
        (0.5, 7, 0.0),
    ],
)
def test_quantiles_of_student_are_those_of_the_tables(
    probability: float, freedom: int, expected: float
) -> None:
    assert student_t(probability, freedom) == pytest.approx(expected, rel=5e-6, abs=1e-12)


def test_the_two_ways_to_a_quantile_meet() -> None:
    assert student_t(0.975, 999) == pytest.approx(student_t(0.975, 1000), abs=3e-6)
    assert student_t(0.975, 999) > student_t(0.975, 1000)


def test_a_quantile_outside_the_distribution_is_refused() -> None:
    with pytest.raises(ValueError, match="no such quantile"):
        student_t(1.0, 5)
    with pytest.raises(ValueError, match="no such quantile"):
        student_t(0.9, 0)


def test_a_line_has_the_textbook_error() -> None:
    # Anscombe's first set (1973): slope 0.5001, standard error 0.1179, R² 0.6665, intercept 3.0001 ± 1.1247.
    x = np.array([10.0, 8, 13, 9, 11, 14, 6, 4, 12, 7, 5])
    y = np.array([8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68])
    slope, intercept = line(x, y).estimate(1), line(x, y).estimate(0)
    assert (slope.value, slope.error) == pytest.approx((0.5001, 0.1179), abs=5e-5)
    assert (intercept.value, intercept.error) == pytest.approx((3.0001, 1.1247), abs=5e-5)
    assert slope.r2 == pytest.approx(0.6665, abs=5e-5)
    assert slope.points == 11
    assert slope.high - slope.value == pytest.approx(2.26216 * slope.error, rel=1e-5)


@given(
    slope=st.floats(-1e3, 1e3),
    intercept=st.floats(-1e3, 1e3),
    start=st.floats(-1e6, 1e6),
    scale=st.floats(1e-3, 1e3),
)
def test_an_exact_line_is_found_wherever_it_starts_and_in_whatever_unit(
    slope: float, intercept: float, start: float, scale: float
) -> None:
    x = start + scale * np.arange(8.0)
    found = line(x, intercept + slope * (x - start))
    assert found.parameters[1] == pytest.approx(slope, abs=1e-6 + 1e-9 * abs(start) / scale)


def test_nine_in_ten_intervals_hold_the_truth_nine_times_in_ten() -> None:
    noise = np.random.default_rng(3)
    x = np.linspace(0.0, 1.0, 12)
    intervals = [line(x, 2.0 * x + noise.normal(0.0, 0.2, 12)).estimate(1, 0.9) for _ in range(1000)]
    held = sum(each.low <= 2.0 <= each.high for each in intervals)
    assert 870 <= held <= 930


def test_missing_readings_are_left_out() -> None:
    x, y = np.array([0.0, 1.0, np.nan, 3.0, 4.0]), np.array([1.0, 3.0, 5.0, np.nan, 9.0])
    assert line(x, y).parameters == pytest.approx([1.0, 2.0])
    assert line(x, y).points == 3


def test_a_plane_is_found_with_and_without_an_origin() -> None:
    first, second = np.array([1.0, 2, 3, 4, 7]), np.array([3.0, 1, 4, 1, 5])
    assert plane(5 + 2 * first - 3 * second, first, second).parameters == pytest.approx([5, 2, -3])
    through = plane(2 * first - 3 * second, first, second, through_origin=True)
    assert through.parameters == pytest.approx([2, -3])


def test_a_curve_is_found_from_afar() -> None:
    time = np.linspace(0.0, 10.0, 50)
    found = curve(lambda p: p[0] * np.exp(-p[1] * time), np.array([1.0, 2.0]), 7.0 * np.exp(-0.3 * time))
    assert found.parameters == pytest.approx([7.0, 0.3], rel=1e-8)


def test_the_error_of_a_curve_is_the_scatter_of_its_repeats() -> None:
    noise = np.random.default_rng(4)
    time = np.linspace(0.0, 10.0, 40)
    fits = [
        curve(
            lambda p: p[0] * np.exp(-p[1] * time),
            np.array([5.0, 0.5]),
            7.0 * np.exp(-0.3 * time) + noise.normal(0.0, 0.1, 40),
        ).estimate(1)
        for _ in range(200)
    ]
    assert np.mean([fit.error for fit in fits]) == pytest.approx(np.std([fit.value for fit in fits]), rel=0.2)


def test_what_the_data_leave_open_is_refused() -> None:
    with pytest.raises(Unidentifiable, match="2 readings do not determine 2 parameters"):
        line(np.array([0.0, 1.0]), np.array([0.0, 1.0]))
    with pytest.raises(Unidentifiable, match="does not vary"):
        line(np.full(5, 3.0), np.arange(5.0))
    with pytest.raises(Unidentifiable, match="varies together"):
        plane(np.arange(5.0), np.arange(5.0), 2.0 * np.arange(5.0))
    with pytest.raises(Unidentifiable, match="leave a parameter open"):
        curve(lambda p: p[0] * p[1] * np.arange(5.0), np.array([1.0, 1.0]), np.arange(5.0))
    with pytest.raises(Unidentifiable, match="2 readings do not determine 2"):
        curve(lambda p: p, np.array([1.0, 1.0]), np.array([1.0, 2.0]))


def test_columns_of_unequal_length_are_refused() -> None:
    with pytest.raises(ValueError, match="equally long"):
        finite(np.arange(3.0), np.arange(4.0))


def test_an_estimate_in_another_unit_keeps_its_relative_error() -> None:
    per_s = line(np.arange(4.0), np.array([0.0, 1.1, 1.9, 3.1])).estimate(1)
    per_h = per_s.times(3600.0)
    assert per_h.error / per_h.value == pytest.approx(per_s.error / per_s.value)
    assert per_h.high == pytest.approx(3600.0 * per_s.high)
    assert not math.isnan(per_h.r2)
