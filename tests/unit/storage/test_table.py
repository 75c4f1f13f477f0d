from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import numpy as np

from storage.table import Table, from_rows

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_times_are_kept_in_utc_and_none_is_not_a_time() -> None:
    table = from_rows(
        ("unit", "since"),
        [("BR-01", NOON.astimezone(timezone(timedelta(hours=5)))), ("BR-02", None)],
        times=["since"],
    )
    assert table.columns["since"].tolist() == [NOON.replace(tzinfo=None), None]  # type: ignore[union-attr]  # an array
    assert list(table.rows()) == [("BR-01", NOON), ("BR-02", None)]


def test_rows_hold_plain_values_whatever_the_columns_are() -> None:
    table = Table({"value": np.array([1.5, 2.0]), "status": np.array([0, 2**31], dtype=np.uint32)})
    assert list(table.rows()) == [(1.5, 0), (2.0, 2**31)]
    assert len(table) == 2


def test_an_empty_answer_keeps_its_columns() -> None:
    table = from_rows(("unit", "since"), [], times=["since"])
    assert list(table.columns) == ["unit", "since"]
    assert len(table) == 0
    assert list(table.rows()) == []
