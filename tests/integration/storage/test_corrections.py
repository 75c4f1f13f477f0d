"""Decision 0004 against a slow and obvious reference, on the real database, in any order of arrival."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from math import isnan, nan
from typing import TYPE_CHECKING

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.store import Store
from tests.integration.storage.frames import FRAMES, HISTORY, T0_US, column, register, stored

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from storage.records import StoredFrame

_units = itertools.count()

Content = tuple[float | None, int]
"""Value (None: missing) and status."""


@dataclass(frozen=True)
class Sent:
    """A frame as it was sent once; identity `sequence`, content by (signal, time)."""

    sequence: int
    content: Mapping[tuple[str, int], Content]


@dataclass(frozen=True)
class Arrival:
    """A frame's place in the log."""

    sent: Sent
    recorded_us: int
    topic: str
    offset: int

    @property
    def rank(self) -> tuple[int, str, int]:
        return (self.recorded_us, self.topic, self.offset)


CONTENT = st.sampled_from([(1.0, 0), (2.0, 0), (1.0, 0x40900000), (None, 0x80000000)])
SENT = st.dictionaries(
    st.tuples(st.sampled_from(["DO", "extra"]), st.integers(0, 2)), CONTENT, min_size=1, max_size=4
)


@st.composite
def histories(draw: st.DrawFn) -> list[list[Arrival]]:
    """Frames in any order, some of them recorded twice, split anyhow into batches."""
    sent = [Sent(i, content) for i, content in enumerate(draw(st.lists(SENT, min_size=1, max_size=7)))]
    again = draw(st.lists(st.sampled_from(sent), max_size=3, unique_by=lambda s: s.sequence))
    arrivals = [
        Arrival(frame, T0_US + draw(st.integers(0, 3)), draw(st.sampled_from([FRAMES, HISTORY])), offset)
        for offset, frame in enumerate([*sent, *again])
    ]
    shuffled = draw(st.permutations(arrivals))
    cuts = draw(st.lists(st.booleans(), min_size=len(shuffled), max_size=len(shuffled)))
    batches: list[list[Arrival]] = [[]]
    for arrival, cut in zip(shuffled, cuts, strict=True):
        if cut:
            batches.append([])
        batches[-1].append(arrival)
    return batches


@dataclass(frozen=True)
class Known:
    """What is known of a sample: its content, and the frames of the last run of equal versions, in order."""

    content: Content
    run: tuple[int, ...]


def versions(batches: list[list[Arrival]]) -> dict[tuple[str, int], list[tuple[Content, int, int]]]:
    """(content, sequence, recorded time) of each sample in order of recording; a repeat is not a version."""
    first: dict[int, Arrival] = {}
    for arrival in sorted(itertools.chain(*batches), key=lambda a: a.rank):
        first.setdefault(arrival.sent.sequence, arrival)
    found: dict[tuple[str, int], list[tuple[Content, int, int]]] = {}
    for arrival in sorted(first.values(), key=lambda a: a.rank):
        for key, content in arrival.sent.content.items():
            found.setdefault(key, []).append((content, arrival.sent.sequence, arrival.recorded_us))
    return found


def reference(batches: list[list[Arrival]]) -> dict[tuple[str, int], Known]:
    known = {}
    for key, of_sample in versions(batches).items():
        content = of_sample[-1][0]
        run = list(itertools.takewhile(lambda version: version[0] == content, reversed(of_sample)))  # noqa: B023 - used at once
        known[key] = Known(content, tuple(sequence for _, sequence, _ in reversed(run)))
    return known


def content_of(value: float, status: int) -> Content:
    return (None if isnan(value) else value, status)


def as_frame(arrival: Arrival, unit: str) -> StoredFrame:
    columns = []
    for name in ("DO", "extra"):
        of_signal = sorted((t, c) for (signal, t), c in arrival.sent.content.items() if signal == name)
        if of_signal:
            columns.append(
                column(
                    name,
                    [nan if value is None else value for _, (value, _) in of_signal],
                    times_us=[T0_US + t for t, _ in of_signal],
                    status=[code for _, (_, code) in of_signal],
                )
            )
    return stored(
        columns,
        unit=unit,
        sequence=arrival.sent.sequence,
        offset=arrival.offset,
        topic=arrival.topic,
        recorded_us=arrival.recorded_us,
    )


@pytest.fixture(scope="module")
def opened(migrated_database: str) -> Iterator[Store]:
    with Store(migrated_database, application="test") as store:
        register(store)
        yield store


