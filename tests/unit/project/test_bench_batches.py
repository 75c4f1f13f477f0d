"""The benchmarks of batches: what counts as found, and that they can tell good from bad."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from bench._report import Report
from bench.models import _penicillin, _run, indpensim, simulator
from bench.models._found import Run, report
from bench.models._simulated import Raised
from simulator.faulting.kinds import FaultKind

if TYPE_CHECKING:
    from pathlib import Path

SIGNALS = indpensim.configuration()["signals"]
ROWS = 700


def write_batch(folder: Path, seed: int, faults: int, *, flag: bool = False) -> None:
    """One batch of the format, of which only the aeration says something."""
    random = np.random.default_rng(seed)
    table = random.normal(10.0, 0.1, (ROWS, len(SIGNALS)))
    table[:, SIGNALS.index("Fg")] = np.where(np.arange(ROWS) < 300, 30.0, 60.0)
    told = np.zeros(ROWS)
    if faults == 1:
        for first, last in ((100, 120), (500, 550)):
            table[first - 1 : last, SIGNALS.index("Fg")] = 20.0
            told[first - 1 : last] = 1.0
    names = ["time_h", *SIGNALS, *(["Fault_ref"] if flag else [])]
    hours = (np.arange(ROWS) + 1) * 0.2
    rows = np.column_stack([hours, table, *([told] if flag else [])])
    lines = [",".join(names), ",".join("-" for _ in names)]
    lines += [",".join(f"{cell:.10g}" for cell in row) for row in rows]
    stem = f"batch_seed{seed}_b01"
    (folder / f"{stem}_states.csv").write_text("\n".join(lines), encoding="utf-8")
    if not flag:
        meta = {"seed": seed, "faults": faults}
        (folder / f"{stem}_meta.json").write_text(json.dumps(meta), encoding="utf-8")


def test_windows_come_from_the_fault_code_beside_the_file_or_from_its_own_column(tmp_path: Path) -> None:
    write_batch(tmp_path, 1, 1)
    write_batch(tmp_path, 2, 1, flag=True)
    windows = indpensim.configuration()["windows"]
    for seed in (1, 2):
        batch = _penicillin.read(tmp_path / f"batch_seed{seed}_b01_states.csv", SIGNALS, windows)
        assert batch.windows == ((99, 120), (499, 550))
        assert batch.fault.sum() == 21 + 51


def test_a_batch_of_which_nothing_says_its_fault_is_refused(tmp_path: Path) -> None:
    write_batch(tmp_path, 1, 0)
    (tmp_path / "batch_seed1_b01_meta.json").unlink()
    with pytest.raises(ValueError, match="which fault it has"):
        _penicillin.read(tmp_path / "batch_seed1_b01_states.csv", SIGNALS, {})


def test_a_window_is_found_by_so_many_alarms_in_a_row_that_begin_inside_it() -> None:
    suspect = np.zeros(50, dtype=np.bool_)
    suspect[[5, 6, 12, 13, 14, 29, 30, 31]] = True
    assert indpensim.found_after(suspect, (10, 20), 3) == 2
    assert indpensim.found_after(suspect, (0, 10), 3) is None
    assert indpensim.found_after(suspect, (20, 30), 3) == 9
    assert indpensim.found_after(suspect, (30, 40), 3) is None


def test_faults_are_found_from_the_normal_batches_that_are_there(tmp_path: Path) -> None:
    for seed in (1, 2, 3):
        write_batch(tmp_path, seed, 0)
    write_batch(tmp_path, 11, 1)
    report = _run.measure("indpensim", tmp_path)
    figures = {figure.name: figure.value for figure in report.figures}
    assert figures["fault windows found"] == 2
    assert figures["false-alarm rate"] < 2.0
    assert any("Fg leaves its course" in line for line in report.observations)


def test_too_few_normal_batches_are_named(tmp_path: Path) -> None:
    write_batch(tmp_path, 1, 0)
    write_batch(tmp_path, 11, 1)
    with pytest.raises(FileNotFoundError, match=r"not enough batches \(1 of 3 normal"):
        _run.measure("indpensim", tmp_path)


def raised(at_s: float, signal: str, condition: str, layer: str = "residual") -> Raised:
    return Raised(at_s, signal, condition, layer, signal, "feed", None)


def test_what_the_sound_twin_says_too_is_not_found() -> None:
    begins = simulator.SOUND_S
    sound = [raised(10.0, "pH", "anomaly"), raised(begins + 10.0, "DO", "low", "limits")]
    said = [
        raised(begins + 20.0, "DO", "low", "limits"),
        raised(begins + 50.0, "pH", "anomaly"),
        raised(begins + 70.0, "pH", "high", "limits"),
    ]
    found = simulator.new(said, sound)
    run = Run(FaultKind.BIASED_PROBE, "2L", 1, 1.0, tuple(found))
    assert (run.by_rules, run.by_models) == (70.0, 50.0)
    assert simulator.new(sound[1:], sound) == []


def test_alarms_of_sound_batches_are_told_by_layer_and_signal_and_for_a_day() -> None:
    twice = (raised(5.0, "unit", "anomaly", "multivariate"), raised(9.0, "DO", "low", "limits"))
    runs = [Run(None, "2L", 1, 12.0, twice, whole=True), Run(None, "2L", 2, 12.0, (), whole=True)]
    told = report(runs, "")
    figures = {figure.name: figure.value for figure in told.figures}
    assert figures["whole sound batches: false alarms"] == 2.0
    assert figures["whole sound batches: of models"] == 1.0
    assert figures["whole sound batches: silent"] == 50.0
    assert "multivariate: unit anomaly in feed (1)" in told.observations[0]


def test_a_verdict_counts_as_it_was_when_models_first_raised_an_alarm() -> None:
    said = tuple(
        replace(raised(at_s, "pH", "anomaly"), looks_like=looks)
        for at_s, looks in ((60.0, "sensor"), (90.0, "process"))
    )
    told = report([Run(FaultKind.BIASED_PROBE, "2L", seed, 1.0, said) for seed in (1, 2)], "")
    assert "taken for sensor in 100 % of them" in told.observations[0]
    assert "first by residual 2" in told.observations[0]


def test_a_lost_stirrer_is_found_through_the_real_watch_and_a_sound_unit_raises_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(simulator, "SOUND_S", 600.0)
    monkeypatch.setattr(simulator, "WATCHED_S", 300.0)
    monkeypatch.setattr(simulator, "START_H", 0.5)
    kinds = (FaultKind.LOST_STIRRER, FaultKind.LOST_DEVICE)
    sound, *faulty = simulator.judge((1,), ("2L",), kinds)
    assert not sound.raised
    assert [run.kind for run in faulty] == list(kinds)
    assert all(run.raised for run in faulty)
    assert faulty[0].by_models is not None
    assert faulty[1].by_models is None
    told = report([sound, *faulty], "")
    assert told.figures[0].value == 100.0


def test_a_whole_batch_is_played_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulator, "LONGEST_H", 0.1)
    (run,) = simulator.judge((), ("2L",), (), whole=(1,))
    assert run.whole
    assert run.hours == pytest.approx(0.1)
    assert not run.raised


def test_a_data_set_may_say_that_it_needs_no_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(simulator, "SEEDS", 0)
    monkeypatch.setattr(simulator, "judge", lambda *_: [])
    told = Report("simulator", ())
    monkeypatch.setattr(simulator, "report", lambda *_: told)
    assert _run.measure("simulator", tmp_path / "absent") is told
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        _run.measure("indpensim", tmp_path / "absent")
