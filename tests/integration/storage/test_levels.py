"""The same answer from every level, whatever is digested and wherever the span begins."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import psycopg
import pytest

from schemas.errors import QueryRefused
from storage.connection import connect
from storage.maintenance.digest import digest
from storage.migrate import migrate
from storage.queries import Elsewhere, elsewhere, reading, samples, summary
from storage.store import Store
from tests.integration.storage.frames import T0_US, column, register, stored

if TYPE_CHECKING:
    from storage.table import Table

HOUR_US = 3_600_000_000
BEGIN_US = T0_US // HOUR_US * HOUR_US
SECONDS = 3 * 3600
SPIKE_S = 5000


@pytest.fixture
def filled(each_database: str) -> str:
    """Three hours of one sample a second; a single one of them is an excursion."""
    migrate(each_database)
    values = [30.0 + (second % 7) / 8 for second in range(SECONDS)]
    values[SPIKE_S] = 99.0
    with Store(each_database, application="test") as store:
        register(store)
        for number in range(0, SECONDS, 600):
            of_frame = values[number : number + 600]
            columns = [column("DO", of_frame, start_us=BEGIN_US + number * 1_000_000)]
            message = stored(columns, sequence=number, offset=number)
            with store.transaction("ingest", [message.tp]) as transaction:
                transaction.write_frames([message])
    return each_database


def ask(database: str, start_s: float, end_s: float, width: int) -> Table:
    with reading(database) as connection:
        return summary(
            connection,
            "BR-01",
            ["DO"],
            BEGIN_US + round(start_s * 1e6),
            BEGIN_US + round(end_s * 1e6),
            width=width,
        )


@pytest.mark.parametrize("width", [1, 3, 100, 180, 1000, 5000, 40_000])
def test_an_excursion_of_one_sample_is_seen_at_every_width_digested_or_not(filled: str, width: int) -> None:
    before = ask(filled, 0, SECONDS, width)
    with connect(filled, application="test") as job:
        digest(job, (BEGIN_US + 2 * HOUR_US) / 1e6)
    after = ask(filled, 0, SECONDS, width)
    for table in (before, after):
        assert np.max(table.columns["max"]) == 99.0
        assert np.sum(table.columns["count"]) == SECONDS
    assert list(before.rows()) == list(after.rows())


def test_the_bucket_in_which_a_span_begins_belongs_to_it(filled: str) -> None:
    assert np.max(ask(filled, SPIKE_S - 0.5, SPIKE_S + 3600, 60).columns["max"]) == 99.0


def test_a_narrow_span_is_answered_by_the_samples_themselves(filled: str) -> None:
    with reading(filled) as connection:
        raw = samples(connection, "BR-01", ["DO"], BEGIN_US, BEGIN_US + 20_000_000)
    table = ask(filled, 0, 20, 1000)
    assert list(table.columns["time"]) == list(raw.columns["time"])
    assert list(table.columns["mean"]) == list(raw.columns["value"])
    assert set(table.columns["bucket_s"]) == {0.0}


def test_every_signal_of_a_unit_is_in_order_with_its_own_unit(filled: str) -> None:
    message = stored(
        [column("pH", [7.0, 7.1], unit="[pH]", start_us=BEGIN_US)], sequence=1, offset=1, device="pH"
    )
    with Store(filled, application="test") as store:
        register(store)
        with store.transaction("ingest", [message.tp]) as transaction:
            transaction.write_frames([message])
    with reading(filled) as connection:
        table = summary(connection, "BR-01", [], BEGIN_US, BEGIN_US + 3 * HOUR_US, width=3)
    assert list(table.columns["signal"]) == ["DO"] * 3 + ["pH"]
    assert list(table.columns["ucum"]) == ["%"] * 3 + ["[pH]"]


def test_a_chart_without_width_is_refused(filled: str) -> None:
    with pytest.raises(QueryRefused, match="0 pixels"):
        ask(filled, 0, 60, 0)


FEED_US = {30: 10.0, 23 * 60 + 30: 20.0}
"""Seconds after the beginning, and the rate of feed that was set then."""


@pytest.fixture
def fed(each_database: str) -> str:
    """A rate that was reported twice, when it changed."""
    migrate(each_database)
    times_us = [BEGIN_US + second * 1_000_000 for second in FEED_US]
    message = stored([column("feed_rate", list(FEED_US.values()), unit="L.h-1", times_us=times_us)])
    with Store(each_database, application="test") as store:
        register(store)
        with store.transaction("ingest", [message.tp]) as transaction:
            transaction.write_frames([message])
    return each_database


def feed(database: str, span_s: tuple[float, float], width: int, now_s: float = 1e6) -> list[tuple[Any, ...]]:
    start_us, end_us, now_us = (BEGIN_US + round(at_s * 1e6) for at_s in (*span_s, now_s))
    with reading(database) as connection:
        table = summary(connection, "BR-01", ["feed_rate"], start_us, end_us, width=width, now_us=now_us)
    names = ("time", "min", "max", "mean", "count")
    columns = [np.asarray(table.columns[name]).tolist() for name in names[1:]]
    since_s = (np.asarray(table.columns["time"]).astype(np.int64) - BEGIN_US) // 1_000_000
    return list(zip(since_s.tolist(), *columns, strict=True))


def both(database: str, span_s: tuple[float, float], width: int, now_s: float = 1e6) -> list[tuple[Any, ...]]:
    """The chart before the digest, which is the one after it."""
    undigested = feed(database, span_s, width, now_s)
    with connect(database, application="test") as job:
        digest(job, (BEGIN_US + 3 * HOUR_US) / 1e6)
    assert feed(database, span_s, width, now_s) == undigested
    return undigested


def test_a_mean_counts_the_minutes_through_which_a_value_was_held(fed: str) -> None:
    # Two hours in 5: bins of 24 min; 10 is in force for 23 min of the first, 20 for half a minute.
    bins = both(fed, (0, 7200), 5)
    assert [row[0] for row in bins] == [0, 1440, 2880, 4320, 5760]
    assert bins[0] == (0, 10.0, 20.0, pytest.approx((10 * 1380 + 20 * 30) / 1410), 2)


def test_a_chart_without_a_sample_shows_the_value_in_force_up_to_now(fed: str) -> None:
    held = [(3600 + 60 * i, 20.0, 20.0, 20.0, 0) for i in range(60)]
    assert both(fed, (3600, 7200), 60) == held
    assert feed(fed, (3600, 7200), 60, now_s=3600 + 150) == held[:3]
    assert feed(fed, (3600, 3610), 1000) == [(3600, 20.0, 20.0, 20.0, 0)]


def test_no_value_is_held_for_longer_than_its_signal_is_not_stale(fed: str) -> None:
    week_s = 7 * 86_400
    bins = feed(fed, (week_s, week_s + 7200), 120)
    assert [row[0] - week_s for row in bins] == [60 * i for i in range(24)]


def test_a_chart_of_sums_whose_samples_were_dropped_holds_what_they_tell(fed: str) -> None:
    whole, later = both(fed, (0, 7200), 5), feed(fed, (3600, 7200), 60)
    assert (len(whole), len(later)) == (5, 60)
    with psycopg.connect(fed, autocommit=True) as connection:
        connection.execute("DELETE FROM sparge.sample")
    assert feed(fed, (0, 7200), 5) == whole
    assert feed(fed, (3600, 7200), 60) == later


def test_a_span_without_samples_is_told_from_one_of_which_sums_are_left(fed: str) -> None:
    both(fed, (0, 7200), 5)
    first_us, last_us = (BEGIN_US + second * 1_000_000 for second in FEED_US)
    later = BEGIN_US + HOUR_US, BEGIN_US + 2 * HOUR_US
    with psycopg.connect(fed, autocommit=True) as connection, reading(fed) as reader:
        asked = reader, "BR-01", ["feed_rate"]
        assert elsewhere(*asked, *later) == Elsewhere(BEGIN_US, last_us, ())
        connection.execute("DELETE FROM sparge.sample")
        assert elsewhere(*asked, BEGIN_US, first_us) == Elsewhere(BEGIN_US, BEGIN_US, ("1h", "1m"))
        connection.execute("DELETE FROM sparge.sample_1m")
        connection.execute("DELETE FROM sparge.sample_1h")
        assert elsewhere(*asked, *later) == Elsewhere(None, None, ())
