"""Batch events to the broker: what starts, changes phase, is sampled and ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from confluent_kafka import KafkaException, Producer

from schemas.errors import DeliveryFailed
from streams.codec import outgoing
from streams.connection import broker_error
from streams.sender import CLOSE_WITHIN_S
from streams.topics import BATCH_EVENTS

if TYPE_CHECKING:
    from types import TracebackType

    from confluent_kafka import KafkaError

    from schemas.batch import BatchEvent
    from streams.connection import Broker
    from streams.topics import Topic


class BatchSender:
    """Sends batch events in order. Leaving the block waits until the broker has them all, or says which not.

    Args:
        broker: the cluster.
        topic: BATCH_EVENTS, or one like it.
    """

    def __init__(self, broker: Broker, topic: Topic = BATCH_EVENTS) -> None:
        self._broker = broker
        self._topic = topic
        self._missing: dict[int, str] = {}
        self._causes: set[str] = set()
        self._sent = 0
        self._producer = Producer(
            {
                **broker.producing(),
                "compression.type": topic.compression,
                "message.timeout.ms": 0,
            }
        )

    def send(self, event: BatchEvent) -> None:
        """Queue an event.

        Raises:
            BrokerError: the producer has failed for good; nothing was queued.
        """
        key, value, headers = outgoing(event)
        number = self._sent
        self._missing[number] = f"{event.event} of {event.batch} on {event.key}"
        try:
            self._producer.produce(
                self._topic.name,
                value,
                key,
                headers=list(headers),
                on_delivery=lambda error, _: self._told(number, error),
            )
        except KafkaException as failure:
            del self._missing[number]
            raise broker_error(failure, self._broker, "take a batch event") from failure
        self._sent += 1
        self._producer.poll(0)

    def close(self, within_s: float = CLOSE_WITHIN_S) -> None:
        """Wait until the broker has acknowledged every event.

        Raises:
            DeliveryFailed: it has not; names those that were given up.
        """
        if self._producer.flush(within_s):
            self._producer.purge()
            self._producer.flush(1.0)
        if self._missing:
            raise DeliveryFailed(
                f"Kafka at {self._broker.bootstrap} did not acknowledge {len(self._missing)} batch events: "
                f"{', '.join([*self._missing.values()][:5])}.",
                detail="; ".join(sorted(self._causes)) or "no answer",
                kept="Every other event is stored by the broker; to send one twice does no harm.",
                next_step="sparge doctor",
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _told(self, number: int, error: KafkaError | None) -> None:
        if error is None:
            self._missing.pop(number, None)
        else:
            self._causes.add(f"{error.name()}: {error.str()}")
