"""What the doctor says of positions."""

from __future__ import annotations

from sparge.doctor_store import still_us


def test_a_database_whose_clock_is_ahead_does_not_move_positions_in_the_future() -> None:
    assert still_us(now_us=1_000_000, moved_us=1_100_000) == 0
    assert still_us(now_us=1_100_000, moved_us=1_000_000) == 100_000
