"""M4, NAB and recordings of bioreactors in odd files: each is scored, or named, or refused with its place."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from bench.models import m4, nab
from bench.models._files import Passed
from bench.models._nab_files import WINDOWS, read

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bench._report import Report

    Change = Callable[[str], str]

HOURS = 260


def figures(report: Report) -> dict[str, float]:
    json.loads(report.as_json())
    return {one.name: one.value for one in report.figures}


def told(report: Report) -> str:
    return "\n".join(report.observations)


def hourly(name: str, *, flat: bool = False) -> list[str]:
    draw = np.random.default_rng(len(name) + ord(name[-1]))
    values = 50.0 + 20.0 * np.sin(np.arange(HOURS + 6) * 2.0 * np.pi / 24.0) + draw.normal(size=HOURS + 6)
    return [name, *(f"{0.0 if flat else value:.4f}" for value in values)]


def competition(folder: Path, *rows: list[str]) -> Path:
    every = [hourly("H1"), hourly("H2"), *rows]
    width = max(len(row) for row in every) - 6
    for name, parts in (
        ("Hourly-train.csv", [row[:-6] + [""] * (width - len(row) + 6) for row in every]),
        ("Hourly-test.csv", [row[:1] + row[-6:] for row in every]),
    ):
        head = [f"V{at + 1}" for at in range(len(parts[0]))]
        (folder / name).write_text(
            "\n".join(",".join(row) for row in [head, *parts]) + "\n", encoding="utf-8"
        )
    return folder


def changed(path: Path, change: Change) -> None:
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "\ufeff" + text.replace("\n", "\r\n") + "\r\n\r\n",
        lambda text: text.replace(",", ";"),
        lambda text: "\n".join(line.rstrip(",") for line in text.splitlines()) + "\n",
        lambda text: "\n".join(
            ",".join(line.split(",")[:1] + line.split(",")[:0:-1]) for line in text.split("\n")
        ),
    ],
)
def test_hourly_series_count_however_they_are_written(tmp_path: Path, change: Change) -> None:
    expected = figures(m4.measure(competition(tmp_path)))
    changed(tmp_path / "Hourly-train.csv", change)
    (tmp_path / "Hourly-test.csv").rename(tmp_path / "HOURLY-TEST.CSV")
    assert figures(m4.measure(tmp_path)) == expected


def test_a_series_that_never_moves_has_no_mase_and_an_hour_of_zero_no_smape(tmp_path: Path) -> None:
    report = m4.measure(competition(tmp_path, hourly("H7", flat=True)))
    assert figures(report).keys() == figures(m4.measure(competition(tmp_path))).keys()
    assert "Without a MASE (0/0, each day repeats the one before): H7." in told(report)
    assert "Hours that are 0 and forecast as 0 have no sMAPE (0/0): H7." in told(report)


def test_where_no_series_moves_there_is_no_owa(tmp_path: Path) -> None:
    competition(tmp_path)
    for name in ("Hourly-train.csv", "Hourly-test.csv"):
        head, *rows = (tmp_path / name).read_text(encoding="utf-8").splitlines()
        flat = [",".join([row.split(",")[0], *("0" for _ in row.split(",")[1:])]) for row in rows]
        (tmp_path / name).write_text("\n".join([head, *flat, ""]), encoding="utf-8")
    report = m4.measure(tmp_path)
    assert "M4 hourly OWA" not in figures(report)
    assert "No figure, as nothing is there to measure it on or by (0/0): M4 hourly OWA;" in told(report)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ([*hourly("H8")[:150], "", *hourly("H8")[151:]], "for hours within are missing: H8"),
        ([*hourly("H8")[:-3], "NA", *hourly("H8")[-2:]], "for hours within are missing: H8"),
        ([*hourly("H8")[:-2], "", ""], "for they have not 6 test hours as most have: H8"),
        (hourly("H8")[:30], "for they have at most 24 training hours: H8"),
    ],
)
def test_a_series_that_cannot_be_scored_is_named(tmp_path: Path, row: list[str], said: str) -> None:
    expected = figures(m4.measure(competition(tmp_path)))
    report = m4.measure(competition(tmp_path, row))
    assert said in told(report)
    assert figures(report) == expected


def test_short_series_are_scored_as_far_as_they_go(tmp_path: Path) -> None:
    report = m4.measure(competition(tmp_path, hourly("H9")[:56]))
    assert "Shorter than a week, which the last week repeated is not scored on: H9." in told(report)


def test_a_series_of_one_file_alone_is_named(tmp_path: Path) -> None:
    competition(tmp_path, hourly("H5"))
    changed(tmp_path / "Hourly-test.csv", lambda text: text.replace("H5", "H6"))
    assert "in one of hourly-train.csv and hourly-test.csv alone: H5, H6." in told(m4.measure(tmp_path))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text.replace("H2", "H1"), r"Hourly-train\.csv:3: H1 is there twice"),
        (lambda text: text.split("\n", 1)[1], r"Hourly-train\.csv:1: it has no header"),
        (lambda text: text[: len(text) - 300], r"Hourly-train\.csv:3: it has \d+ fields"),
        (lambda text: text.replace(",", ",x", 500), r"Hourly-train\.csv:2: \w+ is 'x"),
        (lambda _: "", r"Hourly-train\.csv: it is empty"),
        (lambda text: text.split("\n", 1)[0], "has no series of which both"),
    ],
)
def test_hourly_series_that_cannot_be_read_are_refused(tmp_path: Path, change: Change, said: str) -> None:
    competition(tmp_path)
    changed(tmp_path / "Hourly-train.csv", change)
    with pytest.raises(ValueError, match=said):
        m4.measure(tmp_path)


def stream(rows: int = 600) -> str:
    start = np.datetime64("2014-04-01T00:00:00")
    values = 50.0 + np.random.default_rng(rows).normal(size=rows)
    values[400:430] += 40.0
    times = [str(start + np.timedelta64(5 * at, "m")).replace("T", " ") for at in range(rows)]
    return "\n".join(["timestamp,value", *map(",".join, zip(times, map(str, values), strict=True)), ""])


WINDOW = ["2014-04-02 09:00:00", "2014-04-02 12:00:00"]


def labelled(folder: Path, windows: object) -> Path:
    (folder / "kind").mkdir(exist_ok=True)
    (folder / "kind" / "a.csv").write_text(stream(), encoding="utf-8")
    (folder / WINDOWS).write_text(json.dumps(windows), encoding="utf-8")
    return folder


def lines(change: Callable[[list[str]], list[str]]) -> Change:
    return lambda text: "\n".join(change(text.splitlines())) + "\n"


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "\ufeff" + text.replace("\n", "\r\n") + "\r\n",
        lambda text: text.replace(",", ";").replace("timestamp;value", "Timestamp;Value"),
        lines(lambda rows: [",".join(row.split(",")[::-1]) for row in rows]),
        lines(lambda rows: [row + (",unit" if at == 0 else ",7") for at, row in enumerate(rows)]),
    ],
)
def test_a_stream_is_read_however_it_is_written(tmp_path: Path, change: Change) -> None:
    labelled(tmp_path, {"kind/a.csv": [WINDOW]})
    expected = read(tmp_path, Passed(tmp_path))["kind/a.csv"]
    changed(tmp_path / "kind" / "a.csv", change)
    found = read(tmp_path, Passed(tmp_path))["kind/a.csv"]
    np.testing.assert_array_equal(found.time_us, expected.time_us)
    np.testing.assert_array_equal(found.value, expected.value)
    assert found.windows == expected.windows == [(396, 432)]


@pytest.mark.parametrize(
    ("windows", "said"),
    [
        (
            [["2020-01-01 00:00:00", "2020-01-02 00:00:00"]],
            r"a\.csv: none of its rows lies in its window 2020-01",
        ),
        (
            [["2004-01-01 00:00:00", "2004-01-02 00:00:00"]],
            r"a\.csv: none of its rows lies in its window 2004-01",
        ),
        ([WINDOW[::-1]], "ends before it begins"),
        ([WINDOW, WINDOW], "overlap"),
        ([WINDOW[:1]], "is no window"),
        ([["yesterday", "today"]], "are no times"),
        (None, "is no list"),
    ],
)
def test_a_window_that_says_nothing_is_refused(tmp_path: Path, windows: object, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        nab.measure(labelled(tmp_path, {"kind/a.csv": windows}))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lines(lambda rows: rows[:1] + rows[:0:-1]), r"a\.csv:\d+: timestamp is earlier|most rows"),
        (
            lines(lambda rows: [*rows[:1], *(f"2014-04-02 10:00:00,{at}" for at in range(50))]),
            "most rows have",
        ),
        (
            lines(lambda rows: [*rows[:50], "1396310400,3", *rows[50:]]),
            r"a\.csv:51: timestamp is '1396310400'",
        ),
        (lines(lambda rows: [*rows[:50], rows[50].split(",")[0], *rows[51:]]), r"a\.csv:51: it has 1 fields"),
        (lines(lambda rows: [row.replace(".", ",", 1) for row in rows]), r"a\.csv:2: it has 3 fields"),
        (lines(lambda rows: rows[1:]), r"a\.csv:1: it has no header"),
    ],
)
def test_a_stream_that_cannot_be_read_is_refused(tmp_path: Path, change: Change, said: str) -> None:
    labelled(tmp_path, {"kind/a.csv": [WINDOW]})
    changed(tmp_path / "kind" / "a.csv", change)
    with pytest.raises(ValueError, match=said):
        nab.measure(tmp_path)


def test_a_clock_that_is_set_back_an_hour_is_told_and_read(tmp_path: Path) -> None:
    labelled(tmp_path, {"kind/a.csv": [WINDOW]})
    changed(tmp_path / "kind" / "a.csv", lines(lambda rows: rows[:101] + rows[93:]))
    assert read(tmp_path, Passed(tmp_path))["kind/a.csv"].notes == (
        "a.csv: 1 rows have the time of the row before, or an earlier one.",
    )


def test_a_gap_of_a_century_costs_no_memory(tmp_path: Path) -> None:
    labelled(tmp_path, {"kind/a.csv": [WINDOW]})
    expected = figures(nab.measure(tmp_path))
    changed(tmp_path / "kind" / "a.csv", lambda text: text + "2114-01-01 00:00:00,50\n")
    assert figures(nab.measure(tmp_path))["NAB windows hit"] == expected["NAB windows hit"] == 1


def test_streams_without_an_anomaly_have_false_alarms_and_no_score(tmp_path: Path) -> None:
    report = nab.measure(labelled(tmp_path, {"kind/a.csv": [], "kind/b.csv": [WINDOW]}))
    assert set(figures(report)) == {nab.FAR, nab.FALSE}
    assert "none of which has an anomaly: there is no score" in told(report)
    assert "named in combined_windows.json and not there, or too short: kind/b.csv" in told(report)


def test_what_no_label_names_and_what_is_not_judged_is_told(tmp_path: Path) -> None:
    labelled(tmp_path, {"kind/a.csv": [WINDOW]})
    (tmp_path / "kind" / "b.csv").write_text(stream(), encoding="utf-8")
    changed(
        tmp_path / "kind" / "a.csv",
        lines(
            lambda rows: [
                row.split(",")[0] + "," * (at > 0) + ",value" * (at == 0) for at, row in enumerate(rows)
            ]
        ),
    )
    said = told(nab.measure(tmp_path))
    assert "not named in combined_windows.json by folder and file: kind/b.csv" in said
    assert "a.csv: 600 of 600 values are missing" in said
    assert "510 of 510 counted rows are not judged, and count as without an alarm" in said
