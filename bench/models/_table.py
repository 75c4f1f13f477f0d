"""Rows under a header, as CSV files have them: cells, numbers, flags and times, refused by file and line."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from math import isfinite, nan
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from bench.models._files import read_text, refused

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

Told = TypeVar("Told", int, float)

MISSING = frozenset({"", "nan", "na", "n/a", "null", "none"})
FLAGS = {"true": 1.0, "false": 0.0}
TIMES = ("datetime", "timestamp", "time", "date")
"""Names of a column of times, in whatever case."""

DELIMITERS = ",;\t|"


@dataclass(frozen=True, slots=True)
class Table:
    """A file's cells by column, in its order; the lines of its header and of its rows, counted from 1."""

    path: Path
    first_line: int
    lines: tuple[int, ...]
    cells: dict[str, tuple[str, ...]]

    def __len__(self) -> int:
        return len(self.lines)

    def name(self, *names: str) -> str | None:
        """Return the file's own spelling of the first of the names that it has; case does not matter."""
        own = {name.lower(): name for name in self.cells}
        return next((own[name.lower()] for name in names if name.lower() in own), None)

    def rows(self, places: Sequence[int]) -> Table:
        """Return the rows at these places alone."""
        lines = tuple(self.lines[at] for at in places)
        cells = {name: tuple(column[at] for at in places) for name, column in self.cells.items()}
        return Table(self.path, self.first_line, lines, cells)

    def numbers(
        self, names: Sequence[str], read: Callable[[str], float] | None = None
    ) -> NDArray[np.float64]:
        """Return the columns named, (N, S): NaN where a cell is blank, says so, or is infinite.

        read: what a cell says, with a decimal point if not given.

        Raises:
            ValueError: a cell is no number.
        """
        columns = [self._column(name, read or number) for name in names]
        values = np.array(columns, dtype=np.float64).reshape(len(names), len(self)).T
        return np.ascontiguousarray(np.where(np.isfinite(values), values, nan))

    def flags(self, name: str, known: Sequence[float] = (0.0, 1.0)) -> NDArray[np.float64]:
        """Return a column of labels, (N,): NaN where blank; true and false are 1 and 0.

        Raises:
            ValueError: a label is none of those known.
        """
        found = self._column(name, flag)
        for line, label in zip(self.lines, found, strict=True):
            if isfinite(label) and label not in known:
                said = ", ".join(f"{one:g}" for one in known)
                raise refused(self.path, line, f"{name} is {label:g}", f"a label is one of {said}")
        return np.array(found)

    def times_us(
        self, name: str, read: Callable[[str], int] | None = None, least_us: int = 1
    ) -> NDArray[np.int64]:
        """Return a column of times, (N,) in µs, each later than the one before; read: ISO 8601 if not given.

        Raises:
            ValueError: a cell is no time, or not at least `least_us` later than the one before.
        """
        found = self._column(name, read or moment_us, "a time")
        for line, (before, now) in zip(self.lines[1:], pairwise(found), strict=True):
            if now - before < least_us:
                how = "the same as" if now == before else "earlier than"
                raise refused(
                    self.path,
                    line,
                    f"{name} is {how} on the row before",
                    "sort the rows by time and leave out those that are there twice",
                )
        return np.array(found, dtype=np.int64)

    def _column(self, name: str, read: Callable[[str], Told], what: str = "a number") -> list[Told]:
        found = []
        for line, cell in zip(self.lines, self.cells[name], strict=True):
            try:
                found.append(read(cell))
            except (ValueError, OverflowError) as wrong:
                comma = what == "a number" and _decimal_comma(cell)
                next_step = "write a decimal point" if comma else f"put {what} there, or leave out the row"
                raise refused(self.path, line, f"{name} is {cell!r}, not {what}", next_step) from wrong
        return found


def read_table(
    path: Path, delimiter: str = ",", *, unit_rows: int = 0, encoding: str = "utf-8-sig", short: bool = False
) -> Table:
    """Read a file with one row of names, `unit_rows` more rows of header, and rows; blank rows are left out.

    Where the delimiter is not in the header, another of `,;|` and TAB that is there is taken. short: rows may
    end before the header does; their further cells are blank.

    Raises:
        ValueError: it is no text, empty, a name is missing or there twice, or a row has another number of
            fields than the header.
    """
    text = read_text(path, encoding)
    first = next((line for line in text.splitlines() if line.strip()), "")
    if delimiter not in first:
        delimiter = max(DELIMITERS, key=first.count)
    try:
        read = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
        numbered = [(read.line_num, row) for row in read if any(cell.strip() for cell in row)]
    except csv.Error as wrong:
        raise refused(path, None, f"it is no table ({wrong})", "save it as CSV") from wrong
    if not numbered:
        raise refused(path, None, "it is empty", "a header and rows are needed; remove the file, or fill it")
    line, header = numbered[0]
    names = [name.strip() for name in header]
    whole = len(numbered) - (text[-1] not in "\r\n")  # the last row may be torn where no line end follows it
    rows = [
        (at, _filled(path, at, row, len(names), fill=short and place < whole))
        for place, (at, row) in enumerate(numbered)
        if place > unit_rows
    ]
    cells: dict[str, tuple[str, ...]] = {}
    for place, name in enumerate(names):
        column = tuple(row[place].strip() for _, row in rows)
        if not name and not any(column):
            continue
        if not name or name.lower() in (each.lower() for each in cells):
            if _values(names):
                raise refused(path, line, "it has no header", "put the names of the columns first")
            how = f"{name} is there twice" if name else f"column {place + 1} has no name"
            raise refused(path, line, how, "give each column a name of its own")
        cells[name] = column
    return Table(path, line, tuple(at for at, _ in rows), cells)


def headless(table: Table) -> bool:
    """Whether what stands where names belong are values: most of them are numbers."""
    return _values(table.cells)


def missing(values: NDArray[np.float64]) -> str:
    """How many of the values are missing, in words; empty where none is."""
    count = int(np.sum(~np.isfinite(values)))
    return f"{count} of {values.size} values are missing" if count else ""


def number(cell: str) -> float:
    """Return a cell's number, NaN where it is blank or says so; raises ValueError where it is none."""
    if cell.strip().lower() in MISSING:
        return nan
    if "_" in cell:  # Python reads 1_0 as 10; no recorder writes it.
        raise ValueError(cell)
    return float(cell)


def flag(cell: str) -> float:
    """Return a label's number; true and false are 1 and 0, NaN where it is blank."""
    told = FLAGS.get(cell.strip().lower())
    return number(cell) if told is None else told


def moment_us(cell: str) -> int:
    """Return a time of ISO 8601 in µs since 1970, in UTC unless it says otherwise; ValueError for others."""
    if cell[4:5] != "-":
        raise ValueError(cell)
    said = datetime.fromisoformat(cell)
    said = said if said.tzinfo else said.replace(tzinfo=UTC)
    since = said - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def _filled(path: Path, line: int, row: list[str], width: int, *, fill: bool) -> list[str]:
    if len(row) > width or (len(row) < width and not fill):
        wrong = f"it has {len(row)} fields, the header {width}"
        raise refused(path, line, wrong, "mend the row, or leave it out")
    return row + [""] * (width - len(row))


def _values(names: Collection[str]) -> bool:
    return sum(_is_number(name) for name in names) > len(names) / 2


def _is_number(cell: str) -> bool:
    try:
        return isfinite(number(cell))
    except ValueError:
        return False


def _decimal_comma(cell: str) -> bool:
    return cell.count(",") == 1 and _is_number(cell.replace(",", "."))
