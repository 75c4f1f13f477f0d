"""A worker that is stuck ends itself, is started again, and then stores what it should have."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING

import psutil
import psycopg
import pytest

from sparge.supervisor import Part, Supervisor, last_words, tied
from streams.faust_app import EXIT_STUCK
from tests.integration.agents.devices import Device

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from streams.connection import Broker

STUCK_AFTER_S = 8.0
ENDS_WITHIN_S = 60.0
STORED_WITHIN_S = 90.0

HOLD_THE_POSITIONS = "SELECT FROM sparge.position WHERE sink = 'ingest' FOR UPDATE"
BACKENDS = "SELECT pid FROM pg_stat_activity WHERE application_name = 'sparge ingest'"
COUNT = "SELECT count(*) FROM sparge.frame"
WRITE_FOR_EVER = """
CREATE FUNCTION sparge.never_done() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM pg_sleep(3600); RETURN NULL; END $$;
CREATE TRIGGER never_done AFTER INSERT ON sparge.frame
    FOR EACH STATEMENT EXECUTE FUNCTION sparge.never_done();
"""
DONE_AT_ONCE = """
CREATE OR REPLACE FUNCTION sparge.never_done() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RETURN NULL; END $$;
"""


@contextlib.contextmanager
def locked_positions(database: str) -> Iterator[None]:
    """Another session holds the rows that the worker has to move."""
    with psycopg.connect(database) as connection:
        connection.execute(HOLD_THE_POSITIONS)
        yield
        connection.rollback()


@contextlib.contextmanager
def stopped_backends(database: str) -> Iterator[None]:
    """The server's process for the worker neither answers nor ends, in the middle of a transaction."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(WRITE_FOR_EVER)
        pids: list[int] = []
        stopping = threading.Thread(target=stop_the_first, args=(database, pids))
        stopping.start()
        yield
        stopping.join()
        connection.execute(DONE_AT_ONCE)
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def stop_the_first(database: str, pids: list[int]) -> None:
    """Freeze the first backend that is found in the middle of writing."""
    with psycopg.connect(database, autocommit=True) as connection:
        while not pids:
            pids += [pid for (pid,) in connection.execute(f"{BACKENDS} AND wait_event = 'PgSleep'")]
            time.sleep(0.1)
    for pid in pids:
        assert "postgres" in " ".join(psutil.Process(pid).cmdline()), "the server is on another machine"
        os.kill(pid, signal.SIGSTOP)


def frames(database: str) -> int:
    with psycopg.connect(database) as connection:
        (count,) = connection.execute(COUNT).fetchone() or (0,)
        return int(count)


def sent(device: Device) -> int:
    """How many frames the log holds, all of them of one unit."""
    return sum(device.ends.values())


@pytest.mark.timeout(240)
@pytest.mark.parametrize("stick", [locked_positions, stopped_backends])
def test_a_stuck_worker_ends_itself_and_its_successor_stores_everything(
    topics: Broker,
    store_database: str,
    tmp_path: Path,
    stick: Callable[[str], contextlib.AbstractContextManager[None]],
) -> None:
    told: list[str] = []
    supervisor = Supervisor(told.append)
    environment = {
        "SPARGE_HOME": str(tmp_path),
        "SPARGE_BROKER": topics.bootstrap,
        "SPARGE_DATABASE": store_database,
        "SPARGE_STUCK_AFTER_S": str(STUCK_AFTER_S),
    }
    command = [sys.executable, "-P", "-m", "sparge", "worker", "ingest"]
    log = tmp_path / "ingest.log"
    supervisor.add(Part("ingest", lambda: tied(command), log, environment=environment))
    device = Device(topics)

    def run_until(reached: Callable[[], bool], within_s: float) -> None:
        deadline = time.monotonic() + within_s
        supervisor.run(until=lambda: reached() or time.monotonic() > deadline)
        assert reached(), f"{told}\n{last_words(log, 40)}"

    try:
        device.send("BR-01", {"DO": ("%", 40.0)})
        device.flush()
        run_until(lambda: frames(store_database) == sent(device), STORED_WITHIN_S)
        with stick(store_database):
            device.send("BR-01", {"DO": ("%", 41.0)})
            device.flush()
            run_until(lambda: bool(told), ENDS_WITHIN_S)
        assert f"exit code {EXIT_STUCK}" in told[0]
        said = last_words(log, 400)
        assert "Nothing has moved for" in said
        assert "sparge doctor" in said
        run_until(lambda: frames(store_database) == sent(device), STORED_WITHIN_S)
    finally:
        supervisor.stop()
