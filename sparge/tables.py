"""Answers of the store as people take them away: text, CSV, Parquet."""

from __future__ import annotations

import csv
from datetime import datetime
from math import isfinite
from typing import TYPE_CHECKING, Any, TextIO

import orjson

from schemas.status import Status, severity_of
from sparge.terminal import show_unit, text_table
from sparge.times import show_time, to_us

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from zoneinfo import ZoneInfo

    from storage.table import Table

MEASURED = ("value", "expected", "lower", "upper", "limit_value")
"""Columns whose numbers are in the row's unit."""

NUMBERS = ("score", "horizon_s", "coverage", "minutes", "from_minutes", "to_minutes")
"""Other columns of numbers."""


def as_text(table: Table, names: Sequence[str], zone: ZoneInfo | None) -> str:
    """Return columns of a table aligned for reading: 10 significant digits, times in `zone`."""
    chosen = [name for name in names if name in table.columns]
    places = [list(table.columns).index(name) for name in chosen]
    rows = [
        [_shown(name, row[place], zone) for name, place in zip(chosen, places, strict=True)]
        for row in table.rows()
    ]
    numbers = [index for index, name in enumerate(chosen) if name in (*MEASURED, *NUMBERS)]
    return text_table([_HEADINGS.get(name, name) for name in chosen], rows, right=numbers)


_HEADINGS = {
    "ucum": "unit",
    "limit_value": "limit",
    "made_at": "made",
    "looks_like": "looks like",
    "device_state": "NE 107",
    "value_status": "value status",
}


def _shown(name: str, value: Any, zone: ZoneInfo | None) -> str:
    if name == "ucum":
        return show_unit(value or "")
    if name in {"status", "value_status"}:
        return "" if value is None else show_status(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return show_time(to_us(value), zone)
    if isinstance(value, float):
        return f"{value:.10g}" if isfinite(value) else ""
    return "" if value is None else str(value)


def show_status(code: int) -> str:
    """Return an OPC UA status as its name; one that is not known as its severity and number."""
    try:
        name = Status(code).name
    except ValueError:
        return f"{severity_of(code).name.title()} 0x{code:08X}"
    return "".join(word.title() for word in name.split("_"))


def write_csv(table: Table, file: TextIO, zone: ZoneInfo | None) -> None:
    """Write every column in full precision; times in ISO 8601 with offset, missing values empty."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(table.columns)
    for row in table.rows():
        writer.writerow([_exact(value, zone) for value in row])


def _exact(value: Any, zone: ZoneInfo | None) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return show_time(to_us(value), zone).replace(" ", "T")
    if isinstance(value, float):
        return repr(value) if isfinite(value) else ""
    return value


def write_parquet(table: Table, path: Path, about: str) -> None:
    """Write every column with its type; the fields of measured values carry their units.

    Field metadata `ucum`: JSON of signal to UCUM unit. Schema metadata `sparge.query`: what was asked.
    """
    import pyarrow as pa  # noqa: PLC0415 - for those who write Parquet
    from pyarrow import parquet  # noqa: PLC0415 - as above

    columns = {}
    named = [table.columns[name] for name in ("signal", "ucum") if name in table.columns]
    units = dict(sorted(set(zip(*named, strict=True)))) if len(named) == 2 else {}
    fields = []
    for name, values in table.columns.items():
        array = pa.array(values, from_pandas=name in MEASURED)
        if pa.types.is_timestamp(array.type):
            array = array.cast(pa.timestamp("us", tz="UTC"))
        columns[name] = array
        metadata = {"ucum": orjson.dumps(units)} if name in MEASURED else None
        fields.append(pa.field(name, array.type, metadata=metadata))
    schema = pa.schema(fields, metadata={"sparge.query": about})
    with path.open("wb") as file:
        parquet.write_table(pa.table(columns, schema=schema), file, compression="zstd")
