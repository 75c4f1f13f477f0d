"""The one-step residuals of a unit: calibrated, guarded in what they learn, and able to start anew."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.context import NO_BATCH, Context
from agents.models.recipe import RiverModel
from agents.models.residual import LARGEST, ResidualLayer, shipped
from agents.models.step import Step
from agents.state_codec import pack, unpack
from schemas.errors import SnapshotRefused
from schemas.signals import spec

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from agents.models.step import SignalScores

RECIPE = shipped()
STEP_US = RECIPE.step_us
NOISE = 0.3


def layer(*names: str, **changed: Any) -> ResidualLayer:
    made = ResidualLayer(RECIPE.model_copy(update=changed))
    for name in names or ("DO",):
        made.add(name, spec(name))
    return made


def step(
    at: int,
    values: Sequence[float] | NDArray[np.float64],
    *,
    fresh: bool = True,
    fit: bool = True,
    context: Context = NO_BATCH,
) -> Step:
    value = np.asarray(values, dtype=np.float64)
    there = np.isfinite(value) & fresh
    return Step((at + 1) * STEP_US, value, there, there & fit, context)


def play(model: ResidualLayer, values: Iterable[float], begin: int = 0, **how: Any) -> list[SignalScores]:
    """Every signal of the layer has the same value."""
    count = len(model.ready)
    return [
        model.take(step(at, np.full(count, value), **how), np.zeros(count, dtype=np.bool_))
        for at, value in enumerate(values, start=begin)
    ]


def noisy(level: float, steps: int, seed: int = 0) -> list[float]:
    around: list[float] = (level + NOISE * np.random.default_rng(seed).standard_normal(steps)).tolist()
    return around


def trained(*names: str, steps: int = 400, **changed: Any) -> ResidualLayer:
    model = layer(*names, **changed)
    play(model, noisy(40.0, steps))
    return model


def test_it_is_silent_before_its_baseline() -> None:
    model = layer()
    told = play(model, noisy(40.0, RECIPE.baseline_steps + 5))
    silent = [bool(np.isnan(scores.score[0])) for scores in told]
    assert silent == [True] * (RECIPE.baseline_steps + 2) + [False] * 3
    assert model.ready[0]


def test_scores_of_healthy_samples_are_calibrated() -> None:
    names = [f"x{number}" for number in range(50)]
    model = layer(*names)
    random = np.random.default_rng(5)
    nothing = np.zeros(len(names), dtype=np.bool_)
    told = [
        model.take(step(at, 40.0 + NOISE * random.standard_normal(len(names))), nothing) for at in range(2000)
    ]
    scores = np.concatenate([scores.score for scores in told])
    scores = scores[np.isfinite(scores)]
    for level, within in ((1.0, 0.1), (2.0, 0.3), (3.0, 0.7)):
        assert np.mean(scores >= level) == pytest.approx(10**-level, rel=within)


def test_what_it_expects_is_what_single_samples_are_scored_against() -> None:
    model = trained("DO", "pH")
    expected, spread = model.expected.copy(), model.spread.copy()
    slots = np.array([1, 0])
    scores = model.score_of(np.array([39.0, 44.0]), expected[slots], spread[slots], slots)
    told = model.take(step(400, [44.0, 39.0]), np.zeros(2, dtype=np.bool_))
    assert told.score.tolist() == pytest.approx(scores[::-1].tolist())
    assert told.expected.tolist() == expected.tolist()
    of_ten = model.score_of(np.array([44.0]), expected[:1], spread[:1], np.array([0]), 10)
    assert of_ten[0] == pytest.approx(scores[1] - 1.0)


def test_outliers_within_the_baseline_are_left_out_of_it() -> None:
    clean, dirty = trained(steps=100), layer()
    for at, value in enumerate(noisy(40.0, 100)):
        play(dirty, [1e9 if at == 30 else value], at, fit=at != 30)
    assert dirty.spread[0] == pytest.approx(clean.spread[0], rel=0.5)


def test_it_learns_from_what_it_does_not_suspect_and_from_nothing_else() -> None:
    model = trained()
    assert play(model, [40.2])[0].learned[0]
    spread = float(model.spread[0])
    for scores in play(model, [55.0] * 50):
        assert scores.suspect[0]
        assert not scores.learned[0]
    assert model.spread[0] == spread
    assert model.expected[0] == pytest.approx(40.0, abs=3.0)


def test_it_does_not_learn_what_others_doubt() -> None:
    model = trained()
    spread = float(model.spread[0])
    scores = model.take(step(400, [40.5]), np.array([True]))
    assert not scores.learned[0]
    assert not scores.suspect[0]
    assert model.spread[0] == spread


def test_it_goes_on_where_a_single_outlier_is_over() -> None:
    model = trained()
    assert [bool(scores.suspect[0]) for scores in play(model, [55.0, 40.1])] == [True, False]


def test_a_ramp_that_it_has_learned_is_not_suspect() -> None:
    random = np.random.default_rng(3)
    values = [0.05 * at + 0.01 * float(random.standard_normal()) for at in range(1000)]
    told = play(layer("x"), values)
    assert np.mean([scores.learned[0] for scores in told[200:]]) > 0.99


def test_after_long_suspicion_it_takes_a_new_baseline() -> None:
    model = trained()
    told = play(model, noisy(55.0, 400, seed=1))
    learned = [bool(scores.learned[0]) for scores in told]
    assert model.rebaselines[0] == 1
    assert learned.index(True) >= RECIPE.rebaseline_steps + RECIPE.baseline_steps
    assert model.ready[0]
    assert model.expected[0] == pytest.approx(55.0, abs=1.0)


def test_held_values_move_the_forecast_on_and_say_nothing_of_the_spread() -> None:
    model = trained()
    spread = float(model.spread[0])
    told = play(model, [40.0] * 100, fresh=False)
    assert model.spread[0] == spread
    assert model.expected[0] == pytest.approx(40.0, abs=0.1)
    assert all(np.isnan(scores.score[0]) for scores in told)


def test_a_constant_signal_has_a_spread_that_its_noise_gives() -> None:
    model = layer("DO", "x")
    play(model, [50.0] * 200)
    assert model.spread.tolist() == pytest.approx([RECIPE.spread_noise * 0.3, RECIPE.spread_relative * 50.0])


def test_a_signal_that_comes_once_in_a_while_is_judged_by_its_samples_alone() -> None:
    """Report by exception: a value is sent where it moved by a deadband, and holds in between."""
    random = np.random.default_rng(4)
    model = layer("x")
    truth = 40.0 + 0.02 * random.standard_normal(5_000).cumsum()
    sent, suspects, fresh = truth[0], 0, 0
    for at, value in enumerate(truth.tolist()):
        news = abs(value - sent) >= 0.1
        sent = value if news else sent
        scores = play(model, [sent], at, fresh=bool(news))[0]
        suspects += int(scores.suspect[0])
        fresh += int(np.isfinite(scores.score[0]))
    assert fresh > 100
    assert suspects / fresh < 0.01


def test_a_new_phase_is_a_new_baseline_after_a_time_of_grace() -> None:
    model = layer("DO", "pH")
    context = Context(batch="B1", phase="batch")
    play(model, noisy(40.0, 400), context=context)
    told = play(model, noisy(70.0, 200), 400, context=replace(context, phase="feed"))
    assert not any(scores.suspect.any() for scores in told)
    assert model.rebaselines.tolist() == [1, 1]
    silent = sum(bool(np.isnan(scores.score[0])) for scores in told)
    assert silent == pytest.approx(RECIPE.baseline_steps + RECIPE.grace_steps, abs=4)


def test_a_moved_set_point_gives_its_own_signals_a_new_baseline_and_no_other() -> None:
    names = ("DO", "DO_2", "DO_setpoint", "pH")
    model = layer(*names)
    for at, value in enumerate(noisy(40.0, 400)):
        model.take(step(at, [value, value, 40.0, value]), np.zeros(4, dtype=np.bool_))
    told = model.take(step(400, [40.0, 40.0, 60.0, 40.0]), np.zeros(4, dtype=np.bool_))
    assert np.isnan(told.score[2])
    assert model.rebaselines.tolist() == [1, 1, 0, 0]
    assert model.ready.tolist() == [False, False, False, True]


def test_a_total_that_is_set_back_to_zero_is_counted_from_there_without_suspicion() -> None:
    model = layer("base_total", "x")
    random = np.random.default_rng(6)
    counted = 0.01 * np.arange(400) + 0.001 * random.standard_normal(400)
    play(model, counted)
    told = play(model, counted[:200], 400)
    assert not any(scores.suspect[0] for scores in told)
    assert any(scores.suspect[1] for scores in told)
    assert model.rebaselines[0] == 1
    assert model.ready[0]


def test_a_dose_of_antifoam_gives_foam_and_oxygen_a_new_baseline_and_nothing_else() -> None:
    model = layer("foam", "DO", "pH", "antifoam_rate")
    nobody = np.zeros(4, dtype=np.bool_)
    for at, level in enumerate(noisy(40.0, 400)):
        model.take(step(at, [level, level, level / 6.0, 0.0]), nobody)
    told = [
        model.take(step(400 + at, [level, level + 10.0, (level + 15.0) / 6.0, 0.5]), nobody)
        for at, level in enumerate(noisy(25.0, 60))
    ]
    assert not any(scores.suspect[0] or scores.suspect[1] for scores in told)
    assert model.rebaselines.tolist() == [1, 1, 0, 0]


@pytest.mark.parametrize("drawn", [-8.0, 5.0])
def test_what_is_drawn_from_or_put_on_the_scales_is_one_step_and_no_more(drawn: float) -> None:
    model = trained("weight", "DO")
    told = play(model, noisy(40.0 + drawn, 100, seed=1), 400)
    assert told[0].suspect.all()
    assert [bool(scores.suspect[0]) for scores in told[1:]].count(True) == 0
    assert all(scores.suspect[1] for scores in told[1:20])
    assert model.expected[0] == pytest.approx(40.0 + drawn, abs=0.5)
    assert model.rebaselines[0] == 0


def test_a_dose_that_a_total_counts_is_one_step_and_a_pump_that_runs_on_stays_suspect() -> None:
    model = layer("antifoam_total")
    play(model, [2.0] * 400)
    told = play(model, [2.5] * 100, 400)
    assert [bool(scores.suspect[0]) for scores in told] == [True, *[False] * 99]
    running = play(model, 2.5 + 0.1 * np.arange(1, 31), 500)
    assert all(scores.suspect[0] for scores in running)


def test_a_signal_that_is_sampled_seldom_stays_suspect_until_its_next_sample() -> None:
    model = trained()
    assert play(model, [60.0], 400)[0].suspect[0]
    assert all(scores.suspect[0] for scores in play(model, [60.0] * 5, 401, fresh=False))
    assert not play(model, [40.0], 406)[0].suspect[0]


def test_a_frozen_recipe_learns_no_spread_once_it_has_settled() -> None:
    frozen, guarded = (
        layer("x", learning=learning, settle_steps=100, tail_memory=100) for learning in ("frozen", "guarded")
    )
    quiet = noisy(40.0, 300)
    loud = [40.0 + 2.0 * (value - 40.0) for value in noisy(40.0, 600, seed=2)]
    for model in (frozen, guarded):
        play(model, quiet)
    settled = float(frozen.spread[0])
    for model in (frozen, guarded):
        play(model, loud, 300)
    assert frozen.spread[0] == pytest.approx(settled)
    assert guarded.spread[0] > 1.5 * settled


def test_any_forecaster_of_river_may_take_the_bank_s_place() -> None:
    model = layer("x", predictor=RiverModel(model="SNARIMAX", parameters={"p": 2, "d": 1, "q": 0}))
    told = play(model, noisy(0.5, 300))
    assert np.isfinite(told[-1].score[0])
    assert play(model, [60.0], 300)[0].suspect[0]


values = st.one_of(
    st.floats(-1e30, 1e30),
    st.sampled_from([0.0, 1e9, -1e9, 1e-300, 1e300, -1.7e308, float("nan"), float("inf")]),
)


@settings(deadline=None, max_examples=25)
@given(
    st.lists(st.tuples(values, st.booleans(), st.booleans(), st.integers(1, 90)), max_size=8),
    st.sampled_from(["x", "DO", "DO_setpoint"]),
)
def test_whatever_it_is_given_it_expects_a_number(
    runs: list[tuple[float, bool, bool, int]], name: str
) -> None:
    model = layer(name)
    at = 0
    for value, fresh, fit, times in runs:
        for _ in range(times):
            scores = play(model, [value], at, fresh=fresh, fit=fit)[0]
            at = at + 1 if fit else at - 3
            assert np.isfinite(model.expected).all()
            assert np.isfinite(model.spread).all()
            assert (model.spread > 0.0).all()
            if not np.isnan(scores.score[0]):
                assert 0.0 <= scores.score[0] < np.inf


@settings(deadline=None, max_examples=10)
@given(st.integers(1, 299), st.sampled_from(["HoltWinters", "SNARIMAX"]))
def test_it_goes_on_from_its_state_as_if_it_had_never_stopped(stop: int, predictor: str) -> None:
    parameters: dict[str, float | int] = {"p": 1, "d": 1, "q": 0}
    if predictor == "HoltWinters":
        parameters = {"alpha": 0.3, "beta": 0.05}
    changed = {"predictor": RiverModel(model=predictor, parameters=parameters)}
    names = ("DO", "x", "DO_setpoint")
    random = np.random.default_rng(stop)
    rows = 40.0 + NOISE * random.standard_normal((300, 3))
    rows[:, 2] = np.where(np.arange(300) < 200, 40.0, 50.0)
    rows[random.random((300, 3)) < 0.1] = np.nan
    rows[150:160, 1] = 90.0
    one, other = layer(*names, **changed), layer(*names, **changed)
    nothing = np.zeros(3, dtype=np.bool_)
    for at in range(stop):
        one.take(step(at, rows[at]), nothing)
    other.take_up(unpack(pack(one.state(), b"key"), b"key"))
    for at in range(stop, 300):
        told, again = (model.take(step(at, rows[at]), nothing) for model in (one, other))
        for part in ("expected", "spread", "score", "suspect", "learned"):
            np.testing.assert_array_equal(getattr(told, part), getattr(again, part))


def test_what_was_kept_of_other_signals_is_refused() -> None:
    with pytest.raises(SnapshotRefused, match="other signals"):
        layer("DO").take_up(layer("pH").state())


def test_its_state_is_at_most_a_kilobyte_and_a_half_a_signal() -> None:
    model = trained(*[f"x{number}" for number in range(30)], steps=100)
    assert len(pack(model.state(), b"key")) / 30 <= 1500


def test_a_value_too_large_to_be_a_reading_is_scored_but_never_learnt() -> None:
    model = trained()
    scores = play(model, [1e308])[0]
    assert scores.suspect[0]
    assert np.isfinite(scores.score[0])
    assert abs(model.expected[0]) < LARGEST
