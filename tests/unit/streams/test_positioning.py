"""Where to start is believed only if the log has it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import BrokerError
from streams.positioning import check_starts
from streams.record import TopicPartition

HERE = TopicPartition("telemetry.frames", 3)
THERE = TopicPartition("telemetry.frames", 4)


@given(low=st.integers(0, 10), length=st.integers(0, 10), start=st.integers(-1, 25))
def test_a_start_is_accepted_if_and_only_if_it_is_in_the_log_or_just_behind_its_end(
    low: int, length: int, start: int
) -> None:
    high = low + length
    if low <= start <= high:
        check_starts({HERE: start}, {HERE: (low, high)})
    else:
        with pytest.raises(BrokerError, match=rf"frames\[3\] holds offsets {low} to {high}"):
            check_starts({HERE: start}, {HERE: (low, high)})


def test_a_partition_without_a_start_is_refused() -> None:
    with pytest.raises(BrokerError, match=r"frames\[4\] .* where to start is not known") as told:
        check_starts({HERE: 0}, {HERE: (0, 5), THERE: (0, 5)})
    assert told.value.kept == "Nothing was read, nothing was skipped."


def test_offset_zero_is_a_start_like_any_other() -> None:
    check_starts({HERE: 0}, {HERE: (0, 0)})
