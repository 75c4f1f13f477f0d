"""Batch events among the frames of a partition: where they take effect is decided by the logs alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.batch_context import Told
from agents.partition_watch import PartitionWatch
from schemas.alarm import AlarmTransition
from schemas.batch import BatchEvent
from schemas.frame import SensorFrame, SignalColumn
from streams.record import Record

if TYPE_CHECKING:
    from collections.abc import Sequence

TOPIC, TOPIC_ID, PARTITION = "telemetry.frames", "t0p1c", 3
START_US = 1_790_000_000_000_000
SECONDS = 60


def at_us(seconds: float) -> int:
    return START_US + round(seconds * 1e6)


def frame(second: int, pressure: float) -> Record:
    """A frame of pressure and device time, recorded half a second later."""
    body = SensorFrame(
        site="north",
        unit="BR-01",
        device="controller",
        epoch=1,
        sequence=second,
        time_us=[at_us(second)],
        signals={"pressure": SignalColumn(unit="bar", values=[pressure])},
    ).encode()
    return Record(TOPIC, PARTITION, second, at_us(second + 0.5), b"north/BR-01", body)


def told(
    offset: int, event: str, recorded_s: float, happened_s: float | None = None, **given: object
) -> Told:
    body = {"site": "north", "unit": "BR-01", "batch": "B1", "member": "institute", "event": event, **given}
    happened_s = recorded_s if happened_s is None else happened_s
    return Told(offset, at_us(recorded_s), BatchEvent.model_validate(body | {"time_us": at_us(happened_s)}))


FRAMES = [frame(second, 1.2 if second < 20 else 1.5 + second % 3 * 1e-3) for second in range(SECONDS)]
EVENTS = [
    told(0, "start", 10.0, scale_L=2.0, phase="batch", organism="E. coli"),
    told(1, "end", 40.0),
]


def watch(events: Sequence[Told] = EVENTS) -> PartitionWatch:
    return PartitionWatch(TOPIC, TOPIC_ID, PARTITION, batch_events=events)


def pressed(part: PartitionWatch) -> list[AlarmTransition]:
    """What is said of high pressure."""
    said = part.judge(FRAMES).outputs
    return [one for one in said if isinstance(one, AlarmTransition) and one.condition == "high"]


def outputs(part: PartitionWatch, records: Sequence[Record]) -> list[bytes]:
    return [output.encode() for output in part.judge(records).outputs]


def test_the_limit_of_glass_holds_while_the_batch_runs() -> None:
    alarms = [(one.event, one.limit, one.side_offsets) for one in pressed(watch())]
    assert alarms == [("raised", 1.4, {"batch.events": 1}), ("cleared", 2.3, {"batch.events": 2})]


def test_without_batches_nothing_is_alarmed_and_nothing_named() -> None:
    assert pressed(watch([])) == []
    assert {one.side_offsets for one in watch([]).judge(FRAMES).outputs} <= {None}


@settings(max_examples=10, deadline=None)
@given(cut=st.integers(1, SECONDS - 1), known=st.integers(0, 2))
def test_a_restart_anywhere_says_what_one_that_never_stopped_says(cut: int, known: int) -> None:
    wanted = outputs(watch(), FRAMES)
    # What was not recorded yet could not be known before the restart, either.
    recorded = [one for one in EVENTS if one.recorded_us < FRAMES[cut - 1].recorded_us]
    first = watch([*recorded, *EVENTS[len(recorded) : known]])
    before = outputs(first, FRAMES[:cut])
    second = watch()
    assert second.restore(first.state_entries(first.units))
    assert before + outputs(second, FRAMES[cut:]) == wanted


@pytest.mark.parametrize("batches", [1, 7, SECONDS])
def test_the_size_of_the_batches_in_which_frames_come_does_not_matter(batches: int) -> None:
    part = watch()
    said = []
    for begin in range(0, SECONDS, batches):
        said += outputs(part, FRAMES[begin : begin + batches])
    assert said == outputs(watch(), FRAMES)


def test_an_event_that_is_told_late_changes_nothing_that_was_told_before() -> None:
    late = [told(0, "start", 45.0, happened_s=10.0, scale_L=2.0)]
    # Beyond a limit that has just become stricter, whose grace lasts longer than the frames.
    assert pressed(watch(late)) == []


def test_a_unit_that_is_first_seen_within_a_batch_is_in_it() -> None:
    part = watch()
    part.judge(FRAMES[15:20])
    assert part.units["north/BR-01"].context.batch == "B1"


def test_a_phase_that_is_told_ahead_waits_for_its_time() -> None:
    ahead = [EVENTS[0], told(1, "phase", 11.0, happened_s=30.0, phase="harvest")]
    part = watch(ahead)
    seen = []
    for record in FRAMES:
        part.judge([record])
        seen.append(part.units["north/BR-01"].context.phase)
    assert seen == [None] * 10 + ["batch"] * 20 + ["harvest"] * 30


def test_a_clock_that_runs_ahead_does_not_bring_the_next_phase() -> None:
    ahead = [EVENTS[0], told(1, "phase", 11.0, happened_s=3000.0, phase="harvest")]
    part = watch(ahead)
    part.judge(FRAMES[:15])
    body = SensorFrame.decode(FRAMES[15].value or b"").model_copy(update={"time_us": [at_us(3600)]})
    part.judge([Record(TOPIC, PARTITION, 15, at_us(15.5), b"north/BR-01", body.encode())])
    assert part.units["north/BR-01"].context.phase == "batch"
