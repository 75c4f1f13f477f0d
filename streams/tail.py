"""Reading topics as a person does: from here on, or all there is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from confluent_kafka import KafkaError, KafkaException

from streams.admin import log_bounds, partitions_of
from streams.connection import broker_error
from streams.consuming import POLL_S, assign, open_consumer, read_between, record_of
from streams.record import TopicPartition

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from confluent_kafka import Consumer

    from schemas.errors import BrokerError
    from streams.connection import Broker
    from streams.record import Record

WAIT_S = 30.0

_AWAY = frozenset({"_ALL_BROKERS_DOWN", "_AUTHENTICATION", "_SSL"})


def tail(
    broker: Broker,
    topics: Sequence[str],
    *,
    start: Literal["end", "beginning"] | Mapping[TopicPartition, int] = "end",
    read_committed: bool = True,
    stop: Callable[[], bool] = lambda: False,
    on_trouble: Callable[[BrokerError], None] = lambda _: None,
) -> Iterator[Record]:
    """Records as they come, until stop() is true (asked every 0.1 s); in order within a partition.

    What is written after this call, not after the first record is asked for, is what "end" means.
    While the broker is away it waits and tells on_trouble; what retention deletes meanwhile is skipped.

    Raises:
        BrokerError: a topic does not exist, or the broker refuses.
    """
    bounds = log_bounds(broker, partitions_of(broker, topics))
    if start == "end":
        starts = {tp: high for tp, (_, high) in bounds.items()}
    elif start == "beginning":
        starts = {tp: low for tp, (low, _) in bounds.items()}
    else:
        starts = dict(start)

    def away(error: KafkaError) -> None:
        if error.name() in _AWAY:
            on_trouble(broker_error(error, broker, "send what is new"))

    settings = {"auto.offset.reset": "earliest", "error_cb": away}
    consumer = open_consumer(broker, read_committed=read_committed, **settings)
    assign(consumer, starts)
    return _follow(consumer, broker, stop)


def read_all(broker: Broker, topic: str, *, read_committed: bool = True) -> Iterator[Record]:
    """Every record of a topic up to its present end, in order within a partition.

    Raises:
        BrokerError: the topic does not exist, or the broker did not answer for 30 s.
    """
    return _read_whole(broker, partitions_of(broker, [topic]), read_committed=read_committed)


def read_partition_to_end(broker: Broker, topic: str, partition: int) -> Iterator[Record]:
    """Every committed record of one partition up to its present end, in order.

    Raises:
        BrokerError: the broker did not answer for 30 s.
    """
    return _read_whole(broker, [TopicPartition(topic, partition)], read_committed=True)


def _read_whole(broker: Broker, tps: Sequence[TopicPartition], *, read_committed: bool) -> Iterator[Record]:
    bounds = log_bounds(broker, tps, read_committed=read_committed)
    consumer = open_consumer(broker, read_committed=read_committed, **{"auto.offset.reset": "earliest"})
    try:
        starts = {tp: low for tp, (low, _) in bounds.items()}
        ends = {tp: high for tp, (_, high) in bounds.items()}
        yield from read_between(consumer, broker, starts, ends, WAIT_S)
    finally:
        consumer.close()


def _follow(consumer: Consumer, broker: Broker, stop: Callable[[], bool]) -> Iterator[Record]:
    try:
        while not stop():
            message = consumer.poll(POLL_S)
            if message is None:
                continue
            error = message.error()
            if error is None:
                yield record_of(message)
            elif not error.retriable() and error.code() != KafkaError._PARTITION_EOF:  # noqa: SLF001 - librdkafka's local code
                raise broker_error(error, broker, "send what is new")
    except KafkaException as failure:
        raise broker_error(failure, broker, "send what is new") from failure
    finally:
        consumer.close()
