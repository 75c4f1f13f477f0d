"""Which frames of a device are missing, against sets of sequence numbers; and samples past the horizon."""

from __future__ import annotations

import itertools
import time
from typing import TYPE_CHECKING

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.wire import MAX_INT
from storage.horizon import set_horizon
from storage.store import Store
from tests.integration.storage.frames import FRAMES, HISTORY, T0_US, column, register, stored

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from storage.records import StoredFrame
    from tests.integration.storage.frames import Rows

BLOCK = 65_536
HOUR_US = 3_600_000_000
_units = itertools.count()

MISSING = "SELECT device, first_sequence, last_sequence FROM sparge.missing_frames ORDER BY 1, 2"
OF_UNIT = "SELECT first_sequence, last_sequence FROM sparge.missing_frames WHERE unit = %s ORDER BY 1"


def write(store: Store, frames: Sequence[StoredFrame]) -> None:
    with store.transaction("ingest", [(FRAMES, 0), (HISTORY, 0)]) as transaction:
        transaction.write_frames(frames)


def sent(sequence: int, *, recorded_us: int = T0_US, **given: object) -> StoredFrame:
    at = column("DO", [1.0], start_us=recorded_us + sequence % 1000)
    return stored([at], sequence=sequence, offset=sequence, recorded_us=recorded_us, **given)  # type: ignore[arg-type]  # what the caller gives is named


