"""The embedded broker keeps what it acknowledged, whatever becomes of its process."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic  # type: ignore[attr-defined]  # re-exported unmarked

from schemas.errors import BrokerUnreachable
from streams.embedded_kafka import EmbeddedKafka
from tests.servers.kafka import running_kafka

if TYPE_CHECKING:
    from pathlib import Path

    from streams.connection import Broker

MESSAGES = [f"message {number}".encode() for number in range(100)]


def write(bootstrap: str, topic: str) -> None:
    admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    for created in admin.create_topics([NewTopic(topic, 1)]).values():
        created.result()
    producer = Producer({"bootstrap.servers": bootstrap, "acks": "all", "log_level": 0})
    for message in MESSAGES:
        producer.produce(topic, message)
    assert producer.flush(20) == 0


def read(bootstrap: str, topic: str) -> list[bytes | None]:
    consumer = Consumer(
        {"bootstrap.servers": bootstrap, "group.id": "reader", "enable.auto.commit": False, "log_level": 0}
    )
    try:
        consumer.assign([TopicPartition(topic, 0, 0)])
        return [message.value() for message in consumer.consume(len(MESSAGES), timeout=20)]
    finally:
        consumer.close()


def cluster_id(bootstrap: str) -> str | None:
    return AdminClient({"bootstrap.servers": bootstrap, "log_level": 0}).list_topics(timeout=10).cluster_id


def start(server: EmbeddedKafka) -> subprocess.Popen[bytes]:
    server.prepare()
    process = subprocess.Popen(server.command())
    server.ready(alive=lambda: process.poll() is None)
    return process


def test_after_kill_9_topics_messages_address_and_cluster_are_the_same(tmp_path: Path) -> None:
    server = EmbeddedKafka(tmp_path)
    server.download()
    process = start(server)
    bootstrap, cluster = server.bootstrap, cluster_id(server.bootstrap)
    write(bootstrap, "kept")
    process.kill()
    process.wait()
    again = EmbeddedKafka(tmp_path)
    process = start(again)
    try:
        assert (again.bootstrap, cluster_id(again.bootstrap)) == (bootstrap, cluster)
        assert read(again.bootstrap, "kept") == MESSAGES
    finally:
        process.terminate()
        process.wait()


def test_two_brokers_run_side_by_side_and_know_nothing_of_each_other(kafka: Broker, tmp_path: Path) -> None:
    with running_kafka(tmp_path) as other:
        write(other.bootstrap, "of-the-other")
        assert cluster_id(other.bootstrap) != cluster_id(kafka.bootstrap)
        assert "of-the-other" not in AdminClient(kafka.confluent()).list_topics(timeout=10).topics


def test_ports_that_were_taken_meanwhile_are_changed(tmp_path: Path) -> None:
    server = EmbeddedKafka(tmp_path)
    server.download()
    server.prepare()
    before = server.bootstrap
    with contextlib.ExitStack() as taken:
        for port in (tmp_path / "ports").read_text().split():
            taken.enter_context(socket.create_server(("127.0.0.1", int(port))))
        with running_kafka(tmp_path) as moved:
            assert moved.bootstrap != before
            write(moved.bootstrap, "works")


def test_a_broker_that_dies_at_once_is_not_waited_for(tmp_path: Path) -> None:
    server = EmbeddedKafka(tmp_path)
    server.download()
    server.prepare()
    began = time.monotonic()
    with pytest.raises(BrokerUnreachable) as refusal:
        server.ready(60, alive=lambda: False)
    assert time.monotonic() - began < 5
    assert str(server.log_path) in refusal.value.next_step


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
def test_a_broker_stops_when_the_process_that_started_it_is_killed(tmp_path: Path) -> None:
    EmbeddedKafka(tmp_path).download()
    code = """
import subprocess, sys, time
from pathlib import Path
from streams.embedded_kafka import EmbeddedKafka
server = EmbeddedKafka(Path(sys.argv[1]))
server.prepare()
process = subprocess.Popen(server.command())
server.ready()
print(process.pid, flush=True)
time.sleep(600)
"""
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        broker = int(parent.stdout.readline())
        parent.kill()
    assert gone_within(broker, 15)


def gone_within(pid: int, span_s: float) -> bool:
    deadline = time.monotonic() + span_s
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.1)
    return False
