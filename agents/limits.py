"""Limits: whether a value is where it should be, with a deadband against chatter."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

from agents.alarms.machine import Observed, TimePassed, step

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from agents.alarms.machine import Alarm, Delays, Transition
    from schemas.alarm import Condition


@dataclass(frozen=True, slots=True)
class Band:
    """Where a value is normal: low <= value <= high, in the signal's unit."""

    low: float = -inf
    high: float = inf

    def outside(self, values: NDArray[np.float64]) -> NDArray[np.bool_]:
        """For each value whether it lies outside; same shape."""
        beyond: NDArray[np.bool_] = (values < self.low) | (values > self.high)
        return beyond

    def crossed(self, value: float) -> float | None:
        """Return the end of the band that `value` lies beyond, None where it lies inside."""
        if value < self.low:
            return self.low
        return self.high if value > self.high else None


@dataclass(frozen=True, slots=True)
class Limit:
    """What raises an alarm (a value outside `trip`) and what keeps it raised (a value outside `hold`).

    `hold` is narrower than `trip` by the deadband. It applies once the alarm is raised only: an excursion
    that ends during the on-delay has ended, even where the value stays near the limit.
    """

    trip: Band
    hold: Band


def limit(condition: Condition, at: float, deadband: float) -> Limit:
    """Return the limit of a low or high alarm at `at`; both in the signal's unit.

    Raises:
        ValueError: the condition is not about a limit.
    """
    if condition in {"low", "low_low"}:
        return Limit(Band(low=at), Band(low=at + deadband))
    if condition in {"high", "high_high"}:
        return Limit(Band(high=at), Band(high=at - deadband))
    raise ValueError(f"{condition} has no limit")


def judge(
    alarm: Alarm, values: NDArray[np.float64], limit: Limit, now_us: int, delays: Delays
) -> tuple[Alarm, list[tuple[Transition, int | None]]]:
    """Let an alarm see the values of one frame, oldest first, all recorded at `now_us`.

    Returns:
        The alarm after them, and its transitions, each with the position of the value that decided, or None
        where a delay had run out before this frame, so that an earlier value decided.
    """
    trip = limit.trip.outside(values).tolist()
    hold = limit.hold.outside(values).tolist()
    alarm, due = step(alarm, TimePassed(), now_us, delays)
    done: list[tuple[Transition, int | None]] = [(transition, None) for transition in due]
    for position, (tripped, held) in enumerate(zip(trip, hold, strict=True)):
        abnormal = held if alarm.raised else tripped
        if abnormal != alarm.abnormal:
            alarm, changes = step(alarm, Observed(abnormal), now_us, delays)
            done += [(change, position) for change in changes]
    return alarm, done