@pytest.fixture(scope="module")
def reader(migrated_database: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(migrated_database, autocommit=True) as connection:
        yield connection


STORED = """
SELECT g.name, (extract(epoch FROM s.time) * 1000000)::bigint - %s, s.value, s.status::bigint & 4294967295,
       f.sequence, c.sequence
FROM sparge.sample AS s
JOIN sparge.signal AS g USING (signal_id)
JOIN sparge.unit AS u USING (unit_id)
JOIN sparge.frame AS f ON f.frame_id = s.frame_id
LEFT JOIN sparge.frame AS c ON c.frame_id = s.confirmed_frame_id
WHERE u.name = %s
"""
SUPERSEDED = STORED.replace("sparge.sample AS s", "sparge.sample_superseded AS s").replace(
    "s.confirmed_frame_id", "NULL"
)
OF_UNIT = """
SELECT signal, (extract(epoch FROM time) * 1000000)::bigint - %(t0)s, value, status, sequence
FROM {source} WHERE unit = %(unit)s
"""
KNOWN_AT = OF_UNIT.format(source="sparge.samples_as_known_at(sparge.at_us(%(at)s))")
KNOWN_NOW = OF_UNIT.format(source="sparge.samples")
VERSIONS_AT = (
    OF_UNIT.format(source="sparge.sample_versions")
    + "AND recorded_at <= sparge.at_us(%(at)s)"
    + " AND (replaced_at IS NULL OR replaced_at > sparge.at_us(%(at)s))"
)


def write(store: Store, batches: list[list[Arrival]]) -> str:
    """Write each batch in a transaction of its own, for a unit of their own; returns its name."""
    unit = f"U{next(_units)}"
    for batch in batches:
        with store.transaction("ingest", [(FRAMES, 0), (HISTORY, 0)]) as transaction:
            transaction.write_frames([as_frame(arrival, unit) for arrival in batch])
    return unit


def seen(
    reader: psycopg.Connection, query: str, unit: str, at: int
) -> dict[tuple[str, int], tuple[Content, int]]:
    """Content and frame of each sample that a query shows; each once."""
    rows = reader.execute(query.encode(), {"t0": T0_US, "unit": unit, "at": at}).fetchall()
    shown = {(name, time): ((value, status), sequence) for name, time, value, status, sequence in rows}
    assert len(shown) == len(rows)
    return shown


def recorded_by(batches: list[list[Arrival]], at: int) -> list[list[Arrival]]:
    """What stood in the log at that time."""
    return [[arrival for arrival in batch if arrival.recorded_us <= at] for batch in batches]


@settings(max_examples=150, deadline=None)
@given(batches=histories())
def test_the_latest_recorded_version_is_current_whatever_arrives_first(
    batches: list[list[Arrival]], opened: Store, reader: psycopg.Connection
) -> None:
    unit = write(opened, batches)
    known = reference(batches)
    found = reader.execute(STORED, (T0_US, unit)).fetchall()
    assert {(name, time): content_of(value, status) for name, time, value, status, _, _ in found} == {
        key: sample.content for key, sample in known.items()
    }
    for name, time, _, _, since, confirmed in found:
        run = known[name, time].run
        assert since == run[0]
        assert (since if confirmed is None else confirmed) == run[-1]


@settings(max_examples=150, deadline=None)
@given(batches=histories())
def test_what_was_known_at_a_time_is_what_would_be_known_now_had_nothing_been_recorded_since(
    batches: list[list[Arrival]], opened: Store, reader: psycopg.Connection
) -> None:
    unit = write(opened, batches)
    for at in range(T0_US - 1, T0_US + 5):
        past = reference(recorded_by(batches, at))
        expected = {key: (known.content, known.run[0]) for key, known in past.items()}
        assert seen(reader, KNOWN_AT, unit, at) == expected
        assert seen(reader, VERSIONS_AT, unit, at) == expected
    assert seen(reader, KNOWN_AT, unit, T0_US + 4) == seen(reader, KNOWN_NOW, unit, 0)


@settings(max_examples=80, deadline=None)
@given(batches=histories())
def test_every_version_that_was_sent_is_kept_once(
    batches: list[list[Arrival]], opened: Store, reader: psycopg.Connection
) -> None:
    unit = write(opened, batches)
    kept: list[tuple[tuple[str, int], Content, int]] = []
    for name, time, value, status, sequence, _ in reader.execute(SUPERSEDED, (T0_US, unit)):
        kept.append(((name, time), content_of(value, status), sequence))
    for name, time, value, status, since, confirmed in reader.execute(STORED, (T0_US, unit)):
        kept.append(((name, time), content_of(value, status), since))
        if confirmed is not None:
            kept.append(((name, time), content_of(value, status), confirmed))
    sent = [(key, c, sequence) for key, of in versions(batches).items() for c, sequence, _ in of]
    assert sorted(kept, key=repr) == sorted(sent, key=repr)
