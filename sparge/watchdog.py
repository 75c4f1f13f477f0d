"""Whether a worker still gets on: its position held against the end of the log. Pure; time is an argument.

A worker that waits for a database or a broker which is away is not stuck: it has a longer time, and then a
new start is worth a try. Nor is one stuck in the middle of a long transaction, while the database goes on
answering; but one whose every try fails at the same place is, whatever is answered until there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from schemas.errors import WorkerStuck
from sparge.times import US_PER_S, show_span

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streams.record import TopicPartition

LONGEST_STEP_S = 20.0
"""No more than this counts between two looks: a process that was frozen for a while is not stuck."""


@dataclass(frozen=True, slots=True)
class Look:
    """How a worker was found.

    Args:
        now_s: monotonic seconds.
        positions: the next offset to be dealt with of each partition that it reads.
        ends: of the same partitions, where what can be read ends; None while the broker does not say.
        steps: how far the transaction under way has come, 0 at its beginning.
        away_for: what it waits for, in words; empty if it does not wait.
    """

    now_s: float
    positions: Mapping[TopicPartition, int]
    ends: Mapping[TopicPartition, int] | None
    steps: int = 0
    away_for: str = ""


class Watchdog:
    """Judges one look after the other.

    Args:
        stuck_after_s: so long may nothing move while there is something to read.
        away_after_s: likewise while database or broker are away, and for one partition while others move.
    """

    def __init__(self, stuck_after_s: float, away_after_s: float) -> None:
        self._stuck_after_s = stuck_after_s
        self._away_after_s = max(stuck_after_s, away_after_s)
        self._last: Look | None = None
        self._furthest = 0
        self._back_s = 0.0
        self._behind_s: dict[TopicPartition, float] = {}
        self.standstill_s = 0.0
        """How long nothing has moved though there is something to read."""

    def judge(self, look: Look) -> WorkerStuck | None:
        """Return why the worker has to be ended, or None if it gets on, waits or has nothing to do."""
        last, self._last = self._last, look
        if last is None:
            return None
        passed_s = min(look.now_s - last.now_s, LONGEST_STEP_S)
        away_for = look.away_for or ("" if look.ends is not None else "the broker does not answer")
        behind = {tp for tp, end in (look.ends or {}).items() if look.positions.get(tp, end) < end}
        still = {tp for tp in behind if look.positions[tp] == last.positions.get(tp)}
        self._behind_s = {tp: self._behind_s.get(tp, 0.0) + passed_s for tp in still}
        moved = look.positions != last.positions
        if moved:
            self._furthest = 0
        got_on = moved or look.steps > self._furthest
        self._furthest = max(self._furthest, look.steps)
        idle = not behind and not away_for
        self.standstill_s = 0.0 if got_on or idle else self.standstill_s + passed_s
        # What was lost to waiting does not count against a worker that can work again.
        self._back_s = 0.0 if self.standstill_s == 0.0 or away_for else self._back_s + passed_s
        return self._verdict(look, away_for)

    def _verdict(self, look: Look, away_for: str) -> WorkerStuck | None:
        if away_for and self.standstill_s > self._away_after_s:
            return _stuck(f"It has waited for {_span(self.standstill_s)}: {away_for}", look, self._behind_s)
        if self._back_s > self._stuck_after_s or self.standstill_s > self._away_after_s:
            said = f"Nothing has moved for {_span(self.standstill_s)}, though there is something to read."
            return _stuck(said, look, self._behind_s)
        late = {tp: still_s for tp, still_s in self._behind_s.items() if still_s > self._away_after_s}
        if late and not away_for:
            said = f"A partition has not moved for {_span(max(late.values()))}, while others do."
            return _stuck(said, look, late)
        return None


def _stuck(said: str, look: Look, behind: Mapping[TopicPartition, float]) -> WorkerStuck:
    ends = look.ends or {}
    places = [
        f"{tp.topic}[{tp.partition}] stands at {look.positions.get(tp)} of {ends.get(tp)}"
        for tp in sorted(behind)
    ]
    return WorkerStuck(
        f"{said.rstrip('.')}. The worker ends, to be started again.",
        detail="; ".join(places),
        kept="All that is stored stays stored; a new start goes on from there.",
        next_step="sparge doctor",
    )


def _span(seconds: float) -> str:
    return show_span(int(seconds * US_PER_S))
