"""What `sparge worker ingest` holds in memory while 1 GB waits in the log: database away, and back."""

from __future__ import annotations

import contextlib
import sys
import time
from typing import TYPE_CHECKING

import orjson
import psutil
import psycopg
from confluent_kafka import Producer

from bench._folder import work_folder
from bench._report import Figure, Report
from bench._system import START_US, frame, until, worker
from storage.migrate import migrate
from streams.admin import ensure_topics
from streams.codec import outgoing
from streams.connection import Broker
from streams.positioning import BUFFER_BYTES
from streams.topics import FRAMES
from tests.servers.database import StoppablePostgres
from tests.servers.kafka import running_kafka

if TYPE_CHECKING:
    from collections.abc import Iterator

WAITING_BYTES = 1_000_000_000
UNITS = 16
TIMES = 120
"""Frames of 30 signals at 120 times: about 32 kB each."""

AWAY_S = 30.0
CATCH_UP_S = 30.0
WITHIN_S = 120.0
MIB = 1024 * 1024


@contextlib.contextmanager
def system() -> Iterator[tuple[Broker, StoppablePostgres]]:
    """A broker with its topics, and a migrated database that can be stopped."""
    with work_folder() as folder:
        database = StoppablePostgres(folder / "postgres")
        try:
            migrate(database.conninfo)
            with running_kafka(folder / "kafka") as server:
                broker = Broker(server.bootstrap)
                ensure_topics(broker)
                yield broker, database
        finally:
            database.stop()


def send(broker: Broker, size: int) -> int:
    """Send frames of all units until their bodies make up `size`; returns how many frames."""
    producer = Producer({**broker.producing(), "compression.type": "lz4"})
    templates = []
    for unit in range(UNITS):
        key, body, headers = outgoing(frame(unit, 0, TIMES))
        said = orjson.loads(body or b"")
        said["signals"] = orjson.Fragment(orjson.dumps(said["signals"]))
        templates.append((key, said, headers))
    frames = sent = 0
    while sent < size:
        start_us = START_US + (frames // UNITS) * TIMES * 1_000_000
        times_us = [start_us + second * 1_000_000 for second in range(TIMES)]
        key, said, headers = templates[frames % UNITS]
        value = orjson.dumps({**said, "sequence": frames // UNITS, "time_us": times_us})
        producer.produce(FRAMES.name, value, key, headers=list(headers))
        producer.poll(0.0 if frames % 1000 else 0.5)
        frames, sent = frames + 1, sent + len(value)
    producer.flush(60)
    return frames


def stored(database: str) -> int:
    """How many frames are stored."""
    with psycopg.connect(database) as connection:
        row = connection.execute("SELECT count(*) FROM sparge.frame").fetchone()
    return int(row[0]) if row else 0


def largest_bytes(process: psutil.Process, for_s: float) -> int:
    """The largest resident size in this time."""
    largest, ends_s = 0, time.monotonic() + for_s
    while time.monotonic() < ends_s:
        largest = max(largest, process.memory_info().rss)
        time.sleep(0.1)
    return largest


def main(argv: list[str]) -> int:
    """Measure a worker that waits, and then catches up."""
    with system() as (broker, database), worker("ingest", broker, database.conninfo) as running:
        process = psutil.Process(running.pid)
        first = send(broker, 1)
        until(lambda: stored(database.conninfo) == first, WITHIN_S)
        idle = process.memory_info().rss
        database.stop()
        frames = send(broker, WAITING_BYTES)
        away = largest_bytes(process, AWAY_S)
        database.start()
        until(lambda: stored(database.conninfo) > first, WITHIN_S)
        catching_up = largest_bytes(process, CATCH_UP_S)
        done = stored(database.conninfo)
        alive = running.poll() is None
    figures = (
        Figure("worker, idle", idle / MIB, "MiB"),
        Figure("worker, database away, 1 GB waiting", away / MIB, "MiB", away / WAITING_BYTES, "what waits"),
        Figure("worker, catching up", catching_up / MIB, "MiB", catching_up / WAITING_BYTES, "what waits"),
    )
    observations = (
        f"{frames} frames waited; fetching pauses at {BUFFER_BYTES / MIB:.0f} MiB of bodies.",
        f"{done} frames were stored {CATCH_UP_S:g} s later; the worker is {'alive' if alive else 'ended'}.",
    )
    return Report("back_pressure", figures, observations).tell(argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
