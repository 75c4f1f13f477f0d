"""The demonstration on named servers: its alert, why there is none, and a database that is in use."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import psycopg
import pytest

from storage import throwaway
from storage.store import Store
from streams.admin import describe_log
from streams.topics import FRAMES
from tests.integration.sparge.command_line import CommandLine

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from streams.connection import Broker

PLAYED_WITHIN_S = 170.0


@pytest.fixture
def occupied(store_database: str, topics: Broker) -> Iterator[str]:
    """A database that goes on with another cluster's log; what is made beside it is dropped afterwards."""
    frames = FRAMES.name
    with Store(store_database, application="test") as store:
        store.register_log("ingest", "another-cluster", {frames: "another-id"}, {frames: FRAMES.partitions})
    yield store_database
    throwaway.drop(store_database, throwaway.name_for(describe_log(topics, [frames]).cluster_id))


def test_the_alert_is_stored_and_read_back_even_beside_a_database_that_is_in_use(
    occupied: str, topics: Broker, tmp_path: Path
) -> None:
    sparge = CommandLine(tmp_path, SPARGE_BROKER=topics.bootstrap, SPARGE_DATABASE=occupied)
    with sparge.running("demo", "--until-alert") as demo:
        told, _ = demo.communicate(timeout=PLAYED_WITHIN_S)
    assert demo.returncode == 0, told
    truth = told.index("truth: lost_stirrer of demo/BR-01")
    assert truth < told.index("ALARM high   demo/BR-01  agitation low") < told.index("do: Stop the feed.")
    assert "alert demo/BR-01/agitation/low is stored and was read back" in told
    assert re.search(
        r"query it in another terminal: SPARGE_DATABASE= SPARGE_HOME=\S+ .*query demo/BR-01", told
    )
    with psycopg.connect(occupied) as connection:
        assert connection.execute("SELECT count(*) FROM sparge.sample").fetchone() == (0,)


def test_without_an_alert_in_time_it_fails_and_says_what_it_waited_for(
    topics: Broker, store_database: str, tmp_path: Path
) -> None:
    sparge = CommandLine(tmp_path, SPARGE_BROKER=topics.bootstrap, SPARGE_DATABASE=store_database)
    with sparge.running("demo", "--until-alert", "--timeout", "4") as demo:
        told, _ = demo.communicate(timeout=PLAYED_WITHIN_S)
    assert demo.returncode == 1
    assert "The alert was not there after 4 s" in told
    assert "still waiting for" in told
