"""What the benchmarks of models take for a file, what they pass over, and how they refuse the rest."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from bench._report import Figure, Report
from bench.models import _run
from bench.models._files import Passed, files
from bench.models._table import headless, missing, moment_us, read_table

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SOUND = "time,A,B\n2020-01-01 00:00:00,1,2\n2020-01-01 00:00:01,3,\n"


def write(folder: Path, content: str | bytes) -> Path:
    path = folder / "run.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


@pytest.mark.parametrize(
    "content",
    [
        SOUND,
        "\ufeff" + SOUND,
        SOUND.replace("\n", "\r\n"),
        SOUND.replace("\n", "\r"),
        SOUND + "\n \n,,\n",
        SOUND.replace(",", ";"),
        SOUND.replace(",", "\t"),
        SOUND.replace("\n", ",\n"),
        SOUND.replace("time", "  TIME ").replace("A", '"A"'),
        SOUND.replace("3,", "3,NaN"),
        SOUND.replace("3,", "3,-inf"),
    ],
)
def test_a_table_is_read_however_it_was_saved(tmp_path: Path, content: str) -> None:
    table = read_table(write(tmp_path, content))
    np.testing.assert_array_equal(table.numbers(["B", "A"]), [[2.0, 1.0], [np.nan, 3.0]])
    time = table.name("datetime", "time")
    assert time is not None
    np.testing.assert_array_equal(np.diff(table.times_us(time)), [1_000_000])
    assert missing(table.numbers(["A", "B"])) == "1 of 4 values are missing"


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", r"run\.csv: it is empty"),
        (SOUND.encode("utf-16"), r"run\.csv: it is UTF-16"),
        (b"time,A\n1,\x00\n", r"run\.csv:2: it has bytes that are no text"),
        ("time,A\n1,ä\n".encode("latin-1"), r"run\.csv:2: it is not utf-8 text"),
        (SOUND + "2020-01-01 00:00:02,1\n", r"run\.csv:4: it has 2 fields, the header 3"),
        (SOUND.replace("B", "a"), r"run\.csv:1: a is there twice"),
        (SOUND.replace("B", ""), r"run\.csv:1: column 3 has no name"),
    ],
)
def test_a_file_that_is_no_table_is_refused_with_its_place(
    tmp_path: Path, content: str | bytes, told: str
) -> None:
    with pytest.raises(ValueError, match=told):
        read_table(write(tmp_path, content))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (SOUND.replace("3,", "bad,"), r"run\.csv:3: A is 'bad', not a number; put a number there"),
        (SOUND.replace("3,", "1_0,"), r"run\.csv:3: A is '1_0', not a number"),
        (SOUND.replace(",", ";").replace("3;", "3,5;"), r"run\.csv:3: A is '3,5', .* write a decimal point"),
    ],
)
def test_a_cell_that_is_no_number_is_refused_by_line_and_column(
    tmp_path: Path, content: str, told: str
) -> None:
    with pytest.raises(ValueError, match=told):
        read_table(write(tmp_path, content)).numbers(["A", "B"])


@pytest.mark.parametrize(
    ("second", "told"),
    [
        ("2020-01-01 00:00:00", "the same as on the row before"),
        ("2019-12-31 23:59:59", "earlier than on the row before"),
        ("1577836801", "not a time"),
        ("", "not a time"),
    ],
)
def test_times_that_do_not_rise_are_refused(tmp_path: Path, second: str, told: str) -> None:
    path = write(tmp_path, SOUND.replace("2020-01-01 00:00:01", second))
    with pytest.raises(ValueError, match=rf"run\.csv:3: .*{told}"):
        read_table(path).times_us("time")


def test_labels_are_numbers_or_true_and_false_and_blank_ones_are_unknown(tmp_path: Path) -> None:
    table = read_table(write(tmp_path, "label,A\nTrue,1\nfalse,2\n1.0,3\n0,4\n,5\n"))
    np.testing.assert_array_equal(table.flags("label"), [1.0, 0.0, 1.0, 0.0, np.nan])
    assert not headless(table)


@pytest.mark.parametrize("label", ["2", "-999", "attack"])
def test_other_labels_are_refused_by_line(tmp_path: Path, label: str) -> None:
    with pytest.raises(ValueError, match=rf"run\.csv:3: label is '?{label}"):
        read_table(write(tmp_path, f"label,A\n0,1\n{label},2\n")).flags("label")


def test_values_where_names_belong_are_seen(tmp_path: Path) -> None:
    assert headless(read_table(write(tmp_path, "2020-01-01,1,2.5\n2020-01-02,1,2\n")))


def test_times_may_have_a_zone() -> None:
    assert moment_us("1970-01-01T01:00:00.5+01:00") == 500_000


def test_every_file_is_taken_or_named_with_the_reason(tmp_path: Path) -> None:
    for name in ("b.CSV", "a.csv", "sub/.DS_Store", "._a.csv", "__MACOSX/c.csv", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    passed = Passed(tmp_path)
    assert [path.name for path in files(tmp_path, passed, ".csv")] == ["a.csv", "b.CSV"]
    passed.over(tmp_path / "a.csv", "too short")
    assert passed.told == (
        "Passed over, hidden: ._a.csv, __MACOSX/c.csv, sub/.DS_Store.",
        "Passed over, not of this format: notes.txt.",
        "Passed over, too short: a.csv.",
    )


@pytest.mark.parametrize(
    ("figure", "named"),
    [
        (Figure("F1", float("nan"), ""), r"F1 \(nan\)"),
        (Figure("OWA", 1.0, "", float("inf"), "the target"), r"OWA, its ratio to the target \(inf\)"),
    ],
)
def test_a_figure_that_is_no_finite_number_is_never_told_as_one(
    capsys: pytest.CaptureFixture[str], figure: Figure, named: str
) -> None:
    report = Report("loop", (Figure("FAR", 0.1, ""), figure))
    with pytest.raises(ValueError, match=named):
        report.as_json()
    assert report.tell(["--json"]) == 1
    assert not capsys.readouterr().out


def failing(error: Exception) -> Callable[[Path], Report]:
    def measure(_: Path) -> Report:
        raise error

    return measure


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ValueError("run.csv:3: no number;\n  write one"), "run.csv:3: no number; write one"),
        (PermissionError(13, "Permission denied", "run.csv"), "Permission denied: 'run.csv'"),
        (IndexError("list index out of range"), "a fault of the benchmark"),
        (MemoryError(), "a fault of the benchmark"),
    ],
)
def test_whatever_goes_wrong_is_told_in_json_with_exit_code_1(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: Exception,
    told: str,
) -> None:
    monkeypatch.setattr("bench.models.skab.measure", failing(error))
    assert _run.main(["skab", "--data", str(tmp_path), "--json"]) == 1
    said = capsys.readouterr()
    (observation,) = json.loads(said.out)["observations"]
    assert told in observation
    assert said.err.strip() == observation
