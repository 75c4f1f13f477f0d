"""A broker that goes away and comes back costs time and nothing else."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from schemas.errors import BrokerUnreachable
from streams.admin import ensure_topics
from streams.connection import Broker
from streams.publisher import Publisher
from streams.tail import tail
from streams.topics import FRAMES
from tests.integration.streams import probe_worker as probe
from tests.servers.kafka import running_kafka

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from schemas.errors import BrokerError
    from streams.record import Record
    from tests.integration.streams.conftest import Worker

T0_US = 1_790_000_000_000_000
AWAY_S = 9.0  # longer than the session of a worker


def test_publisher_tail_and_worker_wait_for_the_broker_and_go_on(
    tmp_path: Path, start_worker: Callable[[str], Worker]
) -> None:
    topic = replace(FRAMES, partitions=2)
    over = threading.Event()
    trouble: list[BrokerError] = []
    seen: list[Record] = []

    def follow(broker: Broker) -> None:
        seen.extend(tail(broker, [topic.name], stop=over.is_set, on_trouble=trouble.append))

    with running_kafka(tmp_path / "kafka") as server:
        broker = Broker(server.bootstrap)
        ensure_topics(broker, [topic])
        plan = probe.Plan(broker.bootstrap, topic.name, "away", str(tmp_path))
        probe.create_database(plan.database)
        follower = threading.Thread(target=follow, args=(broker,), daemon=True)
        follower.start()
        publisher = Publisher(broker, "north", "BR-01", "ctl")
        worker = start_worker(plan.argument())
        worker.wait_for("assigned")
        publisher.add(T0_US + 1, {"DO": 1.0})
        publisher.flush()
        worker.wait_for("batch")
    publisher.add(T0_US + 2, {"DO": 2.0})
    time.sleep(AWAY_S)
    assert worker.process.poll() is None, worker.log()
    assert any(isinstance(error, BrokerUnreachable) for error in trouble)

    with running_kafka(tmp_path / "kafka"):
        publisher.add(T0_US + 3, {"DO": 3.0})
        publisher.close(within_s=30.0)
        deadline = time.monotonic() + 45
        while len(probe.written(plan.database)) < 3 or len(seen) < 3:
            assert time.monotonic() < deadline, worker.log()
            time.sleep(0.2)
        over.set()
        follower.join()
        assert len(probe.written(plan.database)) == len(seen) == 3
        assert worker.stop()[0] == 0
