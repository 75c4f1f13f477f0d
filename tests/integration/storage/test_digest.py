"""Every level, at any moment, against a slow reference: late, corrected, superseded and bad, in any order."""

from __future__ import annotations

import itertools
import threading
from dataclasses import dataclass
from functools import partial
from math import nan
from typing import TYPE_CHECKING, Any

import numpy as np
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.signals import DICTIONARY, SignalSpec
from storage.connection import connect
from storage.levels import choose
from storage.maintenance import digest as digest_module
from storage.maintenance.digest import HELD_S, HOLD_S, UnitHour, declare, digest, hold_s
from storage.queries import summary
from storage.store import Store
from tests.integration.storage.frames import FRAMES, HISTORY, T0_US, column, register, stored
from tests.integration.storage.rollups import LEVELS_US, Bucket, chart, differences, rollup, shown, single

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from storage.connection import BoundedConnection
    from tests.integration.storage.frames import Rows

_units = itertools.count()

HOUR_US = 3_600_000_000
BEGIN_US = T0_US // HOUR_US * HOUR_US
"""A full hour: buckets of all levels begin here."""

SIGNALS = ("DO", "DO_setpoint", "extra")
HOLD_US = {"DO": 60_000_000, "DO_setpoint": round(HELD_S * 1e6), "extra": round(HOLD_S * 1e6)}

# Where buckets and holds begin and end, and some between.
TIMES_US = [
    *(0, 1, 250_000, 999_999, 1_000_000, 30_000_000, 59_999_999, 60_000_000, 60_000_001, 119_000_000),
    *(120_500_000, HOUR_US - 1, HOUR_US, HOUR_US + 60_000_000, 2 * HOUR_US - 30_000_000, 2 * HOUR_US),
    *(5 * HOUR_US + 1, 26 * HOUR_US, 200 * HOUR_US),
]
SAMPLE = st.sampled_from(
    [(1.0, 0), (2.5, 0), (-4.0, 0x40900000), (7.0, 0x80000000), (nan, 0x80000000), (nan, 0)]
)


@dataclass(frozen=True)
class Write:
    """A frame that arrives, recorded at an offset to the beginning: (signal, time) -> (value, status)."""

    content: Mapping[tuple[str, int], tuple[float, int]]
    recorded_us: int
    topic: str


@dataclass(frozen=True)
class Job:
    """A digest at a moment, in microseconds since the beginning."""

    now_us: int


WRITE = st.builds(
    Write,
    st.dictionaries(
        st.tuples(st.sampled_from(SIGNALS), st.sampled_from(TIMES_US)), SAMPLE, min_size=1, max_size=8
    ),
    st.integers(0, 20),
    st.sampled_from([FRAMES, HISTORY]),
)
JOB = st.builds(Job, st.sampled_from([0, HOUR_US, 2 * HOUR_US, 300 * HOUR_US]))
ACTIONS = st.lists(st.one_of(WRITE, WRITE, JOB), min_size=1, max_size=9)


@pytest.fixture
def job(store_database: str) -> Iterator[BoundedConnection]:
    with connect(store_database, application="test") as connection:
        yield connection


@pytest.fixture(scope="module")
def opened(migrated_database: str) -> Iterator[tuple[Store, psycopg.Connection, BoundedConnection]]:
    with (
        Store(migrated_database, application="test") as store,
        psycopg.connect(migrated_database, autocommit=True) as reader,
        connect(migrated_database, application="test") as job,
    ):
        register(store)
        yield store, reader, job


@pytest.fixture
def fast_from_three(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digest_module, "BY_SECOND_FROM", 3)


@pytest.mark.usefixtures("fast_from_three")
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(actions=ACTIONS)
def test_every_level_shows_at_any_moment_what_the_samples_known_then_say(
    actions: list[Write | Job], opened: tuple[Store, psycopg.Connection, BoundedConnection]
) -> None:
    store, reader, job = opened
    unit = f"BR-{next(_units)}"
    arrived: list[tuple[int, Write]] = []
    for action in actions:
        if isinstance(action, Write):
            arrived.append((len(arrived), action))
            write(store, unit, *arrived[-1])
        else:
            digest(job, (BEGIN_US + action.now_us) / 1e6)
        compare(reader, unit, arrived)
    digest(job, (BEGIN_US + 1000 * HOUR_US) / 1e6)
    # What was found to be fast is marked anew, and digested by the next.
    digest(job, (BEGIN_US + 1000 * HOUR_US) / 1e6)
    left = reader.execute(
        "SELECT (SELECT count(*) FROM sparge.dirty_span), (SELECT count(*) FROM sparge.dirty_hour)"
    )
    assert left.fetchone() == (0, 0)
    compare(reader, unit, arrived)


