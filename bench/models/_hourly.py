"""M4's hourly files: which they are, their series, and which of these can be scored."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from typing import TYPE_CHECKING

import numpy as np

from bench.models._files import Passed, files, refused
from bench.models._table import headless, read_table

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

HOURS = 24
TRAIN, TEST = "hourly-train.csv", "hourly-test.csv"


def read(path: Path) -> dict[str, NDArray[np.float64]]:
    """Read the series of one file: NaN where an hour is missing; a row may end, or be blank, behind its last.

    Raises:
        ValueError: it has no header, a value is no number, or a series is there twice.
    """
    table = read_table(path, short=True)
    if headless(table):
        raise refused(path, table.first_line, "it has no header", "put the names of the columns first")
    label = table.name("V1", "id") or next(iter(table.cells))
    hours = [name for name in table.cells if name != label]
    if all(re.fullmatch(r"[Vv]\d+", name) for name in hours):
        hours.sort(key=lambda name: int(name[1:]))
    filled = np.array([[cell != "" for cell in table.cells[name]] for name in hours], dtype=np.bool_)
    series: dict[str, NDArray[np.float64]] = {}
    for place, (name, values) in enumerate(zip(table.cells[label], table.numbers(hours), strict=True)):
        if name in series:
            raise refused(path, table.lines[place], f"{name} is there twice", "leave one of them out")
        there = np.flatnonzero(filled[:, place])
        series[name] = values[: there[-1] + 1 if there.size else 0]
    return series


def find(data: Path, passed: Passed) -> tuple[Path, Path]:
    """Return the training file and the test file; raises ValueError where one is missing or there twice."""
    found = {path: path.name.lower() for path in files(data, passed, ".csv")}
    pair = []
    for wanted in (TRAIN, TEST):
        places = [path for path, name in found.items() if name == wanted]
        if len(places) > 1:
            raise refused(places[1], None, f"{places[0]} is there, too", "leave one of them out")
        pair += places
    for path, name in found.items():
        if name not in {TRAIN, TEST}:
            passed.over(path, f"neither {TRAIN} nor {TEST}")
    if len(pair) < 2:
        raise ValueError(passed.with_reasons(f"{data} has not both {TRAIN} and {TEST}"))
    return pair[0], pair[1]


def scorable(
    history: dict[str, NDArray[np.float64]], truth: dict[str, NDArray[np.float64]]
) -> tuple[list[str], dict[str, list[str]]]:
    """Return the names of the series that can be scored, and those of the others by the reason."""
    counts = Counter(len(hours) for hours in truth.values() if len(hours))
    usual = counts.most_common(1)[0][0] if counts else 0
    names: list[str] = []
    out: dict[str, list[str]] = defaultdict(list)
    for name in dict.fromkeys([*history, *truth]):
        if name not in truth or name not in history:
            out[f"in one of {TRAIN} and {TEST} alone"].append(name)
        elif np.isnan(history[name]).any() or np.isnan(truth[name]).any():
            out["for hours within are missing"].append(name)
        elif len(history[name]) <= HOURS:
            out[f"for they have at most {HOURS} training hours"].append(name)
        elif len(truth[name]) != usual:
            out[f"for they have not {usual} test hours as most have"].append(name)
        else:
            names.append(name)
    return names, out
