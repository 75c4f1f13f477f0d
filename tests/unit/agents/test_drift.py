"""Drift and divergence: found by River's tests, told in plain words, and resumed from their state."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.context import NO_BATCH
from agents.models.banks.adwin import AdwinBank
from agents.models.banks.page_hinkley import PageHinkleyBank
from agents.models.divergence import DivergenceWatch
from agents.models.drift import Drift, DriftLayer, shipped
from agents.models.recipe import RIVER
from agents.models.river_state import state_of
from agents.models.step import Step
from agents.state_codec import pack, unpack
from schemas.errors import SnapshotRefused
from schemas.signals import spec

if TYPE_CHECKING:
    from numpy.typing import NDArray

RECIPE = shipped()
STEP_US = RECIPE.step_us
MINUTE_STEPS = round(60 / RECIPE.step_s)


def shifting(seed: int, steps: int = 400, lanes: int = 3) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Values whose mean jumps now and then, some of them missing."""
    random = np.random.default_rng(seed)
    means = np.repeat(random.normal(0.0, 3.0, (4, lanes)), steps // 4, axis=0)
    return means + random.standard_normal((steps, lanes)), random.random((steps, lanes)) < 0.9


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 2**32 - 1))
def test_the_bank_finds_what_river_s_page_hinkley_finds(seed: int) -> None:
    bank = PageHinkleyBank(min_instances=10, delta=0.1, threshold=10.0, alpha=0.99)
    bank.add(3)
    rivers = [RIVER["PageHinkley"](10, 0.1, 10.0, 0.99) for _ in range(3)]
    for value, there in zip(*shifting(seed), strict=True):
        bank.learn(value, there)
        for lane in np.flatnonzero(there).tolist():
            rivers[lane].update(value[lane])
        assert bank.detected.tolist() == [river.drift_detected for river in rivers]


@settings(deadline=None, max_examples=10)
@given(st.integers(0, 2**32 - 1), st.integers(1, 399))
def test_the_bank_of_adwin_goes_on_from_its_state_as_river_s_adwin_does(seed: int, stop: int) -> None:
    bank = AdwinBank(delta=0.01, clock=4, max_buckets=3)
    bank.add(3)
    rivers = [RIVER["ADWIN"](delta=0.01, clock=4, max_buckets=3) for _ in range(3)]
    for at, (value, there) in enumerate(zip(*shifting(seed), strict=True)):
        if at == stop:
            kept = unpack(pack(bank.state(), b"key"), b"key")
            bank = AdwinBank(delta=0.01, clock=4, max_buckets=3)
            bank.take_up(kept)
        bank.learn(value, there)
        for lane in np.flatnonzero(there).tolist():
            rivers[lane].update(float(value[lane]))
        assert bank.detected.tolist() == [river.drift_detected for river in rivers]


@pytest.mark.parametrize("kept", [1, [1], {"ADWIN": 1}, [RIVER["PageHinkley"]()]])
def test_windows_that_are_not_adwin_s_are_refused(kept: object) -> None:
    with pytest.raises(SnapshotRefused, match="torn"):
        AdwinBank().take_up(state_of(kept))


def layer(*names: str) -> DriftLayer:
    made = DriftLayer(RECIPE)
    for name in names:
        made.add(name, spec(name))
    return made


def play(model: DriftLayer, rows: NDArray[np.float64], begin: int = 0) -> list[Drift]:
    nothing = np.zeros(rows.shape[1], dtype=np.bool_)
    found = []
    for at, row in enumerate(rows, start=begin):
        there = np.isfinite(row)
        found += model.take(Step((at + 1) * STEP_US, row, there, there, NO_BATCH), nothing)
    return found


def probes(steps: int, seed: int = 0) -> NDArray[np.float64]:
    values: NDArray[np.float64] = 7.0 + 0.005 * np.random.default_rng(seed).standard_normal((steps, 2))
    return values


def test_a_probe_that_leaves_its_forecast_bit_by_bit_is_found_and_told() -> None:
    rows = probes(4200)
    rows[3000:, 0] -= np.minimum(np.arange(1200) / (40 * MINUTE_STEPS), 1.0) * 0.3
    found = play(layer("pH", "pH_2"), rows)
    assert {one.signal for one in found} == {"pH"}
    told = found[0]
    assert told.off < -0.005
    assert 3000 <= told.end_us / STEP_US <= 3000 + 40 * MINUTE_STEPS
    assert set(told.found_by) <= {"Page-Hinkley", "ADWIN"}
    assert told.text.startswith("pH reads 0.0")
    assert "lower than its forecast expects" in told.text
    assert "compare with pH_2" in told.text


