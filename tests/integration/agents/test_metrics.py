"""What a real worker shows on /metrics, read as Prometheus would."""

from __future__ import annotations

import re
import urllib.request
from typing import TYPE_CHECKING

import psycopg
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.integration.agents.devices import Device
from tests.integration.agents.workers import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from streams.connection import Broker
    from tests.integration.agents.workers import Worker

FRAMES = 20
Samples = dict[str, list[tuple[dict[str, str], float]]]


def scrape(worker: Worker) -> Samples:
    """Samples by name, or nothing where the page is not there yet."""
    address = re.search(r"http://127\.0\.0\.1:\d+/metrics", worker.log())
    if address is None:
        return {}
    with urllib.request.urlopen(address.group(), timeout=10) as answer:  # noqa: S310 - it begins with http
        text = answer.read().decode()
    found: Samples = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            found.setdefault(sample.name, []).append((sample.labels, sample.value))
    return found


def total(samples: Samples, name: str, **labels: str) -> float:
    return sum(value for has, value in samples.get(name, []) if labels.items() <= has.items())


@pytest.mark.timeout(120)
def test_every_worker_shows_what_it_has_done(
    topics: Broker, store_database: str, start: Callable[..., Worker]
) -> None:
    servers = {"broker": topics.bootstrap, "database": store_database}
    ingest, watch, record = (start(name, **servers) for name in ("ingest", "watch", "record"))
    device = Device(topics)
    for number in range(FRAMES):
        device.send("BR-01", {"DO": ("%", 40.0 - number), "pH": ("[pH]", 7.0)})
    device.send_rubbish("BR-01")
    device.flush()

    wait_until(
        lambda: (
            total(scrape(ingest), "sparge_newest_sample_age_seconds", unit="BR-01") > 0
            and total(scrape(watch), "sparge_watch_frames_total") == FRAMES
            and total(scrape(record), "sparge_rows_total", kind="transitions") > 0
        ),
        [ingest, watch, record],
        within_s=90,
    )
    stored = scrape(ingest)
    assert total(stored, "sparge_rows_total", kind="frames") == FRAMES
    assert total(stored, "sparge_rows_total", kind="samples") == 2 * FRAMES
    assert total(stored, "sparge_dead_letters_total") == 1
    assert [value for _, value in stored["sparge_missing_frames"]] == [0]
    assert total(stored, "sparge_database_connected") == 1
    assert total(stored, "sparge_partitions_assigned") == 16
    assert total(stored, "process_resident_memory_bytes") > 0
    assert total(scrape(watch), "sparge_watch_skipped_total") == 1
    # Transactions leave marks at the end of these topics, which nobody is behind with.
    wait_until(lambda: caught_up(scrape(record)), [record])
    wait_until(lambda: caught_up(scrape(ingest)), [ingest])


def caught_up(samples: Samples) -> bool:
    lags = samples.get("sparge_lag_messages", [])
    return (
        bool(lags)
        and len(lags) == total(samples, "sparge_partitions_assigned")
        and not any(value for _, value in lags)
    )


@pytest.mark.timeout(120)
def test_a_database_that_answers_but_cannot_take_the_batch_shows_that_it_waits(
    topics: Broker, store_database: str, start: Callable[..., Worker]
) -> None:
    worker = start("ingest", broker=topics.bootstrap, database=store_database)
    wait_until(lambda: total(scrape(worker), "sparge_partitions_assigned") == 16, [worker])
    device = Device(topics)
    with psycopg.connect(store_database) as connection:
        connection.execute("LOCK TABLE sparge.frame IN ACCESS EXCLUSIVE MODE")
        device.send("BR-01", {"DO": ("%", 40.0)})
        device.flush()
        wait_until(lambda: total(scrape(worker), "sparge_waiting") == 1, [worker])
        assert total(scrape(worker), "sparge_database_connected") == 1
        connection.rollback()
    wait_until(lambda: total(scrape(worker), "sparge_waiting") == 0, [worker])
    wait_until(lambda: caught_up(scrape(worker)), [worker])
