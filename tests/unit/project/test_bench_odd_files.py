"""SKAB, TEP, BATADAL and IndPenSim of odd files: each is scored, or named, or refused with its place."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest

from bench.models import batadal, indpensim, skab, tep

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from bench._report import Report

    Change = Callable[[str], str]

MIXING = np.random.default_rng(0).normal(size=(4, 4))


def figures(report: Report) -> dict[str, float]:
    json.loads(report.as_json())
    return {one.name: one.value for one in report.figures}


def told(report: Report) -> str:
    return "\n".join(report.observations)


def columns(text: str, separator: str, change: Callable[[list[str]], list[str]]) -> str:
    return "\n".join(separator.join(change(line.split(separator))) for line in text.splitlines())


def each(separator: str, at: int, change: Change) -> Change:
    """Change one column's cells below the header."""

    def changed(text: str) -> str:
        head, *rows = (line.split(separator) for line in text.splitlines())
        for row in rows:
            row[at] = change(row[at])
        return "\n".join(separator.join(row) for row in [head, *rows])

    return changed


def loop(rows: int = 600, seed: int = 1) -> str:
    measured = 50.0 + np.random.default_rng(seed).normal(size=(rows, 4)) @ MIXING
    measured[500:560, 2] += 40.0
    lines = ["datetime;A;B;C;D;anomaly;changepoint"]
    for at, row in enumerate(measured):
        label = "1.0" if 500 <= at < 560 else "0.0"
        cells = ";".join(f"{value:.6f}" for value in row)
        lines.append(f"2020-03-09 10:{at // 60:02}:{at % 60:02};{cells};{label};0.0")
    return "\n".join(lines) + "\n"


