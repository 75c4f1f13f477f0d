"""A log that is not the one that was read is refused; what is gone from a log is a recorded loss."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from streams.admin import ensure_topics
from streams.topics import FRAMES
from tests.integration.agents.devices import Device
from tests.integration.agents.workers import wait_until
from tests.integration.sparge.command_line import CommandLine

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from streams.connection import Broker
    from tests.integration.agents.workers import Worker

ENDS_WITHIN_S = 60.0


def send(broker: Broker, count: int) -> Device:
    """Send frames of one unit; all of them lie in one partition."""
    device = Device(broker)
    for number in range(count):
        device.send("BR-01", {"DO": ("%", 40.0 + number)})
    device.flush()
    return device


def stored(database: str) -> set[tuple[object, ...]]:
    with psycopg.connect(database) as connection:
        rows = connection.execute(
            "SELECT unit, signal, (extract(epoch FROM time) * 1000000)::bigint, value FROM sparge.samples"
        ).fetchall()
    assert len(rows) == len(set(rows))
    return set(rows)


@pytest.mark.timeout(180)
def test_a_topic_that_was_created_anew_is_refused_until_it_is_adopted(
    topics: Broker, store_database: str, tmp_path: Path, start: Callable[..., Worker]
) -> None:
    worker = start("ingest", broker=topics.bootstrap, database=store_database)
    before = send(topics, 3).acknowledged
    wait_until(lambda: stored(store_database) == before, [worker])

    admin = AdminClient(topics.confluent())
    admin.delete_topics([FRAMES.name])[FRAMES.name].result()
    wait_until(lambda: created(topics), [])
    # More than was stored of the former log: the new one must not be taken up in its middle.
    after = send(topics, 9).acknowledged
    assert worker.ended(ENDS_WITHIN_S) == 1, worker.log()
    worker.keep_alive()
    assert worker.ended(ENDS_WITHIN_S) == 1, worker.log()
    assert "sparge topics adopt" in worker.log()
    assert stored(store_database) == before

    sparge = CommandLine(tmp_path / "home", SPARGE_BROKER=topics.bootstrap, SPARGE_DATABASE=store_database)
    assert "Adopted." in sparge.done("topics", "adopt", "--yes")
    wait_until(lambda: stored(store_database) == before | after, [worker])


def created(broker: Broker) -> bool:
    """Whether the topic could be created; for a while after its deletion its name may still be taken."""
    return any(report.name == FRAMES.name and report.action == "created" for report in ensure_topics(broker))


@pytest.mark.timeout(120)
def test_what_retention_deleted_before_it_was_read_is_a_recorded_loss(
    topics: Broker, store_database: str, start: Callable[..., Worker]
) -> None:
    worker = start("ingest", broker=topics.bootstrap, database=store_database)
    read = send(topics, 3)
    wait_until(lambda: stored(store_database) >= read.acknowledged, [worker])
    worker.stop()
    lost = send(topics, 4)
    [(partition, end)] = lost.ends.items()
    here = TopicPartition(FRAMES.name, partition, end)
    admin = AdminClient(topics.confluent())
    admin.delete_records([here])[here].result()
    kept = send(topics, 2)

    worker.keep_alive()
    wait_until(lambda: stored(store_database) >= kept.acknowledged, [worker])
    assert not stored(store_database) & lost.acknowledged
    with psycopg.connect(store_database) as connection:
        losses = connection.execute(
            "SELECT sink, topic, partition, from_offset, to_offset FROM sparge.losses "
            "WHERE to_offset - from_offset = 4"
        ).fetchall()
    assert losses == [("ingest", FRAMES.name, partition, end - 4, end)]
