"""Two ingest workers under kill -9, SIGSTOP past the session and failing transactions store what was sent."""

from __future__ import annotations

import random
import threading
import time
from typing import TYPE_CHECKING

import psycopg
import pytest
from confluent_kafka import Producer

from schemas.frame import SensorFrame, SignalColumn
from streams.codec import outgoing
from streams.topics import FRAMES
from tests.integration.agents.workers import cut_a_connection, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from streams.connection import Broker
    from tests.integration.agents.workers import Worker

UNITS = 24
FRAMES_A_UNIT = 120
TIMES_A_FRAME = 10
SIGNALS = ("pH", "DO", "temperature")
EPOCH_US = 1_790_000_000_000_000
SENDING_S = 45.0
SEED = 11
"""Draws each of the faults, most of them several times."""

SETTLED_WITHIN_S = 90.0

FAIL_SOMETIMES = """
CREATE FUNCTION sparge.fail_sometimes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF random() < 0.03 THEN RAISE EXCEPTION 'injected, to be tried again' USING ERRCODE = '40001'; END IF;
    IF random() < 0.01 THEN RAISE EXCEPTION 'injected, final' USING ERRCODE = '22000'; END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER fail_sometimes AFTER INSERT ON sparge.frame
    FOR EACH STATEMENT EXECUTE FUNCTION sparge.fail_sometimes();
"""


def frame(unit: int, sequence: int) -> SensorFrame:
    """The frame of a unit; content follows from its numbers alone, so that it can be compared later."""
    start_us = EPOCH_US + sequence * TIMES_A_FRAME * 1_000_000
    return SensorFrame(
        site="north",
        unit=f"BR-{unit:02d}",
        device="controller",
        epoch=1,
        sequence=sequence,
        time_us=[start_us + i * 1_000_000 for i in range(TIMES_A_FRAME)],
        signals={
            name: SignalColumn(
                unit=code, values=[value(unit, sequence, i, place) for i in range(TIMES_A_FRAME)]
            )
            for place, (name, code) in enumerate(zip(SIGNALS, ("[pH]", "%", "Cel"), strict=True))
        },
    )


def value(unit: int, sequence: int, time: int, signal: int) -> float:
    return 1.0 + unit + sequence / 1_000 + time / 100_000 + signal / 10_000_000


def expected() -> set[tuple[str, str, int, float]]:
    rows = set()
    for unit in range(UNITS):
        for sequence in range(FRAMES_A_UNIT):
            for name, column in frame(unit, sequence).signals.items():
                for time_us, one in zip(frame(unit, sequence).time_us, column.values, strict=True):
                    assert one is not None
                    rows.add((f"BR-{unit:02d}", name, time_us, one))
    return rows


def send_all(kafka: Broker, seed: int) -> None:
    """Send every frame once, some twice (as a device does that did not hear the acknowledgement)."""
    chance = random.Random(seed)
    pause_s = SENDING_S / FRAMES_A_UNIT
    producer = Producer({**kafka.confluent(), "partitioner": "murmur2_random", "enable.idempotence": True})
    for sequence in range(FRAMES_A_UNIT):
        for unit in range(UNITS):
            key, body, headers = outgoing(frame(unit, sequence))
            for _ in range(2 if chance.random() < 0.05 else 1):
                producer.produce(FRAMES.name, body, key, headers=list(headers))
        producer.flush(10)
        time.sleep(pause_s)


def stored(database: str) -> list[tuple[str, str, int, float]]:
    with psycopg.connect(database) as connection:
        return connection.execute(
            "SELECT unit, signal, (extract(epoch FROM time) * 1000000)::bigint, value FROM sparge.samples"
        ).fetchall()


@pytest.mark.timeout(240)
@pytest.mark.usefixtures("topics")
def test_what_two_workers_store_under_faults_equals_what_was_sent(
    kafka: Broker, store_database: str, start: Callable[..., Worker]
) -> None:
    with psycopg.connect(store_database, autocommit=True) as connection:
        connection.execute(FAIL_SOMETIMES)
        workers = [start("ingest", broker=kafka.bootstrap, database=store_database) for _ in range(2)]
        sending = threading.Thread(target=send_all, args=(kafka, 7))
        sending.start()
        chance = random.Random(SEED)
        faults = []
        while sending.is_alive():
            fault = chance.choice(["kill", "stop", "cut", "cut"])
            victim = chance.choice(workers)
            faults.append(fault)
            if fault == "kill":
                victim.kill()
                time.sleep(1.0)
            elif fault == "stop":
                victim.freeze()
            else:
                cut_a_connection(store_database)
                time.sleep(0.5)
            for worker in workers:
                worker.keep_alive()
        sending.join()
        connection.execute("DROP TRIGGER fail_sometimes ON sparge.frame")

    sent = expected()
    wait_until(lambda: len(stored(store_database)) >= len(sent), workers, SETTLED_WITHIN_S)
    rows = stored(store_database)
    assert len(rows) == len(sent), f"after {faults}"
    assert set(rows) == sent
    assert {"kill", "stop", "cut"} <= set(faults)
