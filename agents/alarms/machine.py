"""One alarm as a state machine after ISA-18.2: what the operator is told, given what the condition does.

    normal --- abnormal for the on-delay ---> unacknowledged (raised)
    unacknowledged --- normal for the off-delay ---> normal (cleared)

Acknowledging, shelving, suppressing and taking out of service have their states in the contract and come with
the commands that cause them. Pure: the same events at the same times give the same transitions. All times are
recorded times of the log, so a replay of the log gives them again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from schemas.alarm import AlarmState

if TYPE_CHECKING:
    from schemas.alarm import AlarmEvent


@dataclass(frozen=True, slots=True)
class Delays:
    """For how long a condition must hold before the alarm follows it, in microseconds."""

    on_us: int
    off_us: int


@dataclass(frozen=True, slots=True)
class Alarm:
    """An alarm's memory.

    abnormal: what the condition was last observed to be.
    turned_us: when it was first observed to be so; None before it was ever abnormal.
    raised_us: when the alarm was raised; None while it is not.
    """

    state: AlarmState = AlarmState.NORMAL
    abnormal: bool = False
    turned_us: int | None = None
    raised_us: int | None = None

    @property
    def raised(self) -> bool:
        """Whether the operator has been told, and not yet that it is over."""
        return self.state is AlarmState.UNACKNOWLEDGED

    @property
    def pending(self) -> bool:
        """Whether a delay is running."""
        return self.abnormal != self.raised

    @property
    def at_rest(self) -> bool:
        """Whether nothing is wrong and nothing is under way."""
        return not (self.abnormal or self.raised)


@dataclass(frozen=True, slots=True)
class Observed:
    """The condition was looked at: it is abnormal, or it is not."""

    abnormal: bool


@dataclass(frozen=True, slots=True)
class TimePassed:
    """The log's time went on; nothing new is known of the condition."""


@dataclass(frozen=True, slots=True)
class Transition:
    """What the alarm did: `since_us` is when the alarm was raised, `turned_us` when the condition turned."""

    event: AlarmEvent
    state: AlarmState
    since_us: int
    turned_us: int


def step(
    alarm: Alarm, event: Observed | TimePassed, now_us: int, delays: Delays
) -> tuple[Alarm, tuple[Transition, ...]]:
    """Return the alarm after `event` at `now_us`, and its transitions (at most raised and cleared at once).

    A delay that has run out by `now_us` counts before the event does: whether a tick or a frame reaches that
    time first must not matter. Where the log's time goes back, a running delay starts anew.
    """
    alarm, transitions = _settle(alarm, now_us, delays)
    if isinstance(event, Observed) and event.abnormal != alarm.abnormal:
        turned = replace(alarm, abnormal=event.abnormal, turned_us=now_us)
        alarm, more = _settle(turned, now_us, delays)
        transitions += more
    return alarm, transitions


def _settle(alarm: Alarm, now_us: int, delays: Delays) -> tuple[Alarm, tuple[Transition, ...]]:
    if not alarm.pending or alarm.turned_us is None:
        return alarm, ()
    if now_us < alarm.turned_us:
        return replace(alarm, turned_us=now_us), ()
    held_us = now_us - alarm.turned_us
    if alarm.abnormal and held_us >= delays.on_us:
        raised = replace(alarm, state=AlarmState.UNACKNOWLEDGED, raised_us=now_us)
        return raised, (Transition("raised", raised.state, now_us, alarm.turned_us),)
    if not alarm.abnormal and held_us >= delays.off_us:
        since_us = alarm.raised_us if alarm.raised_us is not None else now_us
        cleared = replace(alarm, state=AlarmState.NORMAL, raised_us=None)
        return cleared, (Transition("cleared", cleared.state, since_us, alarm.turned_us),)
    return alarm, ()
