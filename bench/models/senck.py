"""Forecasts on fed-batches of a Biostat-type controller: online values every 5 min, off-gas CO2 every minute.

DIR holds `.CSV` exports (Latin-1 or UTF-8, decimal comma, three header rows) and `.dat` files of the gas
analyser. The columns of one export are the signals of one unit, on one grid by their times; a column that
repeats another is told once, and one that never changes not at all.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from bench.models._files import Passed, files, read_text, refused
from bench.models._forecasting import report
from bench.models._grid import on_grid
from bench.models._table import DELIMITERS, Table, missing, moment_us, number, read_table

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from bench._report import Report

TIME, AGE = "PDatTime", "Age"
DATE, CONCENTRATION = "date", "concentration"
UTF8_BOM = b"\xef\xbb\xbf"


def read_online(path: Path, passed: Passed) -> NDArray[np.float64] | None:
    """Return the columns of an export that vary, (N, S); None where it is passed over.

    Raises:
        ValueError: a cell is no time or no number, the times do not rise, or a row is torn.
    """
    whole = read_table(path, ";", encoding=_encoding(path))
    time = whole.name(TIME)
    if time is None:
        passed.over(path, f"no export of online values (no {TIME} in its first row)")
        return None
    first = next((at for at, cell in enumerate(whole.cells[time]) if cell), len(whole))
    table = whole.rows(range(first, len(whole)))
    if not len(table):
        passed.over(path, "without a row")
        return None
    (steps,) = on_grid(path, [table.times_us(time, _moment_us)])
    columns: list[NDArray[np.float64]] = []
    for name in table.cells:
        if name in {time, table.name(AGE)}:
            continue
        column = table.numbers([name], _number)[:, 0]
        varies = np.unique(column[np.isfinite(column)]).size > 1
        if varies and not any(np.array_equal(column, each, equal_nan=True) for each in columns):
            columns.append(column)
    grid = np.full((int(steps[-1]) + 1, len(columns)), np.nan)
    if columns:
        grid[steps] = np.stack(columns, axis=1)
    return grid


def read_gas(path: Path, passed: Passed) -> NDArray[np.float64] | None:
    """Return the concentrations of a gas analyser's file, (N, 1); None where it is passed over.

    Its rows have an empty field that its header has not.

    Raises:
        ValueError: a cell is no time or no number, the times do not rise, or a row is torn.
    """
    lines = read_text(path, _encoding(path)).splitlines()
    at = next((at for at, line in enumerate(lines) if line.strip(' "').lower().startswith(DATE)), None)
    if at is None:
        passed.over(path, f"no recording of a gas analyser (no row of names that begins with {DATE})")
        return None
    delimiter = max(DELIMITERS, key=lines[at].count)
    names = [name.strip(' "').lower() for name in lines[at].split(delimiter)]
    wanted = next((place for place, name in enumerate(names) if name.startswith(CONCENTRATION)), None)
    if wanted is None:
        raise refused(path, at + 1, f"it has no {CONCENTRATION}", "name the column so")
    rows = [(line, lines[line - 1].split(delimiter)) for line in range(at + 2, len(lines) + 1)]
    rows = [(line, row) for line, row in rows if any(cell.strip() for cell in row)]
    for line, row in rows:
        if not len(names) <= len(row) <= len(names) + 1:
            wrong = f"it has {len(row)} fields, the header {len(names)}"
            raise refused(path, line, wrong, "mend the row, or leave it out")
    if not rows:
        passed.over(path, "without a row")
        return None
    cells = {
        name: tuple(row[place].strip() for _, row in rows)
        for name, place in ((DATE, 0), (CONCENTRATION, wanted))
    }
    table = Table(path, at + 1, tuple(line for line, _ in rows), cells)
    (steps,) = on_grid(path, [table.times_us(DATE, _moment_us)])
    grid = np.full((int(steps[-1]) + 1, 1), np.nan)
    grid[steps, 0] = table.numbers([CONCENTRATION], _number)[:, 0]
    return grid


def measure(data: Path) -> Report:
    """Score the recordings in `data`; raises ValueError or OSError where a file cannot be read."""
    passed = Passed(data)
    recordings, notes = {}, []
    for path in files(data, passed, ".csv", ".dat"):
        online = path.suffix.lower() == ".csv"
        grid = read_online(path, passed) if online else read_gas(path, passed)
        if grid is None:
            continue
        name = f"{'online' if online else 'CO2'} of {path.relative_to(data).as_posix()}"
        recordings[name] = grid
        if few := missing(grid):
            notes.append(f"{name}: {few}.")
    return report("senck", recordings, lambda name: name.split(" of ", 1)[0], passed, notes)


def _encoding(path: Path) -> str:
    with path.open("rb") as file:
        return "utf-8-sig" if file.read(len(UTF8_BOM)) == UTF8_BOM else "latin-1"


def _number(cell: str) -> float:
    return number(cell.replace(",", ".", 1))


def _moment_us(cell: str) -> int:
    """Return a time as the controller writes it, 24.11.2020 10:08:21, or as ISO 8601, in µs since 1970."""
    if cell[2:3] != ".":
        return moment_us(cell)
    return int(datetime.strptime(cell, "%d.%m.%Y %H:%M:%S").replace(tzinfo=UTC).timestamp()) * 1_000_000
