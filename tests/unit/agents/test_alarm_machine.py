"""One alarm: raised when the condition has lasted, cleared when it has been over for long enough."""

from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.alarms.machine import Alarm, Delays, Observed, TimePassed, Transition, step
from schemas.alarm import AlarmState

DELAYS = Delays(on_us=30, off_us=20)
Event = Observed | TimePassed


def play(events: list[tuple[int, Event]], delays: Delays = DELAYS, alarm: Alarm | None = None) -> list[str]:
    """The transitions as `event@time`."""
    alarm = alarm or Alarm()
    done = []
    for now_us, event in events:
        alarm, transitions = step(alarm, event, now_us, delays)
        done += [f"{transition.event}@{now_us}" for transition in transitions]
    return done


def test_it_is_raised_when_the_condition_has_lasted_for_the_on_delay() -> None:
    assert play([(0, Observed(abnormal=True)), (29, TimePassed()), (30, TimePassed())]) == ["raised@30"]


def test_it_is_raised_at_once_without_an_on_delay() -> None:
    assert play([(7, Observed(abnormal=True))], Delays(0, 0)) == ["raised@7"]


def test_an_interruption_starts_the_on_delay_anew() -> None:
    events: list[tuple[int, Event]] = [
        (0, Observed(abnormal=True)),
        (20, Observed(abnormal=False)),
        (25, Observed(abnormal=True)),
        (54, TimePassed()),
        (55, TimePassed()),
    ]
    assert play(events) == ["raised@55"]


def test_it_is_cleared_when_the_condition_has_been_over_for_the_off_delay() -> None:
    events: list[tuple[int, Event]] = [
        (0, Observed(abnormal=True)),
        (30, TimePassed()),
        (40, Observed(abnormal=False)),
        (59, TimePassed()),
        (60, TimePassed()),
    ]
    assert play(events) == ["raised@30", "cleared@60"]


def test_a_condition_that_returns_within_the_off_delay_is_the_same_alarm() -> None:
    events: list[tuple[int, Event]] = [
        (0, Observed(abnormal=True)),
        (30, TimePassed()),
        (40, Observed(abnormal=False)),
        (50, Observed(abnormal=True)),
        (500, TimePassed()),
    ]
    assert play(events) == ["raised@30"]


def test_a_delay_that_has_run_out_counts_before_the_frame_that_ends_the_condition() -> None:
    with_tick: list[tuple[int, Event]] = [(0, Observed(abnormal=True)), (30, TimePassed())]
    without: list[tuple[int, Event]] = [(0, Observed(abnormal=True))]
    end: list[tuple[int, Event]] = [(31, Observed(abnormal=False)), (51, TimePassed())]
    assert play(with_tick + end) == ["raised@30", "cleared@51"]
    assert play(without + end) == ["raised@31", "cleared@51"]


def test_where_the_logs_time_goes_back_a_running_delay_starts_anew() -> None:
    events: list[tuple[int, Event]] = [
        (1000, Observed(abnormal=True)),
        (5, TimePassed()),
        (34, TimePassed()),
        (35, TimePassed()),
    ]
    assert play(events) == ["raised@35"]


def test_a_transition_says_since_when() -> None:
    alarm, _ = step(Alarm(), Observed(abnormal=True), 100, DELAYS)
    alarm, raised = step(alarm, TimePassed(), 130, DELAYS)
    assert raised == (Transition("raised", AlarmState.UNACKNOWLEDGED, since_us=130, turned_us=100),)
    alarm, _ = step(alarm, Observed(abnormal=False), 200, DELAYS)
    alarm, cleared = step(alarm, TimePassed(), 220, DELAYS)
    assert cleared == (Transition("cleared", AlarmState.NORMAL, since_us=130, turned_us=200),)
    assert alarm.at_rest


event = st.one_of(
    st.just(TimePassed()),
    st.builds(Observed, abnormal=st.booleans()),
    st.builds(Observed, abnormal=st.booleans()),
)
forward = st.lists(st.tuples(st.integers(0, 40), event), max_size=40)
delays = st.builds(Delays, on_us=st.integers(0, 60), off_us=st.integers(0, 60))


def timed(gaps: list[tuple[int, Event]]) -> list[tuple[int, Event]]:
    now_us = 1
    events: list[tuple[int, Event]] = []
    for gap_us, one in gaps:
        now_us += gap_us
        events.append((now_us, one))
    return events


@given(forward, delays)
def test_raised_and_cleared_alternate(gaps: list[tuple[int, Event]], delays: Delays) -> None:
    names = [each.split("@")[0] for each in play(timed(gaps), delays)]
    assert names == (["raised", "cleared"] * len(names))[: len(names)]


@given(forward, delays)
def test_the_same_events_give_the_same_transitions(gaps: list[tuple[int, Event]], delays: Delays) -> None:
    assert play(timed(gaps), delays) == play(timed(gaps), delays)


@given(
    st.integers(1, 60),
    st.integers(0, 60),
    st.lists(st.tuples(st.integers(0, 200), st.integers(0, 58)), max_size=8),
)
def test_an_excursion_shorter_than_the_on_delay_never_raises(
    on_us: int, off_us: int, excursions: list[tuple[int, int]]
) -> None:
    now_us = 0
    events: list[tuple[int, Event]] = []
    for pause_us, lasts_us in excursions:
        now_us += pause_us
        events.append((now_us, Observed(abnormal=True)))
        now_us += min(lasts_us, on_us - 1)
        events.append((now_us, Observed(abnormal=False)))
    events.append((now_us + 1000, TimePassed()))
    assert play(events, Delays(on_us, off_us)) == []


@given(st.lists(st.tuples(st.integers(0, 400), event), max_size=40), delays, st.integers(0, 40))
def test_a_memory_written_and_read_at_any_point_goes_on_the_same(
    moments: list[tuple[int, Event]], delays: Delays, cut: int
) -> None:
    alarm = Alarm()
    done = []
    for index, (now_us, one) in enumerate(moments):
        if index == cut:
            kept = orjson.loads(orjson.dumps([alarm.state, alarm.abnormal, alarm.turned_us, alarm.raised_us]))
            alarm = Alarm(AlarmState(kept[0]), *kept[1:])
        alarm, transitions = step(alarm, one, now_us, delays)
        done += [f"{transition.event}@{now_us}" for transition in transitions]
    assert done == play(moments, delays)


@given(st.lists(st.tuples(st.integers(0, 400), event), max_size=40), delays)
def test_it_is_raised_exactly_between_its_transitions(
    moments: list[tuple[int, Event]], delays: Delays
) -> None:
    alarm = Alarm()
    raised = False
    for now_us, one in moments:
        alarm, transitions = step(alarm, one, now_us, delays)
        for transition in transitions:
            raised = transition.event == "raised"
        assert alarm.raised == raised
        assert (alarm.raised_us is not None) == raised


@pytest.mark.parametrize("state", list(AlarmState))
def test_its_states_are_those_of_the_contract(state: AlarmState) -> None:
    assert Alarm(state).raised == (state is AlarmState.UNACKNOWLEDGED)