SPAN = st.tuples(
    st.sampled_from([-2, 0, 1, 3, 24, 150]),
    st.sampled_from([1, 2, 7, 49, 220]),
    st.sampled_from([1, 3, 5, 33, 150]),
)
"""Of a chart: hours from the beginning, hours long, pixels wide."""


@pytest.mark.usefixtures("fast_from_three")
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(actions=ACTIONS, spans=st.lists(SPAN, min_size=1, max_size=4))
def test_a_chart_of_any_width_shows_what_the_samples_known_then_say_digested_or_not(
    actions: list[Write | Job],
    spans: list[tuple[int, int, int]],
    opened: tuple[Store, psycopg.Connection, BoundedConnection],
) -> None:
    store, _, job = opened
    unit = f"BR-{next(_units)}"
    arrived: list[tuple[int, Write]] = []
    for action in actions:
        if isinstance(action, Write):
            arrived.append((len(arrived), action))
            write(store, unit, *arrived[-1])
            declare(job)
        else:
            digest(job, (BEGIN_US + action.now_us) / 1e6)
    for now_us in (0, 1000 * HOUR_US):
        for span in spans if arrived else []:
            compare_chart(job, unit, arrived, span)
        digest(job, (BEGIN_US + now_us) / 1e6)
    for span in spans if arrived else []:
        compare_chart(job, unit, arrived, span)


def compare_chart(
    reader: BoundedConnection, unit: str, arrived: list[tuple[int, Write]], span: tuple[int, int, int]
) -> None:
    begin_h, hours, width = span
    start_us, end_us = BEGIN_US + begin_h * HOUR_US, BEGIN_US + (begin_h + hours) * HOUR_US
    table = summary(reader, unit, [], start_us, end_us, width=width).columns
    bin_us = choose(start_us, end_us, width).bin_us
    names = ("min", "max", "first", "last", "mean", "count", "bad_count")
    for signal, samples in known_by(arrived).items():
        if not samples:
            continue
        of = table["signal"] == signal
        found = {
            int(time): tuple(None if number != number else number for number in row)  # noqa: PLR0124 - NaN
            for time, *row in zip(
                table["time"][of].astype(np.int64), *(table[name][of].tolist() for name in names), strict=True
            )
        }
        shown_bins = {
            time: Bucket(row[0], row[1], row[2], row[3], row[4], None, int(row[5] or 0), int(row[6] or 0))
            for time, row in found.items()
        }
        wanted = chart(samples, bin_us, HOLD_US[signal], (start_us, end_us))
        wanted = {time: row._replace(known_s=None) for time, row in wanted.items()}
        assert differences(shown_bins, wanted) == [], (signal, span)


def write(store: Store, unit: str, number: int, frame: Write) -> None:
    columns = []
    for name in SIGNALS:
        found = sorted((time, content) for (signal, time), content in frame.content.items() if signal == name)
        if found:
            columns.append(
                column(
                    name,
                    [value for _, (value, _) in found],
                    times_us=[BEGIN_US + time for time, _ in found],
                    status=[status for _, (_, status) in found],
                )
            )
    message = stored(
        columns,
        unit=unit,
        sequence=number,
        offset=number,
        topic=frame.topic,
        recorded_us=BEGIN_US + frame.recorded_us,
    )
    with store.transaction("ingest", [message.tp]) as transaction:
        transaction.write_frames([message])


def known_by(arrived: list[tuple[int, Write]]) -> dict[str, dict[int, float | None]]:
    known: dict[str, dict[int, float | None]] = {signal: {} for signal in SIGNALS}
    for _, frame in sorted(arrived, key=lambda a: (a[1].recorded_us, a[1].topic, a[0])):
        for (signal, time), (value, status) in frame.content.items():
            usable = status < 0x80000000 and value == value  # noqa: PLR0124 - NaN
            known[signal][BEGIN_US + time] = value if usable else None
    return known


