"""Forecasts on stirred millilitre bioreactors: DO and pH of 48 of them in each run, every 44 to 60 s.

DIR holds CSV files of a database's export, at any depth: a column of time, one of the bioreactor's position,
and one of values; of several, those whose names end in "value" are taken. The bioreactors of one file are the
signals of one unit, on one grid by their times: what was not recorded is missing there.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from bench.models._files import Passed, files, refused
from bench.models._forecasting import report
from bench.models._grid import on_grid
from bench.models._table import headless, missing, read_table

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from bench._report import Report

TIME, POSITION, VALUE = "time", "position", "value"


def read(path: Path, passed: Passed) -> dict[str, NDArray[np.float64]]:
    """Return the series of one file by what they are, each (N, S); none where it is passed over.

    Raises:
        ValueError: a cell is no time or no number, or a bioreactor's times do not rise.
    """
    table = read_table(path)
    time, position = table.name(TIME), table.name(POSITION)
    if time is None or position is None:
        if headless(table) or len(table.cells) == 3:
            lacks = f"it has no header that names {TIME} and {POSITION}"
            raise refused(path, table.first_line, lacks, "put the names of the columns first")
        passed.over(path, f"not of this format (no column {TIME} or {POSITION})")
        return {}
    others = [name for name in table.cells if name not in {time, position}]
    values = others if len(others) == 1 else [name for name in others if name.lower().endswith(VALUE)]
    if not values:
        which = f"it has {len(others)} columns beside {TIME} and {POSITION}, and none ends in {VALUE!r}"
        raise refused(path, table.first_line, which, "name the one with the measurements so")
    if not len(table):
        passed.over(path, "without a row")
        return {}
    places: dict[str, list[int]] = defaultdict(list)
    for place, well in enumerate(table.cells[position]):
        places[well].append(place)
    wells = [table.rows(of) for of in places.values()]
    steps = on_grid(path, [well.times_us(time) for well in wells])
    found = {}
    for value in values:
        grid = np.full((max(int(at[-1]) for at in steps) + 1, len(wells)), np.nan)
        for column, (rows, at) in enumerate(zip(wells, steps, strict=True)):
            grid[at, column] = rows.numbers([value])[:, 0]
        found[_kind(value)] = grid
    return found


def measure(data: Path) -> Report:
    """Score the recordings in `data`; raises ValueError or OSError where a file cannot be read."""
    passed = Passed(data)
    recordings, notes = {}, []
    for path in files(data, passed, ".csv"):
        for kind, grid in read(path, passed).items():
            name = f"{kind} of {path.relative_to(data).as_posix()}"
            recordings[name] = grid
            if few := missing(grid):
                notes.append(f"{name}: {few}.")
    return report("diginbio", recordings, lambda name: name.split(" of ", 1)[0], passed, notes)


def _kind(column: str) -> str:
    """What a column measures: o2 of Presens_data.O2_value, readerdata of Readerdata.Value."""
    parts = [part for part in column.lower().split(".") if part != VALUE]
    return (parts or [VALUE])[-1].removesuffix("_value")
