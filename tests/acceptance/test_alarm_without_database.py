"""With the database stopped a limit alarm reaches `sparge alerts`; once it is back, all is recorded."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any, LiteralString

import psycopg
import pytest

from schemas.decoding import Frame, decode_message
from storage.embedded_postgres import EmbeddedPostgres
from streams.tail import read_all
from streams.topics import FRAMES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from streams.connection import Broker

FAULT_S = 30
STREAMED_S = 75
WITHIN_S = 60.0

RAISED: LiteralString = """
SELECT count(*) FROM sparge.alarm_history
WHERE unit = 'BR-01' AND signal = 'agitation' AND condition = 'low' AND event = 'raised'
"""


class Database:
    """A PostgreSQL that the test may stop and start."""

    def __init__(self, directory: Path) -> None:
        self._server = EmbeddedPostgres(directory)
        self._server.prepare()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def conninfo(self) -> str:
        return self._server.conninfo

    def start(self) -> None:
        self._process = process = subprocess.Popen(self._server.command())
        self._server.ready(alive=lambda: process.poll() is None)

    def stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(15)
            self._process = None


class Lines:
    """Standard output of a process, line by line, while it runs."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.seen: list[str] = []
        self._thread = threading.Thread(target=self._read, args=(process,), daemon=True)
        self._thread.start()

    def _read(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            self.seen.append(line)


@contextlib.contextmanager
def sparge(*arguments: str, environment: dict[str, str], log: Path) -> Iterator[Lines]:
    with log.open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "sparge", *arguments],
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        try:
            yield Lines(process)
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            assert process.stdout is not None
            process.stdout.close()


def until(reached: Callable[[], Any], what: str, within_s: float = WITHIN_S) -> Any:
    """The first true answer of reached()."""
    deadline = time.monotonic() + within_s
    while not (answer := reached()):
        if time.monotonic() > deadline:
            pytest.fail(f"after {within_s:g} s: {what}")
        time.sleep(0.25)
    return answer


def one(database: str, query: LiteralString) -> Any:
    with psycopg.connect(database) as connection:
        row = connection.execute(query).fetchone()
    return row[0] if row else None


def sent_samples(broker: Broker) -> int:
    """Samples in the log, by its frames."""
    messages = (decode_message(r.value, r.key, r.recorded_us) for r in read_all(broker, FRAMES.name))
    return sum(message.sample_count for message in messages if isinstance(message, Frame))


@pytest.mark.timeout(240)
def test_a_limit_alarm_reaches_the_operator_while_the_database_is_down(
    topics: Broker, tmp_path: Path
) -> None:
    database = Database(tmp_path / "postgres")
    database.start()
    environment = {
        "SPARGE_BROKER": topics.bootstrap,
        "SPARGE_DATABASE": database.conninfo,
        "SPARGE_HOME": str(tmp_path / "home"),
    }
    simulate = ["simulate", "--units", "2", "--site", "north", "--seed", "3", "--start-h", "8"]
    simulate += ["--fault", f"lost_stirrer@{FAULT_S}", "--duration", f"{STREAMED_S}s"]
    with contextlib.ExitStack() as stack:
        stack.callback(database.stop)
        stack.enter_context(sparge("up", environment=environment, log=tmp_path / "up.log"))
        device = stack.enter_context(
            sparge(*simulate, environment=environment, log=tmp_path / "simulate.log")
        )
        alerts = stack.enter_context(
            sparge("alerts", "--json", environment=environment, log=tmp_path / "alerts.log")
        )
        until(lambda: stored(database.conninfo) > 0, "no sample was stored")

        database.stop()
        stopped_us = time.time_ns() // 1000
        told = until(lambda: low_agitation(alerts.seen), f"no alert; alerts said {alerts.seen}")
        assert told["time_us"] > stopped_us, "the alarm came before the database was stopped"
        assert told["unit"] == "BR-01"
        assert told["action"]

        database.start()
        until(lambda: any("acknowledged" in line for line in device.seen), f"simulate said {device.seen}")
        sent = sent_samples(topics)
        until(lambda: stored(database.conninfo) == sent, f"{stored(database.conninfo)} of {sent} samples")
        until(
            lambda: (
                one(
                    database.conninfo,
                    RAISED,
                )
                == 1
            ),
            "the alarm was not recorded once",
        )


def stored(database: str) -> int:
    try:
        return int(one(database, "SELECT count(*) FROM sparge.samples"))
    except psycopg.errors.UndefinedTable:
        return 0


def low_agitation(lines: list[str]) -> dict[str, Any] | None:
    """The alarm among the lines of `sparge alerts --json`."""
    for line in lines:
        told: dict[str, Any] = json.loads(line)
        if told["signal"] == "agitation" and told["condition"] == "low" and told["event"] == "raised":
            return told
    return None
