from __future__ import annotations

import csv
import io
from math import isnan
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np
import orjson
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from sparge.tables import as_text, show_status, write_csv, write_parquet
from storage.table import Table

if TYPE_CHECKING:
    from pathlib import Path

BERLIN = ZoneInfo("Europe/Berlin")


def samples(values: list[float], time_us: int = 1_532_616_756_000_000) -> Table:
    count = len(values)
    return Table(
        {
            "site": ["north"] * count,
            "unit": ["BR-01"] * count,
            "signal": ["OTR"] * count,
            "time": np.arange(time_us, time_us + count, dtype=np.int64).view("datetime64[us]"),
            "value": np.array(values, dtype=np.float64),
            "ucum": ["mmol.L-1.h-1"] * count,
            "status": np.zeros(count, dtype=np.uint32),
            "good": np.ones(count, dtype=np.bool_),
        }
    )


def test_a_table_is_read_with_unit_status_and_local_time() -> None:
    shown = as_text(samples([45.304]), ("time", "signal", "value", "ucum", "status"), BERLIN)
    assert shown.splitlines()[2].split() == [
        "2018-07-26",
        "16:52:36+02:00",
        "OTR",
        "45.304",
        "mmol.L-1.h-1",
        "Good",
    ]


def test_a_missing_value_is_an_empty_cell() -> None:
    assert "nan" not in as_text(samples([float("nan")]), ("value",), None)


@given(st.lists(st.floats(allow_infinity=False), max_size=20))
def test_csv_holds_every_digit_and_every_time(values: list[float]) -> None:
    file = io.StringIO()
    write_csv(samples(values), file, BERLIN)
    rows = list(csv.DictReader(io.StringIO(file.getvalue())))
    assert [row["value"] for row in rows] == ["" if isnan(value) else repr(value) for value in values]
    assert all(row["time"].endswith("+02:00") and "T" in row["time"] for row in rows)


def test_parquet_carries_types_and_units(tmp_path: Path) -> None:
    table = samples([45.304, float("nan")])
    write_parquet(table, tmp_path / "s.parquet", "OTR of north/BR-01")
    read = parquet.read_table(tmp_path / "s.parquet")
    assert str(read.schema.field("time").type) == "timestamp[us, tz=UTC]"
    assert orjson.loads(read.schema.field("value").metadata[b"ucum"]) == {"OTR": "mmol.L-1.h-1"}
    assert read.schema.metadata[b"sparge.query"] == b"OTR of north/BR-01"
    assert read.column("value").to_pylist() == [45.304, None]
    assert (
        read.column("time").cast("int64").to_pylist()
        == np.asarray(table.columns["time"]).astype(np.int64).tolist()
    )


def test_what_is_said_of_the_unit_goes_to_parquet_without_units(tmp_path: Path) -> None:
    table = Table({"time": ["later"], "score": [8.5], "signals": ["DO 0.75"]})
    write_parquet(table, tmp_path / "s.parquet", "unit-scores of north/BR-01")
    read = parquet.read_table(tmp_path / "s.parquet")
    assert read.column("signals").to_pylist() == ["DO 0.75"]
    assert read.schema.field("score").metadata is None


def test_an_alarm_shows_the_state_of_its_instrument_and_of_its_value_where_it_is_about_one() -> None:
    table = Table({"signal": ["pH", "DO"], "device_state": ["F", None], "value_status": [0x808C0000, None]})
    header, _, *lines = as_text(table, list(table.columns), None).splitlines()
    assert header == "signal  NE 107  value status"
    assert [line.split() for line in lines] == [["pH", "F", "BadSensorFailure"], ["DO"]]


def test_a_status_is_shown_by_its_name_or_severity() -> None:
    assert show_status(0) == "Good"
    assert show_status(0x80000000) == "Bad"
    assert show_status(0x40930000) == "UncertainSensorNotAccurate"
    assert show_status(0x80120000) == "Bad 0x80120000"
