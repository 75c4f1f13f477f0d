"""Two ingest workers under every fault that a plant can think of store exactly what was sent.

Ten faults in each run of the suite; `make soak FAULTS=1000` draws as many as one has time for, from SEED.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import threading
import time
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING

import psutil
import psycopg
import pytest
from confluent_kafka import Producer

from schemas.frame import SensorFrame, SignalColumn
from streams.admin import ensure_topics
from streams.codec import outgoing
from streams.connection import Broker
from streams.topics import FRAMES
from tests.integration.agents.test_broker_killed import KillableKafka, killable
from tests.integration.agents.test_exactly_once import FAIL_SOMETIMES
from tests.integration.agents.workers import cut_a_connection, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.integration.agents.workers import Worker

__all__ = ["killable"]

FAULTS = int(os.environ.get("FAULTS", "10"))
SEED = int(os.environ.get("SEED", "5"))

UNITS = 8
TIMES_A_FRAME = 5
SIGNALS = {"pH": "[pH]", "DO": "%"}
EVERY_S = 0.25
EPOCH_US = 1_790_000_000_000_000
CORRECTED_EVERY = 40
RECOVERS_WITHIN_S = 120.0
PAUSE_S = (0.2, 2.0)

BACKEND = """
SELECT pid FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'sparge ingest' LIMIT 1
"""
SAMPLES = """
SELECT signal, (extract(epoch FROM time) * 1000000)::bigint, value FROM sparge.samples WHERE unit = %s
"""
SUPERSEDED = "SELECT count(*) FROM sparge.sample_versions WHERE replaced_at IS NOT NULL"


class Load(threading.Thread):
    """Sends frames of all units until told to stop; some twice, some corrected later by another device.

    sent: by unit how many sequences.
    """

    def __init__(self, broker: Broker, seed: int) -> None:
        super().__init__(daemon=True)
        self._producer = Producer(
            {**broker.confluent(), "partitioner": "murmur2_random", "enable.idempotence": True}
        )
        self._chance = random.Random(seed)
        self._enough = threading.Event()
        self.sent = 0
        self.failed: list[str] = []

    def run(self) -> None:
        while not self._enough.wait(EVERY_S):
            for unit in range(UNITS):
                for _ in range(2 if self._chance.random() < 0.05 else 1):
                    self._send(unit, self.sent, "controller")
                if self.sent % CORRECTED_EVERY == 0:
                    self._send(unit, self.sent, "corrector")
            self._producer.poll(0)
            self.sent += 1

    def finish(self) -> None:
        self._enough.set()
        self.join()
        assert self._producer.flush(120) == 0
        assert not self.failed

    def _send(self, unit: int, sequence: int, device: str) -> None:
        start_us = EPOCH_US + sequence * TIMES_A_FRAME * 1_000_000
        columns = {
            name: SignalColumn(
                unit=code,
                values=[value(unit, sequence, time, place, device) for time in range(TIMES_A_FRAME)],
            )
            for place, (name, code) in enumerate(SIGNALS.items())
        }
        frame = SensorFrame(
            site="north",
            unit=f"BR-{unit:02d}",
            device=device,
            epoch=1,
            sequence=sequence,
            time_us=[start_us + time * 1_000_000 for time in range(TIMES_A_FRAME)],
            signals=columns,
        )
        key, body, headers = outgoing(frame)
        self._producer.produce(FRAMES.name, body, key, headers=list(headers), on_delivery=self._told)

    def _told(self, error: object, _: object) -> None:
        if error is not None:
            self.failed.append(str(error))


def value(unit: int, sequence: int, time: int, signal: int, device: str) -> float:
    """A value that names its place; a corrected one is half a unit higher."""
    right = 0.5 if device == "corrector" else 0.0
    return 1.0 + unit + right + (sequence % 100_000) / 1e6 + time / 1e8 + signal / 1e9


def expected(unit: int, sequences: int) -> set[tuple[str, int, float]]:
    rows = set()
    for sequence in range(sequences):
        device = "controller" if sequence % CORRECTED_EVERY else "corrector"
        for time_ in range(TIMES_A_FRAME):
            time_us = EPOCH_US + (sequence * TIMES_A_FRAME + time_) * 1_000_000
            for place, name in enumerate(SIGNALS):
                rows.add((name, time_us, value(unit, sequence, time_, place, device)))
    return rows


def crash_the_database(database: str) -> None:
    """Kill one of the server's processes; the server then ends all others and recovers from its log."""
    with psycopg.connect(database, autocommit=True) as connection:
        found = connection.execute(BACKEND).fetchone()
    if found is not None:
        with_arguments = " ".join(psutil.Process(found[0]).cmdline())
        assert "postgres" in with_arguments, "the server is on another machine"
        os.kill(found[0], signal.SIGKILL)


