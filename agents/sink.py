"""The loop that both sinks run: take a batch, write it in one transaction, acknowledge after the commit.

While a portion is written the next one is decoded already, and follows it at once: the thread that writes
asks the event loop for nothing in between. Never more than that one is ahead.

If the database or the broker is away the batch waits here with a back-off; the bounded stream buffer then
pauses the partitions. How long that may last is for the watchdog to say.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from dataclasses import dataclass
from itertools import groupby, islice
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import structlog

from agents.cursor import admit
from agents.purpose import Prepared, refusals
from agents.tally import SinkTally, Written
from schemas.deadletter import DeadLetter
from schemas.errors import BrokerError, DatabaseUnreachable, FrameRefused, LogMismatch, SpargeError
from schemas.source import Source
from storage.store import DatabaseBusy
from streams.admin import describe_log, log_bounds
from streams.faust_app import batches
from streams.record import TopicPartition, by_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Container, Iterable, Iterator, Mapping, Sequence

    import faust

    from agents.cursor import Hole
    from agents.purpose import Purpose
    from storage.store import Store
    from streams.connection import Broker
    from streams.deadletters import DeadLetterProducer
    from streams.range_reader import RangeReader
    from streams.record import Record

T = TypeVar("T")
R = TypeVar("R")

log = structlog.get_logger("sink")

BATCH_RECORDS = 1000
BATCH_WITHIN_S = 0.2
TRANSACTION_BYTES = 2 * 1024 * 1024
"""A transaction takes no more than this of message bytes: memory, locks and a stop's wait stay bounded.