def loops(folder: Path, change: Change, name: str = "2.csv") -> Path:
    (folder / "1.csv").write_text(loop(seed=1), encoding="utf-8")
    (folder / name).write_text(change(loop(seed=2)), encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("2.CSV", str),
        ("2.csv", lambda text: columns(text, ";", lambda row: row[1:] + row[:1])),
        ("2.csv", lambda text: text.replace("anomaly", "Anomaly")),
        ("2.csv", lambda text: text.replace("1.0;0.0\n", "True;0.0\n").replace("0.0;0.0\n", "False;0.0\n")),
        ("2.csv", lambda text: columns(text, ";", lambda row: row[:-1])),
    ],
)
def test_a_loops_file_counts_however_it_is_written(tmp_path: Path, name: str, change: Change) -> None:
    (tmp_path / "sound").mkdir()
    (tmp_path / "odd").mkdir()
    expected = skab.measure(loops(tmp_path / "sound", str))
    assert figures(skab.measure(loops(tmp_path / "odd", change, name))) == figures(expected)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (each(";", 5, lambda _: ""), "2.csv: 600 of 600 rows have no label and are not scored"),
        (lambda text: columns(text, ";", lambda row: row[:5]), r"rows alarmed; it has no labels"),
        (lambda text: "\n".join(text.splitlines()[:401]), "too short (at most 400 rows): 2.csv"),
        (lambda _: "a,b\n1,2\n", "not of this format: 2.csv"),
        (lambda text: columns(text, ";", lambda row: row[1:]), "2.csv has no times"),
        (each(";", 2, lambda _: ""), "2.csv: 600 of 2400 values are missing"),
        (each(";", 5, lambda _: "1"), "400 of its training rows are labelled as faulty"),
        (lambda text: text.replace(";D;", ";E;"), "differ in their signals: D, E"),
    ],
)
def test_what_a_loops_file_lacks_is_told(tmp_path: Path, change: Change, said: str) -> None:
    report = skab.measure(loops(tmp_path, change))
    assert said in told(report)
    assert figures(report)["SKAB F1"] > 0.5


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (each(";", 5, lambda _: "faulty"), r"2\.csv:2: anomaly is 'faulty'"),
        (each(";", 5, lambda _: "2"), r"2\.csv:2: anomaly is 2"),
        (each(";", 3, lambda cell: cell.replace(".", ",")), r"2\.csv:2: C is .* decimal point"),
        (lambda text: text.split("\n", 1)[1], r"2\.csv:1: it has no header"),
        (lambda text: "\n".join([text.splitlines()[0], *text.splitlines()[:0:-1]]), r"2\.csv:3: .* earlier"),
    ],
)
def test_a_loops_file_that_cannot_be_understood_is_refused(tmp_path: Path, change: Change, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        skab.measure(loops(tmp_path, change))


def test_loops_without_a_fault_have_a_false_alarm_rate_and_no_f1(tmp_path: Path) -> None:
    (tmp_path / "1.csv").write_text(each(";", 5, lambda _: "0")(loop()), encoding="utf-8")
    found = figures(skab.measure(tmp_path))
    assert set(found) == {"SKAB FAR"}


def plant(folder: Path, name: str, rows: int, seed: int, fault: float = 0.0) -> Path:
    mixing = np.random.default_rng(1).normal(size=(52, 52))
    table = np.random.default_rng(seed).normal(size=(rows, 52)) @ mixing + 100.0
    table[160:, 7] += fault
    np.savetxt(folder / name, table)
    return folder / name


@pytest.fixture
def plants(tmp_path: Path) -> Path:
    plant(tmp_path, "d00.dat", 300, 1)
    plant(tmp_path, "D00_TE.DAT", 200, 2)
    plant(tmp_path, "D17_TE.DAT", 220, 3, fault=30.0)
    return tmp_path


def test_a_run_that_ends_before_the_fault_counts_in_the_false_alarms_alone(plants: Path) -> None:
    plant(plants, "d05_te.dat", 100, 4)
    report = tep.measure(plants)
    assert figures(report)["TEP mean detection"] > 0.9
    assert "before sample 161, where the fault begins, and count in the FAR: d05_te" in told(report)
    (plants / "D17_TE.DAT").unlink()
    assert "TEP FAR" in figures(tep.measure(plants))
    assert "TEP mean detection" not in figures(tep.measure(plants))


def test_files_that_are_no_test_run_of_a_fault_are_named(plants: Path) -> None:
    for name in ("fault1.dat", "d01.dat", "d02_te.txt", "._d17_te.dat"):
        (plants / name).write_text("x", encoding="utf-8")
    said = told(tep.measure(plants))
    assert "not of this format: d02_te.txt, fault1.dat" in said
    assert "training run of a fault: d01.dat" in said
    assert "hidden: ._d17_te.dat" in said


@pytest.mark.parametrize("name", ["d00.dat", "D00_TE.DAT", "D17_TE.DAT"])
def test_missing_values_of_a_run_are_told_and_scored(plants: Path, name: str) -> None:
    table = np.loadtxt(plants / name)
    table[3::7, 3] = np.nan
    np.savetxt(plants / name, table)
    report = tep.measure(plants)
    assert f"{name}: {table[3::7].shape[0]} of {table.size} values are missing" in told(report)
    assert figures(report)["TEP mean detection"] > 0.9


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: "time and others\n" + text, r"D17_TE\.DAT:1: 'time' is no number"),
        (lambda text: text.replace(".", ","), r"D17_TE\.DAT:1: .* with a decimal point"),
        (lambda text: text[: len(text) // 2 + 700], r"D17_TE\.DAT:\d+: "),
        (lambda _: "", r"D17_TE\.DAT: it is empty"),
    ],
)
def test_a_run_that_cannot_be_read_is_refused(plants: Path, change: Change, said: str) -> None:
    path = plants / "D17_TE.DAT"
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")
    with pytest.raises(ValueError, match=said):
        tep.measure(plants)


def test_a_run_that_is_there_twice_is_refused(plants: Path) -> None:
    (plants / "old").mkdir()
    plant(plants / "old", "d00.dat", 60, 9)
    with pytest.raises(ValueError, match="are the same run"):
        tep.measure(plants)


def test_too_few_training_rows_of_a_plant_are_counted(plants: Path) -> None:
    plant(plants, "d00.dat", 20, 1)
    with pytest.raises(ValueError, match=r"d00\.dat has 20 rows to train on; at least 38 are needed"):
        tep.measure(plants)


