"""Good batches become an envelope by one command, and watch judges the next batches by it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import psycopg
import pytest

from schemas.batch import BatchEvent
from schemas.score import ScoreMessage
from simulator.faulting.fault import parse
from simulator.fleet import Fleet, Reactor
from simulator.happenings import batch_event
from simulator.sensing.style import PLANT
from streams.admin import ensure_topics
from streams.batch_sender import BatchSender
from streams.fleet_publisher import FleetPublisher
from streams.tail import read_all
from streams.topics import FRAMES, HISTORY, WATCH_RESULTS
from tests.integration.sparge.command_line import CommandLine
from tests.servers.kafka import delete_topics

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from simulator.sensing.reporting import Row
    from streams.connection import Broker
    from streams.topics import Topic

SITE, MEMBER = "north", "institute"
LONG_S = 2400.0
STEP_S = 10.0
REFERENCES = tuple(f"BR-{number:02d}" for number in range(1, 11))
SOUND, FAULTY, FEW = "BR-21", "BR-22", "BR-23"
FAULT = f"{FAULTY}/lost_stirrer@1500"
WITHIN_S = 300.0

SAMPLES = "SELECT count(*) FROM sparge.samples"
ENDED = "SELECT count(until) FROM sparge.batches"
LEAST_JUDGED = """
SELECT min(steps) FROM (
    SELECT count(*) FILTER (WHERE layer = 'envelope') AS steps
    FROM sparge.unit_scores WHERE unit IN ('BR-21', 'BR-22') GROUP BY unit HAVING count(*) > 0
) AS of_unit HAVING count(*) = 2
"""


@dataclass
class Batch:
    """A simulated batch: what its device sent, and what was told of it."""

    rows: list[Row] = field(default_factory=list)
    events: list[BatchEvent] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.events[0].batch


def simulated(origin_us: int) -> dict[str, Batch]:
    """Forty minutes of E. coli in vessels of 2 L, one of which loses its stirrer."""
    names = [*REFERENCES, SOUND, FAULTY, FEW]
    reactors = [Reactor(name, "e_coli", "2L", 500 + place) for place, name in enumerate(names)]
    fleet = Fleet(reactors, start_h=0.0, faults=[parse(FAULT)], style=PLANT, step_s=STEP_S)
    found = {name: Batch() for name in names}
    while fleet.time_s < LONG_S:
        for row in fleet.step().rows():
            found[names[row.unit]].rows.append(row)
        for one in fleet.happenings():
            reactor = fleet.reactors[one.unit]
            of = fleet.batch(one.unit, origin_us)
            event = batch_event(one, reactor, site=SITE, member=MEMBER, batch=of, origin_us=origin_us)
            found[reactor.name].events.append(event)
    for name, batch in found.items():
        end_us = origin_us + round(LONG_S * 1e6)
        batch.events.append(
            BatchEvent(site=SITE, unit=name, batch=batch.name, member=MEMBER, event="end", time_us=end_us)
        )
    return found


def tell(broker: Broker, batches: Sequence[Batch]) -> None:
    with BatchSender(broker) as sender:
        for batch in batches:
            for event in batch.events:
                sender.send(event)


def publish(broker: Broker, origin_us: int, batches: dict[str, Batch], topic: Topic) -> int:
    """Send batches, a frame a row where they are watched; returns how many samples."""
    count = 0
    with FleetPublisher(broker, topic=topic) as publisher:
        for name, batch in batches.items():
            device = publisher.device(SITE, name, "simulator", 1)
            for place, row in enumerate(batch.rows):
                device.add(origin_us + round(row.time_s * 1e6), row.values, None, row.statuses)
                if topic is FRAMES or place % 50 == 49:
                    publisher.post()
            publisher.post()
            count += device.samples
    return count


def wait_for(database: str, query: str, least: int = 1) -> int:
    """The number that a query gives, once it is large enough."""
    deadline = time.monotonic() + WITHIN_S
    with psycopg.connect(database, autocommit=True) as connection:
        while True:
            row = connection.execute(query.encode()).fetchone()
            if row is not None and row[0] is not None and row[0] >= least:
                return int(row[0])
            assert time.monotonic() < deadline, f"{row} for {query}, not {least}"
            time.sleep(0.2)


def said(broker: Broker, unit: str) -> list[ScoreMessage]:
    """What the envelopes in force said of a unit."""
    found = [
        ScoreMessage.decode(record.value or b"")
        for record in read_all(broker, WATCH_RESULTS.name)
        if b'"layer":"envelope"' in (record.value or b"")
    ]
    return [one for one in found if one.unit == unit and one.role == "champion"]


@pytest.mark.timeout(900)
def test_an_envelope_of_good_batches_suspects_a_faulty_one_in_watch_and_leaves_a_sound_one_alone(
    topics: Broker, store_database: str, tmp_path: Path
) -> None:
    delete_topics(topics)
    ensure_topics(topics)
    sparge = CommandLine(tmp_path / "home", SPARGE_BROKER=topics.bootstrap, SPARGE_DATABASE=store_database)
    origin_us = time.time_ns() // 1000 - round(LONG_S * 1e6) - 60_000_000
    with (
        sparge.running("worker", "watch"),
        sparge.running("worker", "ingest"),
        sparge.running("worker", "record"),
    ):
        batches = simulated(origin_us)
        good = {name: batches[name] for name in REFERENCES}
        tell(topics, list(good.values()))
        samples = publish(topics, origin_us, good, HISTORY)
        wait_for(store_database, SAMPLES, samples)
        wait_for(store_database, ENDED, len(good))

        named = ("--by", "A. Lindqvist", "--why", "The batches of May.")
        three = [part for name in REFERENCES[:3] for part in ("--batch", good[name].name)]
        few = sparge.done("models", "envelope", "too-few", *three, "--unit", f"{SITE}/{FEW}", *named)
        assert "not enough batches (3 of 10)" in few
        built = sparge.done("models", "envelope", "e-coli-2l", "--organism", "Escherichia coli", *named)
        assert "10 batches" in built
        sparge.done("models", "promote", "too-few", *named)
        sparge.done("models", "promote", "e-coli-2l", *named)
        assert "silent: not enough batches (3 of 10)" in sparge.done("models", "list")
        card = sparge.done("models", "show", "e-coli-2l")
        assert f"{MEMBER}/{SITE}/{REFERENCES[0]}/{good[REFERENCES[0]].name}" in card
        assert f"trained on: {HISTORY.name}/" in card
        assert "held_out_suspect_share" in card

        watched = {name: batches[name] for name in (SOUND, FAULTY, FEW)}
        tell(topics, list(watched.values()))
        publish(topics, origin_us, watched, FRAMES)
        wait_for(store_database, LEAST_JUDGED, len(watched[FAULTY].rows) - 5)
        replay = ("models", "replay", "--batch", watched[FAULTY].name, "--model", "e-coli-2l")
        assert "Identical, bit by bit." in sparge.done(*replay)

    of_faulty = [score for one in said(topics, FAULTY) for score in one.unit_scores or ()]
    suspected = [score for score in of_faulty if score.suspect]
    fault_us = origin_us + 1_500_000_000
    assert fault_us < suspected[0].time_us <= fault_us + 120_000_000
    assert "agitation" in {part.signal for part in suspected[0].contributions}
    of_sound = [score for one in said(topics, SOUND) for score in one.unit_scores or ()]
    assert np.mean([score.suspect for score in of_sound]) < 0.01
    of_few = [score for one in said(topics, FEW) for score in one.unit_scores or ()]
    assert {score.reason for score in of_few} == {"not enough batches (3 of 10)"}
    assert not any(score.suspect for score in of_few)
