"""Forecasts on stirred millilitre bioreactors: DO and pH of 48 of them in each run, every 44 to 60 s.

DIR holds CSV files of a database's export, at any depth: a column of time, one of a value, one of the
bioreactor's position. The bioreactors of one file are the signals of one unit.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from math import nan
from typing import TYPE_CHECKING

import numpy as np

from bench.models._forecasting import report

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from bench._report import Report


def read(path: Path) -> tuple[str, NDArray[np.float64]]:
    """Return what one file measures and its series, (N, S), NaN after a shorter one's end; empty for none."""
    series: dict[str, list[float]] = defaultdict(list)
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        head = [name.strip().lower() for name in next(rows, [])]
        if not {"time", "position"} <= set(head) or len(head) != 3:
            return path.stem, np.empty((0, 0))
        where = head.index("position")
        what = next(at for at in range(3) if head[at] not in {"time", "position"})
        for row in rows:
            series[row[where]].append(float(row[what]) if row[what] else nan)
    longest = max(map(len, series.values()), default=0)
    table = np.full((longest, len(series)), nan)
    for place, values in enumerate(series.values()):
        table[: len(values), place] = values
    return head[what].rsplit(".", 1)[-1].removesuffix("_value"), table


def measure(data: Path) -> Report:
    """Score the recordings in `data`."""
    recordings = {}
    for path in sorted(data.rglob("*.csv")):
        kind, table = read(path)
        recordings[f"{kind} of {path.parent.name}/{path.stem}"] = table
    return report("diginbio", recordings, lambda name: name.split(" of ", 1)[0])
