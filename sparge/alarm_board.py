"""Alarms as an operator sees them: what is active now, and each change once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.alarms.wording import quantity
from sparge.times import show_span, to_datetime

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import tzinfo

    from schemas.alarm import AlarmTransition

_RANK = {"high": 0, "medium": 1, "low": 2}
STYLES = {"high": "bold red", "medium": "bold yellow", "low": "bold cyan"}

Line = list[tuple[str, str]]
"""Pieces of text with their styles."""


class AlarmBoard:
    """The latest transition of every alarm, from a topic that may hold one twice.

    After a crash `watch` sends again what it had decided; the source tells: of one unit and input topic only
    what lies above the highest source so far is new.
    """

    def __init__(self) -> None:
        self._highest: dict[tuple[str, str, int], tuple[int, int]] = {}
        self._latest: dict[str, AlarmTransition] = {}

    def hear(self, transition: AlarmTransition) -> bool:
        """Take in a transition, in the order of its partition; returns whether it is new."""
        source = transition.source
        stream = (transition.key, source.topic_id, source.partition)
        if source.order <= self._highest.get(stream, (-1, -1)):
            return False
        self._highest[stream] = source.order
        self._latest[transition.alarm_id] = transition
        return True

    def active(self) -> list[AlarmTransition]:
        """Return the alarms that are raised now: the gravest first, then the latest."""
        raised = [transition for transition in self._latest.values() if transition.event == "raised"]
        return sorted(raised, key=lambda alarm: (_RANK[alarm.priority], -alarm.since_us, alarm.alarm_id))


def lines(transition: AlarmTransition, zone: tzinfo | None) -> Iterator[Line]:
    """Yield what an operator reads of a transition: what and since when, then what to do.

    Args:
        transition: of the alarm.
        zone: of the times shown; None for the machine's own.
    """
    raised = transition.event == "raised"
    style = STYLES[transition.priority] if raised else "green"
    unit = transition.unit_code
    head: Line = [
        (f"{_clock(transition.time_us, zone)}  ", "dim"),
        (f"{'ALARM' if raised else 'clear':<6}", style),
        (f"{transition.priority:<7}", style),
        (f"{transition.key}  {transition.signal} {transition.condition.replace('_', ' ')}", "bold"),
    ]
    if transition.value is not None:
        head.append((f"  {quantity(transition.value, unit)}", style))
    if transition.limit is not None:
        head.append((f"  limit {quantity(transition.limit, unit)}", ""))
    if not raised:
        head.append((f"  after {show_span(transition.time_us - transition.since_us)}", "dim"))
        yield head
        return
    head.append((f"  since {_clock(transition.since_us, zone)}", ""))
    if transition.device_state is not None:
        head.append((f"  NE 107: {transition.device_state}", "dim"))
    yield head
    yield [(f"{'':<10}{transition.message}", "")]
    within = show_span(round(transition.respond_within_s * 1_000_000))
    yield [(f"{'':<10}do: ", "bold"), (f"{transition.action} ", ""), (f"(within {within})", "dim")]
    yield [(f"{'':<10}else: {transition.consequence}", "dim")]
    yield [(f"{'':<10}cause: {transition.cause}", "dim")]


def _clock(time_us: int, zone: tzinfo | None) -> str:
    return f"{to_datetime(time_us).astimezone(zone):%Y-%m-%d %H:%M:%S}"
