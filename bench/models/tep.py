"""Tennessee Eastman: how much of each fault is seen, and how often it alarms before the fault.

The normal run d00 trains, the 99 % quantile of the normal test run d00_te is the threshold, as published;
every other dNN_te is a fault that begins at sample 161; one that ends before has only rows to alarm falsely
in. Batch PCA does the same in the same run, and takes the training mean for a value that is missing. The
configuration is tep.yaml.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from bench._report import Figure, Report
from bench.models._files import Passed, files, read_text, refused
from bench.models._table import missing, number
from bench.models._unit import TrainedUnit, recipe_for, silent

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    Scores = Callable[[NDArray[np.float64]], NDArray[np.float64]]

NORMAL, NORMAL_TEST = "d00", "d00_te"
LEVEL, APART = "batch PCA T²", "batch PCA SPE"
VARIABLES = 52
NORMAL_ROWS = 160
QUANTILE = 0.99
LEAST_NORMAL = 100
"""With fewer rows of the normal test run than this, its 99 % quantile is little more than its highest row."""

FAR_TARGET = 0.01
COMPONENTS = 0.9
"""Share of the variance in batch PCA's leading subspace; 11 components of 52 did worse in both statistics."""

PUBLISHED = (
    "Published, all 21 faults (mean detection): batch PCA T² .577, SPE .626; Gaussian max|z| frozen .657, "
    "learning on everything .186."
)
HIDDEN = "Faults 3, 9 and 15 are known to be hardly visible to anybody: detection there is near the FAR."


@dataclass(frozen=True, slots=True)
class Share:
    """Share of a run's rows with an alarm: from sample 161 on, None where it has none, and before."""

    seen: float | None
    false: float


def measure(data: Path) -> Report:
    """Run every fault under `data`.

    Raises:
        ValueError: d00.dat, d00_te.dat or all faults are missing, a run is there twice, or cannot be read.
    """
    passed = Passed(data)
    found = _runs_of(data, passed)
    if not {NORMAL, NORMAL_TEST} <= set(found):
        wrong = f"{data} needs d00.dat (training) and d00_te.dat (threshold)"
        raise ValueError(passed.with_reasons(wrong))
    faults = {name: path for name, path in found.items() if name not in {NORMAL, NORMAL_TEST}}
    if not faults:
        raise ValueError(passed.with_reasons(f"{data} has no fault; put dNN_te.dat there"))
    training, normal = read(found[NORMAL]), read(found[NORMAL_TEST])
    if not (np.ptp(np.nan_to_num(training), axis=0) > 0.0).any():
        raise ValueError(f"{found[NORMAL]}: no variable varies, so nothing can be learnt from it")
    recipe = recipe_for(Path(__file__).with_suffix(".yaml"), len(training), found[NORMAL])
    unit = TrainedUnit(recipe, training)
    runs = {name: read(path) for name, path in faults.items()}
    judged = {name: unit.judge(rows, follows=False) for name, rows in {NORMAL_TEST: normal, **runs}.items()}
    ways: dict[str, dict[str, NDArray[np.float64]]] = {
        "Sparge": {name: one.score for name, one in judged.items()}
    }
    for way, score in zip((LEVEL, APART), batch_pca(training), strict=True):
        ways[way] = {name: score(rows) for name, rows in {NORMAL_TEST: normal, **runs}.items()}
    if np.isnan(ways["Sparge"][NORMAL_TEST]).all():
        raise ValueError(f"{found[NORMAL_TEST]}: none of its rows could be judged, so there is no threshold")
    shares = {way: _shares(scores) for way, scores in ways.items()}
    own = judged[NORMAL_TEST].suspect
    notes = [
        f"At the recipe's own threshold, from training rows, {own.mean():.2%} of the normal test run alarm."
    ]
    notes += _short(normal, runs)
    for name, rows in {NORMAL: training, NORMAL_TEST: normal, **runs}.items():
        notes += [f"{found[name].name}: {few}."] if (few := missing(rows)) else []
    for name, one in judged.items():
        notes += silent(found[name].name, one)
    return _report(shares, (*notes, *passed.told))


def _runs_of(data: Path, passed: Passed) -> dict[str, Path]:
    """Return the runs that are scored by their names, in order: d00, d00_te and the faults' dNN_te."""
    found: dict[str, Path] = {}
    for path in files(data, passed, ".dat"):
        known = re.fullmatch(r"d(\d{1,2})(_te)?", path.stem.lower())
        name = f"d{int(known[1]):02}{known[2] or ''}" if known else ""
        if not known:
            passed.over(path, "not of this format")
        elif name != NORMAL and not known[2]:
            passed.over(path, "training run of a fault")
        elif name in found:
            raise ValueError(f"{found[name]} and {path} are the same run; keep one of them in the folder")
        else:
            found[name] = path
    return dict(sorted(found.items()))


def _short(normal: NDArray[np.float64], runs: Mapping[str, NDArray[np.float64]]) -> list[str]:
    """Say which runs are shorter than their figures need."""
    notes = []
    if len(normal) < LEAST_NORMAL:
        notes.append(f"The threshold is the 99 % quantile of only {len(normal)} rows of the normal test run.")
    if square := [name for name, rows in runs.items() if len(rows) == VARIABLES]:
        told = ", ".join(square)
        notes.append(f"As long as there are variables, and taken to have a sample a line: {told}.")
    if early := [name for name, rows in runs.items() if len(rows) <= NORMAL_ROWS]:
        told = ", ".join(early)
        notes.append(
            f"Ended before sample {NORMAL_ROWS + 1}, where the fault begins, and count in the FAR: {told}."
        )
    return notes


