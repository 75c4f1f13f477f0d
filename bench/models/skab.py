"""SKAB: are the closing valve and the other faults of a water loop found? Rows of all files are pooled.

Each file's first 400 rows train, the rest test. Files without an `anomaly` column have no fault: they show
how often the same configuration alarms where there is nothing. The configuration is skab.yaml.
"""

from __future__ import annotations

from functools import reduce
from operator import add
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench._report import Figure, Report
from bench.models._columns import read_columns
from bench.models._score import Confusion, always, at_random, confusion
from bench.models._unit import TrainedUnit, recipe_for

if TYPE_CHECKING:
    from numpy.typing import NDArray

TRAINING_ROWS = 400
LABELS = ("anomaly", "changepoint")
F1_TARGET = 0.80
FAR_TARGET = 0.13
PUBLISHED_VALVE1 = (
    "Published, valve1 (F1 / FAR / MAR): Conv-AE .755 / 14.4 % / 31.8 %, T²+Q .760 / 23.9 % / 26.1 %, "
    "MSET .779 / 38.5 % / 15.0 %."
)
PUBLISHED_ALL = (
    "Published, all folders: Conv-AE .78 / 13.6 % / 28.0 %, MSET .78 / 39.7 % / 14.1 %, "
    "T²+Q .76 / 26.6 % / 24.9 %, LSTM-AE .74 / 30.0 % / 25.9 %, T² .66 / 19.2 % / 42.6 %, "
    "iForest .29 / 2.6 % / 82.9 %."
)
PLAIN_RIVER = (
    "Plain River, valve1: GaussianScorer max over signals learning on everything .24, "
    "frozen .76 / 40.7 % / 17.3 %, learning only while not alarming .745 / 26.2 % / 27.2 %; "
    "HalfSpaceTrees .13."
)


def measure(data: Path) -> Report:
    """Run every CSV file under `data`; raises ValueError where none is labelled."""
    folders: dict[str, list[Confusion]] = {}
    truths: list[NDArray[np.bool_]] = []
    quiet: list[str] = []
    passed: list[str] = []
    for path in sorted(data.rglob("*.csv")):
        columns = read_columns(path, ";")
        times = next(iter(columns))
        signals = [name for name in columns if name not in {*LABELS, times}]
        rows = np.column_stack([columns[name] for name in signals])
        if len(rows) <= TRAINING_ROWS:
            passed.append(path.name)
            continue
        alarm = _alarms(rows)
        if "anomaly" not in columns:
            quiet.append(f"{path.name}: {alarm.mean():.1%} of {alarm.size} rows alarmed, none has a fault.")
            continue
        truth = columns["anomaly"][TRAINING_ROWS:] > 0.0
        truths.append(truth)
        folders.setdefault(path.parent.name, []).append(confusion(truth, alarm))
    if not truths:
        raise ValueError(f"{data} has no labelled file of more than {TRAINING_ROWS} rows")
    all_files = reduce(add, (one for files in folders.values() for one in files))
    truth = np.concatenate(truths)
    chance, whole = at_random(truth, all_files.far), always(truth)
    figures = (
        Figure("SKAB F1", all_files.f1, "", all_files.f1 / F1_TARGET, "the target of .80"),
        Figure("SKAB FAR", all_files.far, "", all_files.far / FAR_TARGET, "the most allowed, 13 %"),
        Figure("SKAB MAR", all_files.mar, ""),
        Figure("SKAB F1, alarming always", whole.f1, ""),
        Figure("SKAB F1, at random with this FAR", chance.f1, ""),
    )
    by_folder = tuple(_line(name, files) for name, files in folders.items())
    short = (f"Passed over, too short: {', '.join(passed)}.",) if passed else ()
    return Report("skab", figures, (*by_folder, *quiet, *short, PUBLISHED_VALVE1, PUBLISHED_ALL, PLAIN_RIVER))


def _alarms(rows: NDArray[np.float64]) -> NDArray[np.bool_]:
    recipe = recipe_for(Path(__file__).with_suffix(".yaml"), TRAINING_ROWS)
    unit = TrainedUnit(recipe, rows[:TRAINING_ROWS])
    return unit.judge(rows[TRAINING_ROWS:], follows=True).suspect


def _line(folder: str, files: list[Confusion]) -> str:
    pooled = reduce(add, files)
    found = sum(one.mar < 0.5 for one in files)
    return (
        f"{folder}: {len(files)} files, F1 {pooled.f1:.3f}, FAR {pooled.far:.1%}, MAR {pooled.mar:.1%}; "
        f"in {found} more than half of the fault is seen."
    )