def network(rows: int, seed: int, flag: str, attacks: tuple[tuple[int, int], ...] = ()) -> str:
    measured = 50.0 + np.random.default_rng(seed).normal(size=(rows, 4)) @ MIXING
    flags = [flag] * rows
    for first, last in attacks:
        measured[first:last, 2] += 40.0
        flags[first:last] = ["1"] * (last - first)
    lines = ["DATETIME, L_T1, L_T2, F_PU1, P_J1, ATT_FLAG"]
    for at, (row, label) in enumerate(zip(measured, flags, strict=True)):
        day, month = 1 + at // 24 % 28, 1 + at // 672
        lines.append(f"{day:02}/{month:02}/14 {at % 24:02}, {', '.join(map(str, row))}, {label}")
    return "\n".join(lines) + "\n"


@pytest.fixture
def networks(tmp_path: Path) -> Path:
    (tmp_path / "year.csv").write_text(network(600, 1, "0"), encoding="utf-8")
    (tmp_path / "later.csv").write_text(network(300, 2, "-999", ((100, 130),)), encoding="utf-8")
    return tmp_path


def test_unlabelled_hours_are_never_trained_on(networks: Path) -> None:
    expected = figures(batadal.measure(networks))
    (networks / "more.csv").write_text(network(300, 3, "-999"), encoding="utf-8")
    (networks / "test.csv").write_text(
        columns(network(300, 4, "0"), ",", lambda row: row[:-1]), encoding="utf-8"
    )
    report = batadal.measure(networks)
    assert figures(report) == expected
    assert "not all hours are labelled as free of one: more.csv" in told(report)
    assert "unlabelled (it has no ATT_FLAG or no DATETIME): test.csv" in told(report)
    assert "later.csv: 270 unlabelled hours count as normal" in told(report)


def test_a_tag_that_not_all_files_have_is_named(networks: Path) -> None:
    path = networks / "later.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    text = "\n".join([f"{lines[0]}, L_T9", *(f"{line}, 3.3" for line in lines[1:])])
    path.write_text(text, encoding="utf-8")
    assert "Left out, as not every file has them: L_T9" in told(batadal.measure(networks))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text.replace("-999", "normal"), r"later\.csv:2: ATT_FLAG is 'normal'"),
        (lambda text: text.replace("01/01/14 05", "01/01/14 04"), r"later\.csv:7: DATETIME is the same"),
        (
            lambda text: columns(text, ",", lambda row: [row[0], " ", " ", " ", " ", row[-1]]),
            "no tag is in all",
        ),
        (
            lambda text: "\n".join(
                line if at == 0 else ",".join([line.split(",")[0], "", "", "", "", line.split(",")[-1]])
                for at, line in enumerate(text.splitlines())
            ),
            "no hour of the files with attacks could be judged",
        ),
    ],
)
def test_a_networks_file_that_cannot_be_scored_is_refused(networks: Path, change: Change, said: str) -> None:
    path = networks / "later.csv"
    path.write_text(change(path.read_text(encoding="utf-8")), encoding="utf-8")
    with pytest.raises(ValueError, match=said):
        batadal.measure(networks)


def test_an_attack_found_by_an_alarm_that_was_already_on_is_told_apart() -> None:
    truth, alarm = np.zeros((2, 60), dtype=np.bool_)
    truth[10:20] = truth[30:40] = truth[50:60] = True
    alarm[8:15] = alarm[33:40] = True
    assert batadal.already_on(truth, alarm) == [True, False, False]
    assert batadal.anew(truth, alarm) == [False, True, False]
    assert batadal.windows(truth) == [(10, 20), (30, 40), (50, 60)]


SIGNALS = indpensim.configuration()["signals"]


