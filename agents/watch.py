"""The watch agent: frames in; alarms, scores and forecasts out. It knows the log and nothing else.

Every partition it owns has a transactional producer, whose id is the partition: outputs, the memory of the
units that changed and the input offset are one transaction, and a worker that lost its partition is fenced
(decision 0005).
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import structlog

from agents import model_feed
from agents.batch_context import understood
from agents.models.kept_envelope import Envelopes
from agents.partition_watch import PartitionWatch
from schemas.alarm import AlarmTransition
from schemas.errors import BrokerError, PartFailed, ProducerFenced
from schemas.forecast import ForecastMessage
from schemas.score import ScoreMessage
from streams.admin import describe_log, log_bounds
from streams.codec import outgoing
from streams.faust_app import batches
from streams.record import Outgoing, TopicPartition, by_bytes
from streams.tail import read_partition_to_end
from streams.topics import ALARM_TRANSITIONS, FRAMES, WATCH_RESULTS, WATCH_STATE
from streams.transactions import PartitionProducer

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    import faust

    from agents.batch_context import Told
    from agents.partition_watch import Judgement
    from agents.tally import WatchTally
    from streams.admin import LogIdentity
    from streams.connection import Broker
    from streams.range_reader import RangeReader
    from streams.record import Record
    from streams.side_input import SideInput
    from streams.ticks import Ticker

log = structlog.get_logger("watch")

QUIET_COMMIT_US = 10_000_000
"""Log time after which the position is written though nothing changed, to keep restarts short."""

SILENCE_S = 1.0
"""A partition that was silent this long gets a tick from its owner (decision 0002)."""

TRANSACTION_BYTES = 128 * 1024
"""A transaction takes no more than this of message bytes: a stop, a rebalance and the first alarm of a long
batch wait for one, and all partitions share one core."""

SIDES_AWAY_S = 30.0
"""Where batch events could not be read for long they are asked for again after this time."""

SIDES_PATIENCE_S = 30.0
"""So long, once an outage, frames wait for them: a broker that was restarted answers for both within seconds,
and what waits then takes effect where the logs say."""

SIDES_POLL_S = 0.5

RETRY_S = (0.2, 0.5, 1.0, 2.0, 5.0)
"""Pauses between tries of an aborted transaction; after the last the worker ends and says so."""


OUTPUTS = {AlarmTransition: "transitions", ScoreMessage: "scores", ForecastMessage: "forecasts"}
"""What is sent, by the name that it is counted under."""


@dataclass
class OwnedPartition:
    """A partition with its live objects, its producer and when it last spoke (monotonic seconds).

    retries: of its transactions, since they were last counted.
    """

    watch: PartitionWatch
    producer: PartitionProducer
    last_heard_s: float
    committed_us: int = 0
    retries: int = 0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class WatchWorker:
    """Keeps the partitions that this worker owns, from assignment to revocation."""

    def __init__(
        self,
        broker: Broker,
        identity: LogIdentity,
        reader: RangeReader,
        ticker: Ticker,
        tally: WatchTally,
        *,
        signing_key: bytes,
        batch_events: SideInput,
        model_events: SideInput,
        envelopes: SideInput,
    ) -> None:
        self._broker = broker
        self._signing_key = signing_key
        self._topic_id = identity.topics[FRAMES.name]
        self._reader = reader
        self._ticker = ticker
        self._tally = tally
        self._owned: dict[int, OwnedPartition] = {}
        self._told_faults: set[tuple[str, str]] = set()
        self._batch_events = batch_events
        self._batches: list[Told] = []
        self._model_events = model_events
        self._models: list[model_feed.Said] = []
        self._unheard: list[Record] = []
        self._kept_envelopes = envelopes
        self._envelopes = Envelopes()
        self._ask_sides_s = 0.0
        self._sides = asyncio.Lock()

    async def start_at(self, partitions: Collection[TopicPartition]) -> Mapping[TopicPartition, int]:
        """Where each partition starts: fence the former owner, read the memory, answer with its offset."""
        fresh = [tp.partition for tp in partitions if tp.partition not in self._owned]
        await self._know_sides()
        taken = await asyncio.gather(*(asyncio.to_thread(self._take_over, partition) for partition in fresh))
        self._owned.update(zip(fresh, taken, strict=True))
        starts = {tp: self._owned[tp.partition].watch.next_offset for tp in partitions}
        self._tally.positions.update({tp: self._owned[tp.partition].watch.told_offset for tp in partitions})
        return starts

    def revoked(self, partitions: Collection[TopicPartition]) -> None:
        """Forget partitions that another worker takes over; it has their memory in watch.state."""
        for tp in partitions:
            self._owned.pop(tp.partition, None)

    async def stop(self) -> None:
        """Write all memories, so that whoever takes over has nothing to judge again."""
        await asyncio.gather(*(self._leave(owned) for owned in self._owned.values()))

    async def run(self, stream: faust.Stream[bytes]) -> None:
        """Judge batch after batch until the stream ends."""
        async for batch in batches(stream, max_records=500, within_s=0.05):
            grouped: dict[int, list[Record]] = {}
            for _, record in batch:
                grouped.setdefault(record.partition, []).append(record)
            # After the frames: what was recorded before them is known now (decision 0008).
            await self._know_sides()
            await asyncio.gather(
                *(self._take_all(partition, records) for partition, records in grouped.items())
            )
            for event, _ in batch:
                await stream.ack(event)

    async def tick(self) -> None:
        """Append a tick to each owned partition that has units and has been silent for a second."""
        now_s = time.monotonic()
        for partition, owned in list(self._owned.items()):
            if owned.watch.units and now_s - owned.last_heard_s >= SILENCE_S:
                owned.last_heard_s = now_s
                self._ticker.tick(partition)

    async def _know_sides(self) -> None:
        """Learn what was told beside the frames until now."""
        async with self._sides:
            await asyncio.to_thread(self._learn_of_sides)

    def _learn_of_sides(self) -> None:
        now_s = time.monotonic()
        if now_s < self._ask_sides_s:
            return
        waits_until_s = now_s if self._ask_sides_s else now_s + SIDES_PATIENCE_S
        while True:
            try:
                self._batches += map(understood, self._batch_events.catch_up())
                self._unheard += self._model_events.catch_up()
                # An envelope is sent before the event that names it: it is there when the event is heard of.
                for record in self._kept_envelopes.catch_up() if self._unheard else ():
                    self._envelopes.take(record.key, record.value)
                self._models += map(model_feed.understood, self._unheard)
                self._unheard.clear()
            except BrokerError as error:
                if time.monotonic() < waits_until_s:
                    time.sleep(SIDES_POLL_S)
                    continue
                # No alarm waits for ever; what is known late takes effect late, and outputs say so.
                self._ask_sides_s = time.monotonic() + SIDES_AWAY_S
                log.warning(
                    "batch or model events cannot be read; frames are judged without them", cause=str(error)
                )
            else:
                self._ask_sides_s = 0.0
            return

    def _take_over(self, partition: int) -> OwnedPartition:
        producer = PartitionProducer(self._broker, f"sparge-watch-{partition}")
        producer.fence()
        if describe_log(self._broker, [FRAMES.name]).topics[FRAMES.name] != self._topic_id:
            raise PartFailed(
                f"{FRAMES.name} was created anew while it was read.",
                kept="The alarms' states are in watch.state; a new start takes them up.",
                next_step="sparge doctor",
            )
        watch = PartitionWatch(
            *(FRAMES.name, self._topic_id, partition, self._signing_key, self._batches),
            model_events=self._models,
            envelopes=self._envelopes,
        )
        entries = read_partition_to_end(self._broker, WATCH_STATE.name, partition)
        same_topic = watch.restore((record.key or b"", record.value) for record in entries)
        if not same_topic:
            log.warning(
                "telemetry.frames was created anew: alarm states are kept, reading starts at its beginning"
            )
        here = TopicPartition(FRAMES.name, partition)
        low, high = log_bounds(self._broker, [here])[here]
        expected = watch.told_offset
        missed = watch.begin_within(low, high)
        if same_topic and expected and (missed or expected > high):
            log.warning(
                "offsets are no longer in the log: these frames were never watched",
                partition=partition,
                expected=expected,
                first=low,
                end=high,
            )
        if watch.misplaced is not None:
            log.error(
                "the position was refused: watch goes on from the units' memories, or where the log begins",
                partition=partition,
                offset=watch.next_offset,
                cause=str(watch.misplaced),
                detail=watch.misplaced.detail,
            )
        for unit, refused in watch.refused.items():
            log.error(
                "a unit's memory was refused: its alarms and models start anew",
                unit=unit,
                cause=str(refused),
                detail=refused.detail,
            )
        for key, taken_up in watch.units.items():
            for model, cause in taken_up.anew.items():
                log.warning(
                    "the memory of a model was not taken up: it starts anew",
                    unit=key,
                    model=model,
                    cause=cause,
                )
        log.info(
            "partition taken over",
            partition=partition,
            offset=watch.told_offset,
            replayed_from=watch.next_offset,
            units=len(watch.units),
        )
        return OwnedPartition(watch, producer, time.monotonic(), watch.now_us)

    async def _take_all(self, partition: int, records: Sequence[Record]) -> None:
        for portion in by_bytes(records, TRANSACTION_BYTES):
            await self._take(partition, portion)

    async def _take(self, partition: int, records: Sequence[Record]) -> None:
        owned = self._owned.get(partition)
        if owned is None:
            return  # revoked while the batch was under way: the new owner reads it
        async with owned.lock:
            owned.last_heard_s = time.monotonic()
            try:
                self._count(owned, await asyncio.to_thread(self._judge_and_commit, owned, records))
            except ProducerFenced:
                if self._owned.get(partition) is owned:
                    raise
                log.info("partition has a new owner", partition=partition)

    async def _leave(self, owned: OwnedPartition) -> None:
        async with owned.lock:
            watch = owned.watch
            if watch.replaying or not watch.old():
                return
            try:
                await asyncio.to_thread(owned.producer.commit, _memories(watch, watch.old()))
            except (BrokerError, PartFailed) as error:
                # What was told is told; a successor judges again what came after the memories.
                log.warning("memories were not written before the end", cause=str(error))

    def _judge_and_commit(self, owned: OwnedPartition, records: Sequence[Record]) -> Judgement:
        watch = owned.watch
        complete = list(records)
        for start, stop in watch.missing(records):
            complete += self._reader.read(watch.topic, watch.partition, start, stop)
        judgement = watch.judge(complete)
        self._report_faults(watch, judgement)
        if watch.replaying:
            return judgement
        quiet_us = watch.now_us - owned.committed_us
        if judgement.outputs or judgement.changed or quiet_us >= QUIET_COMMIT_US:
            self._commit(owned, _messages(watch, judgement))
            owned.committed_us = watch.now_us
        for output in judgement.outputs:
            if isinstance(output, AlarmTransition):
                log.info("alarm", event_=output.event, alarm=output.alarm_id, message=output.message)
        return judgement

    def _count(self, owned: OwnedPartition, judgement: Judgement) -> None:
        watch = owned.watch
        self._tally.positions[TopicPartition(watch.topic, watch.partition)] = watch.told_offset
        self._tally.frames += judgement.frames
        self._tally.skipped += judgement.skipped
        self._tally.retries += owned.retries
        owned.retries = 0
        self._tally.faults = len(self._told_faults)
        self._tally.outputs.update(OUTPUTS[type(output)] for output in judgement.outputs)

    def _report_faults(self, watch: PartitionWatch, judgement: Judgement) -> None:
        for key in judgement.changed:
            faults = watch.units[key].model_faults
            before = {model for unit, model in self._told_faults if unit == key}
            for model in faults.keys() - before:
                self._told_faults.add((key, model))
                log.error(
                    "a model failed and is out of service; limits go on",
                    unit=key,
                    model=model,
                    cause=faults[model],
                )
            for model in before - faults.keys():
                self._told_faults.discard((key, model))
                log.info("a model is in service again", unit=key, model=model)

    def _commit(self, owned: OwnedPartition, messages: Sequence[Outgoing]) -> None:
        for pause_s in (*RETRY_S, None):
            try:
                owned.producer.commit(messages)
            except ProducerFenced:
                raise
            except BrokerError as error:
                if pause_s is None:
                    raise
                owned.retries += 1
                log.warning("transaction was aborted and is tried again", cause=str(error), pause_s=pause_s)
                time.sleep(pause_s)
            else:
                return


def _messages(watch: PartitionWatch, judgement: Judgement) -> list[Outgoing]:
    messages: list[Outgoing] = []
    for output in judgement.outputs:
        topic = ALARM_TRANSITIONS if isinstance(output, AlarmTransition) else WATCH_RESULTS
        key, value, headers = outgoing(output)
        messages.append(Outgoing(topic.name, watch.partition, key, value, headers))
    return messages + _memories(watch, watch.due())


def _memories(watch: PartitionWatch, keys: Sequence[str]) -> list[Outgoing]:
    entries = watch.state_entries(keys)
    for key in watch.too_large.intersection(keys):
        log.warning("the memory of a unit is too large: it is written without its models", unit=key)
    return [Outgoing(WATCH_STATE.name, watch.partition, key, state, ()) for key, state in entries]


def attach(app: faust.App, worker: WatchWorker) -> None:
    """Put the watch agent and its ticking on the app."""

    async def watch(stream: Any) -> None:
        await worker.run(stream)

    async def tick() -> None:
        await worker.tick()

    app.agent(app.topic(FRAMES.name, key_serializer="raw", value_serializer="raw"), name="watch")(watch)
    app.timer(SILENCE_S / 4)(tick)

    async def stop(*_: Any, **__: Any) -> None:
        await worker.stop()

    app.on_before_shutdown.connect(stop)
