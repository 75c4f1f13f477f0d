"""Memories are written now and then; a successor judges again what came since, and tells nothing twice."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from agents import checkpoints, partition_watch
from agents.checkpoints import Checkpoints
from agents.partition_watch import PartitionWatch
from agents.watch_position import POSITION_KEY, Mark, WatchPosition
from schemas.decoding import TICK_BODY
from schemas.errors import SnapshotRefused
from schemas.frame import SensorFrame, SignalColumn
from streams.record import Record
from tests.unit.agents.frames import noisy

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TOPIC, TOPIC_ID, PARTITION, KEY = "telemetry.frames", "t0p1c", 0, b"ours"
START_US = 1_790_000_000_000_000
SECONDS = 400


def record(offset: int, unit: str, second: int, values: Mapping[str, float]) -> Record:
    units = {"agitation": "{#}.min-1", "pH": "[pH]", "temperature": "Cel", "DO": "%"}
    body = SensorFrame(
        site="north",
        unit=unit,
        device="controller",
        epoch=1,
        sequence=second,
        time_us=[START_US + second * 1_000_000],
        signals={name: SignalColumn(unit=units[name], values=[value]) for name, value in values.items()},
    ).encode()
    return Record(TOPIC, PARTITION, offset, START_US + second * 1_000_000, f"north/{unit}".encode(), body)


@cache
def log_of_two_units() -> tuple[Record, ...]:
    """One unit whose stirrer fails for a while, one that falls silent, and ticks all along."""
    records: list[Record] = []
    for second in range(SECONDS):
        healthy = {"agitation": 600.0, "pH": 7.0, "temperature": 37.0, "DO": 40.0}
        one = noisy(healthy, second)
        if 150 <= second < 250:
            one["agitation"] = 0.0
        if 300 <= second < 330:
            one["temperature"] += 4.0
        records.append(record(len(records), "BR-01", second, one))
        if not 200 <= second < 300:
            records.append(record(len(records), "BR-02", second, noisy(healthy, second, seed=1)))
        tick_us = START_US + second * 1_000_000 + 500_000
        records.append(Record(TOPIC, PARTITION, len(records), tick_us, None, TICK_BODY))
    return tuple(records)


class Worker:
    """Judges and commits as the worker does; what it commits is in `told` and in `state`."""

    def __init__(self, state: Sequence[tuple[bytes, bytes]] = ()) -> None:
        self.watch = PartitionWatch(TOPIC, TOPIC_ID, PARTITION, KEY)
        self.state = list(state)
        self.told: list[bytes] = []
        self.watch.restore(self.state)

    def run(self, records: Sequence[Record]) -> None:
        judgement = self.watch.judge(records)
        if not self.watch.replaying:
            self.told += [output.encode() for output in judgement.outputs]
            self.state += self.watch.state_entries(self.watch.due())


@cache
def told_without_a_stop() -> tuple[bytes, ...]:
    worker = Worker()
    worker.run(log_of_two_units())
    return tuple(worker.told)


def test_the_log_has_alarms_that_are_raised_and_cleared_and_words_of_models() -> None:
    told = [orjson.loads(body) for body in told_without_a_stop()]
    events = {(one["condition"], one["event"]) for one in told if one["schema"] == "sparge.alarm/1"}
    assert {("low", "raised"), ("low", "cleared"), ("silent", "raised"), ("silent", "cleared")} <= events
    assert any(one["schema"] == "sparge.score/1" and one["scores"] for one in told)


@settings(max_examples=10, deadline=None, phases=[Phase.generate])
@given(
    st.lists(st.integers(1, 3 * SECONDS - 101), min_size=1, max_size=8, unique=True),
    st.sets(st.integers(0, 8), max_size=4),
)
def test_workers_that_are_killed_anywhere_tell_what_one_tells_that_never_stops(
    batches: list[int], killed_after: set[int]
) -> None:
    records = log_of_two_units()
    worker, told = Worker(), []
    for number, (start, stop) in enumerate(pairwise([0, *sorted(batches), len(records)])):
        worker.run(records[start:stop])
        if number in killed_after:
            told += worker.told
            worker = Worker(worker.state)
            worker.run(records[worker.watch.next_offset : stop])
            assert not worker.watch.replaying
    assert tuple(told + worker.told) == told_without_a_stop()


def test_a_successor_begins_at_the_oldest_memory_and_its_memories_are_those_of_who_never_stopped() -> None:
    records = log_of_two_units()
    first = Worker()
    for start in range(0, 900, 30):
        first.run(records[start : start + 30])
    second = Worker(first.state)
    assert 0 < second.watch.next_offset < 900
    assert second.watch.told_offset == 900
    second.run(records[second.watch.next_offset : 900])
    everything: Any = sorted(first.watch.units)
    assert second.watch.state_entries(everything) == first.watch.state_entries(everything)


def test_a_memory_is_written_for_a_new_unit_at_once_and_then_now_and_then() -> None:
    records = log_of_two_units()
    worker = Worker()
    for start in range(0, 900, 3):
        worker.run(records[start : start + 3])
    memories = [key for key, _ in worker.state if key != POSITION_KEY]
    assert memories[0] == b"north/BR-01"
    assert 4 <= len(memories) <= 2 * (1 + 300 // 60)


def test_a_log_that_lost_what_lies_after_the_memories_is_begun_where_it_begins() -> None:
    records = log_of_two_units()
    first = Worker()
    first.run(records[:30])
    first.run(records[30:100])
    second = Worker(first.state)
    assert second.watch.begin_within(90, 100) == 0
    assert second.watch.next_offset == 90
    third = Worker(first.state)
    assert third.watch.begin_within(150, 200) == 50
    assert not third.watch.replaying


def test_a_log_that_ends_before_what_was_told_is_told_from_its_end() -> None:
    first = Worker()
    first.run(log_of_two_units()[:100])
    second = Worker(first.state)
    second.watch.begin_within(0, 40)
    assert (second.watch.next_offset, second.watch.replaying) == (40, False)


def test_a_memory_that_is_refused_leaves_its_unit_to_start_anew_and_says_why() -> None:
    records = log_of_two_units()
    first = Worker()
    first.run(records[:100])
    torn = [(key, body[:200] if key == b"north/BR-02" else body) for key, body in first.state]
    second = Worker(torn)
    assert list(second.watch.units) == ["north/BR-01"]
    assert "signature" in second.watch.refused["north/BR-02"].message
    second.run(records[second.watch.next_offset :])
    assert sorted(second.watch.units) == ["north/BR-01", "north/BR-02"]


def test_the_memory_of_one_unit_is_not_that_of_another() -> None:
    first = Worker()
    first.run(log_of_two_units()[:100])
    memories = dict(first.state)
    memories[b"north/BR-02"] = memories[b"north/BR-01"]
    assert "north/BR-01" in Worker(list(memories.items())).watch.refused["north/BR-02"].message


def mark(offset: int, now_us: int = 0) -> Mark:
    return Mark(offset, now_us, now_us)


def test_no_more_than_a_few_old_memories_are_written_at_once() -> None:
    kept = Checkpoints()
    units = [f"north/BR-{number:02d}" for number in range(30)]
    for unit in units:
        kept.changed(unit)
    assert kept.due(0) == units
    kept.stored(units, mark(1))
    for unit in units:
        kept.changed(unit, frames=checkpoints.FRAMES)
    assert kept.due(checkpoints.LEAST_US - 1) == []
    assert kept.due(checkpoints.LEAST_US) == units[: checkpoints.MOST_AT_ONCE]
    kept.force(units[20])
    assert units[20] in kept.due(0)


def test_a_unit_that_falls_silent_does_not_hold_the_others_back_for_ever() -> None:
    kept = Checkpoints()
    kept.stored(["a", "b"], mark(5))
    kept.changed("a", frames=1)
    assert kept.replay() == mark(5)
    assert kept.due(checkpoints.OLDEST_US) == ["a"]
    kept.stored(["a"], mark(900))
    assert kept.replay() is None


@pytest.mark.parametrize("replay", [None, mark(3, 7)])
def test_a_position_says_where_its_reader_begins(replay: Mark | None) -> None:
    position = WatchPosition("t", 9, 8, 7, replay)
    assert WatchPosition.decode(position.encode(2, KEY), 2, KEY) == position
    assert position.start == (replay or Mark(9, 8, 7))


POSITION = WatchPosition("t", 9, 8, 7)
UNSIGNED = orjson.dumps({"schema": "sparge.watch-state/1", "topic_id": "t", **Mark(9, 8, 7)._asdict()})


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (UNSIGNED, "is not signed: an earlier version wrote it"),
        (POSITION.encode(2, b"theirs"), "signature is not ours"),
        (POSITION.encode(2, KEY).replace(b":9,", b":90,"), "signature is not ours"),
        (POSITION.encode(3, KEY), "is that of partition 3"),
        (POSITION.encode(2, KEY)[:60], "it is torn"),
        (b"9", "is no position"),
    ],
)
def test_a_position_that_is_torn_or_foreign_is_refused_with_the_reason(body: bytes, reason: str) -> None:
    with pytest.raises(SnapshotRefused, match=reason):
        WatchPosition.decode(body, 2, KEY)


def test_who_only_looks_reads_a_position_without_its_key() -> None:
    assert WatchPosition.unchecked(POSITION.encode(2, KEY), 2) == POSITION
    assert WatchPosition.unchecked(UNSIGNED, 2) == POSITION
    with pytest.raises(SnapshotRefused, match="a part of it is missing"):
        WatchPosition.unchecked(b"{}", 2)


def moved_on(state: Sequence[tuple[bytes, bytes]], by: int) -> list[tuple[bytes, bytes]]:
    """The state with a position that somebody has moved on."""
    latest = dict(state)
    told = orjson.loads(latest[POSITION_KEY])
    latest[POSITION_KEY] = orjson.dumps({**told, "next_offset": told["next_offset"] + by, "replay": None})
    return list(latest.items())


@pytest.mark.parametrize("cut", [40, 311, 700, 1000])
def test_a_position_that_was_moved_on_lets_no_frame_pass_for_the_memories_say_how_far_watch_was(
    cut: int,
) -> None:
    records = log_of_two_units()
    first = Worker()
    for start in range(0, cut, 20):
        first.run(records[start : min(start + 20, cut)])
    second = Worker(moved_on(first.state, 50))
    assert second.watch.misplaced is not None
    assert "signature" in second.watch.misplaced.message
    assert 0 < second.watch.told_offset <= cut
    while second.watch.next_offset < len(records):
        # What was told is told to its end: a batch that reaches beyond it would be told in part.
        stop = second.watch.told_offset if second.watch.replaying else len(records)
        second.run(records[second.watch.next_offset : stop])
    again = [one for one in second.told if one in set(first.told)]
    assert [*first.told, *second.told[len(again) :]] == list(told_without_a_stop())
    assert first.told[len(first.told) - len(again) :] == again


def test_without_a_position_or_a_memory_of_ours_watch_begins_where_the_log_does() -> None:
    first = Worker()
    first.run(log_of_two_units()[:100])
    stranger = PartitionWatch(TOPIC, TOPIC_ID, PARTITION, b"theirs")
    assert stranger.restore(first.state)
    assert (stranger.next_offset, stranger.told_offset, stranger.units) == (0, 0, {})
    assert stranger.misplaced is not None
    assert sorted(stranger.refused) == ["north/BR-01", "north/BR-02"]


def test_a_position_that_was_deleted_is_made_up_for_by_the_memories() -> None:
    first = Worker()
    first.run(log_of_two_units()[:100])
    second = Worker([(key, body) for key, body in first.state if key != POSITION_KEY])
    assert second.watch.told_offset == 100
    assert second.watch.misplaced is not None


def test_a_memory_of_a_topic_that_was_created_anew_has_nothing_of_the_new_one() -> None:
    records = log_of_two_units()
    first = Worker()
    first.run(records[:600])
    anew = PartitionWatch(TOPIC, "another", PARTITION, KEY)
    assert not anew.restore(first.state)
    later = [replace(one, offset=one.offset - 600) for one in records[600:700]]
    anew.judge(later)
    state = [*first.state, *anew.state_entries([])]
    successor = PartitionWatch(TOPIC, "another", PARTITION, KEY)
    assert successor.restore(state)
    assert (successor.next_offset, successor.told_offset) == (0, 100)
    successor.judge(later)
    wanted: Any = sorted(anew.units)
    assert successor.state_entries(wanted) == anew.state_entries(wanted)


def test_a_memory_that_the_topic_does_not_take_is_written_without_its_models(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = Worker()
    first.run(log_of_two_units()[:300])
    monkeypatch.setattr(partition_watch, "MOST_BYTES", 3000)
    small = first.watch.state_entries(["north/BR-01"])
    assert first.watch.too_large == {"north/BR-01"}
    second = Worker(small)
    assert list(second.watch.units) == ["north/BR-01"]
    assert second.watch.units["north/BR-01"].anew.keys() == {"models"}


def test_a_worker_that_stops_in_order_leaves_nothing_to_judge_again() -> None:
    first = Worker()
    first.run(log_of_two_units()[:100])
    first.run(log_of_two_units()[100:250])
    first.state += first.watch.state_entries(first.watch.old())
    second = Worker(first.state)
    assert (second.watch.next_offset, second.watch.replaying) == (250, False)
