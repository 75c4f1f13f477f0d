"""Where refused messages go: the dead-letter topic, acknowledged before anything else moves on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from confluent_kafka import KafkaError, Message, Producer

from schemas.errors import DeliveryFailed
from streams.codec import outgoing
from streams.single import send_one
from streams.topics import DEADLETTER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from schemas.deadletter import DeadLetter
    from streams.connection import Broker

DELIVERY_TIMEOUT_S = 10.0
"""A sink waits for this within its transaction, and the database ends one that is idle for 18 s."""


class DeadLetterProducer:
    """Writes dead letters; returns only when all are on the broker's disk.

    A letter may be written twice after a crash: its id is made from the refused message's place in the log,
    and readers keep one of each.
    """

    def __init__(self, broker: Broker) -> None:
        self._producer = Producer(
            {
                **broker.confluent(),
                "enable.idempotence": True,
                "linger.ms": 5,
                "compression.type": DEADLETTER.compression,
                "message.max.bytes": DEADLETTER.max_message_bytes,
                "message.timeout.ms": int(DELIVERY_TIMEOUT_S * 1000),
            }
        )

    def send(self, letters: Sequence[DeadLetter]) -> None:
        """Write all letters.

        Raises:
            DeliveryFailed: the broker did not acknowledge every one.
        """
        failures: list[str] = []

        def told(error: KafkaError | None, _: Message) -> None:
            if error is not None:
                failures.append(error.str())

        for letter in letters:
            key, value, headers = outgoing(letter)
            self._producer.produce(
                DEADLETTER.name, value, key, partition=0, headers=list(headers), on_delivery=told
            )
            self._producer.poll(0)
        unacknowledged = self._producer.flush(DELIVERY_TIMEOUT_S + 2.0)
        if failures or unacknowledged:
            raise DeliveryFailed(
                f"{len(failures) + unacknowledged} of {len(letters)} dead letters were not acknowledged.",
                detail="; ".join(sorted(set(failures))),
                kept="The refused messages are still in their topic and will be read again.",
                next_step="sparge doctor",
            )


def send_back(
    broker: Broker, topic: str, key: bytes | None, value: bytes, headers: Sequence[tuple[str, bytes]]
) -> tuple[int, int]:
    """Write a refused message, or what it was repaired to, to its topic again; returns (partition, offset).

    Raises:
        DeliveryFailed: the broker did not acknowledge it.
    """
    return send_one(broker, topic, key, value, headers, kept="The dead letter is still there.")
