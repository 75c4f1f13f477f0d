"""SKAB, TEP and BATADAL are read in their own formats, whatever files there are, and scored by their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from bench.models import batadal, skab, tep

if TYPE_CHECKING:
    from pathlib import Path

    from bench._report import Report

MIXING = np.random.default_rng(0).normal(size=(6, 6))


def rows(count: int, seed: int) -> np.ndarray:
    return 50.0 + np.random.default_rng(seed).normal(size=(count, 6)) @ MIXING


def value(report: Report, name: str) -> float:
    return next(figure.value for figure in report.figures if figure.name == name)


def write_loop(path: Path, *, labelled: bool, seed: int) -> None:
    measured = rows(700, seed)
    measured[500:600, 2] += 40.0
    path.parent.mkdir(parents=True, exist_ok=True)
    header = "datetime;A;B;C;D;E;F" + (";anomaly;changepoint" if labelled else "")
    lines = [header]
    for at, row in enumerate(measured):
        label = ";1.0;0.0" if 500 <= at < 600 else ";0.0;0.0"
        lines.append(f"2020-03-09 10:{at // 60:02}:{at % 60:02};" + ";".join(map(str, row)))
        lines[-1] += label if labelled else ""
    path.write_text("\n".join(lines), encoding="utf-8")


def test_skab_pools_the_rows_of_whatever_folders_there_are(tmp_path: Path) -> None:
    write_loop(tmp_path / "valve2" / "0.csv", labelled=True, seed=1)
    write_loop(tmp_path / "other" / "7.csv", labelled=True, seed=2)
    write_loop(tmp_path / "anomaly-free.csv", labelled=False, seed=3)
    report = skab.measure(tmp_path)
    assert value(report, "SKAB F1") > 0.9
    assert value(report, "SKAB FAR") < 0.1
    assert value(report, "SKAB F1, alarming always") == pytest.approx(2 * 200 / (2 * 200 + 400))
    told = " ".join(report.observations)
    assert "valve2: 1 files" in told
    assert "other: 1 files" in told
    assert "anomaly-free.csv" in told


def test_skab_without_a_labelled_file_says_so(tmp_path: Path) -> None:
    write_loop(tmp_path / "anomaly-free.csv", labelled=False, seed=3)
    with pytest.raises(ValueError, match="no labelled file"):
        skab.measure(tmp_path)


def plant(count: int, seed: int) -> np.ndarray:
    mixing = np.random.default_rng(1).normal(size=(52, 52))
    return np.random.default_rng(seed).normal(size=(count, 52)) @ mixing + 100.0


def test_tep_takes_whatever_faults_there_are_and_compares_with_batch_pca(tmp_path: Path) -> None:
    np.savetxt(tmp_path / "d00.dat", plant(400, 1).T)
    np.savetxt(tmp_path / "d00_te.dat", plant(300, 2))
    faulty = plant(260, 3)
    faulty[160:, 7] += 30.0
    np.savetxt(tmp_path / "d17_te.dat", faulty)
    report = tep.measure(tmp_path)
    assert value(report, "TEP mean detection") > 0.9
    assert value(report, "TEP FAR") <= 0.1
    assert 0.0 <= value(report, "TEP batch PCA T²") <= 1.0
    assert any("17 " in line for line in report.observations)


def test_tep_without_its_normal_runs_says_which(tmp_path: Path) -> None:
    np.savetxt(tmp_path / "d01_te.dat", plant(200, 1))
    with pytest.raises(ValueError, match=r"needs d00\.dat"):
        tep.measure(tmp_path)


def test_the_contests_score_of_alarming_always_is_three_quarters() -> None:
    truth = np.zeros(100, dtype=np.bool_)
    truth[20:30] = truth[60:80] = True
    assert batadal.s_score(truth, np.ones_like(truth)) == pytest.approx(0.75)
    assert batadal.s_score(truth, truth) == pytest.approx(1.0)
    assert batadal.delays(truth, np.arange(100) >= 25) == [0.5, 0.0]
    assert batadal.delays(truth, np.zeros_like(truth)) == [1.0, 1.0]


def test_batadal_trains_on_files_without_attacks(tmp_path: Path) -> None:
    for name, seed, attacked in (("year.csv", 1, False), ("later.csv", 2, True)):
        measured = rows(900, seed)
        flags = np.where(attacked, -999, 0) * np.ones(900, dtype=int)
        if attacked:
            measured[300:340, 4] += 40.0
            flags[300:340] = 1
        lines = ["DATETIME, L_T1, L_T2, F_PU1, F_PU2, P_J1, P_J2, ATT_FLAG"]
        lines += [
            f"{1 + at // 24 % 28:02}/{1 + at // 672:02}/14 {at % 24:02},{','.join(map(str, row))},{flag}"
            for at, (row, flag) in enumerate(zip(measured, flags, strict=True))
        ]
        (tmp_path / name).write_text("\n".join(lines), encoding="utf-8")
    report = batadal.measure(tmp_path)
    assert value(report, "BATADAL attacks found") == 1
    assert value(report, "BATADAL S") > 0.9
    assert value(report, "BATADAL S, alarming always") == pytest.approx(0.75)
