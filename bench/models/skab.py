"""SKAB: are the closing valve and the other faults of a water loop found? Rows of all files are pooled.

Each file's first 400 rows train, the rest test. Files without labels show how often the same configuration
alarms. Rows whose label is blank are judged and not scored. The configuration is skab.yaml.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import reduce
from operator import add
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench._report import Figure, Report
from bench.models._files import Passed, files, refused
from bench.models._score import Confusion, always, at_random, confusion
from bench.models._table import TIMES, headless, missing, read_table
from bench.models._unit import TrainedUnit, recipe_for, silent

if TYPE_CHECKING:
    from numpy.typing import NDArray

TRAINING_ROWS = 400
LABEL, CHANGE = "anomaly", "changepoint"
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


@dataclass(frozen=True, slots=True)
class Recording:
    """One file: signals S by name, `rows` (N, S), `label` (N,) 1, 0 or NaN; what is to be said of it."""

    name: str
    folder: str
    signals: tuple[str, ...]
    rows: NDArray[np.float64]
    label: NDArray[np.float64]
    notes: tuple[str, ...]


def read(path: Path, passed: Passed) -> Recording | None:
    """Read a file; None where it is passed over.

    Raises:
        ValueError: it has no header, a cell is no number, a label none, or the times do not rise.
    """
    table = read_table(path, ";")
    if headless(table):
        raise refused(path, table.first_line, "it has no header", "put the names of the columns first")
    label, change, time = table.name(LABEL), table.name(CHANGE), table.name(*TIMES)
    signals = tuple(name for name in table.cells if name not in {label, change, time})
    if label is None and time is None:
        passed.over(path, "not of this format")
        return None
    if len(table) <= TRAINING_ROWS or not signals:
        passed.over(path, f"too short (at most {TRAINING_ROWS} rows)" if signals else "without a signal")
        return None
    notes = []
    if time is None:
        notes.append(f"{path.name} has no times: its rows are taken as one a second, in their order.")
    else:
        table.times_us(time)
    rows = table.numbers(signals)
    if few := missing(rows):
        notes.append(f"{path.name}: {few}.")
    told = np.full(len(rows), np.nan) if label is None else table.flags(label)
    if label is not None and (blank := int(np.sum(np.isnan(told)))):
        notes.append(f"{path.name}: {blank} of {len(rows)} rows have no label and are not scored.")
    if faulty := int(np.sum(told[:TRAINING_ROWS] > 0.0)):
        notes.append(f"{path.name}: {faulty} of its training rows are labelled as faulty.")
    return Recording(path.name, path.parent.name, signals, rows, told, tuple(notes))


def measure(data: Path) -> Report:
    """Run every CSV file under `data`; raises ValueError where none is labelled or a file cannot be read."""
    passed = Passed(data)
    found = [one for path in files(data, passed, ".csv") if (one := read(path, passed)) is not None]
    folders: dict[str, list[Confusion]] = {}
    truths: list[NDArray[np.bool_]] = []
    quiet: list[str] = []
    notes: list[str] = []
    for one in found:
        recipe = recipe_for(Path(__file__).with_suffix(".yaml"), TRAINING_ROWS, data)
        unit = TrainedUnit(recipe, one.rows[:TRAINING_ROWS])
        judged = unit.judge(one.rows[TRAINING_ROWS:], follows=True)
        notes += [*one.notes, *silent(one.name, judged), *_others(one, found[0])]
        label = one.label[TRAINING_ROWS:]
        known = np.isfinite(label)
        if not known.any():
            alarm = judged.suspect
            quiet.append(f"{one.name}: {alarm.mean():.1%} of {alarm.size} rows alarmed; it has no labels.")
            continue
        truths.append(label[known] > 0.0)
        folders.setdefault(one.folder, []).append(confusion(truths[-1], judged.suspect[known]))
    if not truths:
        wrong = f"{data} has no labelled file of more than {TRAINING_ROWS} rows"
        raise ValueError(passed.with_reasons(wrong))
    pooled = reduce(add, (one for counted in folders.values() for one in counted))
    by_folder = tuple(_line(name, counted) for name, counted in folders.items())
    about = (*by_folder, *quiet, *notes, *passed.told)
    return _report(pooled, np.concatenate(truths), about)


def _report(pooled: Confusion, truth: NDArray[np.bool_], about: tuple[str, ...]) -> Report:
    figures: list[Figure] = []
    if truth.any():
        figures.append(Figure("SKAB F1", pooled.f1, "", pooled.f1 / F1_TARGET, "the target of .80"))
    else:
        about = (*about, "No labelled row is faulty, so there is no F1 and no MAR.")
    if not truth.all():
        figures.append(Figure("SKAB FAR", pooled.far, "", pooled.far / FAR_TARGET, "the most allowed, 13 %"))
    else:
        about = (*about, "No labelled row is sound, so there is no FAR.")
    if truth.any():
        figures += [
            Figure("SKAB MAR", pooled.mar, ""),
            Figure("SKAB F1, alarming always", always(truth).f1, ""),
            Figure("SKAB F1, at random with this FAR", at_random(truth, pooled.far).f1, ""),
        ]
    return Report("skab", tuple(figures), (*about, PUBLISHED_VALVE1, PUBLISHED_ALL, PLAIN_RIVER))


def _others(one: Recording, first: Recording) -> list[str]:
    """Say where a file has not the signals of the first."""
    differ = sorted(set(one.signals) ^ set(first.signals))
    return [f"{one.name} and {first.name} differ in their signals: {', '.join(differ)}."] if differ else []


def _line(folder: str, counted: list[Confusion]) -> str:
    pooled = reduce(add, counted)
    found = sum(one.mar < 0.5 for one in counted if one.hits + one.misses)
    return (
        f"{folder}: {len(counted)} files, F1 {pooled.f1:.3f}, FAR {pooled.far:.1%}, MAR {pooled.mar:.1%}; "
        f"in {found} more than half of the fault is seen."
    )
