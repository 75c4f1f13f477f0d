"""What a sink may write of a batch: nothing twice, nothing skipped."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.cursor import Hole, admit

FRAMES_0 = ("telemetry.frames", 0)
FRAMES_1 = ("telemetry.frames", 1)


def test_a_batch_that_follows_the_position_is_accepted_whole() -> None:
    plan = admit({FRAMES_0: [5, 6, 7]}, {FRAMES_0: 5})
    assert plan.accepted == {FRAMES_0: (5, 6, 7)}
    assert plan.next_offsets == {FRAMES_0: 8}
    assert plan.holes == ()
    assert plan.repeated == 0


def test_reordered_and_repeated_records_are_accepted_once_and_in_order() -> None:
    plan = admit({FRAMES_0: [7, 5, 6, 7, 5]}, {FRAMES_0: 5})
    assert plan.accepted == {FRAMES_0: (5, 6, 7)}
    assert plan.repeated == 2


def test_what_lies_below_the_position_is_stored_already_and_dropped() -> None:
    plan = admit({FRAMES_0: [3, 4, 5]}, {FRAMES_0: 5})
    assert plan.accepted == {FRAMES_0: (5,)}
    assert plan.repeated == 2


def test_a_batch_of_repeats_alone_leaves_the_position_where_it_is() -> None:
    plan = admit({FRAMES_0: [3, 4]}, {FRAMES_0: 5})
    assert plan.accepted == {FRAMES_0: ()}
    assert plan.next_offsets == {FRAMES_0: 5}
    assert plan.holes == ()


def test_a_hole_at_the_start_holds_back_the_whole_partition() -> None:
    plan = admit({FRAMES_0: [8, 9]}, {FRAMES_0: 5})
    assert plan.accepted == {FRAMES_0: ()}
    assert plan.next_offsets == {FRAMES_0: 5}
    assert plan.holes == (Hole(FRAMES_0, 5, 8),)


def test_a_hole_in_the_middle_holds_back_what_is_behind_it() -> None:
    plan = admit({FRAMES_0: [5, 6, 9, 12]}, {FRAMES_0: 5})
    assert plan.accepted == {FRAMES_0: (5, 6)}
    assert plan.next_offsets == {FRAMES_0: 7}
    assert plan.holes == (Hole(FRAMES_0, 7, 9), Hole(FRAMES_0, 10, 12))


def test_a_hole_that_was_read_and_found_empty_is_passed() -> None:
    plan = admit({FRAMES_0: [5, 6, 9]}, {FRAMES_0: 5}, {FRAMES_0: [(7, 9)]})
    assert plan.accepted == {FRAMES_0: (5, 6, 9)}
    assert plan.next_offsets == {FRAMES_0: 10}
    assert plan.holes == ()


def test_a_hole_that_was_read_in_part_remains_a_hole_for_the_rest() -> None:
    plan = admit({FRAMES_0: [5, 10]}, {FRAMES_0: 5}, {FRAMES_0: [(7, 8), (0, 6)]})
    assert plan.accepted == {FRAMES_0: (5,)}
    assert plan.holes == (Hole(FRAMES_0, 6, 7), Hole(FRAMES_0, 8, 10))


def test_records_found_in_a_range_that_was_read_are_accepted_in_their_place() -> None:
    plan = admit({FRAMES_0: [5, 9, 7]}, {FRAMES_0: 5}, {FRAMES_0: [(6, 9)]})
    assert plan.accepted == {FRAMES_0: (5, 7, 9)}


def test_a_range_read_behind_the_last_record_moves_the_position_with_it() -> None:
    plan = admit({FRAMES_0: [5]}, {FRAMES_0: 5}, {FRAMES_0: [(6, 7), (7, 9)]})
    assert plan.next_offsets == {FRAMES_0: 9}


def test_a_hole_in_one_partition_does_not_hold_back_another() -> None:
    plan = admit({FRAMES_1: [3, 4], FRAMES_0: [8]}, {FRAMES_0: 5, FRAMES_1: 3})
    assert plan.accepted == {FRAMES_0: (), FRAMES_1: (3, 4)}
    assert plan.next_offsets == {FRAMES_0: 5, FRAMES_1: 5}
    assert plan.holes == (Hole(FRAMES_0, 5, 8),)


def test_partitions_come_in_one_order_whatever_order_they_were_received_in() -> None:
    positions = {FRAMES_0: 0, FRAMES_1: 0}
    assert list(admit({FRAMES_1: [0], FRAMES_0: [0]}, positions).accepted) == [FRAMES_0, FRAMES_1]


def test_a_partition_without_a_position_is_refused() -> None:
    with pytest.raises(KeyError):
        admit({FRAMES_0: [0]}, {})


small = st.integers(min_value=0, max_value=30)
ranges = st.lists(st.tuples(small, small), max_size=4)


@given(
    received=st.lists(small, max_size=40),
    position=small,
    read=ranges,
)
def test_every_offset_is_accepted_passed_stored_or_in_a_hole(
    received: list[int], position: int, read: list[tuple[int, int]]
) -> None:
    plan = admit({FRAMES_0: received}, {FRAMES_0: position}, {FRAMES_0: read})
    accepted, reached = plan.accepted[FRAMES_0], plan.next_offsets[FRAMES_0]
    absent = {offset for start, stop in read for offset in range(start, stop)}
    missing = {offset for hole in plan.holes for offset in range(hole.start, hole.stop)}
    fresh = {offset for offset in received if offset >= position}

    assert list(accepted) == sorted(offset for offset in fresh if offset < reached)
    expected = set(range(position, max(fresh, default=position))) - fresh - absent
    assert missing == expected
    assert reached == min(missing) if missing else set(accepted) == fresh
    assert set(range(position, reached)) <= fresh | absent
    assert reached >= position
    assert plan.repeated == len(received) - len(fresh)


@given(st.data(), st.integers(0, 50), st.integers(0, 20))
def test_whatever_the_order_and_repeats_the_not_yet_stored_offsets_come_once_and_in_order(
    data: st.DataObject, position: int, length: int
) -> None:
    sent = list(range(max(0, position - 5), position + length))
    repeats = data.draw(st.lists(st.sampled_from(sent), max_size=20)) if sent else []
    received = data.draw(st.permutations(sent + repeats))
    plan = admit({FRAMES_0: received}, {FRAMES_0: position})
    assert plan.accepted[FRAMES_0] == tuple(range(position, position + length))
    assert plan.next_offsets[FRAMES_0] == position + length
    assert plan.holes == ()


@given(received=st.lists(small, max_size=40), position=small, exists=st.sets(small))
def test_reading_the_reported_holes_settles_a_batch_in_one_more_call(
    received: list[int], position: int, exists: set[int]
) -> None:
    first = admit({FRAMES_0: received}, {FRAMES_0: position})
    read = [(hole.start, hole.stop) for hole in first.holes]
    found = [offset for offset in exists if any(start <= offset < stop for start, stop in read)]
    second = admit({FRAMES_0: received + found}, {FRAMES_0: position}, {FRAMES_0: read})
    assert second.holes == ()
    assert set(second.accepted[FRAMES_0]) == {o for o in received if o >= position} | set(found)
