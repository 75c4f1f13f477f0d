"""Forecasts on fed-batches of a Biostat-type controller: online values every 5 min, off-gas CO2 every minute.

DIR holds `.CSV` exports (Latin-1, decimal comma, three header rows) and `.dat` files of the gas analyser. The
columns of one export are the signals of one unit; a column that repeats another is told once.
"""

from __future__ import annotations

from math import nan
from typing import TYPE_CHECKING

import numpy as np

from bench.models._forecasting import report

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from bench._report import Report


def read_online(path: Path) -> NDArray[np.float64]:
    """Return the columns of an export that vary, (N, S); empty where the file is no export."""
    rows = [line.split(";") for line in path.read_text("latin-1").splitlines()]
    if not rows or rows[0][0] != "PDatTime":
        return np.empty((0, 0))
    columns: list[list[float]] = []
    for at in range(2, len(rows[0])):
        column = [_number(row[at]) if at < len(row) else nan for row in rows[3:]]
        told = [value for value in column if value == value]  # noqa: PLR0124 - NaN is what differs from itself
        if len(set(told)) > 1 and not any(np.array_equal(column, each, equal_nan=True) for each in columns):
            columns.append(column)
    return np.array(columns).T


def read_gas(path: Path) -> NDArray[np.float64]:
    """Return the concentrations of a gas analyser's file, (N, 1); empty where the file is none."""
    rows = [line.split(";") for line in path.read_text("latin-1").splitlines()]
    if len(rows) < 3 or not rows[1][0].startswith("Date"):
        return np.empty((0, 0))
    return np.array([[_number(row[2])] for row in rows[2:] if len(row) > 2])


def measure(data: Path) -> Report:
    """Score the recordings in `data`."""
    recordings = {}
    for path in sorted(data.rglob("*")):
        kind = path.suffix.lower()
        if kind == ".csv":
            recordings[f"online of {path.stem}"] = read_online(path)
        elif kind == ".dat":
            recordings[f"CO2 of {path.stem}"] = read_gas(path)
    return report("senck", recordings, lambda name: name.split(" of ", 1)[0])


def _number(text: str) -> float:
    try:
        return float(text.strip().replace(",", "."))
    except ValueError:
        return nan
