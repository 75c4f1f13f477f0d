"""Solubility, transfer and probe lag, against published and worked figures."""

from __future__ import annotations

from math import log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.oxygen import (
    Broth,
    henry_co2,
    henry_o2,
    kla_per_h,
    probe_step_response,
    saturation,
    transfer_rate,
    water_vapour_bar,
)


@pytest.mark.parametrize(("temperature_c", "expected"), [(25, 0.267), (30, 0.243), (37, 0.213)])
def test_air_saturation_of_water_is_the_worked_figure(temperature_c: float, expected: float) -> None:
    assert saturation(temperature_c) == pytest.approx(expected, abs=5e-4)


@pytest.mark.parametrize(
    ("temperature_c", "bar"), [(20, 0.02339), (25, 0.03169), (37, 0.06281), (50, 0.12352)]
)
def test_water_vapour_pressure_is_that_of_steam_tables(temperature_c: float, bar: float) -> None:
    assert water_vapour_bar(temperature_c) == pytest.approx(bar, rel=1e-3)


def test_solubilities_at_25_degrees_are_the_reference_values() -> None:
    assert henry_o2(25.0) == pytest.approx(0.0013)
    assert henry_co2(25.0) == pytest.approx(0.035)


@pytest.mark.parametrize(("broth", "expected"), [(Broth.COALESCING, 148.3), (Broth.NON_COALESCING, 360.9)])
def test_kla_at_1000_w_per_m3_is_the_worked_figure(broth: Broth, expected: float) -> None:
    assert kla_per_h(1000.0, 0.01, broth) == pytest.approx(expected, abs=0.05)


def test_transfer_stops_at_saturation() -> None:
    assert transfer_rate(300.0, 0.213, 0.213) == 0.0
    assert transfer_rate(300.0, 0.213, 0.113) == pytest.approx(30.0)


def _naive_kla(kla: float, lag_s: float) -> float:
    """The kLa read from the probe by the straight line through ln(1 - C/C*) between 20 and 80 %."""
    times = [index * 0.01 / (kla / 3600.0) / 10 for index in range(40_000)]
    points = [(t, c) for t in times if 0.2 <= (c := probe_step_response(t, kla, lag_s)) <= 0.8]
    n = len(points)
    mean_t = sum(t for t, _ in points) / n
    mean_y = sum(log(1 - c) for _, c in points) / n
    covariance = sum((t - mean_t) * (log(1 - c) - mean_y) for t, c in points)
    return -3600.0 * covariance / sum((t - mean_t) ** 2 for t, _ in points)


@pytest.mark.parametrize(("kla", "error"), [(100.0, -0.30), (200.0, -0.52), (400.0, -0.72)])
def test_a_probe_of_30_s_hides_kla_as_published(kla: float, error: float) -> None:
    assert _naive_kla(kla, 30.0) / kla - 1 == pytest.approx(error, abs=0.015)


@given(time_s=st.floats(0.0, 3600.0), kla=st.floats(1.0, 1500.0), lag_s=st.floats(0.5, 120.0))
def test_a_probe_never_runs_ahead_of_the_broth(time_s: float, kla: float, lag_s: float) -> None:
    shown = probe_step_response(time_s, kla, lag_s)
    broth = 1.0 - 2.718281828459045 ** (-kla / 3600.0 * time_s)
    assert -1e-6 <= shown <= broth + 1e-6


def test_the_response_is_continuous_where_probe_and_transfer_are_equally_fast() -> None:
    equal = probe_step_response(30.0, 120.0, 30.0)
    assert probe_step_response(30.0, 120.0 * 1.0001, 30.0) == pytest.approx(equal, abs=1e-4)
    assert probe_step_response(30.0, 120.0 * 1.0000001, 30.0) == pytest.approx(equal, abs=1e-6)