def _report(shares: Mapping[str, Mapping[str, Share]], notes: Sequence[str]) -> Report:
    seen = {way: [one.seen for one in runs.values() if one.seen is not None] for way, runs in shares.items()}
    far = {way: float(np.mean([one.false for one in runs.values()])) for way, runs in shares.items()}
    figures = []
    by_fault: tuple[str, ...] = ()
    if seen["Sparge"]:
        detection = {way: float(np.mean(values)) for way, values in seen.items()}
        best, own = max(detection[LEVEL], detection[APART]), detection["Sparge"]
        beside = (own / best, "batch PCA's best") if best > 0.0 else (None, "")
        figures.append(Figure("TEP mean detection", own, "", *beside))
    figures.append(Figure("TEP FAR", far["Sparge"], "", far["Sparge"] / FAR_TARGET, "the most allowed, 1 %"))
    for way in (LEVEL, APART):
        figures += [Figure(f"TEP {way}", detection[way], "")] if seen[way] else []
        figures.append(Figure(f"TEP {way}, FAR", far[way], ""))
    if seen["Sparge"]:
        figures += [
            Figure("TEP detection, alarming always", 1.0, ""),
            Figure("TEP detection, at random with this FAR", far["Sparge"], ""),
        ]
        told = ", ".join(
            f"{name[1:3]} {one.seen:.2f} ({max(shares[way][name].seen or 0.0 for way in (LEVEL, APART)):.2f})"
            for name, one in shares["Sparge"].items()
            if one.seen is not None
        )
        by_fault = (f"Detection by fault (batch PCA's better statistic for it): {told}.",)
    return Report("tep", tuple(figures), (*by_fault, *notes, PUBLISHED, HIDDEN))


def read(path: Path) -> NDArray[np.float64]:
    """Return the rows of a run, (N, 52), NaN where missing; some of the public files are lying on their side.

    Raises:
        ValueError: a line has another number of values than the first, a value is no number, or neither
            lines nor columns are 52.
    """
    rows: list[list[float]] = []
    for line, text in enumerate(read_text(path).splitlines(), start=1):
        if not (cells := text.split()):
            continue
        rows.append([_value(path, line, cell) for cell in cells])
        if len(cells) != len(rows[0]):
            how = f"it has {len(cells)} values, the first line {len(rows[0])}"
            raise refused(path, line, how, "mend the line, or leave it out")
    if not rows:
        raise refused(path, None, "it is empty", f"a run has {VARIABLES} variables a row")
    table = np.array(rows)
    table = np.where(np.isfinite(table), table, np.nan)
    if table.shape[1] != VARIABLES:
        table = table.T
    if table.shape[1] != VARIABLES:
        how = f"it has {len(rows)} lines of {len(rows[0])} values"
        raise refused(path, None, how, f"a run has {VARIABLES} variables, in lines or in columns")
    return np.ascontiguousarray(table)


def _value(path: Path, line: int, cell: str) -> float:
    try:
        return number(cell)
    except ValueError as wrong:
        how = f"{cell[:40]!r} is no number"
        next_step = "a run is numbers with blanks between them, with a decimal point"
        raise refused(path, line, how, next_step) from wrong


def batch_pca(training: NDArray[np.float64]) -> tuple[Scores, Scores]:
    """Return T² and SPE of plain principal components of the scaled training rows, as functions of rows."""
    known = ~np.isnan(training).all(axis=0)
    mean = np.zeros(VARIABLES)
    mean[known] = np.nanmean(training[:, known], axis=0)
    about = np.where(np.isnan(training), mean, training)
    sd = about.std(axis=0, ddof=1)
    sd = np.where(sd > 0.0, sd, 1.0)
    variances, directions = np.linalg.eigh(np.cov(((about - mean) / sd).T))
    variances, directions = variances[::-1], directions[:, ::-1]
    leading = 1 + int(np.sum(np.cumsum(variances) / variances.sum() < COMPONENTS))
    main, scale = directions[:, :leading], variances[:leading]

    def scaled(rows: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.where(np.isnan(rows), 0.0, (rows - mean) / sd)

    def level(rows: NDArray[np.float64]) -> NDArray[np.float64]:
        along = scaled(rows) @ main
        return np.asarray((along * along / scale).sum(axis=1))

    def apart(rows: NDArray[np.float64]) -> NDArray[np.float64]:
        z = scaled(rows)
        rest = z - z @ main @ main.T
        return np.asarray((rest * rest).sum(axis=1))

    return level, apart


def _shares(scores: Mapping[str, NDArray[np.float64]]) -> dict[str, Share]:
    """Return for each fault the alarms at the threshold from the normal test run; no score is no alarm."""
    threshold = float(np.nanquantile(scores[NORMAL_TEST], QUANTILE))
    shares = {}
    for name, score in scores.items():
        if name != NORMAL_TEST:
            above = score > threshold
            late = above[NORMAL_ROWS:]
            shares[name] = Share(float(late.mean()) if late.size else None, float(above[:NORMAL_ROWS].mean()))
    return shares
