"""A small topic beside the log that is watched: all of it is known, and what is new is asked for.

What was recorded before a moment is known after one `catch_up` that begins after that moment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.errors import PartFailed
from streams.admin import LogEnds, log_bounds
from streams.record import TopicPartition

if TYPE_CHECKING:
    from streams.connection import Broker
    from streams.range_reader import RangeReader
    from streams.record import Record


class SideInput:
    """Reads one partition of a topic from its beginning, and then what comes.

    Args:
        broker: the cluster.
        topic: a topic of one partition that is kept for ever.
        reader: reads ranges of offsets.
    """

    def __init__(self, broker: Broker, topic: str, reader: RangeReader) -> None:
        self._broker = broker
        self._reader = reader
        self._ends = LogEnds(broker, read_committed=False)
        self._tp = TopicPartition(topic, 0)
        self._next: int | None = None

    def catch_up(self) -> list[Record]:
        """Return the records that were not returned before, in order, up to the topic's present end.

        Raises:
            BrokerError: the broker did not answer; what was not returned will be the next time.
            PartFailed: the topic was created anew.
        """
        if self._next is None:
            self._next = log_bounds(self._broker, [self._tp])[self._tp][0]
        end = self._ends.read([self._tp])[self._tp]
        if end < self._next:
            raise PartFailed(
                f"{self._tp.topic} was created anew while it was read.",
                kept="What was told before; a new start reads the new topic.",
                next_step="sparge doctor",
            )
        if end == self._next:
            return []
        records = self._reader.read(*self._tp, self._next, end)
        self._next = end
        return records