def compare(reader: psycopg.Connection, unit: str, arrived: list[tuple[int, Write]]) -> None:
    # Until the first digest every signal holds as long as one outside the dictionary.
    rules = {
        name: (round(hold * 1e6), by_second)
        for name, hold, by_second in reader.execute(
            "SELECT g.name, k.hold_s, k.by_second FROM sparge.signal_upkeep AS k "
            "JOIN sparge.signal AS g USING (signal_id) JOIN sparge.unit AS u USING (unit_id) "
            "WHERE u.name = %s",
            [unit],
        )
    }
    for signal, samples in known_by(arrived).items():
        hold_us, by_second = rules.get(signal, (round(HOLD_S * 1e6), False))
        assert hold_us in {HOLD_US[signal], round(HOLD_S * 1e6)}
        for level, width_us in LEVELS_US.items():
            slow = level == "1s" and not by_second
            wanted = single(samples) if slow else rollup(samples, width_us, hold_us)
            assert differences(shown(reader, level, unit, signal), wanted) == [], (signal, level)


def fill(store: Store, unit: str, *, sequence: int, minutes: int = 1) -> None:
    """One sample a second of two signals for some minutes; the sequence tells the values apart."""
    count = 60 * minutes
    columns = [
        column(name, [sequence + i / 8 for i in range(count)], start_us=BEGIN_US) for name in SIGNALS[:2]
    ]
    message = stored(columns, unit=unit, sequence=sequence, offset=sequence, recorded_us=BEGIN_US + sequence)
    with store.transaction("ingest", [message.tp]) as transaction:
        transaction.write_frames([message])


def test_a_unit_that_one_job_is_at_is_left_to_it_and_the_others_are_digested(
    store: Store, store_database: str, job: BoundedConnection, rows: Rows
) -> None:
    for unit in ("BR-01", "BR-02"):
        fill(store, unit, sequence=1)
    (unit_id,) = rows("SELECT unit_id FROM sparge.unit WHERE name = 'BR-01'")[0]
    with psycopg.connect(store_database) as other:
        other.execute("SELECT pg_advisory_xact_lock(%s, %s)", [digest_module.LOCK_CLASS, unit_id])
        done = digest(job, BEGIN_US / 1e6)
        assert (done.minutes, done.left_to_others) == (2, 1)
        assert rows("SELECT DISTINCT unit_id = %s FROM sparge.dirty_span", unit_id) == [(True,)]
    assert digest(job, BEGIN_US / 1e6).minutes == 2


