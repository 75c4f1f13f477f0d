"""A worker that is told to stop does so by itself, however much is still to be read."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from confluent_kafka import Producer

from schemas.frame import SensorFrame, SignalColumn
from streams.codec import outgoing
from streams.topics import FRAMES
from tests.integration.agents.workers import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from streams.connection import Broker
    from tests.integration.agents.workers import Worker

UNITS = 12
FRAMES_A_UNIT = 400
TIMES_A_FRAME = 10
SIGNALS = 30
STOPS_WITHIN_S = 5.0


def fill(broker: Broker) -> None:
    """Write more than any worker has read when it is told to stop."""
    producer = Producer({**broker.confluent(), "partitioner": "murmur2_random", "compression.type": "lz4"})
    for sequence in range(FRAMES_A_UNIT):
        start_us = 1_790_000_000_000_000 + sequence * TIMES_A_FRAME * 1_000_000
        times = [start_us + step * 1_000_000 for step in range(TIMES_A_FRAME)]
        column = SignalColumn(
            unit="%", values=[30 + sequence % 7 + step / 8 for step in range(TIMES_A_FRAME)]
        )
        for unit in range(UNITS):
            body = SensorFrame(
                site="north",
                unit=f"BR-{unit:02d}",
                device="controller",
                epoch=1,
                sequence=sequence,
                time_us=times,
                signals={f"probe_{number}": column for number in range(SIGNALS)},
            )
            key, value, headers = outgoing(body)
            producer.produce(FRAMES.name, value, key, headers=list(headers))
        producer.poll(0)
    assert producer.flush(30) == 0


@pytest.mark.timeout(120)
def test_every_worker_stops_by_itself_in_the_middle_of_its_work(
    topics: Broker, store_database: str, start: Callable[..., Worker]
) -> None:
    fill(topics)
    servers = {"broker": topics.bootstrap, "database": store_database}
    workers = [start(name, **servers) for name in ("ingest", "watch", "record")]
    wait_until(lambda: all("partitions assigned" in worker.log() for worker in workers), workers)
    time.sleep(2.0)
    for worker in reversed(workers):
        code, seconds = worker.stop()
        assert code == 0, worker.log()[-3000:]
        assert seconds < STOPS_WITHIN_S
        assert "did not stop in time" not in worker.log()
