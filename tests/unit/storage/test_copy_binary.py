from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.copy_binary import (
    HEADER,
    POSTGRES_EPOCH_US,
    SAMPLE_COLUMNS,
    TRAILER,
    decode,
    encode_samples,
    row_type,
)

ROWS = st.lists(
    st.tuples(
        st.integers(0, 2**60),
        st.floats(width=64),
        st.integers(0, 2**63 - 1),
        st.integers(0, 2**31 - 1),
        st.integers(0, 2**32 - 1),
    ),
    max_size=20,
)


def arrays(rows: list[tuple[int, float, int, int, int]]) -> list[np.ndarray]:
    columns = zip(*rows, strict=True) if rows else ((),) * 5
    kinds = (np.int64, np.float64, np.int64, np.int32, np.uint32)
    return [np.array(column, dtype=kind) for column, kind in zip(columns, kinds, strict=True)]


@given(ROWS)
def test_a_row_is_its_field_count_and_each_field_with_its_length_in_big_endian(
    rows: list[tuple[int, float, int, int, int]],
) -> None:
    expected = b"PGCOPY\n\xff\r\n\0" + bytes(8)
    for time_us, value, frame_id, signal_id, status in rows:
        expected += struct.pack(
            ">hiqidiqiiiI", 5, 8, time_us - POSTGRES_EPOCH_US, 8, value, 8, frame_id, 4, signal_id, 4, status
        )
    assert bytes(encode_samples(*arrays(rows))) == expected + b"\xff\xff"


@given(ROWS)
def test_what_was_encoded_is_decoded_bit_for_bit(rows: list[tuple[int, float, int, int, int]]) -> None:
    sent = arrays(rows)
    read = decode(row_type(SAMPLE_COLUMNS), bytes(encode_samples(*sent)))
    assert (read["time"] + POSTGRES_EPOCH_US).tolist() == sent[0].tolist()
    assert read["value"].astype(np.float64).tobytes() == sent[1].tobytes()
    assert read["frame_id"].tolist() == sent[2].tolist()
    assert read["signal_id"].tolist() == sent[3].tolist()
    assert read["status"].astype(np.int32).view(np.uint32).tolist() == sent[4].tolist()


@pytest.mark.parametrize(
    "stream",
    [
        b"",
        HEADER,
        HEADER + b"\x00" * 46 + TRAILER,
        b"other" + HEADER[5:] + TRAILER,
        HEADER + struct.pack(">hiqidiqiiiI", 5, 8, 1, 8, 1.0, 8, 1, -1, 1, 4, 0) + TRAILER,
    ],
    ids=["empty", "no trailer", "no length", "another format", "a NULL"],
)
def test_a_stream_of_another_shape_is_refused_rather_than_misread(stream: bytes) -> None:
    with pytest.raises(ValueError, match="binary COPY stream"):
        decode(row_type(SAMPLE_COLUMNS), stream)
