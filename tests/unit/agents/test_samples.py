"""The samples of a frame as flat arrays."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from agents.samples import Samples, usable
from schemas.status import Status
from tests.unit.agents.frames import column, us


def by_slot(samples: Samples) -> dict[int, list[tuple[int, float]]]:
    return {
        int(slot): list(
            zip(
                samples.time_us[samples.run(row)].tolist(),
                samples.value[samples.run(row)].tolist(),
                strict=True,
            )
        )
        for row, slot in enumerate(samples.slots)
    }


def test_missing_and_bad_samples_go_and_uncertain_ones_stay() -> None:
    samples = usable(
        [
            column("DO", [1.0, None, 3.0], [0, 1, 2]),
            column("pH", [7.0], [0], status=Status.BAD_NOT_CONNECTED),
            column("OD", [0.5], [1], status=Status.UNCERTAIN),
        ],
        np.array([4, 2, 9]),
    )
    assert by_slot(samples) == {4: [(us(0), 1.0), (us(2), 3.0)], 9: [(us(1), 0.5)]}
    assert samples.value[samples.ends].tolist() == [3.0, 0.5]


def test_a_frame_without_columns_has_no_samples() -> None:
    samples = usable([], np.empty(0, dtype=np.intp))
    assert samples.keep(samples.value > 0).slots.size == 0


@given(st.lists(st.lists(st.tuples(st.floats(-10, 10), st.booleans()), min_size=1, max_size=6), max_size=6))
def test_keeping_some_samples_keeps_each_with_its_signal_and_in_order(
    runs: list[list[tuple[float, bool]]],
) -> None:
    columns = [
        column(f"X{row}", [value for value, _ in run], range(len(run))) for row, run in enumerate(runs)
    ]
    samples = usable(columns, np.arange(len(runs)))
    mask = np.array([kept for run in runs for _, kept in run], dtype=np.bool_)
    expected = {
        row: [(us(at), value) for at, (value, kept) in enumerate(run) if kept]
        for row, run in enumerate(runs)
        if any(kept for _, kept in run)
    }
    kept = samples.keep(mask)
    assert by_slot(kept) == expected
    assert kept.each(kept.slots).tolist() == [row for row, run in expected.items() for _ in run]
