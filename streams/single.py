"""One message to a topic, acknowledged before the caller goes on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from confluent_kafka import KafkaError, Message, Producer

from schemas.errors import DeliveryFailed
from streams.topics import DEADLETTER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streams.connection import Broker

DELIVERY_TIMEOUT_S = 10.0


def send_one(
    broker: Broker,
    topic: str,
    key: bytes | None,
    value: bytes,
    headers: Sequence[tuple[str, bytes]],
    *,
    kept: str = "Nothing was sent.",
) -> tuple[int, int]:
    """Write one message; returns (partition, offset).

    kept: what the caller still has if it fails.

    Raises:
        DeliveryFailed: the broker did not acknowledge it.
    """
    producer = Producer(
        {
            **broker.producing(),
            "message.max.bytes": DEADLETTER.max_message_bytes,
            "message.timeout.ms": int(DELIVERY_TIMEOUT_S * 1000),
        }
    )
    placed: list[tuple[int, int]] = []
    failures: list[str] = []

    def told(error: KafkaError | None, message: Message) -> None:
        if error is None:
            placed.append((message.partition() or 0, message.offset() or 0))
        else:
            failures.append(error.str())

    producer.produce(topic, value, key, headers=list(headers), on_delivery=told)
    producer.flush(DELIVERY_TIMEOUT_S + 5.0)
    if not placed:
        raise DeliveryFailed(
            f"Kafka at {broker.bootstrap} did not take the message for {topic}.",
            detail="; ".join(failures) or "no answer",
            kept=kept,
            next_step="sparge doctor",
        )
    return placed[0]