def test_most_probes_that_drift_by_a_hundredth_in_five_minutes_are_found_within_forty() -> None:
    names = [f"x{number}" for number in range(40)]
    rows = 7.0 + 0.005 * np.random.default_rng(1).standard_normal((3480, 40))
    rows[3000:] -= (np.arange(480) / 480 * 0.08)[:, None]
    found = play(layer(*names), rows)
    assert all(one.end_us > 3000 * STEP_US for one in found)
    assert len({one.signal for one in found}) >= 24


def test_a_process_that_wanders_does_not_drift() -> None:
    random = np.random.default_rng(2)
    rows = np.zeros((6000, 20))
    for at in range(1, 6000):
        rows[at] = 0.995 * rows[at - 1] + random.standard_normal(20)
    assert len(play(layer(*[f"x{number}" for number in range(20)]), 50.0 + rows)) <= 3


def test_healthy_noise_does_not_drift() -> None:
    random = np.random.default_rng(1)
    model = layer(*[f"x{number}" for number in range(20)])
    assert play(model, 50.0 + random.standard_normal((5000, 20))) == []


def test_a_slope_that_its_forecast_knows_is_no_drift() -> None:
    rows = probes(6000) + np.arange(6000)[:, None] * 1e-4
    assert play(layer("pH", "pH_2"), rows) == []


def test_a_set_point_does_not_drift() -> None:
    rows = probes(3600)
    rows[2400:] -= 0.5
    assert play(layer("pH_setpoint", "glucose"), rows) == []


@settings(deadline=None, max_examples=6)
@given(st.integers(1, 2999))
def test_it_goes_on_from_its_state_as_if_it_had_never_stopped(stop: int) -> None:
    rows = probes(3000)
    rows[1500:, 0] -= 0.03
    rows[np.random.default_rng(stop).random(rows.shape) < 0.1] = np.nan
    one, other = layer("pH", "pH_2"), layer("pH", "pH_2")
    play(one, rows[:stop])
    other.take_up(unpack(pack(one.state(), b"key"), b"key"))
    assert play(one, rows[stop:], stop) == play(other, rows[stop:], stop)
    assert pack(one.state(), b"key") == pack(other.state(), b"key")


def test_whatever_it_is_given_it_does_not_raise() -> None:
    model = layer("pH", "x")
    for value in (0.0, 1e9, -1e29, 1e300, float("nan"), float("inf"), 5.0):
        for one in play(model, np.full((800, 2), value)):
            assert np.isfinite(one.off)


def test_what_was_kept_of_other_signals_is_refused() -> None:
    with pytest.raises(SnapshotRefused, match="other signals"):
        layer("pH").take_up(layer("DO").state())


def test_its_state_is_small() -> None:
    model = layer(*[f"x{number}" for number in range(30)])
    play(model, np.random.default_rng(0).standard_normal((4000, 30)))
    assert len(pack(model.state(), b"key")) / 30 <= 750


def watch() -> DivergenceWatch:
    made = DivergenceWatch("one-step-residual 2", "half-space-trees 1", suspect_at=5.0)
    for name in ("pH", "DO"):
        made.add(name)
    return made


def test_a_challenger_that_finds_a_signal_ever_stranger_is_told_apart() -> None:
    random = np.random.default_rng(0)
    scores = random.exponential(0.434, (2000, 2))
    others = random.exponential(0.434, (2000, 2))
    others[1500:, 0] += 5.0
    watched = watch()
    found = [told for at in range(2000) for told in watched.take(scores[at], others[at], at * STEP_US)]
    assert found
    assert {told.signal for told in found} == {"pH"}
    assert found[0].end_us / STEP_US > 1500
    assert found[0].since_us / STEP_US == pytest.approx(1500, abs=60)
    assert "stranger" in found[0].text
    assert found[0].champion_share < found[0].challenger_share


def test_two_models_that_agree_do_not_part_and_silence_says_nothing() -> None:
    random = np.random.default_rng(1)
    watched = watch()
    for at in range(3000):
        shared = random.exponential(0.434, 2)
        other = shared + 0.1 * random.standard_normal(2)
        other[1] = np.nan
        assert watched.take(shared, other, at * STEP_US) == []


def test_the_watch_of_two_models_goes_on_from_its_state() -> None:
    random = np.random.default_rng(2)
    one, other = watch(), watch()
    for at in range(200):
        one.take(random.random(2), random.random(2), at)
    other.take_up(unpack(pack(one.state(), b"key"), b"key"))
    for at in range(200, 400):
        scores, others = random.random(2), random.random(2) + 3.0
        assert one.take(scores, others, at) == other.take(scores, others, at)
