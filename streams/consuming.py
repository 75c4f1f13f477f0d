"""Plain reading of the log with confluent-kafka: no group, no commits, no reset that nobody asked for."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from confluent_kafka import Consumer, KafkaError
from confluent_kafka import TopicPartition as KafkaTopicPartition

from schemas.errors import BrokerError
from streams.connection import broker_error
from streams.record import Record, TopicPartition

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from confluent_kafka import Message

    from streams.connection import Broker

POLL_S = 0.1


def open_consumer(broker: Broker, *, read_committed: bool, **settings: Any) -> Consumer:
    """A consumer to which partitions are assigned by hand; it tells when it comes to a partition's end."""
    return Consumer(
        {
            **broker.confluent(),
            # librdkafka demands a name; no member of this group ever joins.
            "group.id": "sparge-reader",
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "error",
            "isolation.level": "read_committed" if read_committed else "read_uncommitted",
            # A fetch at the end of the log comes back soon, so that an empty tail is known soon.
            "fetch.wait.max.ms": 50,
            "fetch.queue.backoff.ms": 10,
            **settings,
        }
    )


def record_of(message: Message) -> Record:
    """The record in a message of confluent-kafka."""
    topic, partition, offset = message.topic(), message.partition(), message.offset()
    if topic is None or partition is None or offset is None:
        raise TypeError("a consumed message has a topic, a partition and an offset")
    headers: Any = message.headers() or ()
    return Record(
        topic=topic,
        partition=partition,
        offset=offset,
        recorded_us=message.timestamp()[1] * 1000,
        key=message.key(),
        value=message.value(),
        headers=tuple((name, value or b"") for name, value in headers),
    )


def assign(consumer: Consumer, starts: Mapping[TopicPartition, int]) -> None:
    """Start each partition at its offset."""
    consumer.assign([KafkaTopicPartition(tp.topic, tp.partition, start) for tp, start in starts.items()])


def read_between(
    consumer: Consumer,
    broker: Broker,
    starts: Mapping[TopicPartition, int],
    ends: Mapping[TopicPartition, int],
    within_s: float,
) -> Iterator[Record]:
    """Every record at or above its partition's start and below its end, in order within a partition.

    What is not yielded is not there: each partition was read up to its end, or beyond.

    Raises:
        BrokerError: no partition came any further for within_s seconds, or a start is not in the log.
    """
    left = {tp: end for tp, end in ends.items() if starts[tp] < end}
    if not left:
        return
    assign(consumer, {tp: starts[tp] for tp in left})
    deadline = time.monotonic() + within_s
    try:
        while left:
            message = consumer.poll(POLL_S)
            if message is None:
                if time.monotonic() > deadline:
                    raise BrokerError(
                        f"Kafka at {broker.bootstrap} sent nothing for {within_s:g} s.",
                        detail=f"still to read: {left}",
                        next_step="sparge doctor",
                    )
                continue
            tp, at = _place(message)
            error = message.error()
            if error is not None and error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001 - librdkafka's local code
                if not error.retriable():
                    raise broker_error(
                        error, broker, f"read {tp.topic}[{tp.partition}] from {starts.get(tp)}"
                    )
                continue
            end = left.get(tp)
            if end is None:
                continue
            if error is None and at < end:
                deadline = time.monotonic() + within_s
                yield record_of(message)
            # The end of the partition is said with the next offset, a record with its own.
            if at >= end - (error is None):
                del left[tp]
    finally:
        consumer.unassign()


def _place(message: Message) -> tuple[TopicPartition, int]:
    return TopicPartition(message.topic() or "", message.partition() or 0), message.offset() or 0
