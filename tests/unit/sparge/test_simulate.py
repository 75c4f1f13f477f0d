"""`sparge simulate` into files, and what it refuses."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from pyarrow import parquet

from sparge import cli

if TYPE_CHECKING:
    from pathlib import Path

PLAN = """
faults:
  - {unit: BR-02, kind: biased_probe, signal: pH, at: 10s, for: 15s}
random: {count: 1, kinds: [lost_stirrer], between: [5s, 20s], lasting: [5s, 10s]}
"""


def simulated(path: Path, *options: str) -> dict[str, bytes]:
    path.parent.mkdir()
    said = cli.run(
        ["simulate", "--to", str(path), "--start-h", "0.1", "--duration", "40s", "--step", "2", *options]
    )
    assert said == 0
    return {found.name: found.read_bytes() for found in path.parent.iterdir()}


def refused(capsys: pytest.CaptureFixture[str], *options: str) -> str:
    assert cli.run(["simulate", *options]) == 1
    return capsys.readouterr().err


def test_the_same_seed_gives_the_same_files_and_another_seed_others(tmp_path: Path) -> None:
    kinds = ("--kind", "e_coli@2L=2", "--kind", "cho@2L_cell", "--devices", "poor")
    one, two = (simulated(tmp_path / name / "run.parquet", *kinds, "--seed", "4") for name in ("a", "b"))
    assert set(one) == {"run.parquet", "run.truth.parquet", "run.truth.json"}
    assert one == two
    assert simulated(tmp_path / "c" / "run.parquet", *kinds, "--seed", "5") != one


def test_a_file_has_samples_true_values_faults_and_batches(tmp_path: Path) -> None:
    plan = tmp_path / "plan.yaml"
    plan.write_text(PLAN)
    simulated(tmp_path / "run" / "week.parquet", "--units", "2", "--faults", str(plan), "--devices", "clean")
    measured = parquet.read_table(tmp_path / "run" / "week.parquet")
    true = parquet.read_table(tmp_path / "run" / "week.truth.parquet")
    hidden = set(true["signal"].to_pylist()) - set(measured["signal"].to_pylist())
    assert {"biomass", "glucose", "product", "OUR", "CER", "kLa", "growth_rate"} <= hidden
    assert true.num_rows == measured.num_rows + 2 * 20 * len(hidden)
    units = dict(zip(true["signal"].to_pylist(), true["ucum"].to_pylist(), strict=True))
    assert (units["biomass"], units["kLa"], units["OUR"]) == ("g.L-1", "h-1", "mmol.L-1.h-1")
    assert set(measured["unit"].to_pylist()) == {"BR-01", "BR-02"}
    shown, actual = (
        [row["value"] for row in table.to_pylist() if (row["unit"], row["signal"]) == ("BR-02", "pH")]
        for table in (measured, true)
    )
    apart = [abs(reading - truth) > 0.2 for reading, truth in zip(shown, actual, strict=True)]
    assert apart == [10 < 2 * step <= 26 for step in range(1, 21)]
    story = json.loads((tmp_path / "run" / "week.truth.json").read_text())
    assert sorted(fault["kind"] for fault in story["faults"]) == ["biased_probe", "lost_stirrer"]
    assert [event["event"] for event in story["batches"][:2]] == ["start", "start"]


@pytest.mark.parametrize(
    ("options", "wrong"),
    [
        (["--kind", "e_coli"], "e_coli"),
        (["--kind", "beer@2L"], "beer"),
        (["--kind", "e_coli@3L"], "3L"),
        (["--kind", "e_coli@2L=0"], "0"),
        (["--fault", "gremlin@5"], "gremlin"),
        (["--fault", "lost_stirrer@5", "--fault-unit", "BR-07"], "BR-07"),
        (["--faults", "no-such-plan.yaml"], "no-such-plan.yaml"),
        (["--devices", "perfect"], "perfect"),
        (["--speed", "fast"], "fast"),
        (["--speed", "60"], "--duration"),
        (["--speed", "max"], "--duration"),
        (["--to", "week.parquet"], "needs an end"),
        (["--to", "week.csv", "--duration", "10s", "--start-h", "0"], "week.csv"),
        (["--duration", "soon"], "soon"),
        (["--duration", "batch", "--start-h", "900"], "900"),
        (["--duration", "1min", "--start-h", "900"], "900"),
        (["--to", "absent/week.parquet", "--duration", "10s", "--start-h", "0"], "no folder absent"),
        (["--to", "week.parquet", "--duration", "1min", "--fault", "lost_stirrer@2min"], "after the end"),
    ],
)
def test_what_cannot_be_simulated_is_refused_by_name(
    options: list[str], wrong: str, capsys: pytest.CaptureFixture[str]
) -> None:
    said = refused(capsys, *options)
    assert said.startswith("error: ")
    assert wrong in said
    assert "Traceback" not in said


def test_a_demonstration_whose_alarm_may_never_come_is_refused_at_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli.run(["demo", "--fault", "phage"]) == 1
    said = capsys.readouterr().err
    assert "none is sure to come for phage" in said
    assert "lost_stirrer, frozen_probe, lost_device" in said
