"""PostgreSQL's binary arrays as NumPy arrays: a column of many rows as one value.

COPY hands a client one message a row, and each costs it more than the row is worth. Layout (PostgreSQL
source, array_send): int32 dimensions, int32 whether there are NULLs, int32 type; for the dimension int32
length and int32 lower bound; for each element int32 length and its bytes, all big-endian.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_HEADER = np.dtype(
    [("dimensions", ">i4"), ("nulls", ">i4"), ("type", ">i4"), ("length", ">i4"), ("lower", ">i4")]
)


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
