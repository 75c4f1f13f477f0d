"""The same answer from every level, whatever is digested and wherever the span begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from schemas.errors import QueryRefused
from storage.connection import connect
from storage.maintenance.digest import digest
from storage.migrate import migrate
from storage.queries import reading, samples, summary
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