def batch(folder: Path, seed: int, meta: object, *, rows: int = 560, faulty: bool = False) -> Path:
    table = np.random.default_rng(seed).normal(10.0, 0.1, (rows, len(SIGNALS)))
    if faulty:
        table[99:120, SIGNALS.index("Fg")] = 20.0
        table[499:550, SIGNALS.index("Fg")] = 20.0
    lines = [",".join(["time_h", *SIGNALS]), ",".join("-" for _ in ["time_h", *SIGNALS])]
    lines += [f"{(at + 1) * 0.2:.1f},{','.join(f'{one:.8g}' for one in row)}" for at, row in enumerate(table)]
    path = folder / f"batch_seed{seed}_b01_states.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    if meta is not None:
        beside = path.with_name(f"batch_seed{seed}_b01_meta.json")
        beside.write_text(meta if isinstance(meta, str) else json.dumps(meta), encoding="utf-8")
    return path


@pytest.fixture
def batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shorter = {**indpensim.configuration(), "sensitivity": []}
    monkeypatch.setattr(indpensim, "configuration", lambda: shorter)
    for seed in (1, 2, 3):
        batch(tmp_path, seed, {"faults": 0})
    batch(tmp_path, 11, {"faults": 1}, faulty=True)
    return tmp_path


@pytest.mark.parametrize(
    ("meta", "rows", "said"),
    [
        ({"seed": 7}, 560, "does not say which fault it has): batch_seed7"),
        ({"faults": None}, 560, "does not say which fault it has): batch_seed7"),
        (None, 560, "says which fault it has): batch_seed7"),
        ({"faults": 1}, 90, "it ends before the fault begins: batch_seed7"),
        ({"faults": 0}, 1, "shorter than two samples: batch_seed7"),
    ],
)
def test_a_batch_of_which_nobody_knows_the_fault_is_no_reference(
    batches: Path, meta: object, rows: int, said: str
) -> None:
    expected = figures(indpensim.measure(batches))
    batch(batches, 7, meta, rows=rows)
    report = indpensim.measure(batches)
    assert figures(report) == expected
    assert said in told(report)


def test_a_copy_of_a_batch_is_no_second_reference(batches: Path) -> None:
    (batches / "copy").mkdir()
    batch(batches / "copy", 1, {"faults": 0})
    assert "the same samples as batch_seed1_b01: copy/" in told(indpensim.measure(batches))


def test_a_published_batch_is_known_by_its_number(batches: Path) -> None:
    batch(batches, 7, {"batch_ref": "Batch_01"})
    batch(batches, 8, {"batch_ref": "Batch_91"})
    said = told(indpensim.measure(batches))
    assert "batch_seed3_b01, batch_seed7_b01; " in said
    assert "does not say which fault it has): batch_seed8" in said


def test_a_batch_may_have_another_name(batches: Path) -> None:
    expected = figures(indpensim.measure(batches))
    (batches / "batch_seed11_b01_states.csv").rename(batches / "BATCH7.CSV")
    (batches / "batch_seed11_b01_meta.json").rename(batches / "Batch7_meta.json")
    (batches / "notes.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    report = indpensim.measure(batches)
    assert figures(report) == expected
    assert "not of this format: notes.csv" in told(report)


@pytest.mark.parametrize(
    ("meta", "said"),
    [
        ({"faults": 9}, r"batch_seed11_b01_meta\.json: the fault code 9 is not known"),
        ({"faults": "aeration"}, r"_meta\.json: faults is 'aeration'"),
        ([1], r"_meta\.json: it is no JSON object"),
        ('{"faults": ', r"_meta\.json:1: it is no JSON"),
    ],
)
def test_a_fault_code_that_says_nothing_is_refused(batches: Path, meta: object, said: str) -> None:
    batch(batches, 11, meta, faulty=True)
    with pytest.raises(ValueError, match=said):
        indpensim.measure(batches)


def test_an_alarm_that_is_on_when_a_window_begins_is_no_find_and_is_told() -> None:
    on = np.zeros(50, dtype=np.bool_)
    on[5:25] = True
    assert indpensim.found_after(on, (10, 20), 3) is None
    assert indpensim.found_after(on, (5, 20), 3) == 0
    assert indpensim.found_after(np.ones(50, dtype=np.bool_), (10, 20), 3) is None