def rows_stored(database: str) -> int:
    """How many frames there are; -1 while the database recovers."""
    try:
        with psycopg.connect(database, connect_timeout=5) as connection:
            (count,) = connection.execute("SELECT count(*) FROM sparge.frame").fetchone() or (0,)
            return int(count)
    except psycopg.Error:
        return -1


def has_grown(database: str, before: int) -> bool:
    return rows_stored(database) > before


def strike(fault: str, kafka: KillableKafka, database: str, worker: Worker) -> None:
    if fault == "worker killed":
        worker.kill()
    elif fault == "worker frozen":
        worker.freeze()
    elif fault == "broker killed":
        kafka.kill()
        kafka.start()
    elif fault == "database crashed":
        crash_the_database(database)
    else:
        cut_a_connection(database)


STRIKES = (
    "worker killed",
    "connection cut",
    "database crashed",
    "worker killed",
    "connection cut",
    "worker frozen",
    "connection cut",
    "broker killed",
)
"""Those that cost little come more often."""


@pytest.mark.timeout(240 + 60 * FAULTS)
def test_what_is_stored_after_many_faults_is_what_was_sent(
    killable: KillableKafka, crashable_database: str, start: Callable[..., Worker]
) -> None:
    broker = Broker(killable.bootstrap)
    ensure_topics(broker)
    with psycopg.connect(crashable_database, autocommit=True) as connection:
        connection.execute(FAIL_SOMETIMES)
    workers = [start("ingest", broker=broker.bootstrap, database=crashable_database) for _ in range(2)]
    load = Load(broker, SEED)
    load.start()
    wait_until(lambda: rows_stored(crashable_database) > 0, workers)
    chance = random.Random(SEED)
    struck: Counter[str] = Counter()
    began_s = time.monotonic()
    for number in range(FAULTS):
        # Each in its turn, so that a short run has them all; whom and when is drawn.
        fault = STRIKES[number % len(STRIKES)]
        before = rows_stored(crashable_database)
        grown = partial(has_grown, crashable_database, before)
        strike(fault, killable, crashable_database, chance.choice(workers))
        struck[fault] += 1
        wait_until(grown, workers, RECOVERS_WITHIN_S)
        sys.stdout.write(
            f"{time.monotonic() - began_s:7.0f} s  fault {number + 1} of {FAULTS}: {fault}; "
            f"{rows_stored(crashable_database)} frames stored, {load.sent * UNITS} sent\n"
        )
        sys.stdout.flush()
        time.sleep(chance.uniform(*PAUSE_S))
    load.finish()
    with psycopg.connect(crashable_database, autocommit=True) as connection:
        connection.execute("DROP TRIGGER fail_sometimes ON sparge.frame")
    corrected = -(-load.sent // CORRECTED_EVERY) * UNITS
    frames = load.sent * UNITS + corrected
    wait_until(lambda: rows_stored(crashable_database) == frames, workers, RECOVERS_WITHIN_S)
    assert sum(struck.values()) == FAULTS
    with psycopg.connect(crashable_database) as connection:
        for unit in range(UNITS):
            rows = connection.execute(SAMPLES, (f"BR-{unit:02d}",)).fetchall()
            sent = expected(unit, load.sent)
            assert len(rows) == len(sent), f"BR-{unit:02d} after {struck} from seed {SEED}"
            assert set(rows) == sent, f"BR-{unit:02d} after {struck} from seed {SEED}"
        (superseded,) = connection.execute(SUPERSEDED).fetchone() or (0,)
    assert superseded == corrected * TIMES_A_FRAME * len(SIGNALS)
