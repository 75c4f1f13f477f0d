"""Limits with a deadband, over the samples of a frame."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.alarms.machine import Alarm, Delays
from agents.limits import Band, Limit, judge, limit

AT_ONCE = Delays(0, 0)
LOW_20 = limit("low", 20.0, 2.0)


def seen(*values: float, limit: Limit = LOW_20, delays: Delays = AT_ONCE) -> list[tuple[str, int | None]]:
    _, done = judge(Alarm(), np.array(values), limit, 0, delays)
    return [(transition.event, position) for transition, position in done]


def test_a_value_at_its_limit_is_normal() -> None:
    assert seen(20.0) == []


def test_a_value_below_a_low_limit_raises_with_its_position() -> None:
    assert seen(30.0, 25.0, 19.9, 15.0) == [("raised", 2)]


def test_a_value_above_a_high_limit_raises() -> None:
    assert seen(38.0, 39.1, limit=limit("high", 39.0, 0.4)) == [("raised", 1)]


def test_it_clears_only_beyond_the_deadband() -> None:
    assert seen(19.0, 21.0, 21.9, 19.5, 22.0) == [("raised", 0), ("cleared", 4)]
    assert seen(40.0, 38.7, 38.6, limit=limit("high", 39.0, 0.4)) == [("raised", 0), ("cleared", 2)]


def test_during_the_on_delay_the_deadband_does_not_prolong_an_excursion() -> None:
    alarm, _ = judge(Alarm(), np.array([19.0]), LOW_20, 0, Delays(10, 0))
    alarm, _ = judge(alarm, np.array([20.5]), LOW_20, 5, Delays(10, 0))
    _, done = judge(alarm, np.array([20.5]), LOW_20, 50, Delays(10, 0))
    assert done == []


def test_an_excursion_within_one_frame_is_shorter_than_any_delay() -> None:
    assert seen(30.0, 5.0, 5.0, 30.0, delays=Delays(1, 0)) == []


def test_where_the_delay_ran_out_before_the_frame_no_value_of_it_decided() -> None:
    alarm, _ = judge(Alarm(), np.array([19.0]), LOW_20, 0, Delays(10, 100))
    _, done = judge(alarm, np.array([30.0]), LOW_20, 10, Delays(10, 100))
    assert [(transition.event, position) for transition, position in done] == [("raised", None)]


def test_the_crossed_end_of_a_band_is_named() -> None:
    assert Band(2.0, 12.0).crossed(1.0) == 2.0
    assert Band(2.0, 12.0).crossed(13.0) == 12.0
    assert Band(2.0, 12.0).crossed(7.0) is None


def test_health_conditions_have_no_limit() -> None:
    with pytest.raises(ValueError, match="stale"):
        limit("stale", 1.0, 0.0)


@given(
    st.lists(st.floats(0.0, 40.0), max_size=60),
    st.floats(0.0, 5.0),
    st.sampled_from(["low", "high"]),
    st.integers(1, 20),
)
def test_hysteresis_follows_its_definition_however_the_values_are_framed(
    values: list[float], deadband: float, condition: str, cut: int
) -> None:
    low = condition == "low"
    its = limit("low" if low else "high", 20.0, deadband)
    raised, expected = False, []
    for value in values:
        trip = value < 20.0 if low else value > 20.0
        hold = value < 20.0 + deadband if low else value > 20.0 - deadband
        if not raised and trip:
            expected.append(("raised", value))
        elif raised and not hold:
            expected.append(("cleared", value))
        raised = hold if raised else trip
    alarm, done = Alarm(), []
    for start in range(0, len(values), cut):
        part = np.array(values[start : start + cut])
        alarm, changes = judge(alarm, part, its, start, AT_ONCE)
        done += [(change.event, float(part[at])) for change, at in changes if at is not None]
    assert done == expected
