"""What the owner of a partition of telemetry.frames makes of its records."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.partition_watch import PartitionWatch
from schemas.alarm import AlarmTransition
from schemas.decoding import TICK_BODY
from schemas.frame import SensorFrame, SignalColumn
from streams.record import Record

TOPIC, TOPIC_ID, PARTITION = "telemetry.frames", "t0p1c", 3
START_US = 1_790_000_000_000_000


def record(offset: int, value: bytes | None, key: bytes | None, *, at_s: float) -> Record:
    return Record(TOPIC, PARTITION, offset, START_US + int(at_s * 1e6), key, value)


def frame(offset: int, *, at_s: float, unit: str = "BR-01", agitation: float = 600.0) -> Record:
    body = SensorFrame(
        site="north",
        unit=unit,
        device="controller",
        epoch=1,
        sequence=offset,
        time_us=[START_US + int(at_s * 1e6)],
        signals={"agitation": SignalColumn(unit="{#}.min-1", values=[agitation])},
    ).encode()
    return record(offset, body, f"north/{unit}".encode(), at_s=at_s)


def tick(offset: int, *, at_s: float) -> Record:
    return record(offset, TICK_BODY, None, at_s=at_s)


def lost_stirrer(seconds: int = 120) -> list[Record]:
    """A stirrer that stops after half of the time; one frame a second."""
    return [
        frame(second, at_s=second, agitation=600.0 + second % 3 if second < seconds / 2 else 0.0)
        for second in range(seconds)
    ]


def raised(outputs: list[object]) -> list[AlarmTransition]:
    return [one for one in outputs if isinstance(one, AlarmTransition) and one.event == "raised"]


def test_a_lost_stirrer_raises_an_alarm_that_names_its_input() -> None:
    watch = PartitionWatch(TOPIC, TOPIC_ID, PARTITION)
    low = [one for one in raised(list(watch.judge(lost_stirrer()).outputs)) if one.condition == "low"]
    assert [one.signal for one in low] == ["agitation"]
    assert low[0].source.topic_id == TOPIC_ID
    assert 60 <= low[0].source.offset < 120
    assert low[0].action


def test_a_message_that_cannot_be_understood_only_moves_the_offset_and_the_time() -> None:
    watch = PartitionWatch(TOPIC, TOPIC_ID, PARTITION)
    judgement = watch.judge([record(0, b"not json", b"north/BR-01", at_s=5)])
    assert judgement.outputs == []
    assert watch.next_offset == 1
    assert watch.now_us == START_US + 5_000_000


def test_silence_is_alarmed_by_ticks_alone() -> None:
    watch = PartitionWatch(TOPIC, TOPIC_ID, PARTITION)
    records = [frame(0, at_s=0), *(tick(second, at_s=second) for second in range(1, 40))]
    assert [one.condition for one in raised(list(watch.judge(records).outputs))] == ["silent"]


def test_silence_of_one_unit_is_alarmed_while_another_talks() -> None:
    watch = PartitionWatch(TOPIC, TOPIC_ID, PARTITION)
    talking = [frame(second, at_s=second, unit="BR-02") for second in range(1, 40)]
    silent = raised(list(watch.judge([frame(0, at_s=0), *talking]).outputs))
    assert [(one.unit, one.condition) for one in silent] == [("BR-01", "silent")]


@given(cut=st.integers(1, 119), data=st.data())
def test_alarms_are_the_same_however_the_log_is_cut_shuffled_and_repeated(
    cut: int, data: st.DataObject
) -> None:
    records = lost_stirrer()
    whole = PartitionWatch(TOPIC, TOPIC_ID, PARTITION)
    wanted = [one.source.id for one in raised(list(whole.judge(records).outputs))]

    first = PartitionWatch(TOPIC, TOPIC_ID, PARTITION)
    got = raised(list(first.judge(data.draw(st.permutations(records[:cut]))).outputs))
    second = PartitionWatch(TOPIC, TOPIC_ID, PARTITION)
    assert second.restore(first.state_entries(first.units))
    overlap = records[data.draw(st.integers(0, cut)) :]
    got += raised(list(second.judge(overlap).outputs))
    assert [one.source.id for one in got] == wanted


@pytest.mark.parametrize("cut", range(32, 38))
def test_timers_go_on_in_step_after_a_restart(cut: int) -> None:
    talking = [frame(number, at_s=number * 0.4, unit="BR-02") for number in range(1, 60)]
    records = [frame(0, at_s=0, unit="BR-03"), *talking]
    whole = PartitionWatch(TOPIC, TOPIC_ID, PARTITION)
    wanted = [one.source.id for one in raised(list(whole.judge(records).outputs))]

    first, second = (PartitionWatch(TOPIC, TOPIC_ID, PARTITION) for _ in range(2))
    got = raised(list(first.judge(records[:cut]).outputs))
    assert second.restore(first.state_entries(first.units))
    got += raised(list(second.judge(records[cut:]).outputs))
    assert [one.source.id for one in got] == wanted


def test_a_hole_is_named_so_that_it_can_be_looked_up() -> None:
    watch = PartitionWatch(TOPIC, TOPIC_ID, PARTITION)
    assert watch.missing([frame(2, at_s=2), frame(5, at_s=5)]) == [(0, 2), (3, 5)]


def test_alarm_states_outlive_a_topic_that_was_created_anew() -> None:
    before = PartitionWatch(TOPIC, TOPIC_ID, PARTITION)
    before.judge(lost_stirrer())
    after = PartitionWatch(TOPIC, "another", PARTITION)
    assert not after.restore(before.state_entries(before.units))
    assert after.next_offset == 0
    assert after.units.keys() == before.units.keys()
