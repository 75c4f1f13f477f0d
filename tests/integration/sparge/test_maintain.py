"""`sparge maintain` on a real database: once, and again and again beside a database that goes away."""

from __future__ import annotations

import signal
import time
from typing import TYPE_CHECKING

import psycopg
import pytest

from storage.store import Store
from tests.integration.sparge.command_line import CommandLine
from tests.integration.storage.frames import T0_US, column, register, stored

if TYPE_CHECKING:
    from pathlib import Path

WITHIN_S = 60.0


@pytest.fixture
def sparge(store_database: str, tmp_path: Path) -> CommandLine:
    return CommandLine(tmp_path, SPARGE_DATABASE=store_database)


def write(database: str, sequence: int) -> None:
    """Two minutes of one signal."""
    start_us = T0_US + sequence * 120_000_000
    message = stored([column("DO", [30.0] * 120, start_us=start_us)], sequence=sequence, offset=sequence)
    with Store(database, application="test") as store:
        register(store)
        with store.transaction("ingest", [message.tp]) as transaction:
            transaction.write_frames([message])


def undigested(database: str) -> int:
    with psycopg.connect(database) as connection:
        row = connection.execute("SELECT count(*) FROM sparge.dirty_span").fetchone()
    assert row
    return int(row[0])


def until_digested(database: str) -> None:
    deadline = time.monotonic() + WITHIN_S
    while undigested(database):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.1)


def test_it_says_what_it_did_and_that_nothing_is_left(sparge: CommandLine, store_database: str) -> None:
    write(store_database, 1)
    assert "summed up: 0 seconds, 3 minutes, " in sparge.done("maintain")
    assert undigested(store_database) == 0
    assert "nothing was due" in sparge.done("maintain")


def test_it_goes_on_until_it_is_told_to_stop_and_bears_a_database_that_ends_its_session(
    sparge: CommandLine, store_database: str
) -> None:
    write(store_database, 1)
    with sparge.running("maintain", "--every", "100ms") as process:
        until_digested(store_database)
        with psycopg.connect(store_database) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE application_name = 'sparge maintain'"
            )
        write(store_database, 2)
        until_digested(store_database)
        process.send_signal(signal.SIGTERM)
        told, _ = process.communicate(timeout=WITHIN_S)
    assert process.returncode == 0, told
    assert "summed up" in told


def test_a_database_that_is_not_there_is_said_once_and_tried_again(tmp_path: Path) -> None:
    nowhere = CommandLine(tmp_path, SPARGE_DATABASE="postgresql://nobody@127.0.0.1:1/none")
    with nowhere.running("maintain", "--every", "50ms") as process:
        assert process.stdout is not None
        told = process.stdout.readline() + process.stdout.readline()
        time.sleep(1.0)
        process.send_signal(signal.SIGTERM)
        rest, _ = process.communicate(timeout=WITHIN_S)
    assert (told + rest).count("the database is away") == 1
    assert process.returncode == 0


def test_a_span_that_is_none_is_refused(sparge: CommandLine) -> None:
    assert "not a span of time" in sparge.refused("maintain", "--every", "often")


def test_a_wide_span_is_queried_at_the_width_of_a_chart(sparge: CommandLine, store_database: str) -> None:
    write(store_database, 1)
    asked = ("query", "north/BR-01", "DO", "--from", "2026-09-21T00:00Z", "--to", "2026-09-23T00:00Z")
    told = sparge.done(*asked, "--width", "48", "--format", "csv").splitlines()
    assert "min,max,first,last,mean" in told[0]
    assert len(told) == 2
    assert "30.0" in told[1]
    assert "--limit" in sparge.refused(*asked, "--width", "48", "--limit", "5")
    assert "--what" in sparge.refused(*asked, "--width", "48", "--what", "scores")
