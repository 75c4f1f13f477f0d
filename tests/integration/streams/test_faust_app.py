"""A Faust worker starts where it is told, delivers all there is from there, stops at once, fails loudly."""

from __future__ import annotations

import json
import random
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from confluent_kafka import Consumer, Producer
from confluent_kafka import TopicPartition as KafkaTopicPartition
from confluent_kafka.admin import AdminClient

from streams.record import Outgoing
from streams.transactions import PartitionProducer
from tests.integration.streams import probe_worker as probe

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from streams.connection import Broker
    from streams.topics import Topic
    from tests.integration.streams.conftest import Worker

CODECS = ("none", "gzip", "snappy", "lz4", "zstd")


@pytest.fixture
def plan(kafka: Broker, tmp_path: Path) -> Callable[..., probe.Plan]:
    def make(topic: Topic, **choices: object) -> probe.Plan:
        made = probe.Plan(kafka.bootstrap, topic.name, topic.name, str(tmp_path), **choices)  # type: ignore[arg-type]  # by name
        if not made.database.exists():
            probe.create_database(made.database)
        return made

    return make


def produce(broker: Broker, topic: Topic, values: list[bytes], codec: str = "lz4") -> None:
    """Values round the partitions, in order."""
    producer = Producer({**broker.confluent(), "compression.type": codec, "linger.ms": 20})
    for number, value in enumerate(values):
        producer.produce(topic.name, value, partition=number % topic.partitions)
        producer.poll(0)
    assert producer.flush(30) == 0


def commit_group_offsets(broker: Broker, group: str, topic: Topic, offset: int) -> None:
    consumer = Consumer({**broker.confluent(), "group.id": f"sparge-{group}"})
    places = [
        KafkaTopicPartition(topic.name, partition, offset + partition)
        for partition in range(topic.partitions)
    ]
    consumer.commit(offsets=places, asynchronous=False)
    consumer.close()


def wait_until(condition: Callable[[], bool], within_s: float, worker: Worker) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline or worker.process.poll() is not None:
            pytest.fail(f"waited in vain; the worker said {worker.said[-5:]} and logged:\n{worker.log()}")
        time.sleep(0.1)


def test_each_partition_starts_where_start_at_says_whatever_offsets_kafka_keeps_for_the_group(
    kafka: Broker,
    new_topic: Callable[..., Topic],
    plan: Callable[..., probe.Plan],
    start_worker: Callable[[str], Worker],
) -> None:
    topic = new_topic(partitions=4)
    produce(kafka, topic, [str(number).encode() for number in range(4_000)])
    choices = plan(topic, agent="keep", starts={"0": 0, "1": 1, "2": 999, "3": 500})
    commit_group_offsets(kafka, choices.group, topic, 700)

    worker = start_worker(choices.argument())
    wait_until(lambda: len(probe.written(choices.database)) >= 1_000 + 999 + 1 + 500, 30, worker)

    delivered: dict[int, list[int]] = {}
    for partition, offset, *_ in probe.written(choices.database):
        delivered.setdefault(partition, []).append(offset)
    assert delivered == {
        0: list(range(1_000)),
        1: list(range(1, 1_000)),
        2: [999],
        3: list(range(500, 1_000)),
    }
    code, seconds = worker.stop()
    assert code == 0
    assert seconds < 2.0, "events are unacknowledged, and still it stops at once"


def test_messages_of_every_codec_without_key_or_value_and_with_repeated_headers_reach_the_agent(
    kafka: Broker,
    new_topic: Callable[..., Topic],
    plan: Callable[..., probe.Plan],
    start_worker: Callable[[str], Worker],
    tmp_path: Path,
) -> None:
    topic = new_topic()
    for codec in CODECS:
        produce(kafka, topic, [f"{codec} {number} ".encode() * 40 for number in range(500)], codec)
    producer = Producer(kafka.confluent())
    producer.produce(topic.name, None, None, headers=[("a", b"1"), ("a", b"2"), ("empty", None)])
    producer.produce(topic.name, b"", b"key")
    assert producer.flush(10) == 0
    before = time.time()

    choices = plan(topic)
    worker = start_worker(choices.argument())
    wait_until(lambda: len(probe.written(choices.database)) == 2_502, 30, worker)

    rows = probe.written(choices.database)
    assert [row[1] for row in rows] == list(range(2_502))
    assert [row[4] for row in rows[:2_500]] == [
        f"{codec} {number} ".encode() * 40 for codec in CODECS for number in range(500)
    ]
    assert rows[2_500][3:5] == (None, None)
    assert json.loads(rows[2_500][5]) == [["a", "1"], ["a", "2"], ["empty", ""]]
    assert rows[2_501][3:5] == (b"key", b"")
    assert all(before - 60 < row[2] / 1e6 < before + 1 for row in rows)
    assert all(said["size"] <= probe.MAX_RECORDS for said in worker.said if said["event"] == "batch")
    assert {path.name for path in tmp_path.iterdir() if path.is_dir()} == {"faust"}, (
        "nothing else is littered"
    )


