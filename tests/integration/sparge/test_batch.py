"""What an operator tells of a batch is in the database, and what is wrong is refused or a dead letter."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import psycopg
import pytest

from schemas.batch import BatchEvent
from schemas.deadletter import DeadLetter
from streams.admin import ensure_topics
from streams.codec import outgoing
from streams.single import send_one
from streams.tail import read_all
from streams.topics import BATCH_EVENTS, DEADLETTER
from tests.integration.sparge.command_line import CommandLine
from tests.servers.kafka import delete_topics

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from streams.connection import Broker

WITHIN_S = 40.0
BEHIND = """
SELECT coalesce(sum(next_offset), 0) FROM sparge.progress WHERE topic = 'batch.events'
"""


@pytest.fixture
def sparge(topics: Broker, store_database: str, tmp_path: Path) -> Iterator[CommandLine]:
    """A command line with a broker of empty topics, a new database and a worker that records."""
    delete_topics(topics)
    ensure_topics(topics)
    line = CommandLine(tmp_path / "home", SPARGE_BROKER=topics.bootstrap, SPARGE_DATABASE=store_database)
    with line.running("worker", "record"):
        yield line


def stored(database: str, query: str, events: int) -> list[tuple[object, ...]]:
    """Rows of a query, once so many events have been passed."""
    deadline = time.monotonic() + WITHIN_S
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("SET TimeZone TO 'UTC'")
        while connection.execute(BEHIND.encode()).fetchall() != [(events,)]:
            assert time.monotonic() < deadline, "waited in vain"
            time.sleep(0.2)
        return connection.execute(query.encode()).fetchall()


def test_a_batch_is_told_from_its_start_to_its_end(sparge: CommandLine, store_database: str) -> None:
    sparge.refused("batch", "phase", "north/BR-01", "feed")
    sparge.done(
        *("batch", "start", "north/BR-01", "B1", "--member", "institute", "--phase", "batch"),
        *("--organism", "E. coli", "--scale-l", "2", "--time", "2026-03-01T08:00Z"),
    )
    sparge.done("batch", "phase", "north/BR-01", "feed", "--time", "2026-03-01T14:00Z")
    said = sparge.done(
        *("batch", "sample", "north/BR-01", "OD=12", "mine=3", "--unit-of", "mine=g.L-1"),
        *("--time", "2026-03-01T15:30Z", "--operator", "kj"),
    )
    assert "B1 of institute in north/BR-01: sample with OD, mine" in said
    assert "unit must be given" in sparge.refused("batch", "sample", "north/BR-01", "mine=3")
    early = ("batch", "end", "north/BR-01", "--time", "2026-02-28T08:00Z")
    assert "before its start" in sparge.refused(*early)
    assert "before its start" in sparge.refused(*early, "--batch", "B1", "--member", "institute")
    sparge.done("batch", "end", "north/BR-01", "--time", "2026-03-02T08:00Z")
    assert "B1 has ended" in sparge.refused("batch", "phase", "north/BR-01", "feed")
    found = stored(
        store_database,
        "SELECT batch, member, organism, scale_l, phase, justify_hours(ended_at - started_at)::text"
        " FROM sparge.batches",
        4,
    )
    assert found == [("B1", "institute", "E. coli", 2.0, "feed", "1 day")]
    results = (
        "SELECT assay, value, ucum, phase, culture_age_h, operator FROM sparge.offline_samples ORDER BY 1"
    )
    assert sorted(stored(store_database, results, 4)) == [
        ("OD", 12.0, "{OD}", "feed", 7.5, "kj"),
        ("mine", 3.0, "g.L-1", "feed", 7.5, "kj"),
    ]


@pytest.mark.usefixtures("sparge")
def test_an_event_that_is_wrong_is_a_dead_letter_and_the_next_is_stored(
    store_database: str, topics: Broker
) -> None:
    right = BatchEvent(site="north", unit="BR-01", batch="B1", member="m", event="end", time_us=1)
    body = right.encode()
    sample = b'"event":"sample","assays":{"OD":{"value":1.0,"unit":"%s"}}'
    wrong = {
        "not_json": (b"north/BR-01", b"{"),
        "wrong_type": (b"north/BR-01", body.replace(b'"end"', b'"phase"')),
        "key_mismatch": (b"north/BR-02", body),
        "time_ahead": (b"north/BR-01", body.replace(b'"time_us":1', b'"time_us":9223372036854775807')),
        "unknown_unit": (b"north/BR-01", body.replace(b'"event":"end"', sample % b"lumps")),
        "incompatible_unit": (b"north/BR-01", body.replace(b'"event":"end"', sample % b"Cel")),
    }
    for key, value in wrong.values():
        send_one(topics, BATCH_EVENTS.name, key, value, ())
    nul = right.model_copy(update={"operator": "k\x00j"})
    send_one(topics, BATCH_EVENTS.name, *outgoing(nul))
    send_one(topics, BATCH_EVENTS.name, *outgoing(right))
    assert stored(store_database, "SELECT count(*) FROM sparge.batch_event", len(wrong) + 2) == [(1,)]
    letters = [DeadLetter.decode(record.value or b"") for record in read_all(topics, DEADLETTER.name)]
    assert sorted(letter.reason for letter in letters) == sorted([*wrong, "wrong_type"])


def test_a_plant_file_is_applied(sparge: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "plant.yaml"
    file.write_text("sites: {north: {BR-01: {vessel: {total_l: 3, working_l: 2, diameter_m: 0.13}}}}")
    assert "1 units" in sparge.done("plant", "apply", str(file))
    file.write_text("sites: {north: {BR-01: {vessel: {total_l: 1, working_l: 2, diameter_m: 0.13}}}}")
    assert "more than total_l" in sparge.refused("plant", "apply", str(file))
