"""What a query answers: named columns of one length."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

ColumnValues: TypeAlias = "NDArray[Any] | list[Any]"


@dataclass(frozen=True, slots=True)
class Table:
    """Columns by name, in order: times as datetime64[us] UTC (NaT: none), the rest as arrays or lists.

    truncated: there was more than the limit that was asked for.
    """

    columns: Mapping[str, ColumnValues]
    truncated: bool = False

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """Rows of Python values: times as datetime in UTC (None for NaT), numbers as int, float or bool."""
        return zip(*(_plain(column) for column in self.columns.values()), strict=True)


def from_rows(names: Sequence[str], rows: Sequence[tuple[Any, ...]], times: Sequence[str]) -> Table:
    """A table of rows; `times` names the columns that hold datetimes or None."""
    columns: dict[str, ColumnValues] = {}
    for place, name in enumerate(names):
        values = [row[place] for row in rows]
        columns[name] = _times(values) if name in times else values
    return Table(columns)


def _times(values: Sequence[datetime | None]) -> NDArray[np.datetime64]:
    naive = [None if value is None else value.astimezone(UTC).replace(tzinfo=None) for value in values]
    return np.array(naive, dtype="datetime64[us]")


def _plain(column: ColumnValues) -> list[Any]:
    if isinstance(column, list):
        return column
    values: list[Any] = column.tolist()
    if column.dtype.kind == "M":
        return [None if value is None else value.replace(tzinfo=UTC) for value in values]
    return values
