"""kLa at steady state and by gassing out: worked figures, recordings, and what a slow probe hides."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.kla import gassing_out, log_mean, stationary_kla
from analysis.oxygen import probe_step_response
from schemas.errors import Unidentifiable

if TYPE_CHECKING:
    from analysis.elementwise import Array

DATA = Path(os.environ.get("SPARGE_DATA") or Path(__file__).parents[4] / "shared" / "data") / "kla"
recordings = pytest.mark.skipif(
    not DATA.exists(), reason="the aeration recordings are not in the data directory"
)


def _recorded(name: str) -> tuple[Array, Array]:
    """(seconds, DO in mg/L) of one trace."""
    lines = (DATA / f"{name}.tsv").read_text(encoding="latin-1").splitlines()[1:]
    rows = [line.split("\t") for line in lines if line.strip()]
    return np.array([float(row[0]) for row in rows]) * 86_400.0, np.array([float(row[2]) for row in rows])


@recordings
def test_the_recordings_give_the_published_constants() -> None:
    with (DATA / "published.csv").open(encoding="utf-8") as lines:
        published = {row["airflow_umol_per_s"]: float(row["kla_per_s"]) for row in csv.DictReader(lines)}
    deviations = {}
    for name, expected in published.items():
        found = gassing_out(*_recorded(name), 8.894, low=2.0 / 8.894, high=6.0 / 8.894)
        deviations[name] = abs(found.value / 3600.0 / expected - 1.0)
        # The published figure lies within the interval: of the two that deviate by 6 %, one has six readings.
        assert found.low / 3600.0 < expected < found.high / 3600.0, name
    assert len(deviations) == 12
    assert np.median(list(deviations.values())) <= 0.0021
    assert max(deviations.values()) < 0.065


# kLa * lag, and by how much the slope between 20 and 80 % of what the probe shows falls short of kLa.
BIAS = [
    (1 / 36, 0.0),
    (5 / 36, -0.01),
    (10 / 36, -0.06),
    (20 / 36, -0.19),
    (30 / 36, -0.30),
    (40 / 36, -0.40),
    (60 / 36, -0.53),
    (120 / 36, -0.72),
    (240 / 36, -0.85),
]


@pytest.mark.parametrize(("hidden", "error"), BIAS)
def test_the_straight_line_reads_too_low_by_what_kla_times_lag_says(hidden: float, error: float) -> None:
    kla = 3600.0 * hidden / 30.0
    time = np.linspace(0.0, 6.0 * (3600.0 / kla + 30.0), 20_000)
    shown = probe_step_response(time, kla, 30.0)
    ends = np.flatnonzero((shown >= 0.2) & (shown <= 0.8))[[0, -1]]
    secant = -3600.0 * np.diff(np.log(1.0 - shown[ends]))[0] / np.diff(time[ends])[0]
    # The figures are those of a straight line through both ends; least squares come up to 1.2 % nearer.
    assert secant / kla - 1.0 == pytest.approx(error, abs=0.006)
    assert -0.002 <= gassing_out(time, shown, 1.0).value / kla - 1.0 - error <= 0.014


def test_a_lag_that_hides_kla_is_refused_once_it_is_told() -> None:
    time = np.arange(0.0, 600.0)
    shown = probe_step_response(time, 100.0, 30.0)
    assert gassing_out(time, shown, 1.0).value == pytest.approx(70.0, abs=1.0)
    with pytest.raises(Unidentifiable, match="A probe of 30 s hides a kLa that reads 70 1/h"):
        gassing_out(time, shown, 1.0, lag_s=30.0)
    assert gassing_out(time, probe_step_response(time, 100.0, 3.0), 1.0, lag_s=3.0).value > 99.0


@given(kla=st.floats(5.0, 900.0), unit=st.floats(1e-3, 1e3), start=st.floats(0.0, 0.15))
def test_gassing_out_is_read_back_from_any_start_and_in_any_unit(
    kla: float, unit: float, start: float
) -> None:
    time = np.linspace(0.0, 4.0 * 3600.0 / kla, 400)
    oxygen = unit * (1.0 - (1.0 - start) * np.exp(-kla * time / 3600.0))
    assert gassing_out(time, oxygen, unit).value == pytest.approx(kla, rel=1e-9)


def test_gassing_out_without_a_rise_is_refused() -> None:
    time = np.arange(10.0)
    with pytest.raises(Unidentifiable, match="does not rise from 20% to 80%"):
        gassing_out(time, np.full(10, 0.5), 1.0)
    with pytest.raises(Unidentifiable, match="does not rise"):
        gassing_out(time, np.linspace(1.0, 0.0, 10), 1.0)
    with pytest.raises(Unidentifiable, match="no readings"):
        gassing_out(time, np.full(10, np.nan), 1.0)


def test_kla_at_steady_state_is_transfer_over_driving_force() -> None:
    assert stationary_kla(30.0, 0.213, 0.113) == pytest.approx(300.0)
    found = stationary_kla(np.array([30.0, 30.0, 30.0]), 0.213, np.array([0.113, 0.213, 0.3]))
    np.testing.assert_allclose(found, [300.0, np.nan, np.nan])


def test_a_tall_vessel_takes_the_logarithmic_mean() -> None:
    # C* 0.4 at the sparger, 0.2 at the surface, C 0.1: forces 0.3 and 0.1, mean 0.2 / ln 3 = 0.18205.
    assert stationary_kla(60.0, 0.4, 0.1, 0.2) == pytest.approx(60.0 / 0.182048, rel=1e-5)
    assert stationary_kla(60.0, 0.4, 0.1, 0.4) == pytest.approx(stationary_kla(60.0, 0.4, 0.1))


def test_a_fermenter_of_114_m3_needs_the_published_kla() -> None:
    # Benz, Chem Eng Prog 99(5):100 (2003), mg/L at the surface and at the sparger; 2000 mg/L/h.
    force = log_mean(5.82 - 2.0, 19.18 - 3.0)
    assert force == pytest.approx(8.56, abs=0.005)
    assert 2000.0 / force == pytest.approx(233.6, abs=0.2)


@given(first=st.floats(1e-3, 1e3), second=st.floats(1e-3, 1e3))
def test_the_logarithmic_mean_lies_between_the_geometric_and_the_arithmetic(
    first: float, second: float
) -> None:
    mean = log_mean(first, second)
    assert (first * second) ** 0.5 * (1 - 1e-9) <= mean <= 0.5 * (first + second) * (1 + 1e-9)
    assert mean == pytest.approx(log_mean(second, first), rel=1e-9)
    assert log_mean(np.array([first]), np.array([second]))[0] == pytest.approx(mean, rel=1e-12)
