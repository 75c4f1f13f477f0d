"""State as signed bytes: it comes back bit by bit, and nothing is believed that is torn or foreign."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as numpies

from agents.state_codec import pack, unpack
from schemas.errors import SnapshotRefused

KEY = b"k" * 32

numbers = st.one_of(st.none(), st.booleans(), st.integers(-(2**53), 2**53), st.floats(), st.text(max_size=5))
arrays = numpies.arrays(
    st.sampled_from([np.float64, np.float32, np.int64, np.intp, np.uint32, np.bool_]),
    numpies.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4),
)
names = st.text(st.characters(categories=["L", "N"]), max_size=5)
states = st.dictionaries(
    names,
    st.recursive(
        st.one_of(numbers, arrays),
        lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(names, inner, max_size=3)),
        max_leaves=8,
    ),
    max_size=4,
)


def same(one: Any, other: Any) -> bool:
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, np.ndarray):
        return (one.dtype, one.shape, one.tobytes()) == (other.dtype, other.shape, other.tobytes())
    return type(one) is type(other) and (one == other or one != one)  # noqa: PLR0124 - NaN


@given(states)
def test_a_state_comes_back_as_it_was(state: dict[str, Any]) -> None:
    assert same(state, unpack(pack(state, KEY), KEY))


def test_rows_of_a_table_come_back_with_the_names_of_their_columns() -> None:
    rows = np.array([(1, 2.5, True)], dtype=[("time_us", np.int64), ("value", np.float64), ("ok", np.bool_)])
    read = unpack(pack({"rows": rows}, KEY), KEY)["rows"]
    assert read.dtype == rows.dtype
    assert read.tolist() == rows.tolist()


def test_an_array_that_was_read_can_be_written_to() -> None:
    unpack(pack({"a": np.zeros(3)}, KEY), KEY)["a"][0] = 1.0


@given(st.data())
def test_a_torn_state_is_refused(data: st.DataObject) -> None:
    whole = pack({"a": np.arange(5.0), "b": [1, "x"]}, KEY)
    with pytest.raises(SnapshotRefused):
        unpack(whole[: data.draw(st.integers(0, len(whole) - 1))], KEY)


@given(st.data())
def test_a_state_with_any_byte_changed_is_refused(data: st.DataObject) -> None:
    whole = bytearray(pack({"a": np.arange(5.0), "b": [1, "x"]}, KEY))
    whole[data.draw(st.integers(0, len(whole) - 1))] ^= data.draw(st.integers(1, 255))
    with pytest.raises(SnapshotRefused):
        unpack(bytes(whole), KEY)


def test_a_state_of_another_installation_is_refused_and_the_reason_said() -> None:
    with pytest.raises(SnapshotRefused, match="written with another key"):
        unpack(pack({"a": 1}, b"theirs"), KEY)


@pytest.mark.parametrize("state", [{"a": object()}, {"a": np.array(["x"])}, {1: 2}, {"@array": 1}])
def test_what_cannot_be_read_back_is_not_written(state: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        pack(state, KEY)
