"""The judgement of versions against one that looks at a sample at a time."""

from __future__ import annotations

from itertools import groupby
from math import isnan, nan

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from storage.versions import REPEAT_US, Versions, changes, judge, ranks, together

VALUES = st.sampled_from([1.0, 2.0, nan])
SAID = st.tuples(st.integers(0, 2), st.integers(0, 5), VALUES, st.sampled_from([0, 0x80000000]))
"""Sample, frame, value, status."""
FRAMES = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from(["a", "b"]), st.integers(0, 1), st.integers(0, 9)),
    min_size=6,
    max_size=6,
)


def versions(said: list[tuple[int, int, float, int]]) -> Versions:
    keys, frames, values, status = zip(*said, strict=True) if said else ((), (), (), ())
    return Versions(
        np.array(keys, dtype=np.int64),
        np.array(frames, dtype=np.int64),
        np.array(values, dtype=np.float64),
        np.array(status, dtype=np.uint32),
    )


def rows(judged: Versions) -> list[tuple[int, int, float | None, int]]:
    return [
        (int(k), int(f), None if isnan(v) else float(v), int(s))
        for k, f, v, s in zip(judged.key, judged.frame_id, judged.value, judged.status, strict=True)
    ]


def complete(
    said: list[tuple[int, int, float, int]],
) -> list[tuple[int, int, float, int]]:
    """One version a sample and frame, and samples numbered without a gap."""
    numbers: dict[int, int] = {}
    once = {(key, frame): (value, status) for key, frame, value, status in said}
    return [
        (numbers.setdefault(key, len(numbers)), frame, value, status)
        for (key, frame), (value, status) in once.items()
    ]


@given(st.lists(SAID, min_size=1, max_size=14), FRAMES)
def test_the_last_run_is_current_and_every_run_before_it_ends_where_the_next_begins(
    said: list[tuple[int, int, float, int]], frames: list[tuple[int, str, int, int]]
) -> None:
    said = complete(said)
    order = sorted(range(6), key=lambda i: (frames[i], i))
    judged = judge(versions(said), ranks([(i, *frame) for i, frame in enumerate(frames)]))
    current, others = [], []
    for key, of_sample in groupby(sorted(said, key=lambda v: (v[0], order.index(v[1]))), lambda v: v[0]):
        runs = [list(run) for _, run in groupby(of_sample, lambda v: (str(v[2]), v[3]))]
        current.append((key, runs[-1][0][1], runs[-1][-1][1]))
        begins = [frames[run[0][1]][0] for run in runs] + [REPEAT_US]
        for place, run in enumerate(runs):
            for at, (_, frame, _, _) in enumerate(run):
                if place == len(runs) - 1 and at in (0, len(run) - 1):
                    continue
                others.append((key, frame, REPEAT_US if at else begins[place + 1]))
    now = judged.current
    assert list(zip(now.key, now.frame_id, judged.confirmed, strict=True)) == current
    found = zip(judged.others.key, judged.others.frame_id, judged.replaced_us, strict=True)
    assert list(found) == others


@given(st.lists(SAID, max_size=8), st.lists(SAID, max_size=8))
def test_what_one_frame_says_of_a_sample_counts_once_and_the_earlier_part_counts(
    first: list[tuple[int, int, float, int]], second: list[tuple[int, int, float, int]]
) -> None:
    first = [*{(k, f): (k, f, v, s) for k, f, v, s in first}.values()]
    merged = rows(together([versions(first), versions(second)]))
    assert {(key, frame) for key, frame, _, _ in merged} == {(k, f) for k, f, _, _ in [*first, *second]}
    assert len(merged) == len({(key, frame) for key, frame, _, _ in merged})
    assert set(rows(versions(first))) <= set(merged)


@given(st.lists(SAID, min_size=1, max_size=14), FRAMES, st.data())
def test_what_goes_and_what_is_added_turn_the_one_into_the_other(
    said: list[tuple[int, int, float, int]], frames: list[tuple[int, str, int, int]], data: st.DataObject
) -> None:
    order = ranks([(i, *frame) for i, frame in enumerate(frames)])
    judged = judge(versions(complete(said)), order)
    before = data.draw(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 5)), unique=True, max_size=9))
    replaced = np.array([data.draw(st.sampled_from([0, 1, REPEAT_US])) for _ in before], dtype=np.int64)
    kept = versions([(key, frame, 1.0, 0) for key, frame in before])
    gone, new = changes(kept, replaced, judged, order)
    left = {(*at, int(us)) for at, us, out in zip(before, replaced, gone, strict=True) if not out}
    wanted = list(zip(judged.others.key, judged.others.frame_id, judged.replaced_us, strict=True))
    added = {row for row, is_new in zip(wanted, new, strict=True) if is_new}
    assert left | added == set(wanted)
    assert not left & added
