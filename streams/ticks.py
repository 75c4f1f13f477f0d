"""The owner's heartbeat in telemetry.frames, so that timers are decided by the log (decision 0002)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
from confluent_kafka import KafkaError, Message, Producer

from streams.topics import FRAMES

if TYPE_CHECKING:
    from streams.connection import Broker

log = structlog.get_logger("ticks")

TICK = b'{"schema":"sparge.tick/1"}'


class Ticker:
    """Appends ticks to partitions of telemetry.frames.

    A tick that cannot be delivered within 5 s is not worth keeping: the next one says the same.
    """

    def __init__(self, broker: Broker) -> None:
        self._producer = Producer({**broker.confluent(), "message.timeout.ms": 5_000, "linger.ms": 0})

    def tick(self, partition: int) -> None:
        """Append one tick to the partition; a failure is logged, for the broker's absence shows elsewhere."""
        headers: list[tuple[str, str | bytes | None]] = [
            ("ce_specversion", "1.0"),
            ("ce_type", "sparge.tick"),
        ]
        try:
            self._producer.produce(FRAMES.name, TICK, partition=partition, headers=headers, on_delivery=_told)
        except BufferError:
            log.warning("tick not queued: the broker does not answer", partition=partition)
        self._producer.poll(0)


def _told(error: KafkaError | None, message: Message) -> None:
    if error is not None:
        log.warning("tick not delivered", partition=message.partition(), cause=error.str())
