"""A device that knows what the broker has acknowledged."""

from __future__ import annotations

import itertools
import time
from collections import defaultdict
from typing import TYPE_CHECKING

from confluent_kafka import Producer

from schemas.frame import SensorFrame, SignalColumn
from streams.codec import outgoing
from streams.topics import FRAMES

if TYPE_CHECKING:
    from confluent_kafka import KafkaError, Message

    from streams.connection import Broker


class Device:
    """Sends frames of one time each and knows up to where the log has them."""

    def __init__(self, broker: Broker) -> None:
        self.ends: dict[int, int] = defaultdict(int)
        self.failed: list[str] = []
        self._numbers = itertools.count()
        self._producer = Producer(
            {**broker.confluent(), "partitioner": "murmur2_random", "enable.idempotence": True}
        )

    def send(self, unit: str, signals: dict[str, tuple[str, float]], ahead_s: float = 0.0) -> None:
        body = SensorFrame(
            site="north",
            unit=unit,
            device="controller",
            epoch=1,
            sequence=next(self._numbers),
            time_us=[int((time.time() + ahead_s) * 1e6)],
            signals={
                name: SignalColumn(unit=code, values=[value]) for name, (code, value) in signals.items()
            },
        )
        key, value, headers = outgoing(body)
        self._producer.produce(FRAMES.name, value, key, headers=list(headers), on_delivery=self._told)

    def send_rubbish(self, unit: str) -> None:
        self._producer.produce(FRAMES.name, b"{", f"north/{unit}".encode(), on_delivery=self._told)

    def flush(self) -> None:
        assert self._producer.flush(20) == 0
        assert not self.failed

    def _told(self, error: KafkaError | None, message: Message) -> None:
        if error is not None:
            self.failed.append(error.str())
        else:
            partition, offset = message.partition() or 0, message.offset() or 0
            self.ends[partition] = max(self.ends[partition], offset + 1)
