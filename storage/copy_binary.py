"""PostgreSQL's binary COPY format for rows of fixed width, both ways, as NumPy arrays.

Layout (PostgreSQL documentation, COPY): a header of 19 bytes; for each row an int16 count of fields, and for
each field an int32 length and its bytes, all big-endian; an int16 -1 at the end. With fixed widths and no
NULL a row is a packed record, so a whole batch is one structured array.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
TRAILER = b"\xff\xff"
EMPTY = len(HEADER) + len(TRAILER)
"""Bytes of a stream without rows."""

# PostgreSQL counts microseconds from 2000-01-01T00:00:00Z.
POSTGRES_EPOCH_US = 946_684_800_000_000

SAMPLE_COLUMNS = (
    ("time", ">i8"),
    ("value", ">f8"),
    ("frame_id", ">i8"),
    ("signal_id", ">i4"),
    ("status", ">i4"),
)


def row_type(columns: tuple[tuple[str, str], ...]) -> np.dtype[np.void]:
    """The packed record of one row; the field `NAME` is preceded by its length, `NAME_length`."""
    fields = [("fields", ">i2")]
    for name, kind in columns:
        fields += [(f"{name}_length", ">i4"), (name, kind)]
    return np.dtype(fields)


_SAMPLE = row_type(SAMPLE_COLUMNS)


def encode_samples(
    time_us: NDArray[np.int64],
    values: NDArray[np.float64],
    frame_ids: NDArray[np.int64],
    signal_ids: NDArray[np.int32],
    status: NDArray[np.uint32],
) -> memoryview:
    """A whole COPY stream of samples in the order of SAMPLE_COLUMNS; the arrays are of one length.

    time_us: us since 1970 UTC. values: NaN is stored as NaN. status: the 32 bits are kept, read as signed.
    """
    columns: dict[str, NDArray[Any]] = {
        "time": time_us - POSTGRES_EPOCH_US,
        "value": values,
        "frame_id": frame_ids,
        "signal_id": signal_ids,
        "status": status.view(np.int32),
    }
    return encode(_SAMPLE, columns)


def encode(row: np.dtype[np.void], columns: Mapping[str, NDArray[np.generic]]) -> memoryview:
    """A whole COPY stream of the columns of `row`, which are of one length and have no NULL."""
    count = len(next(iter(columns.values())))
    stream = np.empty(len(HEADER) + count * row.itemsize + len(TRAILER), dtype=np.uint8)
    stream[: len(HEADER)] = np.frombuffer(HEADER, dtype=np.uint8)
    stream[-len(TRAILER) :] = np.frombuffer(TRAILER, dtype=np.uint8)
    rows = stream[len(HEADER) : -len(TRAILER)].view(row)
    rows["fields"] = len(columns)
    for name, column in columns.items():
        rows[f"{name}_length"] = row[name].itemsize
        rows[name] = column
    return stream.data


def decode(row: np.dtype[np.void], stream: bytes | bytearray) -> NDArray[np.void]:
    """The rows of a COPY TO stream whose columns are those of `row`, as a view of big-endian records.

    Raises:
        ValueError: the stream has other columns, a NULL, or another length.
    """
    extra = int.from_bytes(stream[15:19], "big")
    body = memoryview(stream)[19 + extra : -len(TRAILER)]
    if not stream.startswith(HEADER[:11]) or bytes(stream[-2:]) != TRAILER or len(body) % row.itemsize:
        raise ValueError("not a whole binary COPY stream of this row type")
    rows = np.frombuffer(body, dtype=row)
    names = [name for name in row.names or () if not name.endswith("_length") and name != "fields"]
    if np.any(rows["fields"] != len(names)) or any(
        np.any(rows[f"{name}_length"] != row[name].itemsize) for name in names
    ):
        raise ValueError("the rows of this binary COPY stream are of another type")
    return rows