Of dense frames that is some 200,000 samples, which take about 50 MiB while they are sorted and copied.
"""

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 10.0


@dataclass(frozen=True, slots=True)
class _Portion(Generic[T]):
    """What one transaction writes, and the events to acknowledge after it."""

    prepared: Sequence[Prepared[T]]
    events: tuple[faust.Event, ...]


class Sink(Generic[T]):
    """Writes records of its topics exactly once.

    Args:
        purpose: what they mean and how that is stored.
        broker: the cluster that is read.
        store: the database, used by one batch at a time.
        positions: a connection of its own for reading where partitions start.
        reader: looks up ranges of offsets that a batch lacks.
        deadletters: where refused records go; acknowledged by the broker before the position moves.
        topic_ids: topic name to the id that the cluster gave it.
        tally: is kept up with what the sink does.
    """

    def __init__(
        self,
        purpose: Purpose[T],
        *,
        broker: Broker,
        store: Store,
        positions: Store,
        reader: RangeReader,
        deadletters: DeadLetterProducer,
        topic_ids: Mapping[str, str],
        tally: SinkTally,
    ) -> None:
        self.name = purpose.name
        self._purpose = purpose
        self._broker = broker
        self._store = store
        self._positions = positions
        self._reader = reader
        self._deadletters = deadletters
        self._topic_ids = topic_ids
        self._tally = tally
        self._logs: dict[str, tuple[str, str]] = {}
        self._answers_before = 0
        self._away_since_s: float | None = None
        # The first is being written. Only the thread that writes takes out, only the event loop puts in.
        self._line: deque[_Portion[T]] = deque()
        self._shorter = asyncio.Event()

    @property
    def steps(self) -> int:
        """How many answers of the database the transaction under way, or the last one, has had."""
        return max(0, self._store.answers - self._answers_before)

    async def start_at(self, partitions: Collection[TopicPartition]) -> Mapping[TopicPartition, int]:
        """Where each partition starts: the database's position; what retention took is recorded as lost.

        A database that is away is waited for; whoever asks says how long.

        Raises:
            LogMismatch: a topic was created anew, or ends before a position: it is not the log that was read.
        """
        return await self._tried(lambda: self._start_at(list(partitions)), DatabaseUnreachable)

    async def run(self, stream: faust.Stream[bytes]) -> None:
        """Write batch after batch until the stream ends."""
        writing: asyncio.Task[None] | None = None
        async for batch in batches(stream, max_records=BATCH_RECORDS, within_s=BATCH_WITHIN_S):
            pairs = iter(batch)
            for portion in by_bytes([record for _, record in batch], TRANSACTION_BYTES):
                if len(self._line) > 1:
                    self._shorter.clear()
                    await self._shorter.wait()
                prepared = await asyncio.to_thread(self.prepare, portion)
                events = dict.fromkeys(event for event, _ in islice(pairs, len(portion)))
                self._line.append(_Portion(prepared, tuple(events)))
                if writing is not None and writing.done():
                    # What failed is raised here, too.
                    await writing
                    writing = None
                writing = writing or asyncio.create_task(self._write_line(stream))
        if writing is not None:
            await writing

    def prepare(self, records: Iterable[Record]) -> list[Prepared[T]]:
        """Decode records, whether they will turn out to be due or not."""
        prepared: list[Prepared[T]] = []
        for record in records:
            try:
                prepared.append(Prepared(record, self._purpose.decode(record)))
            except FrameRefused as refusal:
                prepared.append(Prepared(record, refusal=refusal))
        return prepared

    async def _write_line(self, stream: faust.Stream[bytes]) -> None:
        """Write what stands in line until nothing does."""
        loop = asyncio.get_running_loop()

        async def acknowledge(events: Iterable[faust.Event]) -> None:
            self._shorter.set()
            try:
                for event in events:
                    await stream.ack(event)
            except Exception as failure:
                await stream.app.crash(failure)
                raise

        def write() -> None:
            while self._line:
                portion = self._line[0]
                self.write(portion.prepared)
                self._well()
                self._line.popleft()
                asyncio.run_coroutine_threadsafe(acknowledge(portion.events), loop)

        try:
            while self._line:
                await self._tried(write, DatabaseUnreachable, BrokerError)
        except Exception as failure:
            # Whoever takes the next batch would learn of it, but perhaps there is none.
            await stream.app.crash(failure)
            raise

    def write(self, prepared: Sequence[Prepared[T]]) -> None:
        """Write what is due of these and move the positions, in one transaction."""
        by_place = {(one.record.tp, one.record.offset): one for one in prepared}
        letters: list[DeadLetter] = []
        written = Written()
        self._answers_before = self._store.answers
        with self._store.transaction(self.name, {one.record.tp for one in prepared}) as tx:
            stored = {TopicPartition(*tp): offset for tp, offset in tx.positions.items()}
            plan = admit(_offsets(by_place), stored)
            if plan.holes:
                for one in self.prepare(self._looked_up(plan.holes)):
                    by_place[one.record.tp, one.record.offset] = one
                for tp, start, stop in _empty(plan.holes, by_place):
                    tx.note_hole(tp, start, stop)
                plan = admit(_offsets(by_place), stored, _ranges(plan.holes))
            due = [by_place[tp, offset] for tp, offsets in plan.accepted.items() for offset in offsets]
            messages = [one.message for one in due if one.message is not None]
            if messages:
                written = self._purpose.write(tx, messages)
            letters = [letter(record, why, self._topic_ids) for record, why in refusals(due, written.refused)]
            if letters:
                self._deadletters.send(letters)
            tx.advance(dict(plan.next_offsets.items()))
        self._tally.count(len(due), written, len(letters))
        for dead in letters:
            log.warning("dead letter", id=dead.source.id, reason=dead.reason, where=dead.where)
        self._tally.positions.update(plan.next_offsets)

    def _looked_up(self, holes: Sequence[Hole[TopicPartition]]) -> Iterator[Record]:
        """Yield what the log has in the holes; nothing where only markers or aborted records lie."""
        for tp, group in groupby(holes, key=lambda hole: hole.tp):
            ranges = [(hole.start, hole.stop) for hole in group]
            first, last = ranges[0][0], ranges[-1][1]
            # One read over all holes of a partition: on a transactional topic each batch has several.
            for record in self._reader.read(tp.topic, tp.partition, first, last):
                if any(start <= record.offset < stop for start, stop in ranges):
                    log.info(
                        "found a record that the stream had skipped", topic=tp.topic, offset=record.offset
                    )
                    yield record

    async def _tried(self, work: Callable[[], R], *passing: type[SpargeError]) -> R:
        """Do this in a thread, again and again while it fails in a way that passes."""
        pause_s = FIRST_PAUSE_S
        while True:
            try:
                done = await asyncio.to_thread(work)
            except passing as error:
                self._tally.retries += 1
                self._tally.connected = isinstance(error, (DatabaseBusy, BrokerError))
                self._tally.away_for = "" if isinstance(error, DatabaseBusy) else error.message
                self._tally.waiting = True
                if self._away_since_s is None:
                    pause_s, self._away_since_s = FIRST_PAUSE_S, time.monotonic()
                    log.warning(
                        "waiting, nothing is lost: the log keeps it", sink=self.name, cause=str(error)
                    )
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
            else:
                self._well()
                return done

    def _well(self) -> None:
        """What was tried has been done."""
        self._tally.connected, self._tally.away_for, self._tally.waiting = True, "", False
        if self._away_since_s is not None:
            away_s = round(time.monotonic() - self._away_since_s, 1)
            self._away_since_s = None
            log.info("writing again", sink=self.name, away_s=away_s)

    def _start_at(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        self._refuse_another_log({tp.topic for tp in partitions})
        stored = self._positions.positions(self.name, partitions)
        bounds = log_bounds(self._broker, partitions)
        starts: dict[TopicPartition, int] = {}
        for tp in partitions:
            low, high = bounds[tp]
            position = stored[tp.topic, tp.partition]
            if position > high:
                raise LogMismatch(
                    f"{tp.topic}[{tp.partition}] ends at {high}, but {self.name} stored up to {position}.",
                    detail="the broker lost data, or it is another log under the same identity",
                    kept="All that is stored stays stored.",
                    next_step="sparge doctor",
                )
            if position < low:
                reason = "deleted by retention before it was stored"
                if position:  # a sink that never ran starts where the log does: nothing of its own was lost
                    log.error(
                        "frames were lost", topic=tp.topic, partition=tp.partition, first=position, until=low
                    )
                self._positions.record_loss(self.name, tp, position, low, reason)
            starts[tp] = max(position, low)
        self._tally.positions.update(starts)
        return starts

    def _refuse_another_log(self, topics: Collection[str]) -> None:
        """Positions mean nothing in a log that took the place of the one that was read so far."""
        identity = describe_log(self._broker, topics)
        for topic, topic_id in identity.topics.items():
            found = (identity.cluster_id, topic_id)
            if self._logs.setdefault(topic, found) != found:
                raise LogMismatch(
                    f"{topic} is another log than the one that {self.name} has read until now.",
                    detail=f"cluster and topic id were {self._logs[topic]}, now {found}",
                    kept="All that is stored stays stored.",
                    next_step="sparge topics adopt",
                )


def _offsets(by_place: Iterable[tuple[TopicPartition, int]]) -> dict[TopicPartition, list[int]]:
    offsets: dict[TopicPartition, list[int]] = {}
    for tp, offset in by_place:
        offsets.setdefault(tp, []).append(offset)
    return offsets


def _ranges(holes: Sequence[Hole[TopicPartition]]) -> dict[TopicPartition, list[tuple[int, int]]]:
    ranges: dict[TopicPartition, list[tuple[int, int]]] = {}
    for hole in holes:
        ranges.setdefault(hole.tp, []).append((hole.start, hole.stop))
    return ranges


def _empty(
    holes: Sequence[Hole[TopicPartition]], by_place: Container[tuple[TopicPartition, int]]
) -> Iterator[tuple[TopicPartition, int, int]]:
    """Yield the ranges (tp, start, stop) of the holes in which the log turned out to hold nothing."""
    for hole in holes:
        start = hole.start
        for offset in range(hole.start, hole.stop + 1):
            if offset == hole.stop or (hole.tp, offset) in by_place:
                if start < offset:
                    yield hole.tp, start, offset
                start = offset + 1


def letter(record: Record, refusal: FrameRefused, topic_ids: Mapping[str, str]) -> DeadLetter:
    """The dead letter of a record: original bytes, reason, and where it lay in the log."""
    place = Source(
        topic_id=topic_ids[record.topic],
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        index=0,
    )
    return DeadLetter.of(
        place,
        refusal,
        recorded_us=record.recorded_us,
        key=record.key,
        value=record.value,
        headers=record.headers,
    )


def attach(app: faust.App, sink: Sink[T], topics: Sequence[str]) -> None:
    """Put the sink's agent on the app."""

    async def agent(stream: Any) -> None:
        await sink.run(stream)

    app.agent(app.topic(*topics, key_serializer="raw", value_serializer="raw"), name=sink.name)(agent)
