"""What the doctor finds about the watch: whether it has judged what is in the log, or alarms cannot come."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from agents.watch_position import POSITION_KEY, WatchPosition
from schemas.errors import SpargeError
from sparge.doctor import Finding, Verdict, failed
from sparge.terminal import command_name
from sparge.times import show_span
from streams.admin import describe_log, log_bounds, partitions_of
from streams.range_reader import RangeReader
from streams.tail import read_all
from streams.topics import FRAMES, WATCH_STATE

if TYPE_CHECKING:
    from streams.connection import Broker

LATE_US = 60_000_000
"""Watch writes its position down every 10 s at least; what waits longer than this is not judged."""


def watch(kafka: Broker, now_us: int) -> Finding:
    """Return whether watch has come to the end of the log of frames, or since when something waits for it."""
    try:
        waiting, oldest_us = _waiting(kafka, now_us)
    except SpargeError as error:
        return failed("watch", error)
    if not waiting:
        return Finding("watch", Verdict.OK, "has judged all that is in the log")
    late_us = now_us - oldest_us
    if late_us < LATE_US:
        return Finding("watch", Verdict.OK, f"has judged all but the last {show_span(max(late_us, 0))}")
    found = f"{waiting} messages are not judged, the first for {show_span(late_us)}: their alarms cannot come"
    return Finding("watch", Verdict.FAIL, found, f"{command_name()} worker watch, or read its log")


def _waiting(kafka: Broker, now_us: int) -> tuple[int, int]:
    """Return how many messages are not judged yet, and when the first of them was recorded."""
    topic_id = describe_log(kafka, [FRAMES.name]).topics[FRAMES.name]
    reached = {
        record.partition: WatchPosition.unchecked(record.value, record.partition)
        for record in read_all(kafka, WATCH_STATE.name)
        if record.key == POSITION_KEY and record.value
    }
    waiting, oldest_us = 0, now_us
    with closing(RangeReader(kafka, read_committed=False)) as reader:
        for tp, (low, high) in log_bounds(kafka, partitions_of(kafka, [FRAMES.name])).items():
            position = reached.get(tp.partition)
            judged = position.next_offset if position is not None and position.topic_id == topic_id else 0
            start = max(low, judged)
            if start < high:
                waiting += high - start
                first = reader.read(tp.topic, tp.partition, start, start + 1)
                oldest_us = min([oldest_us, *(record.recorded_us for record in first)])
    return waiting, oldest_us
