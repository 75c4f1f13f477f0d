"""The batch envelope: what few batches allow to be said, and that it says no more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from agents.context import NO_BATCH, Context
from agents.models import reference_batches
from agents.models.envelope import BatchEnvelope, shipped
from agents.models.golden import Envelope, EnvelopeRecipe, ReferenceBatch, build
from agents.models.maturity import MaturityClock, maturity
from agents.models.small_sample import t_tail
from agents.models.step import Step, UnitScore
from agents.state_codec import pack, unpack
from schemas.errors import SnapshotRefused

if TYPE_CHECKING:
    from numpy.typing import NDArray

NAMES = ("DO", "feed_rate", "temperature", "base_pump")
ROWS = 400
STEP_S = 10.0


def recipe(**other: Any) -> EnvelopeRecipe:
    return EnvelopeRecipe.model_validate(shipped().model_dump() | {"least_batches": 4} | other)


def course(seed: int, rows: int = ROWS) -> NDArray[np.float64]:
    """A batch: DO falls, the feed follows a recipe, temperature and base pump are controlled."""
    random = np.random.default_rng(seed)
    at = np.arange(rows)
    return np.column_stack(
        [
            80.0 - 0.1 * at + random.normal(0.0, 2.0) + random.normal(0.0, 0.3, rows),
            np.where(at < 150, 1.0, 2.0),
            37.0 + random.normal(0.0, 0.02, rows),
            np.maximum(0.0, 30.0 + random.normal(0.0, 3.0, rows)),
        ]
    )


def seconds(rows: int) -> NDArray[np.float64]:
    return np.arange(rows, dtype=np.float64) * STEP_S


def reference(seed: int, rows: int = ROWS) -> ReferenceBatch:
    return ReferenceBatch(f"B{seed}", seconds(rows), ("feed",) * rows, course(seed, rows))


def envelope(count: int = 8, made: EnvelopeRecipe | None = None) -> Envelope:
    return build(made or recipe(), NAMES, [reference(seed) for seed in range(count)])


def step(row: int, value: NDArray[np.float64], context: Context | None = None) -> Step:
    known = np.isfinite(value)
    if context is None:
        context = Context(batch="B", phase="feed", batch_since_us=0, phase_since_us=0)
    return Step(round(row * STEP_S * 1e6), value, known, known, context)


def layer(known: Envelope | None, made: EnvelopeRecipe | None = None) -> BatchEnvelope:
    judge = BatchEnvelope(made or recipe(), known)
    for name in NAMES:
        judge.add(name, None)
    return judge


def run(judge: BatchEnvelope, values: NDArray[np.float64], first: int = 0) -> list[UnitScore | None]:
    doubted = np.zeros(len(NAMES), dtype=np.bool_)
    return [judge.take(step(first + row, value), doubted) for row, value in enumerate(values)]


def suspects(said: list[UnitScore | None]) -> list[int]:
    return [row for row, one in enumerate(said) if one is not None and one.suspect]


def test_below_its_minimum_of_batches_it_says_so_and_stays_silent() -> None:
    made = recipe(least_batches=10)
    judge = layer(envelope(3, made), made)
    assert judge.standing == "not enough batches (3 of 10)"
    first, *rest = run(judge, course(99))
    assert first is not None
    assert (first.score, first.suspect, first.reason) == (0.0, False, judge.standing)
    assert rest == [None] * (ROWS - 1)


def test_a_recipe_may_set_its_own_minimum() -> None:
    made = recipe(least_batches=3)
    assert layer(envelope(3, made), made).standing == ""


def test_another_good_batch_is_not_suspected() -> None:
    for seed in range(100, 110):
        assert suspects(run(layer(envelope()), course(seed))) == []


def test_scores_of_good_batches_are_tail_probabilities() -> None:
    scores = []
    for seed in range(100, 130):
        judge = layer(envelope())
        for row, value in enumerate(course(seed)):
            judge.take(step(row, value), np.zeros(len(NAMES), dtype=np.bool_))
            if judge.signals is not None and row > judge.recipe.grace_steps:
                scores.append(judge.signals.score)
    seen = np.concatenate(scores)
    for score in (1.0, 2.0, 3.0):
        # Conservative: Bonferroni's bound, and few batches; never too loud by more than a factor of two.
        assert np.mean(seen >= score) <= 2.0 * 10.0**-score


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("feed_rate", 1.0, "feed_rate"),
        ("temperature", 38.0, "temperature"),
        ("DO", 5.0, "DO"),
    ],
)
def test_a_signal_off_its_course_is_named_within_a_few_steps(name: str, value: float, reason: str) -> None:
    values = course(99)
    values[200:240, NAMES.index(name)] = value
    said = run(layer(envelope()), values)
    found = [row for row in suspects(said) if row >= 200]
    assert found
    assert found[0] <= 203
    first = said[found[0]]
    assert first is not None
    assert first.reason.startswith(reason)
    assert int(np.argmax(first.contributions)) == NAMES.index(name)
    assert first.contributions.sum() == pytest.approx(1.0)


def test_an_actuator_that_stands_still_is_suspected_though_its_value_is_usual() -> None:
    values = course(99)
    values[200:230, 3] = 30.0
    said = run(layer(envelope()), values)
    found = suspects(said)
    assert 201 <= found[0] <= 206
    first = said[found[0]]
    assert first is not None
    assert first.reason == "base_pump stands still to the last digit"


def test_what_good_batches_hold_may_stand_still() -> None:
    said = run(layer(envelope()), course(99))
    assert all(one is None or "feed_rate" not in one.reason for one in said)


def test_a_batch_that_comes_back_to_its_course_is_not_suspected_for_coming_back() -> None:
    values = course(99)
    values[200:260, 2] += np.linspace(0.5, 1.5, 60)
    values[260:300, 2] += np.linspace(1.5, 0.0, 40)
    found = suspects(run(layer(envelope()), values))
    assert any(200 <= row < 260 for row in found)
    assert not any(row >= 285 for row in found)


def test_a_lasting_deviation_is_taken_for_the_batchs_own_level_after_a_while() -> None:
    values = course(99)
    values[150:, 2] += 1.0
    made = recipe(rebaseline_after_s=300.0)
    judge = layer(envelope(8, made), made)
    found = suspects(run(judge, values))
    assert found
    assert max(found) < 220
    assert judge.rebaselines == 1


def test_a_longer_batch_is_judged_as_far_as_references_came_and_only_for_standing_still_beyond() -> None:
    values = course(99, ROWS + 100)
    values[ROWS + 20 :, 0] = 1e6
    values[ROWS + 20 :, 0] += np.arange(80)
    assert suspects(run(layer(envelope()), values)) == []
    values[ROWS + 50 :, 3] = 30.0
    assert suspects(run(layer(envelope()), values))


def test_a_shorter_reference_batch_counts_as_far_as_it_came() -> None:
    batches = [reference(seed, ROWS if seed else ROWS // 2) for seed in range(5)]
    made = build(recipe(), NAMES, batches).segments["feed"]
    assert made.low.shape[0] == ROWS
    assert np.isfinite(made.low).all()
    assert made.batches[0] == 5
    assert made.batches[-1] == 4


def test_outside_batches_it_is_silent_and_in_unknown_phases_too_once_it_has_said_so() -> None:
    judge = layer(envelope())
    doubted = np.zeros(len(NAMES), dtype=np.bool_)
    other = Context(batch="B", phase="harvest", batch_since_us=0, phase_since_us=0)
    assert judge.take(step(5, course(99)[5], NO_BATCH), doubted) is None
    said = judge.take(step(6, course(99)[6], other), doubted)
    assert said is not None
    assert (said.score, said.reason) == (0.0, "too few reference batches had the phase harvest")
    assert judge.take(step(7, course(99)[7], other), doubted) is None


def test_maturity_is_the_first_indicator_that_every_batch_has() -> None:
    made = recipe(indicators=("phase_time", "volume_fed", "batch_age"))
    rows = seconds(50)
    values = np.ones((50, 2))
    phased = [ReferenceBatch(str(n), rows, ("feed",) * 50, values) for n in range(4)]
    unphased = [ReferenceBatch(str(n), rows, (None,) * 50, values) for n in range(4)]
    assert build(made, ("DO", "pH"), phased).indicator == "phase_time"
    assert build(made, ("DO", "pH"), unphased).indicator == "batch_age"
    fed = recipe(indicators=("volume_fed", "batch_age"))
    assert build(fed, ("DO", "feed_total"), phased).indicator == "volume_fed"
    assert build(fed, ("DO", "pH"), phased).indicator == "batch_age"


def test_batches_that_are_fed_at_different_speeds_agree_at_equal_volume_fed() -> None:
    made = recipe(indicators=("volume_fed",), spread_floor=0.02, points_most=200)

    def batch(seed: int, speed: float) -> ReferenceBatch:
        rows = round(400 / speed)
        fed = np.arange(rows) * 0.01 * speed
        noise = np.random.default_rng(seed).normal(0.0, 0.2, rows)
        return ReferenceBatch(
            str(seed),
            seconds(rows),
            ("feed",) * rows,
            np.column_stack([fed, 5.0 * fed**2 + noise]),
        )

    known = build(made, ("feed_total", "OD"), [batch(n, 0.8 + 0.05 * n) for n in range(8)])
    judge = BatchEnvelope(made, known)
    judge.add("feed_total", None)
    judge.add("OD", None)
    other = batch(99, 0.7)
    context = Context(batch="B", phase="feed", batch_since_us=0, phase_since_us=0)
    said = [
        judge.take(step(row, value, context), np.zeros(2, dtype=np.bool_))
        for row, value in enumerate(other.value)
    ]
    assert suspects(said) == []


@given(st.lists(st.floats(0.0, 5.0), min_size=2, max_size=60))
def test_the_live_clock_of_maturity_agrees_with_that_of_a_stored_batch(fed: list[float]) -> None:
    total = np.cumsum(fed)
    stored = maturity("volume_fed", seconds(total.size), total)
    clock = MaturityClock("volume_fed", STEP_S)
    context = Context(batch="B", phase="feed", batch_since_us=0, phase_since_us=0)
    live = []
    for row, reading in enumerate(total.tolist()):
        clock.move(row * 10_000_000, context, reading)
        live.append(clock.reached)
    assert live == pytest.approx(stored.tolist(), rel=1e-9, abs=1e-9)


def test_who_comes_late_into_a_phase_does_not_pretend_to_know_what_was_fed_before() -> None:
    made = recipe(indicators=("volume_fed",))
    names = ("DO", "feed_total")
    fed = np.column_stack([np.full(300, 40.0), np.arange(300) * 0.01])
    known = build(made, names, [ReferenceBatch(str(n), seconds(300), ("feed",) * 300, fed) for n in range(4)])
    judge = BatchEnvelope(made, known)
    for name in names:
        judge.add(name, None)
    said = [judge.take(step(row, fed[row]), np.zeros(2, dtype=np.bool_)) for row in range(100, 300)]
    assert said[0] is not None
    assert "came too late" in said[0].reason
    assert set(said[1:]) == {None}
    after = Context(batch="C", phase="feed", batch_since_us=3_000_000_000, phase_since_us=3_000_000_000)
    begun = [judge.take(step(300 + row, fed[row], after), np.zeros(2, dtype=np.bool_)) for row in range(50)]
    assert None not in begun


def test_what_the_instrument_itself_is_not_sure_of_is_no_difference() -> None:
    still = course(99)
    rng = np.random.default_rng(7)
    still[:, 2] = 37.0 + rng.normal(0.0, 0.001, ROWS)
    batches = [ReferenceBatch(str(seed), seconds(ROWS), ("feed",) * ROWS, still) for seed in range(8)]
    moved = still.copy()
    moved[100:, 2] += 0.03
    loud, quiet = (build(recipe(spread_noise=noise), NAMES, batches) for noise in (0.0, 1.0))
    assert suspects(run(layer(loud), moved))
    assert suspects(run(layer(quiet), moved)) == []


def test_a_phase_of_more_steps_than_points_is_judged_no_more_loudly() -> None:
    made = recipe(points_most=40)
    known = envelope(8, made)
    assert known.segments["feed"].low.shape[0] < ROWS / 9
    for seed in range(100, 110):
        assert suspects(run(layer(known, made), course(seed))) == []


def test_a_score_is_the_tail_of_students_t_and_never_saturates() -> None:
    t = np.array([0.0, 0.5, 3.0, 12.0])
    for freedom in (1.0, 2.0, 7.5, 400.0):
        expected = -np.log10(2.0 * stats.t.sf(t, freedom))
        assert t_tail(t, freedom) == pytest.approx(expected, rel=1e-9, abs=1e-12)
    far = t_tail(np.array([1e3, 1e10, 1e30, 1e100, 1e300]), 9.0)
    assert np.isfinite(far).all()
    assert (np.diff(far[:4]) > 0.0).all()


@settings(max_examples=15, deadline=None)
@given(st.integers(1, ROWS - 1), st.integers(0, 2**20))
def test_restored_anywhere_it_goes_on_as_if_it_had_never_stopped(stop: int, seed: int) -> None:
    values = course(99)
    random = np.random.default_rng(seed)
    values[random.random(values.shape) < 0.1] = np.nan
    values[random.integers(0, ROWS), random.integers(0, 4)] = 1e9
    known = envelope(4)
    whole = layer(known)
    before = run(whole, values[:stop])
    kept = whole.state()
    after = BatchEnvelope(recipe(), known)
    after.take_up(kept)
    del before
    for one, two in zip(run(whole, values[stop:], stop), run(after, values[stop:], stop), strict=True):
        assert (one is None) == (two is None)
        if one is not None and two is not None:
            assert (one.score, one.suspect, one.reason) == (two.score, two.suspect, two.reason)
            assert np.array_equal(one.contributions, two.contributions)


def test_a_memory_of_other_reference_batches_is_refused() -> None:
    kept = layer(envelope(4)).state()
    with pytest.raises(SnapshotRefused, match="other reference batches"):
        layer(envelope(5)).take_up(kept)


def test_the_same_batches_make_the_same_digest_and_others_another() -> None:
    assert envelope(4).digest == envelope(4).digest
    assert envelope(4).digest != envelope(5).digest


def test_the_order_of_the_batches_does_not_change_the_digest() -> None:
    batches = [reference(seed) for seed in range(6)]
    other = build(recipe(), NAMES, batches[::-1])
    assert other.digest == envelope(6).digest
    assert other.batches == envelope(6).batches


def test_a_memory_is_small() -> None:
    kept = layer(envelope(4)).state()["filters"]
    assert sum(values.nbytes for values in kept.values()) <= 100 * len(NAMES)


@pytest.mark.parametrize(
    "values",
    [
        np.full((50, 4), np.nan),
        np.full((50, 4), 7.0),
        np.resize(np.array([1.0, 1e9, -1e300, 1e300, np.inf, -np.inf, 0.0]), (50, 4)),
    ],
    ids=["missing", "constant", "huge"],
)
def test_whatever_comes_it_neither_raises_nor_shows_nan(values: NDArray[np.float64]) -> None:
    judge = layer(envelope(4))
    doubted = np.zeros(4, dtype=np.bool_)
    for row in [*range(50), 3, 2, 1, 40_000]:
        said = judge.take(step(row, values[row % 50]), doubted)
        if said is not None:
            assert np.isfinite(said.score)
            assert np.isfinite(said.contributions).all()


def test_an_envelope_of_constant_or_missing_references_is_built_without_complaint() -> None:
    value = np.column_stack([np.full(30, 5.0), np.full(30, np.nan), np.zeros(30), np.arange(30.0)])
    batches = [ReferenceBatch(str(n), seconds(30), ("feed",) * 30, value) for n in range(4)]
    judge = layer(build(recipe(), NAMES, batches))
    assert suspects(run(judge, value)) == []


def test_a_reference_batch_whose_arrays_do_not_fit_is_refused() -> None:
    wrong = ReferenceBatch("B1", seconds(3), ("feed",) * 3, np.zeros((3, 2)))
    with pytest.raises(ValueError, match="B1 has"):
        build(recipe(), NAMES, [wrong])


def test_a_kept_envelope_is_the_same_after_it_went_through_the_codec() -> None:
    known = envelope(4)
    kept = unpack(pack(reference_batches.told(known), b"key"), b"key")
    again = reference_batches.read(kept)
    assert again.digest == known.digest
    one, two = layer(known), layer(again)
    for first, second in zip(run(one, course(99)), run(two, course(99)), strict=True):
        assert (first and first.score) == (second and second.score)


def test_something_else_is_no_envelope() -> None:
    with pytest.raises(SnapshotRefused, match="no batch envelope"):
        reference_batches.read({"schema": "other"})


def test_a_stored_batch_comes_onto_the_grid_with_its_phases_and_without_stale_values() -> None:
    times = np.array([0, 12_000_000, 21_000_000], dtype=np.int64)
    samples = {"DO": (times, np.array([1.0, 2.0, 3.0]))}
    phases = [(0, "batch"), (20_000_000, "feed")]
    stored = reference_batches.StoredBatch("B1", 0, 60_000_000, phases, samples)
    found = reference_batches.on_grid(stored, ("DO", "pH"), step_s=10.0, hold_s=20.0)
    assert found.time_s.tolist() == [10.0, 20.0, 30.0, 40.0, 50.0, 60.0]
    assert found.phase == ("batch", "batch", "feed", "feed", "feed", "feed")
    assert found.value[:, 0].tolist()[:4] == [1.0, 2.0, 3.0, 3.0]
    assert np.isnan(found.value[4:, 0]).all()
    assert np.isnan(found.value[:, 1]).all()


def test_a_signal_that_appears_late_is_judged_from_then_on() -> None:
    judge = BatchEnvelope(recipe(), envelope())
    values = course(99)
    values[200:, 3] = 30.0
    judge.add("DO", None)
    for row in range(100):
        judge.take(step(row, values[row, :1]), np.zeros(1, dtype=np.bool_))
    judge.add("unheard_of", None)
    judge.add("base_pump", None)
    said = [
        judge.take(step(row, values[row, [0, 1, 3]]), np.zeros(3, dtype=np.bool_)) for row in range(100, 300)
    ]
    found = [100 + row for row in suspects(said)]
    assert 201 <= found[0] <= 206
