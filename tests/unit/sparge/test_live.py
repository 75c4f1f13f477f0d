from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.faults import parse
from simulator.run import Run
from sparge.live import US_PER_S, Clock, LiveUnit, next_due_us

if TYPE_CHECKING:
    from collections.abc import Mapping

BEGAN_US = 1_790_000_000_000_000


class Noted:
    """Takes down what is published."""

    def __init__(self) -> None:
        self.times: list[int] = []

    def add(self, time_us: int, values: Mapping[str, float | None], units: Mapping[str, str]) -> None:
        assert set(values) == set(units)
        self.times.append(time_us)


def unit(noted: Noted, clock: Clock, *faults: str) -> LiveUnit:
    return LiveUnit("north/BR-01", Run(1, 0.0, [parse(text) for text in faults]), noted, clock)


@given(st.lists(st.integers(0, 3 * US_PER_S), min_size=1, max_size=8))
def test_every_second_is_published_once_however_unevenly_time_is_looked_at(steps: list[int]) -> None:
    noted = Noted()
    clock = Clock(BEGAN_US, BEGAN_US)
    live = unit(noted, clock)
    now_us = BEGAN_US
    for step in steps:
        now_us += step
        live.advance(now_us)
    passed = (now_us - BEGAN_US) // US_PER_S
    assert noted.times == [BEGAN_US + second * US_PER_S for second in range(1, passed + 1)]


@pytest.mark.parametrize(("speed", "duration_s"), [(1.0, None), (1.0, 60.0), (10.0, 600.0), (0.5, 60.0)])
def test_no_sample_is_ahead_of_real_time(speed: float, duration_s: float | None) -> None:
    clock = Clock.ending_now(BEGAN_US, speed, duration_s)
    for time_s in (0.0, 1.0, duration_s or 3600.0):
        assert clock.origin_us + time_s * US_PER_S <= clock.real_us(time_s)


def test_a_fast_simulation_ends_now() -> None:
    clock = Clock.ending_now(BEGAN_US, 10.0, 600.0)
    assert clock.origin_us + 600 * US_PER_S == clock.real_us(600.0)


def test_a_lost_device_is_silent_and_comes_back_where_it_would_be() -> None:
    noted = Noted()
    clock = Clock(BEGAN_US, BEGAN_US)
    live = unit(noted, clock, "lost_device@1-3")
    live.advance(BEGAN_US + 5 * US_PER_S)
    assert [(time_us - BEGAN_US) // US_PER_S for time_us in noted.times] == [1, 4, 5]


def test_the_next_second_is_waited_for_no_longer_than_it_takes() -> None:
    clock = Clock(BEGAN_US, BEGAN_US, speed=2.0)
    live = unit(Noted(), clock)
    assert next_due_us([live], clock) == BEGAN_US + US_PER_S // 2
