"""The benchmarks' runner: finds every benchmark, tells figures that survive the way to the result file."""

from __future__ import annotations

import json
from importlib import import_module
from pathlib import Path

import psutil
import pytest

from bench.__main__ import benchmarks, main
from bench._folder import sweep
from bench._machine import this_machine
from bench._report import Figure, Report
from bench.query import LEAST_STEPS, NEWEST, SIGNALS, STEPS, shape

RESULTS = Path(__file__).resolve().parents[3] / "bench" / "results"
REPORT = Report(
    "ingest",
    (Figure("stored", 152_300.5, "samples/s", 1.02, "the first sink"), Figure("delay, p50", 0.21, "s")),
    ("The database's WAL is the bottleneck.",),
)


def test_every_benchmark_is_one_module_with_a_main() -> None:
    for name in benchmarks():
        assert callable(import_module(f"bench.{name}").main)


def test_a_report_survives_json() -> None:
    assert Report.from_json(REPORT.as_json()) == REPORT


def test_what_is_not_a_report_is_refused() -> None:
    with pytest.raises(ValueError, match="not a report"):
        Report.from_json('{"figures": []}')


def test_a_table_tells_each_figure_with_its_unit_and_ratio() -> None:
    lines = REPORT.as_table().splitlines()
    assert lines[1].split() == ["stored", "152,300", "samples/s", "1.02", "x", "the", "first", "sink"]
    assert lines[2].split() == ["delay,", "p50", "0.21", "s"]


def test_an_unknown_benchmark_is_refused_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["no-such-benchmark"])
    assert "no-such-benchmark" in capsys.readouterr().err


def test_a_result_names_the_machine_that_it_ran_on() -> None:
    machine = this_machine()
    assert machine.cores >= 1
    assert machine.memory_gib > 0
    assert json.loads(json.dumps(machine.as_dict())) == machine.as_dict()


def test_a_committed_result_belongs_to_a_benchmark_and_can_be_read() -> None:
    for path in sorted(RESULTS.glob("*.json")):
        result = json.loads(path.read_text(encoding="utf-8"))
        assert path.stem in benchmarks()
        assert result["machine"].keys() == this_machine().as_dict().keys()
        told = {key: result[key] for key in ("name", "figures", "observations")}
        assert Report.from_json(json.dumps(told)).figures


def test_folders_of_benchmarks_that_were_killed_are_removed_and_no_others(tmp_path: Path) -> None:
    own = psutil.Process()
    kept = {f"sparge-bench-{own.pid}-{own.create_time():.0f}-a", "sparge-bench-mine", "other-1-2-3"}
    for name in (*kept, f"sparge-bench-{own.pid}-1-b", "sparge-bench-999999999-1-c"):
        (tmp_path / name / "postgres").mkdir(parents=True)
    sweep(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == kept


def test_fewer_samples_than_a_batch_has_are_a_shorter_batch() -> None:
    assert shape(100_000_000) == (41, STEPS)
    assert 41 * SIGNALS >= NEWEST
    assert shape(300_000) == (1, 10_000)
    assert shape(1) == (1, LEAST_STEPS)
