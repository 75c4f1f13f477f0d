"""A simulation in files: every sample, the truth beside it, the same bytes from the same run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from pyarrow import parquet

from schemas.errors import SettingsError
from schemas.status import Status
from sparge.recording import Recording

if TYPE_CHECKING:
    from pathlib import Path

UCUM = {"DO": "%", "pH": "[pH]", "offgas_O2": "%"}
ABOUT = {"seed": 1}
T0_US = 1_790_000_000_000_000


def record(path: Path) -> None:
    with Recording(path, "north", UCUM, ABOUT) as recording:
        recording.add("BR-01", T0_US, {"DO": 39.8, "pH": None}, {"pH": int(Status.BAD)})
        recording.add("BR-02", T0_US + 1, {"offgas_O2": 20.5}, {})
        recording.add_truth("BR-01", T0_US, {"DO": 40.0})
        recording.close({"faults": [{"kind": "lost_stirrer"}], "batches": []})


def record_unknown_signal(path: Path) -> None:
    with Recording(path, "north", UCUM, ABOUT) as recording:
        recording.add("BR-01", T0_US, {"DO": 39.8}, {})
        recording.add("BR-01", T0_US, {"foam": 1.0}, {})


def test_a_row_a_sample_with_its_unit_and_status(tmp_path: Path) -> None:
    record(tmp_path / "week.parquet")
    table = parquet.read_table(tmp_path / "week.parquet")
    assert [str(name) for name in table.schema.names] == [
        *("site", "unit", "signal", "time", "value", "status", "ucum")
    ]
    rows = [tuple(row.values()) for row in table.drop_columns(["site", "time"]).to_pylist()]
    assert rows == [
        ("BR-01", "DO", 39.8, 0, "%"),
        ("BR-01", "pH", None, int(Status.BAD), "[pH]"),
        ("BR-02", "offgas_O2", 20.5, 0, "%"),
    ]
    assert table["time"].cast("int64").to_pylist() == [T0_US, T0_US, T0_US + 1]
    assert set(table["site"].to_pylist()) == {"north"}


def test_the_truth_stands_beside_it(tmp_path: Path) -> None:
    record(tmp_path / "week.parquet")
    truth = parquet.read_table(tmp_path / "week.truth.parquet").to_pylist()
    assert [(row["unit"], row["signal"], row["value"]) for row in truth] == [("BR-01", "DO", 40.0)]
    story = json.loads((tmp_path / "week.truth.json").read_text())
    assert story["faults"] == [{"kind": "lost_stirrer"}]
    assert story["simulation"] == ABOUT


def test_the_same_run_gives_the_same_bytes(tmp_path: Path) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        record(tmp_path / folder / "week.parquet")
    for name in ("week.parquet", "week.truth.parquet", "week.truth.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_a_simulation_that_fails_leaves_no_half_a_file(tmp_path: Path) -> None:
    with pytest.raises(KeyError, match="foam"):
        record_unknown_signal(tmp_path / "week.parquet")
    assert [*tmp_path.iterdir()] == []


def test_many_rows_are_written_in_groups_and_none_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sparge.recording.ROWS_AT_ONCE", 7)
    with Recording(tmp_path / "week.parquet", "north", UCUM, ABOUT) as recording:
        for second in range(50):
            recording.add(f"BR-{second % 3}", T0_US + second, {"DO": float(second)}, {})
        recording.close({})
    table = parquet.read_table(tmp_path / "week.parquet")
    assert table["value"].to_pylist() == [float(second) for second in range(50)]
    assert table["unit"].to_pylist() == [f"BR-{second % 3}" for second in range(50)]


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"no folder .*absent"):
        Recording(tmp_path / "absent" / "week.parquet", "north", UCUM, ABOUT)


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"week\.csv"):
        Recording(tmp_path / "week.csv", "north", UCUM, ABOUT)
