"""Rows of numbers under a header, as CSV files have them."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


def read_columns(path: Path, delimiter: str) -> dict[str, NDArray[np.float64]]:
    """Return the columns by name, (N,) each; what is no number is NaN.

    Raises:
        ValueError: the file is empty, or a row has another number of fields than the header.
    """
    with path.open(encoding="utf-8-sig", newline="") as lines:
        rows = [row for row in csv.reader(lines, delimiter=delimiter) if row]
    if not rows:
        raise ValueError(f"{path} is empty; it needs a header and rows")
    header = [name.strip() for name in rows[0]]
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != len(header):
            raise ValueError(f"{path}:{number} has {len(row)} fields, its header {len(header)}")
    values = np.array([[_number(field) for field in row] for row in rows[1:]]).reshape(-1, len(header))
    return {name: np.ascontiguousarray(values[:, at]) for at, name in enumerate(header)}


def _number(field: str) -> float:
    try:
        return float(field)
    except ValueError:
        return float("nan")
