"""What one partition of telemetry.frames means to its owner: its units, its log time, its next offset.

Pure: records in, messages out. The same records give the same messages, whatever the wall clock says.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any, NamedTuple

from agents.batch_context import BatchFeed
from agents.checkpoints import Checkpoints
from agents.cursor import admit
from agents.model_feed import ModelFeed
from agents.state_codec import pack, unpack
from agents.unit_watch import UnitWatch
from agents.watch_position import POSITION_KEY, Mark, WatchPosition
from schemas.decoding import Frame, decode_message
from schemas.errors import FrameRefused, SnapshotRefused
from schemas.source import Source
from streams.record import TopicPartition
from streams.topics import BATCH_EVENTS, MODELS_REGISTRY, WATCH_STATE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from agents.batch_context import Told
    from agents.model_feed import Said
    from agents.models.kept_envelope import Envelopes
    from schemas.alarm import AlarmTransition
    from schemas.forecast import ForecastMessage
    from schemas.score import ScoreMessage
    from streams.record import Record

    Output = AlarmTransition | ScoreMessage | ForecastMessage

__all__ = ["POSITION_KEY", "Judgement", "PartitionWatch"]

STATE_SCHEMA = "sparge.unit-memory/1"

MOST_BYTES = WATCH_STATE.max_message_bytes - 64 * 1024
"""Of one memory, as it is before compression; the rest is for the envelope of its message."""

TIMER_STEP_US = 1_000_000
"""Timers of units that are silent while others talk are looked at once a second of log time."""


@dataclass(slots=True)
class Judgement:
    """What a batch led to: messages in order, and the keys of the units whose memory changed.

    frames: how many were judged. skipped: messages that could not be understood. What was told before is
    judged again after a restart, to bring memories up to date, and counts nowhere here.
    """

    outputs: list[Output] = field(default_factory=list)
    changed: set[str] = field(default_factory=set)
    frames: int = 0
    skipped: int = 0


class _Taken(NamedTuple):
    """Where a unit's memory was taken: in which topic, and where there."""

    topic_id: str
    at: Mark


