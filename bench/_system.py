"""A broker and a database of a benchmark's own, and a worker in a process of its own, as in production."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from typing import TYPE_CHECKING

import psutil
from confluent_kafka import Producer

from bench._folder import work_folder
from schemas.frame import SensorFrame, SignalColumn
from storage.migrate import migrate
from streams.admin import ensure_topics
from streams.codec import outgoing
from streams.connection import Broker
from streams.topics import FRAMES
from tests.servers.database import new_database, running_postgres
from tests.servers.kafka import running_kafka

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import psycopg

START_US = 1_790_000_000_000_000
SECOND_US = 1_000_000
SIGNALS = 30
SIGNAL_NAMES = [f"probe_{number:02d}" for number in range(SIGNALS)]
UNITS = 16
QUEUED = 50_000


@contextlib.contextmanager
def servers() -> Iterator[tuple[Broker, str]]:
    """A broker with all topics; a migrated database on the server of SPARGE_DATABASE, or embedded."""
    with contextlib.ExitStack() as stack:
        directory = stack.enter_context(work_folder())
        broker = Broker(stack.enter_context(running_kafka(directory / "kafka")).bootstrap)
        ensure_topics(broker)
        server = os.environ.get("SPARGE_DATABASE")
        if not server:
            server = stack.enter_context(running_postgres(directory / "postgres")).conninfo
        database = stack.enter_context(new_database(server))
        migrate(database)
        yield broker, database


@contextlib.contextmanager
def worker(name: str, broker: Broker, database: str) -> Iterator[subprocess.Popen[bytes]]:
    """`sparge worker NAME` as a process; its log goes to standard error only if it fails."""
    environment = {**os.environ, "SPARGE_BROKER": broker.bootstrap, "SPARGE_DATABASE": database}
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "sparge", "worker", name], env=environment, stdout=log, stderr=log
        )
        try:
            yield process
        finally:
            failed = process.poll()
            process.terminate()
            process.wait(15)
            if failed is not None:
                log.seek(0)
                sys.stderr.write(log.read().decode(errors="replace")[-4000:])


def wave(unit: int, signal: int, second: int) -> float:
    """A value that moves a little and never repeats, as a probe's does."""
    return 30.0 + unit + signal + ((second * 7919 + signal * 104_729) % 1000) / 10_000


def frame(unit: int, sequence: int, times: int, signals: int = SIGNALS) -> SensorFrame:
    """A frame of some signals at `times` seconds."""
    first = sequence * times
    return SensorFrame(
        site="bench",
        unit=f"BR-{unit:02d}",
        device="controller",
        epoch=1,
        sequence=sequence,
        time_us=[START_US + (first + second) * SECOND_US for second in range(times)],
        signals={
            f"probe_{place:02d}": SignalColumn(
                unit="%", values=[wave(unit, place, first + second) for second in range(times)]
            )
            for place in range(signals)
        },
    )


def fill(
    broker: Broker, units: int, frames: int, times: int, *, signals: int = SIGNALS, first: int = 0
) -> int:
    """Write frames of all units to telemetry.frames, from sequence `first` on; returns the samples."""
    producer = Producer({**broker.producing(), "compression.type": "lz4"})
    for sequence in range(first, first + frames):
        for unit in range(units):
            key, body, headers = outgoing(frame(unit, sequence, times, signals))
            producer.produce(FRAMES.name, body, key, headers=list(headers))
            # A full queue is waited for: what is sent may be more than memory holds.
            producer.poll(0.0 if len(producer) < QUEUED else 0.5)
    producer.flush(60)
    return units * frames * times * signals


def samples_stored(connection: psycopg.Connection) -> int:
    """How many samples the stored frames have."""
    row = connection.execute("SELECT coalesce(sum(sample_count), 0) FROM sparge.frame").fetchone()
    return int(row[0]) if row else 0


def until_stored(connection: psycopg.Connection, samples: int, within_s: float) -> float:
    """Wait until there are so many; returns the monotonic time."""
    # Asked seldom: to add up the frames takes milliseconds of a processor that the worker needs.
    return until(lambda: samples_stored(connection) >= samples, within_s, 0.1)


def cpu_s(process: psutil.Process) -> float:
    """CPU seconds that a process has used, in all its threads."""
    times = process.cpu_times()
    return float(times.user + times.system)


def session_process(connection: psycopg.Connection, application: str) -> psutil.Process | None:
    """The database's process of a session, where it runs on this machine."""
    row = connection.execute(
        "SELECT pid FROM pg_stat_activity WHERE application_name = %s AND datname = current_database()",
        [application],
    ).fetchone()
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(row[0]) if row else None
    return None


def until(reached: Callable[[], bool], within_s: float, every_s: float = 0.05) -> float:
    """Wait until reached() is true; returns the monotonic time; raises TimeoutError after within_s."""
    deadline = time.monotonic() + within_s
    while not reached():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not reached within {within_s} s")
        time.sleep(every_s)
    return time.monotonic()