def ranges(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """Numbers as [first, last] of each run."""
    runs = []
    for _, run in itertools.groupby(enumerate(sorted(numbers)), lambda pair: pair[1] - pair[0]):
        members = [number for _, number in run]
        runs.append((members[0], members[-1]))
    return runs


@pytest.fixture(scope="module")
def opened(migrated_database: str) -> Iterator[Store]:
    with Store(migrated_database, application="test") as store:
        register(store)
        yield store


@pytest.fixture(scope="module")
def reader(migrated_database: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(migrated_database, autocommit=True) as connection:
        yield connection


NEAR = st.one_of(st.integers(0, 12), st.integers(BLOCK - 4, BLOCK + 4), st.integers(3 * BLOCK, 3 * BLOCK + 3))


@settings(max_examples=60, deadline=None)
@given(
    came=st.lists(NEAR, min_size=1, max_size=25, unique=True),
    dropped=st.lists(st.tuples(NEAR, st.integers(0, 6)), max_size=3),
    cuts=st.sets(st.integers(1, 24), max_size=4),
)
def test_missing_is_what_lies_below_a_frame_that_came_and_neither_came_nor_was_given_up(
    came: list[int],
    dropped: list[tuple[int, int]],
    cuts: set[int],
    opened: Store,
    reader: psycopg.Connection,
) -> None:
    unit = f"U{next(_units)}"
    given_up = [(start, start + length) for start, length in dropped]
    teller = stored([column("DO", [1.0])], sequence=came[0], offset=came[0], unit=unit, dropped=given_up)
    frames = [teller, *(sent(sequence, unit=unit) for sequence in came[1:])]
    edges = [0, *sorted(cut for cut in cuts if cut < len(frames)), len(frames)]
    for start, end in itertools.pairwise(edges):
        write(opened, frames[start:end])
    write(opened, frames[:3])
    # An epoch whose first number is far from 0 counts on from another.
    first = min(came) if min(came) >= BLOCK else 0
    known = {number for start, end in given_up for number in range(start, end + 1)} | set(came)
    assert reader.execute(OF_UNIT, (unit,)).fetchall() == ranges(set(range(first, max(came))) - known)


def test_a_gap_is_missing_until_it_is_filled(store: Store, rows: Rows) -> None:
    write(store, [sent(i) for i in (0, 1, 5, 9)])
    assert rows(MISSING) == [("controller", 2, 4), ("controller", 6, 8)]
    write(store, [sent(i, topic=HISTORY) for i in (3, 6, 7, 8)])
    assert rows(MISSING) == [("controller", 2, 2), ("controller", 4, 4)]
    write(store, [stored([], sequence=10, offset=10, dropped=[(2, 4)])])
    assert rows(MISSING) == []


def test_a_gap_belongs_to_the_device_and_epoch_that_count(store: Store, rows: Rows) -> None:
    write(store, [sent(1, device="a"), sent(0, device="b"), sent(2, device="b")])
    assert rows(MISSING) == [("a", 0, 0), ("b", 1, 1)]


def test_what_is_past_the_horizon_is_given_up_and_no_longer_counted(
    store: Store, store_database: str, rows: Rows
) -> None:
    now_us = time.time_ns() // 1000
    write(store, [sent(0, recorded_us=now_us - 3 * HOUR_US), sent(2, recorded_us=now_us - 2 * HOUR_US)])
    write(store, [sent(5, recorded_us=now_us)])
    totals = "SELECT site, unit, frames FROM sparge.missing_frame_totals"
    assert rows(totals) == [("north", "BR-01", 3)]
    set_horizon(store_database, 1.0)
    assert rows("SELECT first_sequence, given_up FROM sparge.missing_frames ORDER BY 1") == [
        (1, True),
        (3, False),
    ]
    assert rows(totals) == [("north", "BR-01", 2)]


def test_the_greatest_numbers_of_all_harm_nobody(store: Store, rows: Rows) -> None:
    write(store, [sent(0), sent(MAX_INT), stored([], sequence=1, offset=1, dropped=[(1, MAX_INT)])])
    write(store, [sent(3)])
    assert rows(MISSING) == []
    assert rows("SELECT count(*) FROM sparge.frame") == [(4,)]


def test_a_sample_past_the_horizon_is_stored_and_flagged(store: Store, rows: Rows) -> None:
    times = [T0_US - 25 * HOUR_US, T0_US - 23 * HOUR_US, T0_US]
    write(store, [stored([column("DO", [1.0, 2.0, 3.0], times_us=times)]), sent(1)])
    assert rows("SELECT value, late FROM sparge.samples WHERE sequence = 0 ORDER BY time") == [
        (1.0, True),
        (2.0, False),
        (3.0, False),
    ]
    assert rows("SELECT sequence, late_before IS NULL FROM sparge.frame ORDER BY 1") == [
        (0, False),
        (1, True),
    ]


def test_the_flag_is_of_the_horizon_at_the_time_of_recording_and_a_change_of_it_is_audited(
    store: Store, store_database: str, rows: Rows
) -> None:
    set_horizon(store_database, 2.0)
    set_horizon(store_database, 2.0)
    old = stored([column("DO", [1.0], start_us=T0_US - 3 * HOUR_US)])
    write(store, [old])
    set_horizon(store_database, 4.0)
    again = stored([column("DO", [2.0], start_us=T0_US - 3 * HOUR_US + 1)], sequence=1, offset=1)
    write(store, [again])
    assert rows("SELECT value, late FROM sparge.samples ORDER BY time") == [(1.0, True), (2.0, False)]
    assert rows("SELECT what, detail ->> 'late_after' FROM sparge.audit ORDER BY audit_id") == [
        ("horizon set", "02:00:00"),
        ("horizon set", "04:00:00"),
    ]


def test_a_frame_found_to_be_recorded_earlier_is_flagged_by_that_time(store: Store, rows: Rows) -> None:
    measured_us = T0_US - 20 * HOUR_US
    samples = [column("DO", [1.0], start_us=measured_us)]
    write(store, [stored(samples, topic=HISTORY, recorded_us=T0_US + 10 * HOUR_US)])
    assert rows("SELECT late FROM sparge.samples") == [(True,)]
    write(store, [stored(samples, offset=7)])
    assert rows("SELECT late, log_offset FROM sparge.samples") == [(False, 7)]
