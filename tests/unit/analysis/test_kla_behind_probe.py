"""kLa, OUR and lag read back through a slow probe, and refused where the probe hides them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.kla_behind_probe import dynamic_kla, probe_lag, probed_gassing_out
from analysis.oxygen import probe_step_response
from schemas.errors import Unidentifiable

if TYPE_CHECKING:
    from analysis.elementwise import Array

TIME = np.arange(0.0, 600.0, 2.0)


@pytest.mark.parametrize("kla", [50.0, 100.0, 200.0, 400.0])
def test_kla_is_read_through_a_probe_of_30_s(kla: float) -> None:
    found = probed_gassing_out(TIME, probe_step_response(TIME, kla, 30.0), 1.0, 30.0)
    assert found.kla.value == pytest.approx(kla, rel=1e-6)
    assert found.lag_s is None


@settings(max_examples=50)
@given(
    kla=st.floats(10.0, 300.0),
    lag=st.floats(1.0, 30.0),
    start=st.floats(-0.05, 0.6),
    full=st.floats(0.2, 100.0),
)
def test_the_corrected_fit_inverts_the_response_in_any_unit(
    kla: float, lag: float, start: float, full: float
) -> None:
    time = np.linspace(0.0, 5.0 * (3600.0 / kla + lag), 200)
    shown = full * (start + (1.0 - start) * probe_step_response(time, kla, lag))
    assert probed_gassing_out(time, shown, full, lag).kla.value == pytest.approx(kla, rel=1e-4)


def test_the_error_of_the_lag_is_part_of_the_error_of_kla() -> None:
    shown = probe_step_response(TIME, 120.0, 30.0)
    errors = [
        probed_gassing_out(TIME, shown, 1.0, 30.0, lag_error=part).kla.error for part in (0.0, 0.05, 0.1)
    ]
    assert errors[0] == pytest.approx(0.0, abs=1e-6)
    # kLa * lag is 1, so that an error of 5 % in the lag is one of about 5 % in kLa.
    assert errors[1] == pytest.approx(0.05 * 120.0, rel=0.1)
    assert errors[2] == pytest.approx(2.0 * errors[1], rel=0.1)


def test_the_interval_behind_a_noisy_probe_holds_kla() -> None:
    noise = np.random.default_rng(11)
    true = probe_step_response(TIME, 150.0, 20.0)
    held = 0
    for _ in range(100):
        shown = true + noise.normal(0.0, 0.01, len(TIME))
        found = probed_gassing_out(TIME, shown, 1.0, 20.0, lag_error=0.0).kla
        held += found.low <= 150.0 <= found.high
    assert held >= 88


def test_a_transfer_much_faster_than_its_probe_is_refused() -> None:
    with pytest.raises(Unidentifiable, match=r"A probe of 30 s hides kLa \(their product is 6\.7\)"):
        probed_gassing_out(TIME, probe_step_response(TIME, 800.0, 30.0), 1.0, 30.0)


def test_lag_and_kla_are_both_fitted_where_only_one_can_be_the_probe() -> None:
    noise = np.random.default_rng(12)
    time = np.arange(0.0, 1200.0, 2.0)
    shown = probe_step_response(time, 30.0, 25.0) + noise.normal(0.0, 0.003, len(time))
    found = probed_gassing_out(time, shown, 1.0, None)
    assert found.lag_s is not None
    assert found.kla.low <= 30.0 <= found.kla.high
    assert found.lag_s.low <= 25.0 <= found.lag_s.high


@pytest.mark.parametrize(("kla", "lag"), [(200.0, 30.0), (120.0, 18.0)])
def test_transfer_and_probe_that_could_change_places_are_refused(kla: float, lag: float) -> None:
    with pytest.raises(Unidentifiable, match=r"30 s and 18 s may each be the probe's"):
        probed_gassing_out(TIME, probe_step_response(TIME, kla, lag), 1.0, None)


@given(lag=st.floats(2.0, 90.0), start=st.floats(-5.0, 30.0), end=st.floats(60.0, 110.0))
def test_the_time_constant_of_a_probe_is_read_from_its_step(lag: float, start: float, end: float) -> None:
    time = np.linspace(0.0, 6.0 * lag, 100)
    found = probe_lag(time, end + (start - end) * np.exp(-time / lag))
    assert found.value == pytest.approx(lag, rel=1e-6)


def test_a_step_cut_short_does_not_give_a_time_constant() -> None:
    noise = np.random.default_rng(14)
    time = np.linspace(0.0, 5.0, 20)
    shown = 100.0 * (1.0 - np.exp(-time / 40.0)) + noise.normal(0.0, 0.5, 20)
    with pytest.raises(Unidentifiable, match="does not show where the probe settles"):
        probe_lag(time, shown)


def paused(kla: float, our: float, lag_s: float, off_s: float = 120.0) -> tuple[Array, Array]:
    """(seconds, % shown) of a pause that ends at 0, by small steps of both balances; C* is 100 %."""
    step_s, uptake = 0.02, our / 3600.0
    oxygen = shown = 100.0 - our / kla
    times, readings = [], []
    for count in range(round((off_s + 300.0) / step_s)):
        time = count * step_s - off_s
        if count % 100 == 0:
            times.append(time)
            readings.append(shown)
        given = kla / 3600.0 * (100.0 - oxygen) if time >= -1e-9 else 0.0
        oxygen += step_s * (given - uptake)
        shown = shown + step_s * (oxygen - shown) / lag_s if lag_s else oxygen
    return np.array(times), np.array(readings)


@pytest.mark.parametrize(("kla", "our"), [(60.0, 500.0), (150.0, 1200.0), (300.0, 2000.0)])
@pytest.mark.parametrize("lag_s", [0.0, 10.0, 30.0])
def test_a_pause_of_the_gas_gives_kla_our_and_saturation(kla: float, our: float, lag_s: float) -> None:
    found = dynamic_kla(*paused(kla, our, lag_s), 0.0, lag_s=lag_s)
    assert found.kla.value == pytest.approx(kla, rel=3e-3)
    assert found.our.value == pytest.approx(our, rel=3e-3)
    assert found.saturated == pytest.approx(100.0, abs=0.1)


def test_a_pause_read_through_noise_holds_the_truth_in_its_intervals() -> None:
    noise = np.random.default_rng(15)
    time, shown = paused(150.0, 1200.0, 10.0)
    held = np.zeros(2)
    for _ in range(40):
        found = dynamic_kla(time, shown + noise.normal(0.0, 0.3, len(time)), 0.0, lag_s=10.0)
        held += [found.kla.low <= 150.0 <= found.kla.high, found.our.low <= 1200.0 <= found.our.high]
    assert held.min() >= 34


def test_a_lag_that_is_not_told_passes_for_slow_transfer() -> None:
    time, shown = paused(150.0, 1200.0, 20.0)
    assert dynamic_kla(time, shown, 0.0).kla.value < 110.0


def test_a_pause_that_says_too_little_is_refused() -> None:
    time, shown = paused(150.0, 1200.0, 0.0)
    with pytest.raises(Unidentifiable, match="Aerate again earlier"):
        dynamic_kla(time, shown, 0.0, critical=60.0)
    with pytest.raises(Unidentifiable, match="0 readings without gas"):
        dynamic_kla(time, shown, -500.0)
    with pytest.raises(Unidentifiable, match="no rise"):
        dynamic_kla(time, np.full(len(time), 50.0), 0.0)
    with pytest.raises(Unidentifiable, match="does not come half the way"):
        probed_gassing_out(TIME, probe_step_response(TIME, 100.0, 5.0), -0.5, 5.0)