@pytest.mark.parametrize("read_committed", [True, False])
def test_only_a_reader_of_committed_records_is_spared_what_a_transaction_took_back(
    kafka: Broker,
    new_topic: Callable[..., Topic],
    plan: Callable[..., probe.Plan],
    start_worker: Callable[[str], Worker],
    *,
    read_committed: bool,
) -> None:
    topic = new_topic()
    producer = PartitionProducer(kafka, topic.name)
    producer.fence()
    for number in range(20):
        producer.commit([Outgoing(topic.name, 0, b"k", b"kept %d" % number)])
        producer._producer.begin_transaction()
        producer._produce(Outgoing(topic.name, 0, b"k", b"taken back"))
        producer._producer.flush(10)
        producer._producer.abort_transaction(10)
    producer.commit([Outgoing(topic.name, 0, b"k", b"last")])

    choices = plan(topic, agent="keep", read_committed=read_committed)
    worker = start_worker(choices.argument())
    wait_until(lambda: any(row[4] == b"last" for row in probe.written(choices.database)), 30, worker)

    values = [row[4] for row in probe.written(choices.database)]
    kept = [b"kept %d" % number for number in range(20)] + [b"last"]
    assert [value for value in values if value != b"taken back"] == kept
    assert values.count(b"taken back") == (0 if read_committed else 20)


def test_an_agent_that_fails_ends_the_process_and_says_why(
    kafka: Broker,
    new_topic: Callable[..., Topic],
    plan: Callable[..., probe.Plan],
    start_worker: Callable[[str], Worker],
) -> None:
    topic = new_topic()
    produce(kafka, topic, [b"one"])
    worker = start_worker(plan(topic, agent="fail").argument())
    assert worker.ended() == 1
    assert "the agent failed" in worker.log()


def test_a_worker_that_cannot_learn_where_to_start_ends_and_has_read_nothing(
    kafka: Broker,
    new_topic: Callable[..., Topic],
    plan: Callable[..., probe.Plan],
    start_worker: Callable[[str], Worker],
) -> None:
    topic = new_topic()
    produce(kafka, topic, [b"one"])
    worker = start_worker(plan(topic, start="raise").argument())
    assert worker.ended() == 1
    assert "the database is away" in worker.log()
    assert not worker.has_said("batch")


def test_while_the_answer_where_to_start_is_awaited_nothing_is_read_and_a_signal_stops_the_worker(
    kafka: Broker,
    new_topic: Callable[..., Topic],
    plan: Callable[..., probe.Plan],
    start_worker: Callable[[str], Worker],
) -> None:
    topic = new_topic()
    produce(kafka, topic, [b"one"])
    worker = start_worker(plan(topic, start="hang").argument())
    worker.wait_for("asked")
    time.sleep(2.0)
    code, seconds = worker.stop()
    assert code == 0
    assert seconds < 2.0
    assert not worker.has_said("assigned")
    assert not worker.has_said("batch")


@pytest.mark.parametrize("start", [1, 11], ids=["deleted by retention", "beyond the end"])
def test_a_start_outside_the_log_is_refused_instead_of_reset(
    kafka: Broker,
    new_topic: Callable[..., Topic],
    plan: Callable[..., probe.Plan],
    start_worker: Callable[[str], Worker],
    start: int,
) -> None:
    topic = new_topic()
    produce(kafka, topic, [b"x"] * 10)
    admin = AdminClient(kafka.confluent())
    for deleted in admin.delete_records([KafkaTopicPartition(topic.name, 0, 2)]).values():
        deleted.result(timeout=10)
    worker = start_worker(plan(topic, starts={"0": start}).argument())
    assert worker.ended() == 1
    assert f"holds offsets 2 to 10, but where to start is {start}" in worker.log()
    assert not worker.has_said("batch")


def test_workers_that_join_stall_die_and_freeze_write_every_record_once_and_meet_no_hole(
    kafka: Broker,
    new_topic: Callable[..., Topic],
    plan: Callable[..., probe.Plan],
    start_worker: Callable[[str], Worker],
) -> None:
    topic = new_topic(partitions=8)
    choices = plan(topic)
    over = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(keep_producing, kafka, topic, over)
        try:
            first = start_worker(choices.argument())
            first.wait_for("batch")
            choices.stalled.touch()  # the buffers of the first fill up, and it must give way all the same
            time.sleep(2.0)
            second = start_worker(choices.argument())
            second.wait_for("assigned")
            assert first.has_said("revoked"), "the first was told that it lost its partitions"
            choices.stalled.unlink()
            second.wait_for("batch")
            first.stop(signal.SIGKILL)
            third = start_worker(choices.argument())
            third.wait_for("batch")
            second.process.send_signal(signal.SIGSTOP)
            time.sleep(8.0)  # longer than the session
            second.process.send_signal(signal.SIGCONT)
            time.sleep(4.0)
        finally:
            over.set()
        sent = sending.result()

    assert sent > 8 * 1_000
    wait_until(lambda: len(probe.written(choices.database)) >= sent, 60, third)
    time.sleep(1.0)
    places = [row[:2] for row in probe.written(choices.database)]
    assert places == [(partition, offset) for partition in range(8) for offset in range(sent // 8)]
    for worker in (second, third):
        code, seconds = worker.stop()
        assert code == 0, worker.log()
        assert seconds < 2.0


def keep_producing(broker: Broker, topic: Topic, over: threading.Event) -> int:
    """About 2,000 messages a second until told that it is over; returns how many."""
    chance = random.Random(7)
    sent = 0
    while not over.wait(0.2):
        produce(broker, topic, [b"x" * chance.randrange(2_000) for _ in range(400)])
        sent += 400
    return sent
