"""What instruments add to the truth, for many units at once."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import SettingsError
from schemas.signals import DICTIONARY
from schemas.status import Status
from simulator.sensing.full_scale import full_scales, torque_n_m
from simulator.sensing.instrument import instruments
from simulator.sensing.overlay import Overlays
from simulator.sensing.panel import Panel
from simulator.vessels.vessel import vessel, vessel_names

SIGNALS = tuple(instruments())
TYPICAL = {
    "pH": 7.0,
    "pH_2": 7.0,
    "DO": 35.0,
    "DO_2": 36.0,
    "temperature": 37.0,
    "temperature_2": 37.0,
    "offgas_O2": 19.5,
    "offgas_CO2": 1.6,
    "pressure": 1.05,
    "OD": 40.0,
    "redox": -150.0,
}
"""The rest stand at a third of their full scale."""


def _panel(seeds: list[int], name: str = "2L", signals: tuple[str, ...] = SIGNALS) -> Panel:
    return Panel(signals, seeds, full_scales([vessel(name)] * len(seeds)))


def _truth(panel: Panel, **other: float) -> dict[str, np.ndarray]:
    third = np.where(np.isfinite(panel.full_scale), panel.full_scale, 3.0) / 3.0
    typical = {**TYPICAL, **other}
    return {
        name: np.full(panel.units, typical[name]) if name in typical else third[row]
        for name, row in panel.row.items()
    }


def _series(panel: Panel, truth: dict[str, np.ndarray], count: int, dt_s: float = 1.0) -> np.ndarray:
    found = []
    for _ in range(count):
        panel.read(truth, dt_s)
        found.append(panel.readings)
    return np.array(found)


@pytest.mark.parametrize("name", vessel_names())
def test_readings_scatter_about_the_truth_by_noise_and_stay_within_the_calibration(name: str) -> None:
    panel = _panel(list(range(8)), name)
    truth = _truth(panel)
    readings = _series(panel, truth, 1200)
    for row, made in enumerate(panel.instruments):
        scale = panel.scale[row, 0]
        true = truth[made.name][0]
        noise = (
            (made.noise + made.wander) * scale + made.relative * true + 10.0 ** -np.log10(panel._tens[row, 0])
        )
        calibration = (abs(made.offset) + 4.0 * made.offset_sd) * scale + 4.0 * made.gain_sd * true
        drift = (made.offset_drift_per_day * scale + made.gain_drift_per_day * true) * 0.2
        error = np.abs(readings[:, row].mean(axis=0) - true)
        assert np.all(error < calibration + drift + noise), made.name
        assert np.all(readings[:, row].std(axis=0) < 1.3 * noise), made.name


def test_noise_of_the_instruments_is_not_above_what_the_dictionary_calls_usual() -> None:
    panel = _panel([1])
    readings = _series(panel, _truth(panel), 2000)[:, :, 0]
    quick = np.diff(readings, axis=0).std(axis=0) / np.sqrt(2.0)
    fixed = [row for row, made in enumerate(panel.instruments) if not made.of_full_scale]
    for row in fixed:
        name = panel.signals[row]
        assert quick[row] <= 2.0 * DICTIONARY[name].noise + 0.01 * abs(readings[0, row]), name


def test_a_healthy_instrument_never_looks_frozen_where_frozen_is_judged() -> None:
    panel = _panel([2])
    readings = _series(panel, _truth(panel), 3600)[:, :, 0]
    for row, name in enumerate(panel.signals):
        if DICTIONARY[name].frozen_after_s is not None:
            longest = run = 1
            for before, after in pairwise(readings[:, row]):
                run = run + 1 if before == after else 1
                longest = max(longest, run)
            assert longest < 20, name


def test_set_points_are_told_exactly() -> None:
    panel = _panel([3])
    shown = panel.read(_truth(panel, pH_setpoint=7.15, DO_setpoint=35.0, temperature_setpoint=36.8))
    assert shown["pH_setpoint"][0] == 7.15
    assert shown["DO_setpoint"][0] == 35.0
    assert shown["temperature_setpoint"][0] == 36.8


def test_a_probe_shows_63_percent_of_a_step_after_its_time_constant_whatever_the_step() -> None:
    for dt_s in (1.0, 2.0, 5.0, 10.0):
        panel = _panel([4], signals=("temperature",))
        panel.read({"temperature": np.array([30.0])})
        after = _series(panel, {"temperature": np.array([40.0])}, int(10.0 / dt_s), dt_s)[-1, 0, 0]
        assert after == pytest.approx(40.0 - 10.0 * 0.3679, abs=0.3)


@pytest.mark.parametrize("dt_s", [0.5, 1.0, 2.0, 3.0, 5.0, 10.0])
def test_a_sample_line_delays_the_gas_by_15_s_whatever_the_step(dt_s: float) -> None:
    panel = _panel([5], signals=("offgas_O2",))
    panel.read({"offgas_O2": np.array([19.5])}, dt_s)
    readings = _series(panel, {"offgas_O2": np.array([20.9])}, int(90.0 / dt_s), dt_s)[:, 0, 0]
    times = dt_s * np.arange(1, readings.size + 1)
    moved = times[np.abs(readings - readings[0]) > 0.08][0]
    assert 15.0 <= moved <= 15.0 + 2.0 * dt_s + 1.0
    assert readings[-1] == pytest.approx(20.9, abs=0.08)


def test_wander_is_as_wide_and_as_slow_at_5_s_as_at_1_s() -> None:
    def slow(dt_s: float) -> tuple[float, float]:
        panel = _panel(list(range(40)), signals=("DO",))
        shown = _series(panel, {"DO": np.full(40, 35.0)}, int(3000.0 / dt_s), dt_s)[int(300.0 / dt_s) :, 0]
        off = shown - shown.mean(axis=0)
        apart = int(20.0 / dt_s)
        return float(off.std()), float((off[:-apart] * off[apart:]).mean())

    (wide, together), (wide_5, together_5) = slow(1.0), slow(5.0)
    assert wide_5 == pytest.approx(wide, rel=0.08)
    assert together_5 == pytest.approx(together, rel=0.3)
    assert together == pytest.approx(0.15**2 * np.exp(-0.5), rel=0.3)


def test_zero_and_slope_run_off_over_days() -> None:
    panel = _panel(list(range(100)), signals=("pH", "DO"))
    truth = {"pH": np.full(100, 7.0), "DO": np.full(100, 40.0)}
    first = _series(panel, truth, 300).mean(axis=0)
    _series(panel, truth, 3 * 8640, 10.0)
    moved = _series(panel, truth, 300).mean(axis=0) - first
    assert moved[0].std() == pytest.approx(3 * 0.005, rel=0.25)
    assert moved[1].std() == pytest.approx(3 * 0.003 * 40.0, rel=0.25)


def test_the_range_ends_with_a_status_and_the_floor_without() -> None:
    panel = _panel([6], signals=("offgas_CO2", "DO"))
    for truth, end, code in ((60.0, 25.0, Status.UNCERTAIN_ENGINEERING_UNITS_EXCEEDED), (-3.0, 0.0, 0)):
        fresh = _panel([6], signals=panel.signals)
        fresh.read({"offgas_CO2": np.array([truth]), "DO": np.array([35.0])})
        assert fresh.readings[0, 0] == end
        assert fresh.status[:, 0].tolist() == [code, 0]


def test_the_full_scale_of_flows_follows_the_vessel() -> None:
    vessels = [vessel("2L"), vessel("25000L")]
    panel = Panel(("gas_flow", "pH"), [1, 1], full_scales(vessels))
    assert panel.full_scale[0].tolist() == [5.0, 22_500.0]
    readings = _series(panel, {"gas_flow": np.array([2.0, 9000.0]), "pH": np.full(2, 7.0)}, 500)
    small, large = readings[:, 0].std(axis=0)
    assert large / small == pytest.approx(4500.0, rel=0.01)
    # The decimals follow, too: a large meter tells no millilitres.
    assert readings[:, 0, 1].tolist() == np.round(readings[:, 0, 1], 0).tolist()
    assert readings[:, 1, 0].tolist() == readings[:, 1, 1].tolist()


@pytest.mark.parametrize("name", vessel_names())
def test_no_range_ends_below_what_the_equipment_can_do(name: str) -> None:
    hull = vessel(name)
    scales = {signal: float(one[0]) for signal, one in full_scales([hull]).items()}
    assert set(scales) == {signal for signal, made in instruments().items() if made.of_full_scale}
    assert scales["gas_flow"] > hull.gas_max_l_min
    assert scales["agitation"] > hull.top_speed_per_min
    assert scales["power"] > hull.motor_w
    assert scales["torque"] > torque_n_m(hull)
    assert scales["volume"] >= hull.total_l
    assert scales["base_rate"] > hull.base_max_l_h


def test_an_instrument_without_its_full_scale_is_refused() -> None:
    with pytest.raises(SettingsError, match="full scale of gas_flow, weight is not given"):
        Panel(("gas_flow", "pH", "weight"), [1], {})


def test_a_rate_and_its_total_agree_on_the_slope() -> None:
    panel = _panel(list(range(50)), signals=("feed_rate", "feed_total"))
    truth = {"feed_rate": np.full(50, 0.1), "feed_total": np.full(50, 1.0)}
    readings = _series(panel, truth, 2000)
    assert readings[:, 0].mean(axis=0) / 0.1 == pytest.approx(readings[-1, 1], abs=0.001)
    assert np.all(np.diff(readings[:, 1], axis=0) == 0.0)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others() -> None:
    one, same, other = (_panel([seed]) for seed in (7, 7, 8))
    a, b, c = (_series(panel, _truth(panel), 200).tobytes() for panel in (one, same, other))
    assert a == b
    assert a != c


@given(place=st.integers(0, 4), others=st.lists(st.integers(0, 1000), min_size=4, max_size=4))
def test_a_unit_reads_the_same_whatever_else_is_in_the_fleet(place: int, others: list[int]) -> None:
    fleet = _panel([*others[:place], 42, *others[place:]])
    alone = _panel([42])
    seen = _series(fleet, _truth(fleet), 30)[:, :, place]
    expected = _series(alone, _truth(alone), 30)[:, :, 0]
    assert np.max(np.abs(seen - expected)) <= 1e-9 * np.max(np.abs(expected))


def test_a_further_signal_leaves_the_calibration_of_the_others_alone() -> None:
    few, many = _panel([9], signals=("pH", "DO")), _panel([9])
    assert few._zero[0, 0] == many._zero[many.row["pH"], 0]


def test_a_unit_without_an_instrument_shows_nothing_and_disturbs_nobody() -> None:
    panel = _panel([1, 2], signals=("pH", "capacitance"))
    truth = {"pH": np.full(2, 7.0), "capacitance": np.array([np.nan, 12.0])}
    panel.read(truth)
    assert np.isnan(panel.readings[1, 0])
    assert np.isfinite(panel.readings[[0, 0, 1], [0, 1, 1]]).all()


def test_a_signal_that_no_unit_has_may_be_left_out_of_the_truth() -> None:
    panel = _panel([1, 2], signals=("pH", "foam"))
    assert np.isnan(panel.read({"pH": np.full(2, 7.0)})["foam"]).all()


def test_neutral_overlays_change_no_bit() -> None:
    plain, laid = _panel([1, 2]), _panel([1, 2])
    over = Overlays(len(SIGNALS), 2)
    over.touched = True
    for _ in range(50):
        plain.read(_truth(plain))
        laid.read(_truth(laid), 1.0, over)
        assert plain.readings.tobytes() == laid.readings.tobytes()


def test_a_signal_that_nobody_measures_is_refused() -> None:
    with pytest.raises(SettingsError, match="measures OTR"):
        _panel([1], signals=("OTR",))


@given(
    st.lists(
        st.floats(-1e9, 1e9) | st.sampled_from([0.0, -0.0]), min_size=len(SIGNALS), max_size=len(SIGNALS)
    ),
    st.integers(1, 10),
)
def test_readings_are_finite_and_within_the_range_for_any_truth_and_step(
    values: list[float], dt_s: int
) -> None:
    panel = _panel([1])
    truth = {name: np.array([value]) for name, value in zip(SIGNALS, values, strict=True)}
    for _ in range(3):
        panel.read(truth, float(dt_s))
        assert np.isfinite(panel.readings).all()
        assert np.all(panel.readings <= panel.full_scale)
        assert np.all(panel.readings >= panel._low)
