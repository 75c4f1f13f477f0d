"""A signal at several time scales: slow shifts, missed rhythms and a loss of life are seen, noise is not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.context import NO_BATCH, Context
from agents.models.scales import ASPECTS, ScalesLayer, shipped
from agents.models.step import Step
from agents.state_codec import pack, unpack
from schemas.errors import SnapshotRefused

if TYPE_CHECKING:
    from numpy.typing import NDArray

RECIPE = shipped()
DAY = 288


def layer(signals: int = 1, **changed: object) -> ScalesLayer:
    made = ScalesLayer(RECIPE.model_copy(update=changed))
    for number in range(signals):
        made.add(f"x{number}", None)
    return made


def play(
    model: ScalesLayer, rows: NDArray[np.float64], begin: int = 0, context: Context = NO_BATCH
) -> NDArray[np.float64]:
    """(T, S) the scores of rows (T, S)."""
    nothing = np.zeros(rows.shape[1], dtype=np.bool_)
    scores = []
    for at, row in enumerate(rows, start=begin):
        there = np.isfinite(row)
        scores.append(model.take(Step((at + 1) * RECIPE.step_us, row, there, there, context), nothing).score)
    return np.array(scores)


def noise(steps: int, signals: int = 1, seed: int = 0) -> NDArray[np.float64]:
    values: NDArray[np.float64] = 50.0 + np.random.default_rng(seed).standard_normal((steps, signals))
    return values


def daily(steps: int, seed: int = 0) -> NDArray[np.float64]:
    """A high afternoon in every day, with noise."""
    hour = np.arange(steps) % DAY / DAY * 24.0
    return noise(steps, seed=seed) + np.where((hour >= 12.0) & (hour < 18.0), 20.0, 0.0)[:, None]


def told(score: NDArray[np.float64]) -> bool:
    return bool((np.nan_to_num(score) >= RECIPE.suspect_at).any())


def test_healthy_noise_is_seldom_suspect() -> None:
    scores = play(layer(20), noise(1500, 20))
    assert np.mean(np.nan_to_num(scores) >= RECIPE.suspect_at) < 0.02


def test_it_is_silent_before_its_baseline_and_where_nothing_was_sampled() -> None:
    model = layer()
    scores = play(model, noise(RECIPE.baseline_steps))
    assert np.isnan(scores).all()
    assert np.isfinite(play(model, noise(10), 60)).any()
    assert np.isnan(play(model, np.full((1, 1), np.nan), 70)).all()


def test_a_slow_shift_that_each_step_hides_is_seen() -> None:
    model = layer()
    play(model, noise(1000))
    ramp = noise(200, seed=1) + np.minimum(np.arange(200) * 0.05, 4.0)[:, None]
    assert told(play(model, ramp, 1000))
    assert "shift" in model.reason(0) or "level" in model.reason(0)


def test_a_missing_afternoon_is_seen_by_the_time_of_day() -> None:
    model = layer()
    play(model, daily(DAY * 6))
    scores = play(model, noise(DAY, seed=3), DAY * 6)
    assert told(scores[150:216])
    again = layer()
    play(again, daily(DAY * 6))
    assert not told(play(again, daily(DAY, seed=3), DAY * 6)[150:216])


def test_a_signal_that_loses_its_life_is_seen() -> None:
    model = layer()
    play(model, noise(1000))
    assert told(play(model, np.full((150, 1), 50.0), 1000))


def test_a_spike_that_keeps_coming_back_is_no_longer_news() -> None:
    model = layer()
    rows = noise(3000)
    rows[100::50] += 30.0
    scores = np.nan_to_num(play(model, rows))
    assert told(scores[100:101])
    assert np.mean(scores[2500::50] >= RECIPE.suspect_at) < 0.5


def test_a_lasting_change_becomes_the_new_usual() -> None:
    model = layer()
    play(model, noise(600))
    scores = np.nan_to_num(play(model, noise(1200, seed=2) + 40.0, 600))
    assert told(scores[:20])
    assert np.mean(scores[-300:] >= RECIPE.suspect_at) < 0.2


def test_a_new_phase_has_a_baseline_of_its_own() -> None:
    model, feed = layer(), Context(batch="B1", phase="feed")
    play(model, noise(600))
    scores = play(model, noise(400, seed=2) + 40.0, 600, feed)
    assert np.isnan(scores[: RECIPE.baseline_steps]).all()
    assert np.mean(np.nan_to_num(scores) >= RECIPE.suspect_at) < 0.02


def test_stopped_in_a_phase_it_knows_the_phase() -> None:
    one, other, feed = layer(), layer(), Context(batch="B1", phase="feed")
    play(one, noise(300), 0, feed)
    other.take_up(unpack(pack(one.state(), b"key"), b"key"))
    rows = noise(50, seed=4)
    np.testing.assert_array_equal(play(one, rows, 300, feed), play(other, rows, 300, feed))


def test_what_another_layer_doubts_is_judged_and_is_not_learnt() -> None:
    model = layer()
    play(model, noise(600))
    usual = model.state()["usual"]["mean"].copy()
    row, there = np.array([90.0]), np.ones(1, dtype=np.bool_)
    said = model.take(Step(601 * RECIPE.step_us, row, there, there, NO_BATCH), there)
    assert told(said.score)
    assert not said.learned.any()
    assert model.state()["usual"]["mean"].tolist() == usual.tolist()


@pytest.mark.parametrize("size", [1e9, 1e29, 1e300, -1e300])
def test_a_jump_of_any_size_has_a_score_that_does_not_end(size: float) -> None:
    model = layer()
    play(model, noise(300))
    scores = play(model, np.array([[size], [50.0], [size], [50.0]]), 300)
    assert np.isfinite(np.nan_to_num(scores, nan=0.0)).all()
    assert np.isfinite(play(model, noise(100, seed=5), 304)).all()


values = st.sampled_from([0.0, 5.0, -1e9, 1e29, 1e300, float("nan")])


@settings(deadline=None, max_examples=20)
@given(
    runs=st.lists(st.tuples(values, st.integers(1, 100)), max_size=5),
    backwards=st.booleans(),
)
def test_whatever_it_is_given_it_does_not_raise(runs: list[tuple[float, int]], *, backwards: bool) -> None:
    model = layer()
    at = 1000
    for value, times in runs:
        scores = play(model, np.full((times, 1), value), at)
        at += -3 * times if backwards else times
        assert (np.nan_to_num(scores) >= 0.0).all()


@settings(deadline=None, max_examples=8)
@given(st.integers(1, 399))
def test_it_goes_on_from_its_state_as_if_it_had_never_stopped(stop: int) -> None:
    rows = noise(400, 2, seed=stop)
    rows[np.random.default_rng(stop).random((400, 2)) < 0.1] = np.nan
    rows[200:205, 0] = 90.0
    one, other = layer(2), layer(2)
    play(one, rows[:stop])
    other.take_up(unpack(pack(one.state(), b"key"), b"key"))
    np.testing.assert_array_equal(play(one, rows[stop:], stop), play(other, rows[stop:], stop))


def test_what_was_kept_of_other_signals_is_refused() -> None:
    with pytest.raises(SnapshotRefused, match="other signals"):
        layer(1).take_up(layer(2).state())


def test_its_state_is_about_two_kilobytes_a_signal() -> None:
    model = layer(30)
    play(model, noise(100, 30))
    assert len(pack(model.state(), b"key")) / 30 <= 2200
    assert model.aspects.shape == (30, len(ASPECTS))
