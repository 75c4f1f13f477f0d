from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from storage.gathering import Track, gather

SIGNALS = st.dictionaries(st.integers(1, 3), st.sets(st.integers(0, 6), max_size=5), max_size=3)
FRAMES = st.lists(st.tuples(st.integers(1, 4), SIGNALS), max_size=6)


@given(FRAMES)
def test_samples_are_sorted_by_signal_and_time_and_keep_their_frame(
    drawn: list[tuple[int, dict[int, set[int]]]],
) -> None:
    tracks = []
    expected = []
    for place, (frame_id, signals) in enumerate(drawn):
        signal_ids = np.array(list(signals), dtype=np.int32)
        times_us = [np.array(sorted(times), dtype=np.int64) for times in signals.values()]
        told = [(signal_id, t) for signal_id, times in signals.items() for t in sorted(times)]
        values = np.array([place * 10.0 + t + signal_id / 8 for signal_id, t in told], dtype=np.float64)
        status = np.full(len(told), place, dtype=np.uint32)
        counts = [times.size for times in times_us]
        together = len({times.tobytes() for times in times_us}) == 1
        time_us = times_us[0] if together else np.concatenate([np.empty(0, dtype=np.int64), *times_us])
        tracks.append((frame_id, Track(signal_ids, None if together else counts, time_us, values, status)))
        expected += [
            (signal_id, t, frame_id, float(value), place)
            for (signal_id, t), value in zip(told, values, strict=True)
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
