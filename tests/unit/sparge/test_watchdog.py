"""When a worker counts as stuck, and when it does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sparge.watchdog import Look, Watchdog
from streams.record import TopicPartition

if TYPE_CHECKING:
    from collections.abc import Iterable

    from schemas.errors import WorkerStuck

FRAMES_0, FRAMES_1 = TopicPartition("telemetry.frames", 0), TopicPartition("telemetry.frames", 1)
STUCK_S, AWAY_S = 60.0, 300.0
EVERY_S = 5.0
AWAY = "the database is away"


def fires_after(looks: Iterable[Look]) -> float | None:
    """Seconds after which the watchdog would have ended the worker; None if it never would."""
    watchdog = Watchdog(STUCK_S, AWAY_S)
    return next((look.now_s for look in looks if watchdog.judge(look) is not None), None)


def times(until_s: float) -> list[float]:
    return [step * EVERY_S for step in range(int(until_s / EVERY_S) + 1)]


def still(now_s: float, *, steps: int = 0, away_for: str = "", end: int = 900) -> Look:
    return Look(now_s, {FRAMES_0: 100}, {FRAMES_0: end}, steps, away_for)


def test_a_worker_that_stands_still_with_something_to_read_is_stuck() -> None:
    assert fires_after(still(now_s) for now_s in times(600)) == STUCK_S + EVERY_S


def test_an_idle_worker_is_never_stuck() -> None:
    assert fires_after(still(now_s, end=100) for now_s in times(6000)) is None


def test_a_worker_that_moves_is_never_stuck_however_far_it_is_behind() -> None:
    looks = (Look(now_s, {FRAMES_0: int(now_s)}, {FRAMES_0: 10**9}) for now_s in times(6000))
    assert fires_after(looks) is None


def test_only_what_is_assigned_counts_and_a_new_partition_starts_the_clock_anew() -> None:
    def look(now_s: float) -> Look:
        return Look(now_s, {TopicPartition("telemetry.frames", int(now_s / 50)): 5}, {})

    assert fires_after(look(now_s) for now_s in times(3000)) is None


def test_a_long_transaction_that_the_database_goes_on_answering_is_no_standstill() -> None:
    # One answer in each half minute, twice as long as a worker may stand still.
    assert fires_after(still(now_s, steps=1 + int(now_s / 30)) for now_s in times(2 * STUCK_S)) is None


def test_a_transaction_that_always_fails_at_the_same_place_is_stuck() -> None:
    # Tried again and again: three answers each time, and then a lock that somebody else holds.
    assert fires_after(still(now_s, steps=int(now_s / 5) % 4) for now_s in times(600)) is not None


def test_waiting_for_a_database_that_is_away_is_not_stuck_until_the_longer_time_is_over() -> None:
    assert fires_after(still(now_s, away_for=AWAY) for now_s in times(1000)) == AWAY_S + EVERY_S


def test_time_spent_waiting_does_not_count_once_the_database_is_back() -> None:
    back_s = 4 * STUCK_S
    looks = (still(now_s, away_for=AWAY if now_s < back_s else "") for now_s in times(600))
    fired = fires_after(looks)
    assert fired is not None
    assert back_s + STUCK_S <= fired <= back_s + STUCK_S + 2 * EVERY_S


def test_a_database_that_comes_and_goes_without_anything_being_stored_does_not_wait_for_ever() -> None:
    looks = (still(now_s, away_for=AWAY if int(now_s / 20) % 2 else "") for now_s in times(1000))
    assert fires_after(looks) == AWAY_S + EVERY_S


def test_a_broker_that_does_not_say_where_the_log_ends_counts_as_away() -> None:
    looks = [Look(now_s, {FRAMES_0: 100}, None) for now_s in times(1000)]
    assert fires_after(looks) == AWAY_S + EVERY_S


def test_a_partition_that_stands_still_while_others_move_has_the_longer_time() -> None:
    looks = (
        Look(now_s, {FRAMES_0: int(now_s), FRAMES_1: 7}, {FRAMES_0: 10**6, FRAMES_1: 8})
        for now_s in times(1000)
    )
    assert fires_after(looks) == AWAY_S + EVERY_S


def test_a_process_that_was_frozen_is_not_stuck_for_that() -> None:
    watchdog = Watchdog(STUCK_S, AWAY_S)
    assert watchdog.judge(still(0.0)) is None
    assert watchdog.judge(still(10_000.0)) is None


def test_what_is_said_names_the_partition_and_both_offsets() -> None:
    watchdog = Watchdog(STUCK_S, AWAY_S)
    said: WorkerStuck | None = None
    for now_s in times(STUCK_S + EVERY_S):
        said = watchdog.judge(still(now_s))
    assert said is not None
    assert "telemetry.frames[0] stands at 100 of 900" in said.detail
    assert "started again" in said.message
    assert said.kept
