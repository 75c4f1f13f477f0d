"""With its database away a sink waits: alive, saying so once, holding a bounded part of the log in memory."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import psycopg
import pytest
from confluent_kafka import Producer

from schemas.frame import SensorFrame, SignalColumn
from streams.codec import outgoing
from streams.positioning import BUFFER_BYTES
from streams.topics import FRAMES
from tests.integration.agents.test_metrics import caught_up, scrape, total
from tests.integration.agents.workers import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from streams.connection import Broker
    from tests.integration.agents.workers import Worker
    from tests.servers.database import StoppablePostgres

AWAY_S = 60.0
UNITS = 8
FRAMES_A_UNIT = 100
SIGNALS, TIMES = 40, 250
EPOCH_US = 1_790_000_000_000_000
MIB = 1024 * 1024
OWN_BYTES = 200 * MIB
"""What a worker takes that has nothing to do, with room to spare."""


def frame(unit: int, sequence: int) -> SensorFrame:
    """A frame near the largest that is taken; no value compresses well."""
    start_us = EPOCH_US + sequence * TIMES * 1000
    return SensorFrame(
        site="north",
        unit=f"BR-{unit:02d}",
        device="controller",
        epoch=1,
        sequence=sequence,
        time_us=[start_us + step * 1000 for step in range(TIMES)],
        signals={
            f"probe_{place}": SignalColumn(
                unit="%",
                values=[
                    30.0 + ((sequence * TIMES + step) * 7919 + place) % 9973 / 9973 for step in range(TIMES)
                ],
            )
            for place in range(SIGNALS)
        },
    )


def send(broker: Broker, sequences: range) -> int:
    """Send these frames of every unit; returns the bytes of their bodies."""
    producer = Producer({**broker.confluent(), "partitioner": "murmur2_random", "compression.type": "lz4"})
    size = 0
    for sequence in sequences:
        for unit in range(UNITS):
            key, body, headers = outgoing(frame(unit, sequence))
            size += len(body or b"")
            producer.produce(FRAMES.name, body, key, headers=list(headers))
        producer.poll(0)
    assert producer.flush(60) == 0
    return size


def stored_frames(database: str) -> int:
    with psycopg.connect(database) as connection:
        (count,) = connection.execute("SELECT count(*) FROM sparge.frame").fetchone() or (0,)
        return int(count)


@pytest.mark.timeout(280)
def test_a_database_that_is_away_for_a_minute_costs_time_and_a_bounded_part_of_memory(
    topics: Broker, stoppable: StoppablePostgres, start: Callable[..., Worker]
) -> None:
    worker = start("ingest", broker=topics.bootstrap, database=stoppable.conninfo, SPARGE_STUCK_AFTER_S="10")
    send(topics, range(1))
    wait_until(lambda: stored_frames(stoppable.conninfo) == UNITS, [worker])
    stoppable.stop()
    gone_s = time.monotonic()
    waiting_bytes = send(topics, range(1, FRAMES_A_UNIT))
    assert waiting_bytes > 2 * BUFFER_BYTES
    largest = 0.0
    while time.monotonic() - gone_s < AWAY_S:
        shown = scrape(worker)
        largest = max(largest, total(shown, "process_resident_memory_bytes"))
        time.sleep(1.0)
    assert total(shown, "sparge_waiting") == 1
    assert total(shown, "sparge_database_connected") == 0
    assert total(shown, "sparge_partitions_paused") == 16
    assert total(shown, "sparge_lag_messages") == UNITS * (FRAMES_A_UNIT - 1)
    assert BUFFER_BYTES <= total(shown, "sparge_buffered_bytes") < 2 * BUFFER_BYTES

    stoppable.start()
    wait_until(lambda: stored_frames(stoppable.conninfo) == UNITS * FRAMES_A_UNIT, [worker], within_s=120)
    wait_until(lambda: caught_up(scrape(worker)), [worker])
    shown = scrape(worker)
    largest = max(largest, total(shown, "process_resident_memory_bytes"))
    assert largest < OWN_BYTES + 2 * BUFFER_BYTES, f"{largest / MIB:.0f} MiB"
    assert total(shown, "sparge_waiting") == 0
    assert total(shown, "sparge_partitions_paused") == 0
    assert worker.starts == 1
    said = worker.log()
    assert said.count("waiting, nothing is lost") == 1
    assert said.count("writing again") == 1


@pytest.mark.timeout(180)
def test_a_sink_that_starts_while_its_database_is_away_waits_for_it(
    topics: Broker, stoppable: StoppablePostgres, start: Callable[..., Worker]
) -> None:
    stoppable.stop()
    worker = start("ingest", broker=topics.bootstrap, database=stoppable.conninfo)
    wait_until(lambda: "waiting, nothing is lost" in worker.log(), [worker])
    stoppable.start()
    wait_until(lambda: "partitions assigned" in worker.log(), [worker])
    assert worker.starts == 1


@pytest.mark.timeout(180)
def test_a_rebalance_while_the_database_is_away_and_one_after_it_was_started_again_end_no_sink(
    topics: Broker, stoppable: StoppablePostgres, start: Callable[..., Worker]
) -> None:
    servers = {"broker": topics.bootstrap, "database": stoppable.conninfo}
    first, second = start("ingest", **servers), start("ingest", **servers)
    wait_until(lambda: halved(first) and halved(second), [first, second])
    stoppable.stop()
    second.kill()
    wait_until(lambda: total(scrape(first), "sparge_waiting") == 1, [first])
    stoppable.start()
    wait_until(lambda: total(scrape(first), "sparge_partitions_assigned") == 16, [first])
    assert total(scrape(first), "sparge_waiting") == 0
    stoppable.stop()
    stoppable.start()
    third = start("ingest", **servers)
    wait_until(lambda: halved(first) and halved(third), [first, third])
    assert first.starts == third.starts == 1


def halved(worker: Worker) -> bool:
    """Whether it reads its share of 16 partitions."""
    return 0 < total(scrape(worker), "sparge_partitions_assigned") < 16
