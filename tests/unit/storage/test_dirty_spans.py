from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from storage.maintenance.dirty import HOUR_US, dirty_spans

if TYPE_CHECKING:
    from collections.abc import Sequence

UNIT_OF_FRAME = {4: 7, 9: 8, 12: 7}


def spans_of(samples: Sequence[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """Spans of samples given as (signal_id, time_us, frame_id)."""
    signal_ids, time_us, frame_ids = (np.array(column) for column in zip(*sorted(samples), strict=True))
    spans = dirty_spans(time_us, signal_ids.astype(np.int32), frame_ids, UNIT_OF_FRAME)
    return list(zip(*(column.tolist() for column in spans), strict=True))


def test_a_late_sample_beside_live_ones_does_not_mark_what_is_between() -> None:
    live_us = 500 * HOUR_US + 3
    assert spans_of([(1, 5, 4), (1, live_us, 12), (2, live_us + 9, 12)]) == [
        (7, 5, 5),
        (7, live_us, live_us + 9),
    ]


@given(
    st.sets(
        st.tuples(st.sampled_from([(1, 4), (1, 12), (2, 4), (3, 9)]), st.integers(-3 * HOUR_US, 3 * HOUR_US)),
        min_size=1,
    )
)
def test_every_unit_and_hour_is_marked_from_its_first_sample_to_its_last(
    drawn: set[tuple[tuple[int, int], int]],
) -> None:
    samples = [(signal, time, frame) for (signal, frame), time in drawn]
    wanted: dict[tuple[int, int], list[int]] = {}
    for _, time, frame in samples:
        wanted.setdefault((UNIT_OF_FRAME[frame], time // HOUR_US), []).append(time)
    assert sorted(spans_of(samples)) == sorted(
        (unit, min(times), max(times)) for (unit, _), times in wanted.items()
    )
