"""Ranges, whole topics and tails are read to the last record and not beyond, also between transactions."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING

import pytest
from confluent_kafka import Producer
from confluent_kafka import TopicPartition as KafkaTopicPartition
from confluent_kafka.admin import AdminClient

from schemas.errors import BrokerError, ProducerFenced
from streams import range_reader
from streams.admin import log_bounds
from streams.connection import Broker
from streams.range_reader import RangeReader
from streams.record import Outgoing, TopicPartition
from streams.tail import read_all, read_partition_to_end, tail
from streams.transactions import PartitionProducer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from streams.topics import Topic


@pytest.fixture
def reader(kafka: Broker) -> Iterator[RangeReader]:
    reader = RangeReader(kafka, read_committed=True)
    yield reader
    reader.close()


def produce(broker: Broker, topic: Topic, values: list[bytes], partition: int = 0) -> None:
    producer = Producer(broker.confluent())
    for value in values:
        producer.produce(topic.name, value, b"k", partition=partition, headers=[("h", b"1")])
    assert producer.flush(10) == 0


def outgoing(topic: Topic, *values: bytes) -> list[Outgoing]:
    return [Outgoing(topic.name, 0, b"k", value) for value in values]


def test_a_range_holds_exactly_the_records_from_start_up_to_stop(
    kafka: Broker, new_topic: Callable[..., Topic], reader: RangeReader
) -> None:
    topic = new_topic(partitions=2)
    produce(kafka, topic, [b"%d" % number for number in range(1_000)], partition=1)
    before = time.time()
    records = reader.read(topic.name, 1, 200, 700)
    assert [record.offset for record in records] == list(range(200, 700))
    first = records[0]
    assert (first.topic, first.partition, first.key, first.value) == (topic.name, 1, b"k", b"200")
    assert first.headers == (("h", b"1"),)
    assert before - 60 < first.recorded_us / 1e6 < before + 1
    assert reader.read(topic.name, 1, 999, 1_000)[0].value == b"999"
    assert reader.read(topic.name, 1, 5, 5) == []


def test_a_range_in_which_only_markers_and_aborted_records_lie_is_empty_also_at_the_end_of_the_log(
    kafka: Broker, new_topic: Callable[..., Topic], reader: RangeReader
) -> None:
    topic = new_topic()
    producer = PartitionProducer(kafka, topic.name)
    producer.fence()
    producer.commit(outgoing(topic, b"0", b"1"))  # offsets 0, 1, marker 2
    producer._producer.begin_transaction()
    producer._produce(outgoing(topic, b"aborted")[0])  # offset 3, marker 4
    producer._producer.flush(10)
    producer._producer.abort_transaction(10)
    producer.commit(outgoing(topic, b"5"))  # offset 5, marker 6
    offsets = [record.offset for record in reader.read(topic.name, 0, 0, 7)]
    assert offsets == [0, 1, 5]
    assert reader.read(topic.name, 0, 2, 5) == []
    started = time.monotonic()
    assert reader.read(topic.name, 0, 6, 7) == []
    assert time.monotonic() - started < 2.0


def test_several_threads_may_ask_one_reader(
    kafka: Broker, new_topic: Callable[..., Topic], reader: RangeReader
) -> None:
    topic = new_topic(partitions=4)
    for partition in range(4):
        produce(kafka, topic, [b"%d" % partition] * 50, partition)
    found: dict[int, set[bytes | None]] = {}

    def ask(partition: int) -> None:
        found[partition] = {record.value for record in reader.read(topic.name, partition, 10, 20)}

    threads = [threading.Thread(target=ask, args=(partition,)) for partition in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {partition: {b"%d" % partition} for partition in range(4)}


def test_a_range_that_the_log_does_not_cover_is_an_error_and_not_an_empty_answer(
    kafka: Broker, new_topic: Callable[..., Topic], reader: RangeReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    topic = new_topic()
    produce(kafka, topic, [b"x"] * 10)
    admin = AdminClient(kafka.confluent())
    for deleted in admin.delete_records([KafkaTopicPartition(topic.name, 0, 4)]).values():
        deleted.result(timeout=10)
    with pytest.raises(BrokerError, match=r"could not read .* from 2"):
        reader.read(topic.name, 0, 2, 6)
    monkeypatch.setattr(range_reader, "WAIT_S", 1.0)
    with pytest.raises(BrokerError, match="sent nothing for 1 s"):
        reader.read(topic.name, 0, 8, 12)


def test_a_reader_whose_broker_is_away_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(range_reader, "WAIT_S", 1.0)
    reader = RangeReader(Broker("127.0.0.1:1"), read_committed=True)
    with pytest.raises(BrokerError):
        reader.read("t", 0, 0, 1)
    reader.close()


def test_a_transaction_is_seen_whole_or_not_at_all(kafka: Broker, new_topic: Callable[..., Topic]) -> None:
    topic = new_topic()
    producer = PartitionProducer(kafka, topic.name)
    producer.fence()
    producer.commit(outgoing(topic, b"1", b"2"))
    producer._producer.begin_transaction()
    for message in outgoing(topic, b"3", b"4"):
        producer._produce(message)
    producer._producer.flush(10)
    assert [record.value for record in read_all(kafka, topic.name)] == [b"1", b"2"]
    here = TopicPartition(topic.name, 0)
    assert log_bounds(kafka, [here])[here] == (0, 5)
    assert log_bounds(kafka, [here], read_committed=True)[here] == (0, 3)
    uncommitted = read_all(kafka, topic.name, read_committed=False)
    assert [record.value for record in uncommitted] == [b"1", b"2", b"3", b"4"]


def test_the_last_to_fence_owns_the_id_what_others_left_open_is_gone_and_they_cannot_write(
    kafka: Broker, new_topic: Callable[..., Topic]
) -> None:
    topic = new_topic()
    former, owner = PartitionProducer(kafka, topic.name), PartitionProducer(kafka, topic.name)
    former.fence()
    former.commit(outgoing(topic, b"former"))
    former._producer.begin_transaction()
    former._produce(outgoing(topic, b"left open")[0])
    former._producer.flush(10)

    owner.fence()
    owner.commit(outgoing(topic, b"owner"))
    for _ in range(2):
        with pytest.raises(ProducerFenced):
            former.commit(outgoing(topic, b"too late"))
    assert [record.value for record in read_partition_to_end(kafka, topic.name, 0)] == [b"former", b"owner"]


def test_a_transaction_that_the_broker_refuses_writes_nothing_and_trying_again_leads_on(
    kafka: Broker, new_topic: Callable[..., Topic]
) -> None:
    topic = new_topic(max_message_bytes=10_000)
    producer = PartitionProducer(kafka, topic.name)
    producer.fence()
    with pytest.raises(BrokerError, match="could not commit"):
        producer.commit(outgoing(topic, b"small", os.urandom(20_000)))
    # librdkafka aborts the transaction after a refused one, too: its sequence numbers have a gap.
    with pytest.raises(BrokerError, match="could not commit"):
        producer.commit(outgoing(topic, b"next"))
    producer.commit(outgoing(topic, b"next"))
    assert [record.value for record in read_all(kafka, topic.name)] == [b"next"]


def test_all_records_of_a_topic_are_read_whatever_partition_they_are_in(
    kafka: Broker, new_topic: Callable[..., Topic]
) -> None:
    topic = new_topic(partitions=3)
    assert list(read_all(kafka, topic.name)) == []
    produce(kafka, topic, [b"a"] * 300, partition=0)
    produce(kafka, topic, [b"c"] * 200, partition=2)
    records = list(read_all(kafka, topic.name))
    assert [record.offset for record in records if record.partition == 0] == list(range(300))
    assert [record.offset for record in records if record.partition == 2] == list(range(200))
    assert len(records) == 500


def test_a_tail_yields_what_is_written_after_it_was_asked_for(
    kafka: Broker, new_topic: Callable[..., Topic]
) -> None:
    topic = new_topic(partitions=2)
    produce(kafka, topic, [b"before"])
    over = threading.Event()
    records = tail(kafka, [topic.name], stop=over.is_set)
    produce(kafka, topic, [b"after 1"])
    produce(kafka, topic, [b"after 2"], partition=1)
    assert {next(records).value, next(records).value} == {b"after 1", b"after 2"}
    over.set()
    assert list(records) == []


def test_a_tail_can_start_at_the_beginning_or_at_an_offset(
    kafka: Broker, new_topic: Callable[..., Topic]
) -> None:
    topic = new_topic()
    produce(kafka, topic, [b"0", b"1", b"2"])
    assert next(tail(kafka, [topic.name], start="beginning")).value == b"0"
    assert next(tail(kafka, [topic.name], start={TopicPartition(topic.name, 0): 2})).value == b"2"


def test_a_topic_that_does_not_exist_is_named(kafka: Broker) -> None:
    with pytest.raises(BrokerError, match=r"lacks a topic: no\.such\.topic") as told:
        tail(kafka, ["no.such.topic"])
    assert told.value.next_step == "sparge topics"
