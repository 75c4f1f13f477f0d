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
def histories(draw: st.DrawFn, *, recorded_twice: bool = False) -> list[list[Arrival]]:
    """Frames in any order, split anyhow into batches.

    recorded_twice: some are in the log twice; then no two frames say the same, for repeats inside a run leave
    no trace that a frame which moves could be measured by.
    """
    sent = [Sent(i, content) for i, content in enumerate(draw(st.lists(SENT, min_size=1, max_size=7)))]
    again: list[Sent] = []
    if recorded_twice:
        sent = [Sent(s.sequence, dict.fromkeys(s.content, (float(s.sequence), 0))) for s in sent]
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
KNOWN_AT = """
SELECT signal, (extract(epoch FROM time) * 1000000)::bigint - %(t0)s, value, status
FROM sparge.sample_versions
WHERE unit = %(unit)s
    AND recorded_at <= sparge.at_us(%(at)s) AND (replaced_at IS NULL OR replaced_at > sparge.at_us(%(at)s))
"""


def write(store: Store, batches: list[list[Arrival]]) -> str:
    """Write each batch in a transaction of its own, for a unit of their own; returns its name."""
    unit = f"U{next(_units)}"
    for batch in batches:
        with store.transaction("ingest", [(FRAMES, 0), (HISTORY, 0)]) as transaction:
            transaction.write_frames([as_frame(arrival, unit) for arrival in batch])
    return unit


def known_at(
    reader: psycopg.Connection, unit: str, at: int
) -> dict[tuple[str, int], tuple[float | None, int]]:
    rows = reader.execute(KNOWN_AT, {"t0": T0_US, "unit": unit, "at": at})
    return {(name, time): (value, status) for name, time, value, status in rows}


@settings(max_examples=100, deadline=None)
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
        # Repeats inside a run leave no trace, so the run may seem to begin at a later one of its frames.
        assert since in run
        assert (since if confirmed is None else confirmed) == run[-1]


@settings(max_examples=100, deadline=None)
@given(batches=histories(recorded_twice=True))
def test_a_frame_recorded_twice_counts_from_its_first_recording_and_the_past_stays_as_it_was_known(
    batches: list[list[Arrival]], opened: Store, reader: psycopg.Connection
) -> None:
    unit = write(opened, batches)
    found = reader.execute(STORED, (T0_US, unit)).fetchall()
    assert {
        (name, time): Known(content_of(value, status), (since,))
        for name, time, value, status, since, _ in found
    } == reference(batches)
    for at in range(T0_US, T0_US + 4):
        expected = {
            key: [content for content, _, recorded in of_sample if recorded <= at][-1]
            for key, of_sample in versions(batches).items()
            if of_sample[0][2] <= at
        }
        assert known_at(reader, unit, at) == expected


@settings(max_examples=40, deadline=None)
@given(batches=histories())
def test_what_is_kept_beside_the_current_version_was_sent_before_it_and_nothing_said_is_lost(
    batches: list[list[Arrival]], opened: Store, reader: psycopg.Connection
) -> None:
    unit = write(opened, batches)
    kept: dict[tuple[str, int], list[tuple[Content, int]]] = {}
    for name, time, value, status, sequence, _ in reader.execute(SUPERSEDED, (T0_US, unit)):
        kept.setdefault((name, time), []).append((content_of(value, status), sequence))
    known = reference(batches)
    for key, of_sample in versions(batches).items():
        order = [sequence for _, sequence, _ in of_sample]
        for content, sequence in kept.get(key, []):
            assert (content, sequence) in [(c, s) for c, s, _ in of_sample]
            assert order.index(sequence) < order.index(known[key].run[0])
        said = {content for content, _, _ in of_sample}
        assert said == {known[key].content} | {content for content, _ in kept.get(key, [])}
