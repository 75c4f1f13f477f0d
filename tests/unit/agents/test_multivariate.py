"""The unit as a whole: judged against its baseline, guarded in what it learns, and able to start anew."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents import state_codec
from agents.context import NO_BATCH, Context
from agents.models.multivariate import MultivariateLayer, MultivariateRecipe, shipped
from agents.models.step import Step
from schemas.errors import SnapshotRefused
from schemas.signals import spec

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from agents.models.step import UnitScore

SMALL = {
    "baseline_steps": 60,
    "calibration_steps": 30,
    "settle_steps": 10,
    "centre_steps": None,
    "early_excess": None,
}
KEY = b"a key of this test"
STEP_US = shipped().step_us
MIXING = np.random.default_rng(0).normal(size=(5, 5))


@lru_cache
def recipe(**changed: Any) -> MultivariateRecipe:
    return MultivariateRecipe.model_validate(shipped().model_dump() | SMALL | changed)


def layer(signals: int = 5, **changed: Any) -> MultivariateLayer:
    made = MultivariateLayer(recipe(**changed))
    for number in range(signals):
        made.add(f"signal {number}", None)
    return made


def normal(steps: int, seed: int = 1) -> NDArray[np.float64]:
    """Five signals that hang together, around 50."""
    return 50.0 + np.random.default_rng(seed).normal(size=(steps, 5)) @ MIXING


def step(
    at: int, values: Sequence[float] | NDArray[np.float64], *, fit: bool = True, context: Context = NO_BATCH
) -> Step:
    value = np.asarray(values, dtype=np.float64)
    there = np.isfinite(value)
    return Step((at + 1) * STEP_US, value, there, there & fit, context)


def play(
    model: MultivariateLayer, rows: Iterable[NDArray[np.float64]], begin: int = 0, **how: Any
) -> list[UnitScore | None]:
    return [
        model.take(step(at, row, **how), np.zeros(len(row), dtype=np.bool_))
        for at, row in enumerate(rows, start=begin)
    ]


def pack(state: Mapping[str, Any]) -> bytes:
    return state_codec.pack(state, KEY)


def kept(model: MultivariateLayer) -> Mapping[str, Any]:
    """The state of a model after its way through bytes."""
    return state_codec.unpack(pack(model.state()), KEY)


def said(scores: Iterable[UnitScore | None]) -> list[UnitScore]:
    return [score for score in scores if score is not None]


def same(one: UnitScore | None, other: UnitScore | None) -> bool:
    if one is None or other is None:
        return one is other
    return (one.score, one.suspect, one.learned, one.reason, one.contributions.tobytes()) == (
        other.score,
        other.suspect,
        other.learned,
        other.reason,
        other.contributions.tobytes(),
    )


def test_it_says_nothing_before_its_baseline_is_complete() -> None:
    scores = play(layer(), normal(200))
    assert scores[:90] == [None] * 90
    assert None not in scores[90:]


def test_with_a_margin_it_judges_while_it_is_calibrated() -> None:
    model = layer(early_excess=8.0)
    rows = normal(200)
    rows[75:80, 2] += 1000.0
    scores = play(model, rows)
    assert scores[:60] == [None] * 60
    suspected = [at for at, score in enumerate(scores[:90]) if score is not None and score.suspect]
    assert suspected[:3] == [77, 78, 79]
    assert suspected[-1] < 85
    assert not any(score.suspect for score in said(scores[90:]))


def test_calibration_leaves_out_what_is_suspected_meanwhile() -> None:
    guarded, credulous = layer(early_excess=8.0), layer()
    rows = normal(100)
    rows[70:75] += 1000.0
    for model in (guarded, credulous):
        play(model, rows)
    probe = normal(1, seed=3)[0] + 30.0
    scores = [said(play(model, [probe], 100))[0].score for model in (guarded, credulous)]
    assert scores[0] > 2.0 * scores[1]


def test_what_the_recipe_leaves_out_takes_no_part() -> None:
    model = layer(left_out=("signal 2",))
    rows = normal(200)
    rows[150:, 2] += 1000.0
    scores = said(play(model, rows))
    assert not any(score.suspect for score in scores)
    assert all(score.contributions[2] == 0.0 for score in scores)


def test_it_is_silent_in_the_stages_that_the_recipe_names() -> None:
    model = layer(silent_stages=("batch",))
    scores = play(model, normal(200), context=Context(batch="B1", phase="growth", stage="batch"))
    assert scores == [None] * 200
    told = said(play(model, normal(200, seed=2), 200, context=Context(batch="B1", phase="fed", stage="feed")))
    assert len(told) == 100


def test_scores_of_normal_steps_are_rarely_high() -> None:
    model = layer(baseline_steps=400, calibration_steps=200)
    scores = np.array([score.score for score in said(play(model, normal(5000)))])
    assert np.mean(scores > 2.0) < 0.02
    assert np.mean(scores > 1.0) > 0.01


def test_a_signal_that_leaves_the_others_is_suspected_and_named() -> None:
    model = layer()
    play(model, normal(300))
    rows = normal(20, seed=2)
    rows[:, 3] += 60.0
    last = said(play(model, rows, begin=300))[-1]
    assert last.suspect
    assert int(np.argmax(last.contributions)) == 3
    assert last.contributions.sum() == pytest.approx(1.0)
    assert "signal 3" in last.reason


def test_signals_that_come_apart_are_told_from_those_that_move_together() -> None:
    draw = np.random.default_rng(7)
    common = draw.normal(size=(400, 1))
    rows = common + 0.05 * draw.normal(size=(400, 5))
    model = layer()
    play(model, rows[:350])
    apart = rows[350:].copy()
    apart[:, 1] = -apart[:, 1] + 1.0
    assert "come apart" in said(play(model, apart, begin=350))[-1].reason


def test_it_learns_only_from_what_it_does_not_suspect() -> None:
    model = layer(learning="guarded")
    play(model, normal(300))
    calm = said(play(model, normal(10, seed=3), begin=300))
    wild = said(play(model, normal(10, seed=4) + 500.0, begin=310))
    assert all(score.learned for score in calm)
    assert not any(score.learned for score in wild)


def test_a_frozen_model_learns_nothing_after_its_baseline() -> None:
    model = layer(learning="frozen")
    play(model, normal(300))
    before = pack(model.state()["subspace"])
    assert not any(score.learned for score in said(play(model, normal(300, seed=3), begin=300)))
    assert pack(model.state()["subspace"]) == before


def test_a_guarded_model_follows_a_slow_change() -> None:
    drift = np.linspace(0.0, 20.0, 4000)[:, None]
    rows = normal(4000) + drift
    follows, stands = (
        layer(learning=learning, fading=0.02, rebaseline_after_steps=None)
        for learning in ("guarded", "frozen")
    )
    assert not said(play(follows, rows))[-1].suspect
    assert said(play(stands, rows))[-1].suspect


def test_what_another_layer_doubts_is_judged_but_not_learnt() -> None:
    doubted, trusted = layer(learning="guarded", refresh_steps=1), layer(learning="guarded", refresh_steps=1)
    for model in (doubted, trusted):
        play(model, normal(300))
    row = normal(1, seed=8)[0]
    everyone, nobody = np.ones(5, dtype=np.bool_), np.zeros(5, dtype=np.bool_)
    one, other = doubted.take(step(300, row), everyone), trusted.take(step(300, row), nobody)
    assert one is not None
    assert other is not None
    assert one.score == other.score
    assert (one.learned, other.learned) == (False, True)


@pytest.mark.parametrize("unfit", ["missing", "unfit"])
def test_what_is_missing_or_unfit_leaves_no_trace(unfit: str) -> None:
    with_gaps, without = layer(hold_steps=1000), layer(hold_steps=1000)
    rows = normal(400)
    for at, row in enumerate(rows):
        told = without.take(step(at * 2, row), np.zeros(5, dtype=np.bool_))
        assert same(told, with_gaps.take(step(at * 2, row), np.zeros(5, dtype=np.bool_)))
        wild = np.full(5, np.nan if unfit == "missing" else 1e9)
        assert with_gaps.take(step(at * 2 + 1, wild, fit=False), np.zeros(5, dtype=np.bool_)) is None


def test_signals_that_stand_still_wander_or_come_seldom_take_no_part() -> None:
    rows = normal(200)
    rows[:, 0] = 7.0
    rows[:, 1] = np.arange(200) * 3.0
    rows[np.arange(200) % 4 != 0, 2] = np.nan
    model = layer()
    last = said(play(model, rows))[-1]
    assert last.contributions[:3].tolist() == [0.0, 0.0, 0.0]
    assert last.contributions[3:].sum() == pytest.approx(1.0)


def test_a_new_phase_gets_a_baseline_of_its_own() -> None:
    model = layer()
    play(model, normal(200), context=Context(batch="B1", phase="batch", phase_since_us=0))
    feed = Context(batch="B1", phase="feed", phase_since_us=200 * STEP_US)
    scores = play(model, normal(200, seed=2) + 100.0, begin=200, context=feed)
    assert scores[:100] == [None] * 100
    assert not any(score.suspect for score in said(scores))
    assert model.rebaselines == 1


def test_a_new_set_point_gets_a_baseline_of_its_own() -> None:
    model = MultivariateLayer(recipe())
    for name in ("temperature", "pH", "temperature_setpoint"):
        model.add(name, spec(name))
    rows = normal(400)[:, :3]
    rows[:, 2] = 37.0
    rows[200:, 2] = 30.0
    rows[200:, 0] -= 7.0
    scores = play(model, rows)
    assert scores[199] is not None
    assert scores[200:300] == [None] * 100
    assert model.rebaselines == 1
    assert not any(score.suspect for score in said(scores))


def test_a_set_point_that_a_cascade_moves_a_little_every_step_asks_for_no_new_baseline() -> None:
    model = MultivariateLayer(recipe())
    for name in ("temperature", "pH", "agitation_setpoint"):
        model.add(name, spec(name))
    rows = normal(400)[:, :3]
    rows[:, 2] = 280.0 + np.random.default_rng(5).normal(0.0, 0.5, 400)
    scores = play(model, rows)
    assert model.rebaselines == 0
    assert scores[-1] is not None


def test_a_set_point_that_follows_a_profile_asks_for_no_new_baseline() -> None:
    model = MultivariateLayer(recipe())
    for name in ("temperature", "pH", "agitation_setpoint"):
        model.add(name, spec(name))
    rows = normal(400)[:, :3]
    rows[:, 2] = 0.0 + np.arange(400) // 10 * 50.0
    assert None not in play(model, rows)[90:]
    assert model.rebaselines == 0


def test_a_set_point_that_a_controller_moves_in_answer_to_a_fault_hides_nothing() -> None:
    model = MultivariateLayer(recipe())
    for name in ("DO", "pH", "agitation_setpoint"):
        model.add(name, spec(name))
    rows = normal(400)[:, :3]
    rows[:, 2] = 300.0
    rows[300:, 0] -= 200.0
    rows[305:, 2] = 900.0
    scores = play(model, rows)
    assert None not in scores[90:]
    assert said(scores)[-1].suspect


def test_after_a_dose_nothing_is_judged_or_learnt_for_a_while_and_the_baseline_stays() -> None:
    model = MultivariateLayer(recipe(dose_steps=20))
    for name in ("DO", "pH", "antifoam_rate"):
        model.add(name, spec(name))
    rows = normal(400)[:, :3]
    rows[:, 2] = 0.0
    rows[300:302, 2] = 1.0
    rows[300:315, 0] -= 200.0
    scores = play(model, rows)
    # It begins with the pump, and anew when that stops.
    assert scores[300:322] == [None] * 22
    assert None not in scores[90:300] + scores[322:]
    assert not any(score.suspect for score in said(scores))
    assert model.rebaselines == 0


def test_lasting_suspicion_ends_in_a_new_baseline_that_is_told() -> None:
    model = layer(rebaseline_after_steps=50)
    play(model, normal(300))
    scores = play(model, normal(400, seed=2) + 500.0, begin=300)
    told = said(scores)
    assert "new baseline" in [score for score in told if score.suspect][-1].reason
    assert not told[-1].suspect
    assert model.rebaselines == 1


def test_suspicion_has_hysteresis_and_waits_for_some_steps() -> None:
    model = layer(enter=4.0, leave=1.0, enter_steps=3)
    play(model, normal(300))
    scores = said(play(model, normal(10, seed=2) + 100.0, begin=300))
    assert [score.suspect for score in scores[:3]] == [False, False, True]
    back = said(play(model, normal(60, seed=3), begin=310))
    left = next(at for at, score in enumerate(back) if not score.suspect)
    assert all(score.score >= 1.0 for score in back[:left])
    assert back[left].score < 1.0


def test_the_score_of_ever_wilder_values_never_saturates() -> None:
    scores = []
    for power in range(2, 31, 4):
        model = layer()
        play(model, normal(200))
        row = normal(1, seed=2)[0]
        row[2] = 10.0**power
        scores.append(said(play(model, [row], begin=200))[0].score)
    assert np.isfinite(scores).all()
    assert (np.diff(scores) > 1.0).all()


def test_one_wild_value_is_soon_forgotten() -> None:
    model = layer()
    play(model, normal(200))
    wild = normal(1, seed=2)
    wild[0, 2] = 1e300
    play(model, wild, begin=200)
    assert not said(play(model, normal(30, seed=3), begin=201))[-1].suspect


def test_it_costs_little_memory() -> None:
    model = MultivariateLayer(shipped())
    for number in range(30):
        model.add(f"signal {number}", None)
    rows = np.random.default_rng(1).normal(size=(700, 30))
    largest = 0
    for at, row in enumerate(rows):
        model.take(step(at, row), np.zeros(30, dtype=np.bool_))
        if at in {0, 300, 500, 699}:
            largest = max(largest, len(pack(model.state())))
    assert largest <= 30 * 2048


@settings(max_examples=25, deadline=None)
@given(
    st.integers(0, 2**32),
    st.integers(0, 400),
    st.sampled_from([0, 2]),
    st.sampled_from(["frozen", "guarded"]),
)
def test_a_layer_restored_at_any_step_goes_on_bit_for_bit(
    seed: int, stop: int, lags: int, learning: str
) -> None:
    draw = np.random.default_rng(seed)
    rows = normal(440, seed=seed)
    rows[draw.random(rows.shape) < 0.05] = np.nan
    rows[300:330] += 40.0
    changed: dict[str, Any] = {
        "lags": lags,
        "centre_steps": 20 if lags else None,
        "learning": learning,
        "refresh_steps": 7,
        "rebaseline_after_steps": 25,
    }
    model = layer(**changed)
    play(model, rows[:stop])
    restored = layer(**changed)
    restored.take_up(kept(model))
    went_on = play(model, rows[stop:], begin=stop)
    resumed = play(restored, rows[stop:], begin=stop)
    assert all(same(*pair) for pair in zip(went_on, resumed, strict=True))
    assert pack(model.state()) == pack(restored.state())


def test_a_state_of_another_recipe_or_unit_or_a_torn_one_is_refused() -> None:
    model = layer()
    play(model, normal(100))
    state = dict(model.state())
    with pytest.raises(SnapshotRefused, match="is not of"):
        layer(lags=1).take_up(state)
    with pytest.raises(SnapshotRefused, match="other signals"):
        layer(4).take_up(state)
    del state["smoothing"]
    with pytest.raises(SnapshotRefused, match="torn"):
        layer().take_up(state)


def bad_inputs() -> dict[str, NDArray[np.float64]]:
    calm = normal(600)
    late, jump, huge, sparse = (calm.copy() for _ in range(4))
    late[:300, 2:] = np.nan
    jump[200:, 1] += 1e9
    huge[::7, 0] = 1e300
    sparse[np.arange(600) % 200 != 0] = np.nan
    return {
        "constant": np.full((600, 5), 3.0),
        "missing": np.full((600, 5), np.nan),
        "late": late,
        "jump": jump,
        "huge": huge,
        "sparse": sparse,
        "infinite": np.where(np.arange(600)[:, None] % 5 == 0, np.inf, calm),
        "one signal": calm[:, :1],
        "two values": np.sign(calm - 50.0),
        "tiny": calm * 1e-200,
        "repeated": np.repeat(calm[:, :1], 5, axis=1),
    }


@pytest.mark.parametrize("kind", bad_inputs())
@pytest.mark.parametrize("lags", [0, 1])
@pytest.mark.parametrize("learning", ["frozen", "guarded"])
def test_whatever_comes_it_answers_with_a_number_or_says_nothing(kind: str, lags: int, learning: str) -> None:
    rows = bad_inputs()[kind]
    model = layer(rows.shape[1], lags=lags, learning=learning, refresh_steps=5, centre_steps=30)
    for score in said(play(model, rows)):
        assert np.isfinite(score.score)
        assert score.score >= 0.0
        assert np.isfinite(score.contributions).all()


def test_a_clock_that_runs_backwards_only_breaks_the_recent_past() -> None:
    model = layer()
    play(model, normal(200))
    scores = said(play(model, normal(50, seed=2), begin=20))
    assert np.isfinite([score.score for score in scores]).all()
    assert not any(score.suspect for score in scores)


def test_a_signal_that_appears_late_waits_for_the_next_baseline() -> None:
    model = layer(3)
    play(model, normal(200)[:, :3])
    model.add("signal 3", None)
    model.add("signal 4", None)
    score = said(play(model, normal(1, seed=2), begin=200))[0]
    assert score.contributions.shape == (5,)
    assert score.contributions[3:].tolist() == [0.0, 0.0]
    restored = layer()
    restored.take_up(kept(model))
    rows = normal(20, seed=3)
    assert all(
        same(*pair)
        for pair in zip(play(model, rows, begin=201), play(restored, rows, begin=201), strict=True)
    )


def test_the_shipped_recipe_can_be_read_and_is_on_the_grid() -> None:
    assert shipped().step_us % 5_000_000 == 0
    assert replace(NO_BATCH, batch="B") != NO_BATCH
    with pytest.raises(ValueError, match="must not be above"):
        recipe(leave=9.0)
