"""What one partition of telemetry.frames means to its owner: its units, its log time, its next offset.

Pure: records in, messages out. The same records give the same messages, whatever the wall clock says.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING

from agents.cursor import admit
from agents.unit_watch import UnitWatch
from agents.watch_position import POSITION_KEY, WatchPosition
from schemas.decoding import Frame, decode_message
from schemas.errors import FrameRefused
from schemas.source import Source
from streams.record import TopicPartition

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from schemas.alarm import AlarmTransition
    from schemas.forecast import ForecastMessage
    from schemas.score import ScoreMessage
    from streams.record import Record

    Output = AlarmTransition | ScoreMessage | ForecastMessage

__all__ = ["POSITION_KEY", "Judgement", "PartitionWatch"]

TIMER_STEP_US = 1_000_000
"""Timers of units that are silent while others talk are looked at once a second of log time."""


@dataclass(slots=True)
class Judgement:
    """What a batch led to: messages in order, and the keys of the units whose memory changed.

    frames: how many were judged. skipped: messages that could not be understood.
    """

    outputs: list[Output] = field(default_factory=list)
    changed: set[str] = field(default_factory=set)
    frames: int = 0
    skipped: int = 0


class PartitionWatch:
    """The live objects of one partition of telemetry.frames, with the offset and log time they have reached.

    Args:
        topic: the input topic's name.
        topic_id: its id on the cluster, part of each output's identity.
        partition: the input partition.
    """

    def __init__(self, topic: str, topic_id: str, partition: int) -> None:
        self.topic = topic
        self.topic_id = topic_id
        self.partition = partition
        self.next_offset = 0
        self.now_us = 0
        self.units: dict[str, UnitWatch] = {}
        self._timers_us = 0

    def restore(self, entries: Iterable[tuple[bytes, bytes | None]]) -> bool:
        """Take up the partition's entries of watch.state; later entries of a key replace earlier ones.

        Returns:
            Whether the stored offset belongs to this very topic. If not (the topic was created anew), the
            alarms' states are kept and the offset is left at 0.

        Raises:
            SnapshotRefused: an entry is torn or not ours.
        """
        latest = {key: value for key, value in entries if value is not None}
        position = latest.pop(POSITION_KEY, None)
        for key, value in latest.items():
            site, _, unit = key.decode().partition("/")
            self.units[key.decode()] = UnitWatch.restore(site, unit, value)
        if position is None:
            return not latest
        reached = WatchPosition.decode(position, self.partition)
        # The timers keep their step, or a restart would move what they decide to another message.
        self.now_us, self._timers_us = reached.now_us, reached.timers_us
        same_topic = reached.topic_id == self.topic_id
        if same_topic:
            self.next_offset = reached.next_offset
        return same_topic

    def missing(self, records: Sequence[Record]) -> list[tuple[int, int]]:
        """Ranges [start, stop) of offsets that the batch skips and that have to be looked up in the log."""
        here = TopicPartition(self.topic, self.partition)
        plan = admit({here: [record.offset for record in records]}, {here: self.next_offset})
        return [(hole.start, hole.stop) for hole in plan.holes]

    def judge(self, records: Sequence[Record]) -> Judgement:
        """Judge a batch of records whose holes have been looked up; the offset moves past all of them."""
        judgement = Judgement()
        last_seen: dict[int, Record] = {record.offset: record for record in records}
        for offset in sorted(last_seen):
            if offset >= self.next_offset:
                self._judge_one(last_seen[offset], judgement)
                self.next_offset = offset + 1
        return judgement

    def state_entries(self, changed: Iterable[str]) -> list[tuple[bytes, bytes]]:
        """Entries for watch.state: the units that changed, and the position that includes them."""
        entries = [(key.encode(), self.units[key].snapshot()) for key in sorted(changed)]
        position = WatchPosition(self.topic_id, self.next_offset, self.now_us, self._timers_us)
        return [*entries, (POSITION_KEY, position.encode())]

    def _judge_one(self, record: Record, judgement: Judgement) -> None:
        self.now_us = max(self.now_us, record.recorded_us)
        at = self._sources(record.offset)
        try:
            message = decode_message(record.value, record.key, record.recorded_us)
        except FrameRefused:
            message = None  # ingest writes the dead letter; here only time moves on
            judgement.skipped += 1
        if isinstance(message, Frame):
            unit = self.units.get(message.key)
            if unit is None:
                unit = self.units[message.key] = UnitWatch(message.site, message.unit)
            judgement.outputs += unit.on_frame(message, self.now_us, at)
            judgement.frames += 1
            judgement.changed.add(message.key)
        if self.now_us - self._timers_us >= TIMER_STEP_US:
            self._timers_us = self.now_us
            # In the order of their names, which a restart does not change.
            for key, unit in sorted(self.units.items()):
                transitions = unit.on_tick(self.now_us, at)
                if transitions:
                    judgement.outputs += transitions
                    judgement.changed.add(key)

    def _sources(self, offset: int) -> Callable[[], Source]:
        indices = count()

        def at() -> Source:
            return Source(
                topic_id=self.topic_id,
                topic=self.topic,
                partition=self.partition,
                offset=offset,
                index=next(indices),
            )

        return at
