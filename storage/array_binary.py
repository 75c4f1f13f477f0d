"""PostgreSQL's binary arrays as NumPy arrays, both ways: a column of many rows as one value.

COPY hands a client one message a row, and each costs it more than the row is worth; a list as a parameter
costs an object and a word of text an element. Layout (PostgreSQL source, array_send): int32 dimensions, int32
whether there are NULLs, int32 type; for the dimension int32 length and int32 lower bound; for each element
int32 length and its bytes, all big-endian.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from psycopg.adapt import Dumper, PyFormat
from psycopg.pq import Format

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from psycopg.abc import DumperKey

_HEADER = np.dtype(
    [("dimensions", ">i4"), ("nulls", ">i4"), ("type", ">i4"), ("length", ">i4"), ("lower", ">i4")]
)

_TYPES = {"i4": (23, 1007), "i8": (20, 1016)}
"""NumPy's name of an element -> PostgreSQL's numbers (pg_type.dat) of its type and of arrays of it."""


class ArrayDumper(Dumper):
    """A one-dimensional array of int32 or int64 as a parameter; others are a KeyError."""

    format = Format.BINARY

    def get_key(self, obj: NDArray[Any], format: PyFormat) -> DumperKey:  # noqa: A002, ARG002 - psycopg's name
        """Arrays of one kind of element share a dumper."""
        return (self.cls, obj.dtype.type)

    def upgrade(self, obj: NDArray[Any], format: PyFormat) -> ArrayDumper:  # noqa: A002, ARG002 - psycopg's name
        """The dumper of this kind of element."""
        dumper = type(self)(self.cls)
        dumper.oid = _TYPES[obj.dtype.str[1:]][1]
        return dumper

    def dump(self, obj: NDArray[Any]) -> bytes:
        """The whole binary array."""
        return encode_array(obj)


def encode_array(elements: NDArray[Any]) -> bytes:
    """A one-dimensional array of int32 or int64 as PostgreSQL reads it.

    Raises:
        KeyError: its elements are of another kind.
    """
    kind = elements.dtype.str[1:]
    if not elements.size:
        return np.array([0, 0, _TYPES[kind][0]], dtype=">i4").tobytes()
    header = np.array([(1, 0, _TYPES[kind][0], elements.size, 1)], dtype=_HEADER)
    rows = np.empty(elements.size, dtype=[("length", ">i4"), ("value", f">{kind}")])
    rows["length"] = elements.itemsize
    rows["value"] = elements
    return header.tobytes() + rows.tobytes()


def decode_array(raw: bytes | None, kind: str) -> NDArray[Any]:
    """The elements of a one-dimensional array without NULLs, of fixed width, in native byte order.

    raw: None, as array_agg answers of no rows, is empty. kind: NumPy's name of an element, such as ">i8".

    Raises:
        ValueError: the bytes are of another kind of array.
    """
    element = np.dtype([("length", ">i4"), ("value", kind)])
    if raw is None:
        return np.empty(0, dtype=element["value"].newbyteorder("="))
    header = np.frombuffer(raw, dtype=_HEADER, count=1)[0]
    body = memoryview(raw)[_HEADER.itemsize :]
    if header["dimensions"] != 1 or header["nulls"] or len(body) != header["length"] * element.itemsize:
        raise ValueError("not a one-dimensional array of this kind without NULLs")
    elements = np.frombuffer(body, dtype=element)
    if np.any(elements["length"] != element["value"].itemsize):
        raise ValueError("the elements of this array are of another width")
    return elements["value"].astype(element["value"].newbyteorder("="))