def test_a_job_that_dies_in_the_middle_leaves_its_spans_to_the_next(
    store: Store, store_database: str, job: BoundedConnection, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(store, "BR-01", sequence=1)
    with connect(store_database, application="test") as dying, monkeypatch.context() as patched:
        (backend,) = dying.execute("SELECT pg_backend_pid()").fetchone() or (0,)
        write_buckets = digest_module._write

        def killed(connection: BoundedConnection, name: str, spans: dict[str, list[Any]]) -> int:
            written = write_buckets(connection, name, spans)
            rows("SELECT pg_terminate_backend(%s)", backend)
            return written

        patched.setattr(digest_module, "_write", killed)
        with pytest.raises(psycopg.OperationalError):
            digest(dying, BEGIN_US / 1e6)
    assert rows("SELECT count(*) FROM sparge.sample_1m") == [(0,)]
    assert digest(job, BEGIN_US / 1e6).minutes == 2


def test_ingest_neither_waits_for_the_digest_nor_the_digest_for_ingest(
    store: Store, job: BoundedConnection, rows: Rows
) -> None:
    fill(store, "BR-01", sequence=1)
    message = stored(
        [column("DO", [9.0], times_us=[BEGIN_US])], sequence=2, offset=2, recorded_us=BEGIN_US + 2
    )
    with store.transaction("ingest", [message.tp]) as transaction:
        transaction.write_frames([message])
        # The correction is written and not committed: the job sees the state before it, and does not wait.
        job.execute("SET lock_timeout = '2s'")
        assert digest(job, BEGIN_US / 1e6).minutes == 2
        assert rows("SELECT first FROM sparge.samples_1m WHERE signal = 'DO'") == [(1.0,)]
    assert rows("SELECT first FROM sparge.samples_1m WHERE signal = 'DO'") == [(9.0,)]
    digest(job, BEGIN_US / 1e6)
    assert rows("SELECT first FROM sparge.sample_1m WHERE first = 9") == [(9.0,)]


def guarded(work: Callable[[], None], failures: list[BaseException]) -> threading.Thread:
    """A thread that works; what it fails with is kept for the test's own."""

    def run() -> None:
        try:
            work()
        except BaseException as failure:  # noqa: BLE001 - shown by the test's own thread
            failures.append(failure)

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_two_jobs_beside_two_ingests_end_with_what_the_samples_say(store_database: str, rows: Rows) -> None:
    failures: list[BaseException] = []
    ingested = threading.Event()

    def ingest(sink: str) -> None:
        with Store(store_database, application="test") as own:
            register(own, sink)
            for sequence in range(1, 16):
                count = 60 * 3
                columns = [column("DO", [float(sequence)] * count, start_us=BEGIN_US + sequence * 7_000_000)]
                message = stored(
                    columns, unit="BR-01", sequence=sequence, offset=sequence, recorded_us=BEGIN_US + sequence
                )
                with own.transaction(sink, [message.tp]) as transaction:
                    transaction.write_frames([message])

    def maintain() -> None:
        with connect(store_database, application="test") as connection:
            while not ingested.is_set():
                digest(connection, BEGIN_US / 1e6 + 7200)

    jobs = [guarded(maintain, failures) for _ in range(2)]
    ingests = [guarded(partial(ingest, sink), failures) for sink in ("a", "b")]
    for thread in ingests:
        thread.join()
    ingested.set()
    for thread in jobs:
        thread.join()
    assert failures == []
    with connect(store_database, application="test") as connection:
        digest(connection, BEGIN_US / 1e6 + 7200)
    assert rows("SELECT count(*) FROM sparge.dirty_span") == [(0,)]
    samples: dict[int, float | None] = dict(
        rows("SELECT (extract(epoch FROM time) * 1000000)::bigint, value FROM sparge.sample")
    )
    with psycopg.connect(store_database) as reader:
        for level in ("1m", "1h"):
            wanted = rollup(samples, LEVELS_US[level], HOLD_US["DO"])
            assert differences(shown(reader, level, "BR-01", "DO"), wanted) == [], level


def test_a_signal_that_turns_out_to_be_fast_gets_the_seconds_of_all_its_minutes(
    store: Store, job: BoundedConnection, rows: Rows
) -> None:
    fill(store, "BR-01", sequence=1, minutes=2)
    digest(job, BEGIN_US / 1e6)
    assert rows("SELECT count(*) FROM sparge.sample_1s") == [(0,)]
    burst = [BEGIN_US + 70_000_000 + i * 10_000 for i in range(120)]
    message = stored([column("DO", [5.0] * 120, times_us=burst)], sequence=2, offset=2)
    with store.transaction("ingest", [message.tp]) as transaction:
        transaction.write_frames([message])
    digest(job, BEGIN_US / 1e6)
    digest(job, BEGIN_US / 1e6)
    assert rows("SELECT count(*), sum(count) FROM sparge.sample_1s") == [(120, 238)]


def declared(**changes: object) -> SignalSpec:
    return DICTIONARY["DO"].model_copy(update=changes)


def test_a_value_holds_for_the_declared_stale_time_or_as_long_as_its_kind_of_reading_may() -> None:
    assert hold_s(declared(stale_after_s=90.0)) == 90.0
    assert hold_s(declared(stale_after_s=None, reading="held")) == HELD_S
    assert hold_s(declared(stale_after_s=None, reading="total")) == HELD_S
    assert hold_s(declared(stale_after_s=None, reading="assay")) == HOLD_S
    assert hold_s(None) == HOLD_S


def test_a_signal_whose_hold_changed_is_digested_anew(
    store: Store, job: BoundedConnection, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = [BEGIN_US, BEGIN_US + 90_000_000]
    message = stored([column("DO", [1.0, 3.0], times_us=times)])
    with store.transaction("ingest", [message.tp]) as transaction:
        transaction.write_frames([message])
    digest(job, BEGIN_US / 1e6)
    second = "SELECT known_s, mean FROM sparge.sample_1m ORDER BY time DESC LIMIT 1"
    assert rows(second) == [(30.0, 3.0)]
    monkeypatch.setattr(digest_module, "spec", lambda _: declared(stale_after_s=75.0))
    assert digest(job, BEGIN_US / 1e6).minutes == 2
    assert rows(second) == [(45.0, pytest.approx((15 * 1.0 + 30 * 3.0) / 45))]


def test_no_more_than_so_many_hours_of_one_day_are_digested_in_one_transaction() -> None:
    pairs = [UnitHour(1, hour * 3600) for hour in range(100)]
    batches = list(digest_module._batches(pairs))
    assert [pair for batch in batches for pair in batch] == pairs
    assert max(len(batch) for batch in batches) <= digest_module.UNIT_HOURS
    assert all(len({pair.hour_s // 86_400 for pair in batch}) == 1 for batch in batches)
