"""What was said of models, as watch follows it: which of them are in force at a time of the log.

As with batch events (decision 0008) an event is in force for what was recorded after it, so the logs alone
decide where a promotion takes effect, and whoever reads them again finds the same place.
"""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, NamedTuple

import structlog

from agents.models.contenders import Contenders
from agents.models.kept_envelope import Envelopes
from agents.models.registry import Registry
from schemas.errors import ContractError
from schemas.model_event import ModelEvent, refuse_misplaced

if TYPE_CHECKING:
    from collections.abc import Sequence

    from agents.context import Context
    from agents.models.lineup import Lineup
    from streams.record import Record

log = structlog.get_logger("models")

MOST_CHOSEN = 4096
"""Lineups that are remembered, by unit and context."""


class Said(NamedTuple):
    """A record of models.registry; `event` is None where it cannot be understood."""

    offset: int
    recorded_us: int
    event: ModelEvent | None


def understood(record: Record) -> Said:
    """Read a record of models.registry as the record sink does."""
    event: ModelEvent | None = None
    try:
        event = ModelEvent.decode(record.value or b"")
        refuse_misplaced(event, record.key, record.recorded_us)
    except ContractError:
        event = None
    return Said(record.offset, record.recorded_us, event)


class ModelFeed:
    """The models in force at the time that the log has reached. `offset`: all events below it are known.

    `refused` has, by digest, why a registered model cannot run here.

    Args:
        known: all that is known of models.registry, in order; grows as more becomes known.
        envelopes: those that its recipes name.
    """

    def __init__(self, known: Sequence[Said] = (), envelopes: Envelopes | None = None) -> None:
        self.offset = 0
        self._known = known
        self._envelopes = envelopes or Envelopes()
        self._count = 0
        self._contenders = Contenders(Registry())
        self._chosen: dict[tuple[str, Context], Lineup] = {}
        self.refused: dict[str, str] = {}

    def reach(self, now_us: int) -> None:
        """Let the log's time be `now_us`."""
        known = self._known
        if self._count == len(known) and (not known or known[-1].recorded_us < now_us):
            return
        count = bisect_left(known, now_us, key=lambda word: word.recorded_us)
        if count == self._count:
            return
        self._count = count
        self.offset = known[count - 1].offset + 1 if count else 0
        events = [word.event for word in known[:count] if word.event is not None]
        self._contenders = Contenders(Registry(events), self._envelopes)
        self._chosen.clear()

    def choose(self, unit: str, context: Context) -> Lineup:
        """Return the champions and challengers of the unit `site/unit` in a context.

        The same object as long as nothing else is said of models.
        """
        lineup = self._chosen.get((unit, context))
        if lineup is None:
            if len(self._chosen) >= MOST_CHOSEN:
                self._chosen.clear()
            lineup = self._chosen[unit, context] = self._contenders.choose(unit, context)
            self._report()
        return lineup

    def _report(self) -> None:
        for digest, reason in self._contenders.refused.items():
            if digest not in self.refused:
                self.refused[digest] = reason
                log.error("a registered model cannot run here", digest=digest, cause=reason)
