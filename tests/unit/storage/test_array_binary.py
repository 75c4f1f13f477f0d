from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg.adapt import PyFormat

from storage.array_binary import ArrayDumper, decode_array, encode_array


def array(values: list[float], width: str = "d", *, nulls: int = 0, dimensions: int = 1) -> bytes:
    size = struct.calcsize(f">{width}")
    head = struct.pack(">iiiii", dimensions, nulls, 701, len(values), 1)
    return head + b"".join(struct.pack(f">i{width}", size, value) for value in values)


@given(st.lists(st.floats()))
def test_elements_come_out_as_they_went_in(values: list[float]) -> None:
    found = decode_array(array(values), ">f8")
    assert found.dtype.isnative
    np.testing.assert_array_equal(found, np.array(values, dtype=np.float64))


def test_no_rows_are_no_elements() -> None:
    assert decode_array(None, ">i8").tolist() == []


@pytest.mark.parametrize(("kind", "number"), [(np.int32, 23), (np.int64, 20)])
@given(data=st.data())
def test_whole_numbers_go_in_as_they_come_out(
    kind: type[np.integer], number: int, data: st.DataObject
) -> None:
    limits = np.iinfo(kind)
    values = data.draw(st.lists(st.integers(int(limits.min), int(limits.max))))
    raw = encode_array(np.array(values, dtype=kind))
    assert struct.unpack_from(">i", raw, 8) == (number,)
    if values:
        assert decode_array(raw, np.dtype(kind).newbyteorder(">").str).tolist() == values
    else:
        # PostgreSQL's empty array has no dimension.
        assert (len(raw), struct.unpack_from(">i", raw)) == (12, (0,))


def test_arrays_of_floats_are_no_parameters() -> None:
    with pytest.raises(KeyError):
        encode_array(np.array([1.0]))
    with pytest.raises(KeyError):
        ArrayDumper(np.ndarray).upgrade(np.array([1.0]), PyFormat.AUTO)


@pytest.mark.parametrize(
    "raw",
    [
        array([1.0], nulls=1),
        array([1.0], dimensions=2),
        array([1.0])[:-1],
        array([1, 2], "i"),
        array([1.0], "f"),
    ],
)
def test_another_kind_of_array_is_refused(raw: bytes) -> None:
    with pytest.raises(ValueError, match="array"):
        decode_array(raw, ">f8")
