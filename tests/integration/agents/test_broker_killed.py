"""A broker that is killed under load costs time and nothing else."""

from __future__ import annotations

import contextlib
import subprocess
import threading
import time
from typing import TYPE_CHECKING

import psycopg
import pytest

from schemas.errors import BrokerError
from streams.admin import LogEnds, ensure_topics, partitions_of
from streams.connection import Broker
from streams.embedded_kafka import EmbeddedKafka
from streams.topics import FRAMES
from tests.integration.agents.devices import Device, run_plant
from tests.integration.agents.watching import alarm_of, reference, said, wait_until_watched
from tests.integration.agents.workers import LONGER_THAN_THE_SESSION_S, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from streams.record import TopicPartition
    from tests.integration.agents.workers import Worker

SENDING_S = 40.0
TRIES = 5
SAMPLES = "SELECT unit, signal, (extract(epoch FROM time) * 1000000)::bigint, value FROM sparge.samples"
TRANSITIONS = "SELECT source_partition, source_offset, alarm_id, event FROM sparge.alarm_history"


class KillableKafka:
    """A broker whose process dies without a word and starts again on what it has on its disk."""

    def __init__(self, folder: Path) -> None:
        self._server = EmbeddedKafka(folder)
        self._server.download()
        self.start()

    @property
    def bootstrap(self) -> str:
        return self._server.bootstrap

    def start(self) -> None:
        self._server.prepare()
        self._process = subprocess.Popen(self._server.command())
        self._server.ready(alive=lambda: self._process.poll() is None)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


@pytest.fixture
def killable(tmp_path: Path) -> Iterator[KillableKafka]:
    server = KillableKafka(tmp_path / "kafka")
    yield server
    server.kill()


def rows(database: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(database) as connection:
        return connection.execute(query).fetchall()


@pytest.mark.timeout(120)
def test_the_ends_of_the_log_are_told_again_after_a_broker_that_was_killed(killable: KillableKafka) -> None:
    broker = Broker(killable.bootstrap)
    ensure_topics(broker)
    partitions = partitions_of(broker, [FRAMES.name])
    ends = LogEnds(broker, read_committed=True)
    before = ends.read(partitions)
    killable.kill()
    killable.start()
    told: dict[TopicPartition, int] = {}
    for _ in range(TRIES):
        with contextlib.suppress(BrokerError):
            told = ends.read(partitions)
            break
        time.sleep(1.0)
    assert told == before


@pytest.mark.timeout(240)
def test_workers_go_on_after_a_broker_that_was_killed(
    killable: KillableKafka, store_database: str, start: Callable[..., Worker]
) -> None:
    broker = Broker(killable.bootstrap)
    ensure_topics(broker)
    servers = {"broker": broker.bootstrap, "database": store_database}
    workers = [start(name, **servers) for name in ("ingest", "watch", "record")]
    device = Device(broker)
    sending = threading.Thread(target=run_plant, args=(device, SENDING_S))
    sending.start()
    for away_s in (1.0, LONGER_THAN_THE_SESSION_S):
        time.sleep(10.0)
        killable.kill()
        time.sleep(away_s)
        killable.start()
        for worker in workers:
            worker.keep_alive()
    sending.join()

    wait_until(lambda: len(rows(store_database, SAMPLES)) >= len(device.acknowledged), workers, 90.0)
    stored = rows(store_database, SAMPLES)
    assert len(stored) == len(device.acknowledged)
    assert set(stored) == device.acknowledged
    wait_until_watched(broker, device.ends, workers, 90.0)
    workers[1].stop()
    told = said(broker)
    assert told == reference(broker)
    assert told
    record = workers[2:]
    wait_until(lambda: len(rows(store_database, TRANSITIONS)) >= sum(map(len, told.values())), record)
    assert sorted(rows(store_database, TRANSITIONS)) == sorted(
        (partition, one["source"]["offset"], alarm_of(one), one["event"])
        for partition, its in told.items()
        for one in its
    )
