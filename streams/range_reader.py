"""Reads exactly one range of offsets: what the log has there, and so what it has not."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from streams.consuming import open_consumer, read_between
from streams.record import TopicPartition

if TYPE_CHECKING:
    from streams.connection import Broker
    from streams.record import Record

WAIT_S = 30.0


class RangeReader:
    """Settles holes in a batch. One connection, kept open; callers from several threads take turns.

    Args:
        broker: the cluster.
        read_committed: records of open and aborted transactions do not count as being there.
    """

    def __init__(self, broker: Broker, *, read_committed: bool) -> None:
        self._broker = broker
        self._turn = threading.Lock()
        # A hole is small: fetch no more ahead than one request brings.
        self._consumer = open_consumer(broker, read_committed=read_committed, **{"queued.min.messages": 1})

    def read(self, topic: str, partition: int, start: int, stop: int) -> list[Record]:
        """Every record with start <= offset < stop that exists, in order.

        Raises:
            BrokerError: the broker did not answer for 30 s, start was deleted by retention meanwhile, or the
                log ends before stop.
        """
        tp = TopicPartition(topic, partition)
        with self._turn:
            return list(read_between(self._consumer, self._broker, {tp: start}, {tp: stop}, WAIT_S))

    def close(self) -> None:
        """Close the connection."""
        self._consumer.close()
