"""Recordings of bioreactors in odd files: each is scored, or named, or refused with its place."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from bench.models import diginbio, senck
from bench.models._files import Passed
from bench.models._grid import on_grid

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Change = Callable[[str], str]

START = np.datetime64("2021-09-15T15:24:25")
SAMPLES = 130


def lines(change: Callable[[list[str]], list[str]]) -> Change:
    return lambda text: "\n".join(change(text.splitlines())) + "\n"


def cells(separator: str, change: Callable[[list[str]], list[str]]) -> Change:
    return lines(lambda rows: [separator.join(change(row.split(separator))) for row in rows])


def at(minutes: int) -> str:
    return f"{START + np.timedelta64(minutes, 'm')}.000Z"


def wells(folder: Path, change: Change = str, name: str = "O2.csv") -> Path:
    draw = np.random.default_rng(5)
    rows = ["time,Presens_data.O2_value,position"]
    for well in range(3):
        course = 90.0 + np.cumsum(draw.normal(size=SAMPLES))
        rows += [f"{at(minute)},{value:.4f},{well}" for minute, value in enumerate(course)]
    (folder / name).write_text(change("\n".join(rows) + "\n"), encoding="utf-8")
    return folder / name


def fermenter(folder: Path, change: Change = str, name: str = "online_9.CSV") -> Path:
    draw = np.random.default_rng(6)
    rows = ["PDatTime;Age;TEMP;pH;FIX", ";;Value;Value;Value", ";(h);(°C);(pH);(l)"]
    for sample in range(SAMPLES):
        clock = f"24.11.2020 {sample // 12:02}:{sample % 12 * 5:02}:14"
        rows.append(
            f"{clock};{sample / 12:.4f};{30 + draw.normal():.4f};{5 + draw.normal():.4f};1".replace(
                ".", ","
            ).replace(",11,2020", ".11.2020")
        )
    (folder / name).write_bytes(change("\n".join(rows) + "\n").encode("latin-1"))
    return folder / name


def analyser(folder: Path, change: Change = str, name: str = "CO2_9.dat") -> Path:
    rows = ["Task", "Date;Time [min];Concentration [Vol.%];Pressure [Bar]"]
    rows += [
        f"24.11.2020 {10 + sample // 60}:{sample % 60:02}:21;{sample}.00;  {sample / 1000:.3f};;1.020"
        for sample in range(SAMPLES)
    ]
    (folder / name).write_text(change("\n".join(rows) + "\n"), encoding="utf-8")
    return folder / name


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "\ufeff" + text.replace("\n", "\r\n") + "\r\n\r\n",
        lambda text: text.replace(",", ";"),
        cells(",", lambda row: [row[1], row[2], row[0]]),
        cells(",", lambda row: [*row, "host" if row[0] == "time" else "reader1"]),
        lambda text: text.replace("position", "Position").replace("time", "Time"),
        lines(lambda rows: [rows[0], *sorted(rows[1:], key=lambda row: row.split(",")[0])]),
    ],
)
def test_bioreactors_are_read_however_their_export_is_written(tmp_path: Path, change: Change) -> None:
    passed = Passed(tmp_path)
    expected = diginbio.read(wells(tmp_path), passed)
    found = diginbio.read(wells(tmp_path, change, "other.csv"), passed)
    assert found.keys() == expected.keys() == {"o2"}
    np.testing.assert_array_equal(found["o2"], expected["o2"])


def test_a_bioreactor_with_a_gap_keeps_its_times(tmp_path: Path) -> None:
    passed = Passed(tmp_path)
    whole = diginbio.read(wells(tmp_path), passed)["o2"]
    gap = diginbio.read(wells(tmp_path, lines(lambda rows: rows[:31] + rows[81:])), passed)["o2"]
    assert np.isnan(gap[30:80, 0]).all()
    np.testing.assert_array_equal(gap[80:], whole[80:])
    np.testing.assert_array_equal(gap[:, 1:], whole[:, 1:])


def test_a_bioreactor_that_begins_later_begins_later(tmp_path: Path) -> None:
    late = diginbio.read(wells(tmp_path, lines(lambda rows: rows[:1] + rows[11:])), Passed(tmp_path))["o2"]
    assert np.isnan(late[:10, 0]).all()
    assert np.isfinite(late[10:]).all()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lines(lambda rows: [*rows[:5], rows[4], *rows[5:]]), r"O2\.csv:6: time is the same"),
        (lines(lambda rows: [rows[0], *rows[:0:-1]]), r"O2\.csv:3: time is earlier"),
        (lines(lambda rows: [*rows[:9], rows[9][:20], *rows[10:]]), r"O2\.csv:10: it has 1 fields"),
        (lambda text: text.replace("2021-09-15T15:26", "1631719", 1), r"O2\.csv:4: time is '1631719"),
        (lambda text: text.replace("90.", "ninety.", 1), r"O2\.csv:\d+: Presens_data\.O2_value is 'ninety"),
        (lines(lambda rows: rows[1:]), r"O2\.csv:1: it has no header"),
        (lambda text: text + "2099-01-01T00:00:00.000Z,3,2\n", r"O2\.csv: it has a gap of"),
        (
            lambda text: text.replace("_value,position", "_level,position,host").replace("00Z,", "00Z,1,"),
            r"O2\.csv:1: it has 2 columns",
        ),
    ],
)
def test_an_export_of_bioreactors_that_cannot_be_read_is_refused(
    tmp_path: Path, change: Change, said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        diginbio.read(wells(tmp_path, change), Passed(tmp_path))


def test_what_is_left_out_of_bioreactors_is_told_and_no_figure_is_nan(tmp_path: Path) -> None:
    wells(tmp_path)
    wells(
        tmp_path,
        cells(",", lambda row: [row[0], row[1].replace("O2", "pH") if row[0] == "time" else "7", row[2]]),
        "pH.csv",
    )
    wells(
        tmp_path, lines(lambda rows: [*rows[: SAMPLES + 1], *rows[SAMPLES + 1 : SAMPLES + 50]]), "short.csv"
    )
    (tmp_path / "._O2.csv").write_bytes(b"\0")
    (tmp_path / "notes.csv").write_text("a,b\nc,d\n", encoding="utf-8")
    report = diginbio.measure(tmp_path)
    json.loads(report.as_json())
    said = "\n".join(report.observations)
    assert "No series of ph moves by 10 samples: it has no figure of its own." in said
    assert "o2 of short.csv: 1 of 2 series have fewer than 100 values and are left out." in said
    assert "hidden: ._O2.csv" in said
    assert "not of this format (no column time or position): notes.csv" in said


def test_a_value_that_no_reading_is_is_refused_by_its_recording(tmp_path: Path) -> None:
    wells(tmp_path, lambda text: text.replace(",9", ",9" + "0" * 40, 1))
    with pytest.raises(ValueError, match=r"o2 of O2\.csv: a value is beyond 1e\+30"):
        diginbio.measure(tmp_path)


def test_where_no_series_moves_there_is_nothing_to_forecast(tmp_path: Path) -> None:
    wells(tmp_path, cells(",", lambda row: [row[0], row[1] if row[0] == "time" else "7", row[2]]))
    with pytest.raises(ValueError, match="no series moves by 1 samples"):
        diginbio.measure(tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: "\xef\xbb\xbf" + text.replace("°", "o").replace("\n", "\r\n"),
        lambda text: text.replace(";", "\t"),
        lambda text: text.replace(",", "."),
        cells(";", lambda row: row[1:] + row[:1]),
        lambda text: text.replace("PDatTime", "pdattime"),
    ],
)
def test_a_controllers_export_is_read_however_it_is_written(tmp_path: Path, change: Change) -> None:
    passed = Passed(tmp_path)
    expected = senck.read_online(fermenter(tmp_path), passed)
    found = senck.read_online(fermenter(tmp_path, change, "other.csv"), passed)
    assert expected is not None
    assert expected.shape == (SAMPLES, 2)
    np.testing.assert_array_equal(found, expected)


def test_rows_that_a_controller_or_an_analyser_left_out_are_missing(tmp_path: Path) -> None:
    passed = Passed(tmp_path)
    drop = lines(lambda rows: rows[:50] + rows[60:])
    for table in (
        senck.read_online(fermenter(tmp_path, drop), passed),
        senck.read_gas(analyser(tmp_path, drop), passed),
    ):
        assert table is not None
        assert len(table) == SAMPLES
        assert np.isnan(table).sum(axis=0).tolist() == [10] * table.shape[1]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lines(lambda rows: [*rows[:5], rows[4], *rows[5:]]), r":6: \w+ is the same"),
        (lines(lambda rows: [*rows[:3], *rows[:2:-1]]), r":5: \w+ is earlier"),
        (lines(lambda rows: [*rows[:9], rows[9][:25], *rows[10:]]), r":10: it has [123] fields"),
        (lines(lambda rows: [*rows[:9], "x" + rows[9], *rows[10:]]), r":10: \w+ is 'x24\.11"),
        (
            lines(
                lambda rows: [
                    *rows[:9],
                    ";".join([*rows[9].split(";")[:2], "bad", *rows[9].split(";")[3:]]),
                    *rows[10:],
                ]
            ),
            r":10: \w+ is 'bad'",
        ),
        (lambda text: text + text.splitlines()[-1].replace("2020", "2099") + "\n", r": it has a gap of"),
    ],
)
@pytest.mark.parametrize(("write", "read"), [(fermenter, senck.read_online), (analyser, senck.read_gas)])
def test_a_fermenters_file_that_cannot_be_read_is_refused(
    tmp_path: Path,
    write: Callable[[Path, Change], Path],
    read: Callable[[Path, Passed], object],
    change: Change,
    said: str,
) -> None:
    path = write(tmp_path, change)
    with pytest.raises(ValueError, match=said):
        read(path, Passed(tmp_path))


def test_what_is_left_out_of_fermenters_is_told(tmp_path: Path) -> None:
    fermenter(tmp_path)
    fermenter(tmp_path, lines(lambda rows: rows[:40]), "online_8.csv")
    analyser(tmp_path, lambda _: "1;2\n", "CO2_7.dat")
    (tmp_path / "offline_9.csv").write_text("ts;t;cX\n24.11.2020 10:06;0;NA\n", encoding="utf-8")
    report = senck.measure(tmp_path)
    json.loads(report.as_json())
    said = "\n".join(report.observations)
    assert "online of online_8.csv: all its series have fewer than 100 values and are left out." in said
    assert "no export of online values (no PDatTime in its first row): offline_9.csv" in said
    assert "no recording of a gas analyser (no row of names that begins with date): CO2_7.dat" in said


def test_a_recorder_that_is_a_little_fast_makes_no_gaps(tmp_path: Path) -> None:
    times = (np.arange(5000) * 60.4e6).astype(np.int64)
    times[::7] += 400_000
    (steps,) = on_grid(tmp_path, [times])
    assert steps.tolist() == list(range(5000))
