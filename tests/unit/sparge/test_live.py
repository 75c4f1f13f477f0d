from __future__ import annotations

from copy import deepcopy
from functools import cache
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.faulting.fault import parse
from simulator.fleet import Fleet, Reactor
from sparge.live import US_PER_S, Clock, LiveFleet

if TYPE_CHECKING:
    from collections.abc import Mapping

    from schemas.batch import BatchEvent

BEGAN_US = 1_790_000_000_000_000


class Noted:
    """Takes down what a device publishes, and what is told of its batch."""

    def __init__(self) -> None:
        self.units: dict[str, list[int]] = {}
        self.waiting: list[tuple[str, int]] = []
        self.events: list[BatchEvent] = []

    def device(self, site: str, unit: str, device: str, epoch: int) -> NotedDevice:
        assert (site, device, epoch) == ("north", "simulator", BEGAN_US)
        self.units[unit] = []
        return NotedDevice(self, unit)

    def post(self) -> None:
        for unit, time_us in self.waiting:
            self.units[unit].append(time_us)
        self.waiting.clear()

    def send(self, event: BatchEvent) -> None:
        self.events.append(event)


class NotedDevice:
    def __init__(self, noted: Noted, unit: str) -> None:
        self._noted = noted
        self._unit = unit

    def add(
        self,
        time_us: int,
        values: Mapping[str, float | None],
        units: Mapping[str, str] | None = None,
        status: Mapping[str, int] | None = None,
    ) -> None:
        assert values
        assert units is None
        assert set(status or {}) <= set(values)
        self._noted.waiting.append((self._unit, time_us))


@cache
def at_inoculation() -> Fleet:
    return Fleet([Reactor("BR-01", seed=1), Reactor("BR-02", vessel="200L", seed=2)])


def live(noted: Noted, clock: Clock, *faults: str) -> LiveFleet:
    fleet = deepcopy(at_inoculation())
    for text in faults:
        fleet.inject(parse(text))
    return LiveFleet(fleet, noted, noted, clock, site="north", member="uni")


@given(st.lists(st.integers(0, 3 * US_PER_S), min_size=1, max_size=8))
@settings(deadline=None, max_examples=30)
def test_every_second_is_published_once_however_unevenly_time_is_looked_at(steps: list[int]) -> None:
    noted = Noted()
    simulation = live(noted, Clock(BEGAN_US, BEGAN_US))
    now_us = BEGAN_US
    for step in steps:
        now_us += step
        simulation.advance(now_us)
    passed = (now_us - BEGAN_US) // US_PER_S
    expected = [BEGAN_US + second * US_PER_S for second in range(1, passed + 1)]
    assert noted.units == {"BR-01": expected, "BR-02": expected}
    assert noted.waiting == []


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
    simulation = live(noted, Clock(BEGAN_US, BEGAN_US), "BR-01/lost_device@1-3")
    simulation.advance(BEGAN_US + 5 * US_PER_S)
    assert [(time_us - BEGAN_US) // US_PER_S for time_us in noted.units["BR-01"]] == [1, 4, 5]
    assert len(noted.units["BR-02"]) == 5


def test_the_next_second_is_waited_for_no_longer_than_it_takes() -> None:
    simulation = live(Noted(), Clock(BEGAN_US, BEGAN_US, speed=2.0))
    assert simulation.next_due_us() == BEGAN_US + US_PER_S // 2


def test_the_batches_are_told_of_as_soon_as_something_happens() -> None:
    noted = Noted()
    simulation = live(noted, Clock(BEGAN_US, BEGAN_US))
    simulation.advance(BEGAN_US + US_PER_S)
    assert [(event.unit, event.event, event.phase) for event in noted.events] == [
        ("BR-01", "start", "inoculation"),
        ("BR-02", "start", "inoculation"),
    ]
    first, second = noted.events
    assert (first.time_us, first.member, first.scale_L) == (BEGAN_US, "uni", 2.0)
    assert second.scale_L == 200.0
    assert first.organism is not None
    assert first.organism.startswith("Escherichia coli")
    assert first.batch == "BR-01-20260921T141320Z"
