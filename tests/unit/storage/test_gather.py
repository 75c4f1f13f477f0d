from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from storage.writer import Track, gather

TRACKS = st.lists(
    st.tuples(st.integers(1, 4), st.integers(1, 3), st.sets(st.integers(0, 6), max_size=5)), max_size=6
)


@given(TRACKS)
def test_samples_are_sorted_by_signal_and_time_and_keep_their_frame(
    drawn: list[tuple[int, int, set[int]]],
) -> None:
    tracks = []
    expected = []
    for place, (frame_id, signal_id, times) in enumerate(drawn):
        time_us = np.array(sorted(times), dtype=np.int64)
        values = np.asarray(time_us + place * 10.0, dtype=np.float64)
        status = np.full(time_us.size, place, dtype=np.uint32)
        tracks.append((frame_id, Track(signal_id, time_us, values, status)))
        expected += [
            (signal_id, int(t), frame_id, float(v), place) for t, v in zip(time_us, values, strict=True)
        ]
    samples = gather(tracks)
    found = list(
        zip(
            samples.signal_ids.tolist(),
            samples.time_us.tolist(),
            samples.frame_ids.tolist(),
            samples.values.tolist(),
            samples.status.tolist(),
            strict=True,
        )
    )
    keys = [row[:2] for row in found]
    assert keys == sorted(keys)
    assert sorted(found) == sorted(expected)
    assert samples.again.tolist() == [i > 0 and key == keys[i - 1] for i, key in enumerate(keys)]
