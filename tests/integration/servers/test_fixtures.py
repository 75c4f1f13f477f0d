"""The fixtures themselves: what every other integration test stands on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest
from confluent_kafka.admin import AdminClient

from streams.topics import TOPICS
from tests.servers.database import new_database

if TYPE_CHECKING:
    from streams.connection import Broker


def test_a_module_finds_every_declared_topic(topics: Broker) -> None:
    names = set(AdminClient(topics.confluent()).list_topics(timeout=10).topics)
    assert {topic.name for topic in TOPICS} <= names


@pytest.mark.parametrize("_round", [1, 2])
def test_every_test_gets_an_empty_database(database: str, _round: int) -> None:
    with psycopg.connect(database) as connection:
        connection.execute("CREATE TABLE mark (x int)")


def test_a_database_is_dropped_even_while_something_is_connected(database_server: str) -> None:
    with new_database(database_server) as conninfo:
        lingering = psycopg.connect(conninfo)
    with lingering, pytest.raises(psycopg.OperationalError):
        lingering.execute("SELECT 1")
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        psycopg.connect(conninfo)
