"""Alarm transitions out of their topic: those that are there, and those that come."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.alarm import AlarmTransition
from schemas.errors import ContractError
from sparge.alarm_board import AlarmBoard
from streams.admin import log_bounds, partitions_of
from streams.tail import read_all, tail
from streams.topics import ALARM_TRANSITIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from schemas.errors import BrokerError
    from streams.connection import Broker
    from streams.record import Record

TOPIC = ALARM_TRANSITIONS.name


class AlarmFeed:
    """The transitions of one unit, or of all; each once.

    Args:
        broker: the cluster.
        unit: `site/unit` or the unit's own name; empty for all.
        on_refused: told of a message that is no transition.
    """

    def __init__(
        self, broker: Broker, unit: str = "", on_refused: Callable[[ContractError], None] = lambda _: None
    ) -> None:
        self.board = AlarmBoard()
        self._broker = broker
        self._unit = unit
        self._on_refused = on_refused
        self._end = dict.fromkeys(partitions_of(broker, [TOPIC]), 0)

    def present(self) -> list[AlarmTransition]:
        """Return the transitions that are in the topic now, by their time."""
        # Where this reading ends is where `follow` begins: nothing in between is missed.
        bounds = log_bounds(self._broker, list(self._end), read_committed=True)
        self._end = {tp: high for tp, (_, high) in bounds.items()}
        heard = list(self._new(read_all(self._broker, TOPIC)))
        return sorted(heard, key=lambda transition: (transition.time_us, transition.source.order))

    def follow(
        self, stop: Callable[[], bool], on_trouble: Callable[[BrokerError], None]
    ) -> Iterator[AlarmTransition]:
        """Yield transitions as they come, from where `present` ended, until stop() is true."""
        records = tail(self._broker, [TOPIC], start=self._end, stop=stop, on_trouble=on_trouble)
        yield from self._new(records)

    def _new(self, records: Iterator[Record]) -> Iterator[AlarmTransition]:
        for record in records:
            try:
                transition = AlarmTransition.decode(record.value or b"")
            except ContractError as error:
                self._on_refused(error)
                continue
            if self._unit in ("", transition.key, transition.unit) and self.board.hear(transition):
                yield transition
