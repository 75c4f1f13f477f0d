"""Simulated bioreactors in real time: each second's samples leave when that second has passed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from simulator.happenings import batch_event

if TYPE_CHECKING:
    from collections.abc import Mapping

    from schemas.batch import BatchEvent
    from simulator.fleet import Fleet

DEVICE = "simulator"
US_PER_S = 1_000_000

STEPS_IN_A_FRAME = 10
"""A simulation that runs ahead of real time gathers so many steps into one frame."""


@dataclass(frozen=True, slots=True)
class Clock:
    """Where the device time of a simulation stands at a moment of real time.

    Args:
        began_us: real time at which it was started.
        origin_us: device time of its second 0.
        speed: simulated seconds in a real one.
    """

    began_us: int
    origin_us: int
    speed: float = 1.0

    @classmethod
    def ending_now(cls, began_us: int, speed: float, duration_s: float | None) -> Clock:
        """Return a clock that never runs ahead of real time: a faster one starts in the past."""
        ahead_s = 0.0 if duration_s is None else duration_s * (1.0 - 1.0 / speed)
        return cls(began_us, began_us - round(max(ahead_s, 0.0) * US_PER_S), speed)

    def passed_s(self, now_us: int) -> float:
        """Return the simulated seconds that have passed."""
        return (now_us - self.began_us) / US_PER_S * self.speed

    def real_us(self, time_s: float) -> int:
        """Return the real time at which a simulated second is over."""
        return self.began_us + round(time_s / self.speed * US_PER_S)


class TakesSamples(Protocol):
    """One device of a publisher, as far as it is needed here."""

    def add(
        self,
        time_us: int,
        values: Mapping[str, float | None],
        units: Mapping[str, str] | None = None,
        status: Mapping[str, int] | None = None,
    ) -> None:
        """Take what was measured at one moment."""


class TakesFleets(Protocol):
    """A publisher of many devices, as far as it is needed here."""

    def device(self, site: str, unit: str, device: str, epoch: int) -> TakesSamples:
        """Return a device that publishes here."""

    def post(self) -> None:
        """Send what was gathered."""


class TakesEvents(Protocol):
    """A sender of batch events, as far as it is needed here."""

    def send(self, event: BatchEvent) -> None:
        """Send one event."""


class LiveFleet:
    """Simulated bioreactors and the publisher of their samples and batch events.

    Args:
        fleet: what is simulated.
        publisher: of samples.
        events: of batch events.
        clock: when a step is due, and which time it has.
        site: where they stand; `member` owns their batches.
    """

    def __init__(
        self,
        fleet: Fleet,
        publisher: TakesFleets,
        events: TakesEvents,
        clock: Clock,
        *,
        site: str,
        member: str,
    ) -> None:
        self.fleet = fleet
        self.clock = clock
        self.samples = 0
        self._site = site
        self._member = member
        self._publisher = publisher
        self._events = events
        self._devices = [publisher.device(site, one.name, DEVICE, clock.began_us) for one in fleet.reactors]

    @property
    def keys(self) -> list[str]:
        """Site/unit of each bioreactor."""
        return [f"{self._site}/{one.name}" for one in self.fleet.reactors]

    def next_due_us(self) -> int:
        """Return the real time at which the next step is over."""
        return self.clock.real_us(self.fleet.time_s + self.fleet.step_s)

    def advance(self, now_us: int) -> None:
        """Publish every step that is over by now; late ones too, each with its own time."""
        passed_s = self.clock.passed_s(now_us)
        waiting = 0
        while self.fleet.time_s + self.fleet.step_s <= passed_s:
            self.step()
            waiting = (waiting + 1) % STEPS_IN_A_FRAME
            if not waiting:
                self._publisher.post()
        if waiting:
            self._publisher.post()

    def step(self) -> None:
        """Take one step, and gather what the devices send of it."""
        origin_us = self.clock.origin_us
        for row in self.fleet.step().rows():
            time_us = origin_us + round(row.time_s * US_PER_S)
            self._devices[row.unit].add(time_us, row.values, None, row.statuses)
            self.samples += len(row.values)
        for event in batch_events(self.fleet, origin_us, site=self._site, member=self._member):
            self._events.send(event)

    def tell_the_rest(self) -> None:
        """Tell of the samples that are still in the laboratory, before the simulation ends."""
        told = batch_events(
            self.fleet, self.clock.origin_us, site=self._site, member=self._member, to_come=True
        )
        for event in told:
            self._events.send(event)


def batch_events(
    fleet: Fleet, origin_us: int, *, site: str, member: str, to_come: bool = False
) -> list[BatchEvent]:
    """Return what became known of the fleet's batches since this was last asked.

    With `to_come` also what the laboratory has yet to find in the samples that it has.
    """
    return [
        batch_event(
            happening,
            fleet.reactors[happening.unit],
            site=site,
            member=member,
            batch=fleet.batch(happening.unit, origin_us),
            origin_us=origin_us,
        )
        for happening in fleet.happenings(to_come=to_come)
    ]
