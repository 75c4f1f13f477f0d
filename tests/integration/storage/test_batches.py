"""Batches, phases and offline samples follow from what was said of them, in whatever order it comes."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.batch_context import BatchStory
from schemas.batch import Assay, BatchEvent, canonical_assays
from schemas.errors import LogMismatch
from storage.records import StoredEvent
from storage.store import Store
from tests.integration.storage.frames import T0_US, column, register, stored

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.integration.storage.frames import Rows

Event = Literal["start", "phase", "sample", "end"]
EVENTS = "batch.events"
TP = (EVENTS, 0)
HOUR_US = 3_600_000_000
_units = itertools.count()


def at(hours: float) -> datetime:
    return datetime.fromtimestamp(T0_US / 1e6 + hours * 3600, UTC)


def said(event: Event, hours: float, offset: int, **given: Any) -> StoredEvent:
    """An event of the batch B1 at so many hours, recorded in the order of offsets."""
    assays = {name: Assay(value=value, unit=unit) for name, (value, unit) in given.pop("assays", {}).items()}
    fields = {"site": "north", "unit": "BR-01", "batch": "B1", "member": "institute", **given}
    message = BatchEvent(event=event, time_us=T0_US + int(hours * HOUR_US), assays=assays or None, **fields)
    return StoredEvent(message, canonical_assays(message), EVENTS, 0, offset, T0_US + offset)


def write(store: Store, events: Sequence[StoredEvent]) -> int:
    with store.transaction("record", [TP]) as transaction:
        return transaction.write_batch_events(events)


def recorded(store: Store) -> Store:
    store.register_log("record", "cluster", {EVENTS: "batch-id"}, {EVENTS: 1})
    return store


@pytest.fixture
def record(store: Store) -> Store:
    return recorded(store)


STORY = [
    said("start", 0, 0, phase="batch", organism="E. coli", process="reporter", scale_L=2.0, operator="kj"),
    said("sample", 1, 1, assays={"OD": (4.2, "{OD}"), "glucose": (11_500, "mg.L-1")}, operator="kj"),
    said("phase", 6, 2, phase="feed"),
    said("sample", 8, 3, assays={"my_assay": (3.0, "g.L-1")}),
    said("end", 20, 4),
]


def test_a_batch_has_its_phases_and_its_offline_samples(record: Store, rows: Rows) -> None:
    assert write(record, STORY) == 5
    assert rows(
        "SELECT site, unit, batch, member, organism, process, scale_l, started_at, ended_at, running, phase,"
        " operator FROM sparge.batches"
    ) == [
        ("north", "BR-01", "B1", "institute", "E. coli", "reporter", 2.0, at(0), at(20), False, "feed", "kj")
    ]
    assert rows(
        "SELECT phase, started_at, ended_at, culture_age_h FROM sparge.phases ORDER BY started_at"
    ) == [
        ("batch", at(0), at(6), 0.0),
        ("feed", at(6), at(20), 6.0),
    ]
    assert rows(
        "SELECT assay, value, ucum, phase, culture_age_h, operator FROM sparge.offline_samples"
        " ORDER BY time, assay"
    ) == [
        ("OD", 4.2, "{OD}", "batch", 1.0, "kj"),
        ("glucose", 11.5, "g.L-1", "batch", 1.0, "kj"),
        ("my_assay", 3.0, "g.L-1", "feed", 8.0, None),
    ]


def test_a_running_batch_has_no_end_and_the_next_in_its_unit_ends_it(record: Store, rows: Rows) -> None:
    ends = "SELECT batch, ended_at, running, until FROM sparge.batches ORDER BY started_at"
    write(record, STORY[:1])
    assert [row[:3] for row in rows(ends)] == [("B1", None, True)]
    assert rows("SELECT phase, ended_at FROM sparge.phases") == [("batch", None)]
    write(record, [said("start", 30, 9, batch="B2", member="other")])
    assert [row[:3] for row in rows(ends)] == [("B1", None, False), ("B2", None, True)]
    assert rows(ends)[0][3] == at(30)
    assert rows("SELECT phase, ended_at FROM sparge.phases") == [("batch", at(30))]


def test_what_is_said_again_and_later_corrects_what_was_said_before(record: Store, rows: Rows) -> None:
    write(record, STORY)
    write(
        record,
        [
            said("start", 0.5, 10, phase="lag", organism="E. coli BL21"),
            said("end", 18, 11),
            said("sample", 1, 12, assays={"OD": (4.4, "{OD}")}),
        ],
    )
    assert rows("SELECT organism, scale_l, started_at, ended_at FROM sparge.batches") == [
        ("E. coli BL21", None, at(0.5), at(18))
    ]
    assert rows("SELECT phase, started_at FROM sparge.phases ORDER BY started_at") == [
        ("lag", at(0.5)),
        ("feed", at(6)),
    ]
    assert rows("SELECT value, recorded_at FROM sparge.offline_samples WHERE assay = 'OD'") == [
        (4.4, datetime.fromtimestamp((T0_US + 12) / 1e6, UTC))
    ]


def test_an_end_before_the_start_is_ignored_until_a_later_event_corrects_it(
    record: Store, rows: Rows
) -> None:
    ended = "SELECT ended_at, running FROM sparge.batches"
    write(record, [STORY[0], said("end", -3, 5)])
    assert rows(ended) == [(None, True)]
    assert rows("SELECT phase, ended_at FROM sparge.phases") == [("batch", None)]
    write(record, [said("end", 20, 6), said("end", -1, 7)])
    assert rows(ended) == [(at(20), False)]
    write(record, [said("start", -2, 8)])
    assert rows(ended) == [(at(-1), False)]


def test_samples_are_asked_by_batch_phase_culture_age_scale_and_member(record: Store, rows: Rows) -> None:
    register(record)
    with record.transaction("ingest", [("telemetry.frames", 0)]) as transaction:
        hourly = [T0_US + hour * HOUR_US for hour in range(-1, 25)]
        transaction.write_frames([stored([column("DO", [float(i) for i in range(26)], times_us=hourly)])])
    write(record, STORY)
    assert rows(
        "SELECT value, culture_age_h FROM sparge.batch_samples"
        " WHERE batch = 'B1' AND phase = 'feed' ORDER BY time"
    ) == [(float(hour + 1), float(hour)) for hour in range(6, 20)]
    assert rows(
        "SELECT count(*), min(culture_age_h), max(culture_age_h) FROM sparge.batch_samples"
        " WHERE scale_l = 2 AND member = 'institute' AND organism = 'E. coli'"
    ) == [(20, 0.0, 19.0)]


def test_a_batch_without_phases_has_its_samples_too(record: Store, rows: Rows) -> None:
    register(record)
    with record.transaction("ingest", [("telemetry.frames", 0)]) as transaction:
        transaction.write_frames([stored([column("DO", [1.0, 2.0])])])
    write(record, [said("start", 0, 0)])
    assert rows("SELECT value, phase FROM sparge.batch_samples ORDER BY time") == [(1.0, None), (2.0, None)]
    assert rows("SELECT * FROM sparge.phases") == []


def test_an_event_of_a_topic_that_is_not_registered_is_refused(record: Store) -> None:
    foreign = said("end", 1, 0)
    other = StoredEvent(foreign.event, {}, "elsewhere", 0, 0, T0_US)
    with pytest.raises(LogMismatch, match="elsewhere"):
        write(record, [other])


@dataclass(frozen=True)
class Told:
    """An event of one of two batches in a unit."""

    batch: str
    event: Event
    hour: int
    word: str

    def stored(self, unit: str, offset: int) -> StoredEvent:
        given: dict[str, Any] = {"batch": self.batch, "unit": unit}
        if self.event == "sample":
            given["assays"] = {"OD": (float(len(self.word)), "{OD}")}
        elif self.event != "end":
            given["phase"] = self.word
        if self.event == "start":
            given["organism"] = self.word
        return said(self.event, self.hour, offset, **given)


TOLD = st.builds(
    Told,
    batch=st.sampled_from(["B1", "B2"]),
    event=st.sampled_from(["start", "phase", "sample", "end"]),
    hour=st.integers(0, 5),
    word=st.sampled_from(["a", "bb", "ccc"]),
)
SHOWN = {
    "batches": "SELECT batch, organism, started_at, ended_at, until, phase FROM sparge.batches",
    "phases": "SELECT batch, phase, started_at, ended_at FROM sparge.phases",
    "samples": "SELECT batch, time, assay, value, recorded_at, phase FROM sparge.offline_samples",
}


TILED = """
SELECT b.name, min(p.started_at), NULLIF(max(p.until), 'infinity')
FROM sparge.phase AS p JOIN sparge.batch AS b USING (batch_id) JOIN sparge.unit AS u USING (unit_id)
WHERE u.name = %s GROUP BY b.name
"""


@pytest.fixture(scope="module")
def opened(migrated_database: str) -> Iterator[Store]:
    with Store(migrated_database, application="test") as store:
        yield recorded(store)


@pytest.fixture(scope="module")
def reader(migrated_database: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(migrated_database, autocommit=True) as connection:
        yield connection


@settings(max_examples=60, deadline=None)
@given(told=st.lists(TOLD, min_size=1, max_size=9), data=st.data())
def test_the_rows_are_the_same_in_whatever_order_and_however_often_events_come(
    told: list[Told], data: st.DataObject, opened: Store, reader: psycopg.Connection
) -> None:
    number = next(_units)
    seen = []
    arrivals = data.draw(st.permutations(list(enumerate(told))))
    repeated = data.draw(st.lists(st.sampled_from(arrivals), max_size=3))
    for unit, events in ((f"A{number}", list(enumerate(told))), (f"B{number}", [*arrivals, *repeated])):
        # Offsets differ between the units, the order of recording does not.
        base = (10_000 if unit[0] == "B" else 0) + 20 * number
        cut = data.draw(st.integers(0, len(events)))
        batch = [
            StoredEvent(s.event, s.assays, EVENTS, 0, base + offset, T0_US + offset)
            for offset, s in ((offset, event.stored(unit, offset)) for offset, event in events)
        ]
        write(opened, batch[:cut])
        write(opened, batch[cut:])
        write(opened, batch)
        shown = {name: reader.execute(f"{q} WHERE unit = %s".encode(), (unit,)) for name, q in SHOWN.items()}
        seen.append({name: sorted(found, key=repr) for name, found in shown.items()})
    assert seen[0] == seen[1]
    for name, started, ended in reader.execute(TILED, (f"A{number}",)):
        (whole,) = [row for row in seen[0]["batches"] if row[0] == name]
        assert (started, ended) == (whole[2], whole[4])


SPANS = """
SELECT b.name, p.name, p.started_at, NULLIF(p.until, 'infinity')
FROM sparge.phase AS p JOIN sparge.batch AS b USING (batch_id) JOIN sparge.unit AS u USING (unit_id)
WHERE u.name = %s ORDER BY p.started_at
"""


@settings(max_examples=25, deadline=None)
@given(told=st.lists(TOLD, min_size=1, max_size=9))
def test_the_watch_understands_events_as_the_database_does(
    told: list[Told], opened: Store, reader: psycopg.Connection
) -> None:
    unit, base = f"C{next(_units)}", 1_000_000 + 20 * next(_units)
    events = [event.stored(unit, base + offset) for offset, event in enumerate(told)]
    write(opened, events)
    story = BatchStory()
    for event in events:
        story.tell(event.event)
    spans = story.spans()
    ends = [datetime.fromtimestamp(since_us / 1e6, UTC) for since_us, _ in spans[1:]]
    known = [
        (one.batch, one.phase, datetime.fromtimestamp(since_us / 1e6, UTC), until)
        for (since_us, one), until in zip(spans, [*ends, None], strict=False)
        if one.batch is not None
    ]
    assert known == list(reader.execute(SPANS, (unit,)))
