"""Uneven samples become even steps: in order, each once, whatever devices, frames and clocks do."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.context import NO_BATCH
from agents.models.grid import HOLD_US, LONGEST_HOLD_US, MOST_HELD, MOST_STEPS, WAIT_US, Coarser, Grid
from agents.samples import Samples
from agents.state_codec import pack, unpack

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agents.models.step import Step

S_US = 1_000_000
STEP_US = 5 * S_US


def grid(signals: int = 1, *, held: bool = False) -> Grid:
    made = Grid(STEP_US)
    for _ in range(signals):
        made.add(held=held)
    return made


def samples(runs: dict[int, dict[float, float]]) -> Samples:
    """By slot, values by second."""
    counts = np.array([len(run) for run in runs.values()])
    times = [round(at * S_US) for run in runs.values() for at in run]
    values = [value for run in runs.values() for value in run.values()]
    return Samples(
        np.array(list(runs), dtype=np.intp),
        counts,
        np.cumsum(counts) - counts,
        np.array(times, dtype=np.int64),
        np.array(values, dtype=np.float64),
    )


def send(
    it: Grid,
    runs: dict[int, dict[float, float]],
    *,
    device: str = "d",
    now_s: float = 0.0,
    unfit: Sequence[int] = (),
) -> list[Step]:
    done: list[Step] = []
    mask = np.zeros(it._value.size, dtype=np.bool_)
    mask[list(unfit)] = True
    for index, within in it.hear(device, samples(runs), round(now_s * S_US)):
        done += it.complete(index, NO_BATCH)
        it.put(index, within, mask)
    return done + list(it.complete(None, NO_BATCH))


def ends(steps: Sequence[Step]) -> list[float]:
    return [step.end_us / S_US for step in steps]


def test_a_step_is_complete_when_its_device_has_come_past_its_end() -> None:
    it = grid()
    assert send(it, {0: {0: 1.0, 4: 2.0}}) == []
    (step,) = send(it, {0: {5: 3.0}})
    assert (step.end_us, step.value[0], step.fresh[0], step.fit[0]) == (STEP_US, 2.0, True, True)


def test_a_frame_may_hold_several_steps() -> None:
    steps = send(grid(), {0: {float(second): second for second in range(23)}})
    assert ends(steps) == [5, 10, 15, 20]
    assert [step.value[0] for step in steps] == [4, 9, 14, 19]


@given(st.lists(st.integers(1, 299), max_size=12))
def test_steps_do_not_depend_on_how_the_samples_are_framed(cuts: list[int]) -> None:
    def play(edges: list[int]) -> list[tuple[int, float]]:
        it, steps = grid(), []
        for start, stop in pairwise(edges):
            steps += send(it, {0: {float(at): float(at) for at in range(start, stop)}})
        return [(step.end_us, step.value[0]) for step in steps]

    assert play([0, *sorted(set(cuts)), 300]) == play([0, 300])


def test_a_step_without_a_sample_holds_the_last_value_and_is_not_fresh() -> None:
    it = grid(2)
    send(it, {0: {1: 1.0}, 1: {1: 7.0}})
    send(it, {0: {6: 2.0}})
    (step,) = send(it, {0: {11: 3.0}})
    assert step.value.tolist() == [2.0, 7.0]
    assert step.fresh.tolist() == [True, False]
    assert step.fit.tolist() == [True, False]


def test_a_value_is_not_held_for_ever() -> None:
    it = grid(2)
    send(it, {0: {1: 1.0}, 1: {1: 7.0}})
    late = [step for at in range(5, 1300, 5) for step in send(it, {0: {at: 1.0}})]
    first = next(step for step in late if np.isnan(step.value[1]))
    assert first.end_us == pytest.approx(HOLD_US, abs=2 * STEP_US)


def test_what_is_reported_when_it_changes_is_held_for_a_day() -> None:
    it = grid(2, held=True)
    send(it, {0: {1: 1.0}, 1: {1: 7.0}})
    (*_, last) = [step for at in range(5, 5000, 5) for step in send(it, {0: {at: 1.0}})]
    assert last.value[1] == 7.0
    assert last.end_us < LONGEST_HOLD_US


def test_what_comes_once_in_ten_minutes_is_held_from_one_to_the_next() -> None:
    it = grid(2)
    steps = []
    for at in range(0, 7200, 5):
        runs = {0: {float(at): 1.0}} | ({1: {float(at): 2.0}} if at % 900 == 0 else {})
        steps += send(it, runs)
    assert not any(np.isnan(step.value[1]) for step in steps if step.end_us > 3000 * S_US)


def test_what_is_unfit_is_seen_and_not_fit() -> None:
    it = grid(2)
    send(it, {0: {1: 1.0}, 1: {1: 7.0}}, unfit=[1])
    (step,) = send(it, {0: {5: 1.0}})
    assert step.fresh.tolist() == [True, True]
    assert step.fit.tolist() == [True, False]


def test_a_device_with_long_frames_is_waited_for() -> None:
    it = grid(2)
    steps = []
    for at in range(20):
        steps += send(it, {0: {float(at): float(at)}}, device="fast", now_s=at)
        if at % 10 == 9:
            frame = {float(second): 100.0 + second for second in range(at - 9, at + 1)}
            steps += send(it, {1: frame}, device="slow", now_s=at)
    whole = [step for step in steps if step.end_us > 5 * S_US]
    assert [(step.value[0], step.value[1]) for step in whole] == [(9.0, 109.0), (14.0, 114.0)]
    assert all(step.fresh.all() for step in whole)


def test_nobody_is_waited_for_longer_than_half_a_minute() -> None:
    it = grid(2)
    send(it, {1: {0.0: 1.0}}, device="lost", now_s=0)
    reached = [ends(send(it, {0: {float(at): 1.0}}, device="fast", now_s=1)) for at in range(1, 50)]
    assert reached[WAIT_US // S_US + 3] == []
    assert [end for each in reached for end in each] == [5, 10, 15]


def test_what_comes_late_belongs_to_the_step_that_is_open_then() -> None:
    it = grid(2)
    for at in range(0, 100, 5):
        send(it, {0: {float(at): 1.0}}, device="fast", now_s=at)
    send(it, {1: {40.0: 9.0}}, device="late", now_s=100)
    steps = [s for at in (100, 140) for s in send(it, {0: {float(at): 1.0}}, device="fast", now_s=at + 70)]
    assert 9.0 in [step.value[1] for step in steps]


def test_a_long_pause_costs_no_more_than_a_short_one() -> None:
    it = grid()
    send(it, {0: {0.0: 1.0}})
    steps = send(it, {0: {30 * 86_400.0: 2.0}})
    assert len(steps) <= MOST_HELD + 1
    assert ends(send(it, {0: {30 * 86_400.0 + 6: 2.0}})) == [30 * 86_400.0 + 5]


def test_a_day_in_one_frame_costs_no_more_than_its_last_hour() -> None:
    it = grid()
    steps = send(it, {0: {float(at): 1.0 for at in range(0, 86_400, 5)}})
    assert len(steps) < MOST_STEPS + MOST_HELD
    assert steps[-1].end_us == 86_395 * S_US


def test_a_clock_that_is_set_back_begins_a_new_grid_there() -> None:
    it = grid()
    for at in range(5000, 5100, 5):
        send(it, {0: {float(at): 1.0}}, now_s=at)
    steps = [step for at in range(1000, 1020, 5) for step in send(it, {0: {float(at): 2.0}}, now_s=5200)]
    assert ends(steps) == [1005, 1010, 1015]


values = st.floats(allow_nan=False, allow_infinity=False)
seconds = st.one_of(st.floats(0, 2000), st.floats(0, 1e9))
frames = st.lists(
    st.tuples(
        st.sampled_from(["a", "b"]),
        st.dictionaries(
            st.integers(0, 2), st.dictionaries(seconds, values, min_size=1, max_size=4), min_size=1
        ),
        st.floats(0, 100),
    ),
    max_size=12,
)


def in_order(runs: dict[int, dict[float, float]]) -> dict[int, dict[float, float]]:
    return {slot: dict(sorted(run.items())) for slot, run in runs.items()}


def same(one: Sequence[Step], other: Sequence[Step]) -> bool:
    def told(step: Step) -> tuple[object, ...]:
        return (step.end_us, step.value.tobytes(), step.fresh.tobytes(), step.fit.tobytes(), step.context)

    return [told(step) for step in one] == [told(step) for step in other]


@given(frames, st.integers(0, 12))
def test_whatever_comes_steps_are_even_and_a_restart_changes_none(
    played: list[tuple[str, dict[int, dict[float, float]], float]], cut: int
) -> None:
    whole, first = grid(3), grid(3)
    for place, (device, runs, now_s) in enumerate(played):
        if place == cut:
            second = grid(3)
            second.take_up(unpack(pack(first.state(), b""), b""))
            first = second
        steps = send(whole, in_order(runs), device=device, now_s=now_s)
        assert same(steps, send(first, in_order(runs), device=device, now_s=now_s))
        for step in steps:
            assert step.end_us % STEP_US == 0
            assert not (step.fresh & np.isnan(step.value)).any()
            assert not (step.fit & ~step.fresh).any()
        assert all(one.end_us < after.end_us for one, after in pairwise(steps))


def test_coarser_steps_are_put_together_from_those_of_the_grid() -> None:
    it, coarser = grid(), Coarser(STEP_US, 2)
    coarser.add()
    doubted = [np.array([at == 2]) for at in range(9)]
    steps = [step for at in range(0, 45, 5) for step in send(it, {0: {float(at): float(at)}})]
    got = [whole for step, doubt in zip(steps, doubted, strict=False) for whole in coarser.take(step, doubt)]
    assert [(step.end_us / S_US, step.value[0]) for step, _ in got] == [(10, 5), (20, 15), (30, 25), (40, 35)]
    assert [bool(doubt[0]) for _, doubt in got] == [False, True, False, False]


def test_a_coarser_step_that_a_pause_cut_short_is_told_when_the_next_begins() -> None:
    it, coarser = grid(), Coarser(STEP_US, 12)
    coarser.add()
    steps = send(it, {0: {0.0: 1.0}}) + send(it, {0: {86_400.0: 2.0}}) + send(it, {0: {86_460.0: 2.0}})
    got = [whole for step in steps for whole in coarser.take(step, np.array([False]))]
    assert [step.end_us % (60 * S_US) for step, _ in got] == [0] * len(got)
    assert got[-1][0].end_us == 86_460 * S_US


def test_a_coarser_step_survives_a_restart_in_its_middle() -> None:
    it, one, other = grid(), Coarser(STEP_US, 3), Coarser(STEP_US, 3)
    one.add()
    other.add()
    send(it, {0: {0.0: 1.0, 14.0: 2.0}})
    steps = send(it, {0: {35.0: 3.0}})
    for step in steps[:2]:
        list(one.take(step, np.array([True])))
    other.take_up(unpack(pack(one.state(), b""), b""))
    for step in steps[2:]:
        mine, theirs = list(one.take(step, np.array([False]))), list(other.take(step, np.array([False])))
        assert same([each for each, _ in mine], [each for each, _ in theirs])
        assert [doubt.tolist() for _, doubt in mine] == [doubt.tolist() for _, doubt in theirs]
