"""Simulated bioreactors in real time: each second's samples leave when that second has passed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from simulator.run import Run

DEVICE = "simulator"
US_PER_S = 1_000_000


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


class Takes(Protocol):
    """A publisher, as far as it is needed here."""

    def add(self, time_us: int, values: Mapping[str, float], units: Mapping[str, str]) -> None:
        """Publish what was measured at one moment."""


class LiveUnit:
    """One simulated bioreactor and the publisher of its samples."""

    def __init__(self, key: str, run: Run, publisher: Takes, clock: Clock) -> None:
        self.key = key
        self.run = run
        self.samples = 0
        self.last_us = 0
        self._publisher = publisher
        self._clock = clock

    def advance(self, now_us: int) -> None:
        """Publish every second that has passed by now; late ones too, each with its own time."""
        passed_s = self._clock.passed_s(now_us)
        while self.run.time_s + 1.0 <= passed_s:
            row = self.run.next_second()
            if row is not None:
                self.last_us = row.time_us(self._clock.origin_us)
                self._publisher.add(self.last_us, row.values, self.run.units)
                self.samples += len(row.values)


def next_due_us(units: Sequence[LiveUnit], clock: Clock) -> int:
    """Return the real time at which some unit has a second to publish."""
    return min(clock.real_us(unit.run.time_s + 1.0) for unit in units)
