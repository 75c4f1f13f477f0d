"""An envelope among the frames of a partition: it judges the batch under way, alarms, survives a stop."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from agents.batch_context import Told
from agents.model_feed import Said
from agents.models.kept_envelope import keep
from agents.partition_watch import PartitionWatch
from schemas.alarm import AlarmTransition
from schemas.batch import BatchEvent
from schemas.frame import SensorFrame, SignalColumn
from schemas.score import ScoreMessage
from schemas.signals import DICTIONARY
from streams.record import Record
from tests.unit.agents.test_batch_envelope import NAMES, course, envelope
from tests.unit.agents.test_kept_envelope import events, referenced, taken

if TYPE_CHECKING:
    from agents.partition_watch import Output

TOPIC, TOPIC_ID, PARTITION = "telemetry.frames", "t0p1c", 3
UNIT = "north/BR-01"
START_US = 1_790_000_000_000_000
STEP_US = 10_000_000
ROWS, WRONG_FROM = 200, 120
KEPT = keep(envelope())
MADE = referenced(8, KEPT.digest)


def frame(row: int, *, wrong: bool) -> Record:
    """Ten seconds of a batch; a wrong one is too warm from a certain row on."""
    values = course(99)[row]
    if wrong and row >= WRONG_FROM:
        values[NAMES.index("temperature")] += 1.0
    time_us = START_US + row * STEP_US
    body = SensorFrame(
        site="north",
        unit="BR-01",
        device="controller",
        epoch=1,
        sequence=row,
        time_us=[time_us],
        signals={
            name: SignalColumn(unit=DICTIONARY[name].unit, values=[float(value)])
            for name, value in zip(NAMES, values, strict=True)
        },
    ).encode()
    return Record(TOPIC, PARTITION, row, time_us + 500_000, UNIT.encode(), body)


def log(*, wrong: bool) -> tuple[Record, ...]:
    return tuple(frame(row, wrong=wrong) for row in range(ROWS))


def watch() -> PartitionWatch:
    began = BatchEvent(
        site="north",
        unit="BR-01",
        batch="B99",
        member="lab",
        event="start",
        time_us=START_US,
        phase="feed",
        organism="E. coli BL21",
    )
    said = [Said(place, START_US - 10 + place, event) for place, event in enumerate(events(MADE))]
    batches = [Told(0, START_US - 5, began)]
    return PartitionWatch(
        TOPIC, TOPIC_ID, PARTITION, b"key", batches, model_events=said, envelopes=taken(KEPT)
    )


def scores(outputs: list[Output]) -> list[ScoreMessage]:
    """What the envelope said."""
    return [one for one in outputs if isinstance(one, ScoreMessage) and one.model == MADE.ref]


def raised(outputs: list[Output]) -> list[AlarmTransition]:
    return [
        one
        for one in outputs
        if isinstance(one, AlarmTransition) and (one.condition, one.event) == ("anomaly", "raised")
    ]


@cache
def without_a_stop() -> tuple[bytes, ...]:
    return tuple(output.encode() for output in watch().judge(log(wrong=True)).outputs)


def test_a_batch_that_leaves_the_envelope_raises_an_anomaly_of_the_unit_after_a_minute() -> None:
    outputs = watch().judge(log(wrong=True)).outputs
    first = next(score for one in scores(outputs) for score in one.unit_scores or () if score.suspect)
    wrong_us = START_US + WRONG_FROM * STEP_US
    assert wrong_us < first.time_us <= wrong_us + 3 * STEP_US
    assert first.contributions[0].signal == "temperature"
    assert "temperature" in (first.reason or "")
    alarm = raised(outputs)[0]
    assert alarm.signal == "unit"
    assert "temperature" in alarm.message
    assert first.time_us + 50_000_000 <= alarm.time_us <= first.time_us + 90_000_000


def test_a_sound_batch_is_scored_step_by_step_and_raises_nothing() -> None:
    outputs = watch().judge(log(wrong=False)).outputs
    found = [score for one in scores(outputs) for score in one.unit_scores or ()]
    assert len(found) >= ROWS - 5
    assert not any(score.suspect for score in found)
    assert [alarm.signal for alarm in raised(outputs) if alarm.signal == "unit"] == []


def test_a_restart_anywhere_says_what_one_that_never_stopped_says() -> None:
    for cut in (1, WRONG_FROM + 4, ROWS - 20):
        first, second = watch(), watch()
        before = [output.encode() for output in first.judge(log(wrong=True)[:cut]).outputs]
        assert second.restore(first.state_entries(first.units))
        after = [output.encode() for output in second.judge(log(wrong=True)[cut:]).outputs]
        assert (*before, *after) == without_a_stop()