class PartitionWatch:
    """The live objects of one partition of telemetry.frames, with the offset and log time they have reached.

    Args:
        topic: the input topic's name.
        topic_id: its id on the cluster, part of each output's identity.
        partition: the input partition.
        signing_key: by which the units' memories in watch.state are known as ours.
        batch_events: all that is known of batch.events; grows as more becomes known.
        model_events: the same of models.registry.
        envelopes: those that recipes there name.

    `refused` has, by unit, why its stored memory was not taken up: such a unit starts anew. `misplaced` is
    why the stored position was not: watch goes on from the memories, or begins where the log does.
    `too_large` names the units whose memory the topic does not take: it is written without their models.
    """

    def __init__(
        self,
        topic: str,
        topic_id: str,
        partition: int,
        signing_key: bytes = b"",
        batch_events: Sequence[Told] = (),
        *,
        model_events: Sequence[Said] = (),
        envelopes: Envelopes | None = None,
    ) -> None:
        self.topic = topic
        self.topic_id = topic_id
        self.partition = partition
        self.next_offset = 0
        self.now_us = 0
        self.units: dict[str, UnitWatch] = {}
        self.refused: dict[str, SnapshotRefused] = {}
        self.misplaced: SnapshotRefused | None = None
        self.too_large: set[str] = set()
        self._key = signing_key
        self._timers_us = 0
        self._checkpoints = Checkpoints()
        self._batches = BatchFeed(batch_events)
        self._models = ModelFeed(model_events, envelopes)

    @property
    def told_offset(self) -> int:
        """Everything below it has been told; behind it while what came after the memories is judged again."""
        return max(self._checkpoints.told_offset, self.next_offset)

    @property
    def replaying(self) -> bool:
        """Whether what is judged has been told before."""
        return self.next_offset < self._checkpoints.told_offset

    @property
    def refused_models(self) -> Mapping[str, str]:
        """By digest why a registered model cannot run here."""
        return self._models.refused

    def restore(self, entries: Iterable[tuple[bytes, bytes | None]]) -> bool:
        """Take up the partition's entries of watch.state; later entries of a key replace earlier ones.

        Returns:
            Whether the stored offset belongs to this very topic. If not (the topic was created anew), the
            units' memories are kept and the offset is left at 0.
        """
        latest = {key: value for key, value in entries if value is not None}
        position = latest.pop(POSITION_KEY, None)
        marks = {key.decode(): self._take_up(key.decode(), value) for key, value in latest.items()}
        if position is None and not latest:
            return True
        here = {key: mark.at for key, mark in marks.items() if mark and mark.topic_id == self.topic_id}
        reached = self._reached(position, here)
        same_topic = reached.topic_id == self.topic_id
        # The timers keep their step, or a restart would move what they decide to another message.
        start = reached.start if same_topic else Mark(0, reached.now_us, reached.timers_us)
        self.next_offset, self.now_us, self._timers_us = start
        if same_topic:
            self._checkpoints.told_offset = reached.next_offset
        for key, mark in marks.items():
            if mark is not None:
                # What was kept of another topic has nothing of this one.
                self._checkpoints.stored([key], here.get(key, start) if same_topic else start)
        return same_topic

    def missing(self, records: Sequence[Record]) -> list[tuple[int, int]]:
        """Ranges [start, stop) of offsets that the batch skips and that have to be looked up in the log."""
        here = TopicPartition(self.topic, self.partition)
        plan = admit({here: [record.offset for record in records]}, {here: self.next_offset})
        return [(hole.start, hole.stop) for hole in plan.holes]

    def judge(self, records: Sequence[Record]) -> Judgement:
        """Judge a batch of records whose holes have been looked up; the offset moves past all of them."""
        judgement, told_before = Judgement(), Judgement()
        last_seen: dict[int, Record] = {record.offset: record for record in records}
        for offset in sorted(last_seen):
            if offset >= self.next_offset:
                self._judge_one(last_seen[offset], told_before if self.replaying else judgement)
                self.next_offset = offset + 1
        return judgement

    def begin_within(self, low: int, high: int) -> int:
        """Begin no earlier than the log does and no later than it ends; returns how many frames are missed.

        low, high: the log's first offset and the one after its last.
        """
        told = self._checkpoints.told_offset
        self._checkpoints.told_offset = min(told, high)
        began = self.next_offset
        self.next_offset = min(max(began, low), high)
        return max(0, low - max(began, told))

    def due(self) -> list[str]:
        """Keys of the units whose memory should be written with the next transaction."""
        return self._checkpoints.due(self.now_us)

    def old(self) -> list[str]:
        """Keys of all units whose memory has changed since it was written."""
        return self._checkpoints.old()

    def state_entries(self, keys: Iterable[str]) -> list[tuple[bytes, bytes]]:
        """Entries for watch.state: the memories of these units, and how far the partition was judged."""
        mark = Mark(self.next_offset, self.now_us, self._timers_us)
        written = sorted(keys)
        entries = [(key.encode(), self._memory(key, mark)) for key in written]
        self._checkpoints.stored(written, mark)
        position = WatchPosition(self.topic_id, *mark, self._checkpoints.replay())
        return [*entries, (POSITION_KEY, position.encode(self.partition, self._key))]

    def _memory(self, key: str, mark: Mark) -> bytes:
        unit = self.units[key]
        head = {"schema": STATE_SCHEMA, "key": key, "topic_id": self.topic_id, "mark": list(mark)}
        body = pack({**head, **unit.memory()}, self._key)
        if len(body) <= MOST_BYTES:
            self.too_large.discard(key)
            return body
        self.too_large.add(key)
        return pack({**head, **unit.memory(), "models": None}, self._key)

    def _reached(self, position: bytes | None, marks: Mapping[str, Mark]) -> WatchPosition:
        """The stored position; where there is none that is ours, what the memories say of it.

        A memory goes out with all that was told before it, so the newest says how far was told.
        """
        if position is None:
            self.misplaced = SnapshotRefused("watch.state has memories of units and no position.")
        else:
            try:
                return WatchPosition.decode(position, self.partition, self._key)
            except SnapshotRefused as refused:
                self.misplaced = refused
        nowhere = Mark(0, 0, 0)
        told, oldest = max(marks.values(), default=nowhere), min(marks.values(), default=nowhere)
        return WatchPosition(self.topic_id, *told, replay=oldest)

    def _take_up(self, key: str, body: bytes) -> _Taken | None:
        """Take up the memory of a unit; returns where it was taken, None where it is refused."""
        site, _, unit = key.partition("/")
        try:
            kept = unpack(body, self._key)
            _require(kept, key)
            # Its memory is of the models that were in force when it was taken.
            self._models.reach(Mark(*kept["mark"]).now_us)
            self.units[key] = UnitWatch.restored(site, unit, kept, choose=partial(self._models.choose, key))
        except SnapshotRefused as refused:
            self.refused[key] = refused
            return None
        # Memories of earlier versions do not name their topic: theirs was this one (decision 0010).
        return _Taken(str(kept.get("topic_id", self.topic_id)), Mark(*kept["mark"]))

    def _judge_one(self, record: Record, judgement: Judgement) -> None:
        self.now_us = max(self.now_us, record.recorded_us)
        self._batches.reach(self.now_us)
        self._models.reach(self.now_us)
        at = self._sources(record.offset)
        try:
            message = decode_message(record.value, record.key, record.recorded_us)
        except FrameRefused:
            message = None  # ingest writes the dead letter; here only time moves on
            judgement.skipped += 1
        if isinstance(message, Frame) and not self._checkpoints.holds(message.key, record.offset):
            self._judge_frame(message, at, judgement)
        if self.now_us - self._timers_us >= TIMER_STEP_US:
            self._timers_us = self.now_us
            # In the order of their names, which a restart does not change.
            for key, unit in sorted(self.units.items()):
                if self._checkpoints.holds(key, record.offset):
                    continue
                changes = unit.changes
                judgement.outputs += map(self._beside, unit.on_tick(self.now_us, at))
                if unit.changes != changes:
                    self._checkpoints.changed(key)
                    judgement.changed.add(key)

    def _judge_frame(self, frame: Frame, at: Callable[[], Source], judgement: Judgement) -> None:
        unit = self.units.get(frame.key)
        if unit is None:
            choose = partial(self._models.choose, frame.key)
            unit = self.units[frame.key] = UnitWatch(frame.site, frame.unit, choose=choose)
        outputs = unit.on_frame(frame, self.now_us, at, self._batches.story(frame.key))
        judgement.outputs += map(self._beside, outputs)
        judgement.frames += 1
        judgement.changed.add(frame.key)
        self._checkpoints.changed(frame.key, frames=1)

    def _beside(self, output: Output) -> Output:
        """Name the side inputs that were in force for an output."""
        offsets = {BATCH_EVENTS.name: self._batches.offset, MODELS_REGISTRY.name: self._models.offset}
        in_force = {name: offset for name, offset in offsets.items() if offset}
        return output.model_copy(update={"side_offsets": in_force}) if in_force else output

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


def _require(kept: Mapping[str, Any], key: str) -> None:
    if (kept.get("schema"), kept.get("key")) != (STATE_SCHEMA, key):
        raise SnapshotRefused(
            f"The memory kept for {key} is {kept.get('schema')} of {kept.get('key')}.",
            kept="The frames in the log, and every result that was told before.",
        )
