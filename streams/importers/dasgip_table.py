"""One table of track data: its headings, and from each row the time and the numbers.

Recorded is by exception: an empty cell means that nothing new was there, so it is no sample.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from streams.importers.dasgip_file import refused
from streams.importers.local_time import Stamp

if TYPE_CHECKING:
    from collections.abc import Mapping

    from streams.importers.dasgip_file import Section

_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[Ee][+-]?[0-9]+)?")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?")
_LIKE_A_NUMBER = re.compile(r"[-+.,0-9Ee]*[0-9][-+.,0-9Ee]*")
_DAY_US = 86_400e6


@dataclass(frozen=True, slots=True)
class Row:
    """The numbers of one row, by position of the column."""

    stamp: Stamp
    values: Mapping[int, float]


@dataclass(slots=True)
class Table:
    """One section of track data.

    Attributes:
        line: line number of the headings.
        heads: heading of each column of a track, by position.
        rows: in the order of the file.
        texts: how many cells of a column were times or words, and so not imported.
    """

    line: int
    heads: dict[int, str]
    rows: list[Row] = field(default_factory=list)
    texts: Counter[int] = field(default_factory=Counter)

    @property
    def used(self) -> list[int]:
        """Positions of the columns that have a number in some row."""
        return sorted({position for row in self.rows for position in row.values})


def read_table(section: Section) -> Table | None:
    """The table in a section, or None if the section is empty.

    Raises:
        ImportRefused: no time column, a row of another width, or a cell that is no number, time or word.
    """
    rows = section.rows()
    begin = next(rows, None)
    if begin is None:
        return None
    line, heads = begin
    if "Timestamp" not in heads:
        raise refused(line, f"the table [{section.name}] has no column Timestamp")
    stamp_at = heads.index("Timestamp")
    elapsed_at = heads.index("Duration") if "Duration" in heads else None
    table = Table(line, {at: head for at, head in enumerate(heads) if at not in {stamp_at, elapsed_at}})
    for number, cells in rows:
        if len(cells) != len(heads):
            raise refused(
                number,
                f"{len(cells)} columns where [{section.name}] has {len(heads)}: it is cut off or damaged",
            )
        elapsed = "" if elapsed_at is None else cells[elapsed_at]
        stamp = Stamp(number, _local(number, cells[stamp_at]), _elapsed_us(number, elapsed))
        values: dict[int, float] = {}
        for at, cell in enumerate(cells):
            if not cell or at not in table.heads:
                continue
            value = _number(number, table.heads[at], cell.strip())
            if value is None:
                table.texts[at] += 1
            else:
                values[at] = value
        table.rows.append(Row(stamp, values))
    return table


def _local(line: int, cell: str) -> datetime:
    text = cell.strip()
    if _TIME.fullmatch(text):
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            pass
    raise refused(line, f"'{text}' is not a time such as 2018-07-26 16:52:36")


def _elapsed_us(line: int, cell: str) -> int | None:
    text = cell.strip()
    if not text:
        return None
    if _NUMBER.fullmatch(text) and math.isfinite(days := float(text)):
        return round(days * _DAY_US)
    raise refused(line, f"the duration '{text}' is not a number of days")


def _number(line: int, head: str, text: str) -> float | None:
    """The number in a cell, or None for a time or a word."""
    if _NUMBER.fullmatch(text):
        value = float(text)
        if math.isfinite(value):
            return value
        raise refused(line, f"{head}: {text} is larger than any number here")
    if _LIKE_A_NUMBER.fullmatch(text) and not _TIME.fullmatch(text):
        comma = ", perhaps because it was saved with decimal commas" if "," in text else ""
        raise refused(line, f"{head}: '{text}' is not a number{comma}")
    return None
