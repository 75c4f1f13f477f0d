"""A Faust consumer that starts each partition where `start_at` says, and nowhere else.

Faust 0.15 would start at the offsets that Kafka keeps for the group, may seek twice at once, goes on unseeked
after a time limit, and logs and drops what goes wrong in between. Here the seek is made in one place, awaited
without such a limit, checked against the ends of the log, and nothing fetched before it reaches an agent.
Kafka keeps no offsets for the group: they are never read, so they are not written either (decision 0003).
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import structlog
from aiokafka.errors import NoOffsetForPartitionError
from faust.assignor.partition_assignor import PartitionAssignor
from faust.transport.drivers.aiokafka import AIOKafkaConsumerThread, Consumer
from faust.types import TP

from schemas.errors import BrokerError, PartFailed
from streams.bundles import BundleMessage, bundled
from streams.record import TopicPartition

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Mapping

    from streams.flow import Flow

    StartAt = Callable[[Collection[TopicPartition]], Awaitable[Mapping[TopicPartition, int]]]
    Told = Callable[[Collection[TopicPartition]], None]

log = structlog.get_logger("streams")

START_WITHIN_S = 300.0
"""A database that has not said for so long where to start is away: the worker ends and says so."""

FETCH_WAIT_S = 0.25
"""The longest that a fetch without data holds up a rebalance."""

FETCH_MAX_BYTES = 16 * 1024 * 1024
"""What one fetch may bring into memory, all partitions together."""

BUFFER_BYTES = 64 * 1024 * 1024
"""Message bodies that may be in memory before fetching pauses; what one fetch brings may come on top."""

BUFFER_MESSAGES = 8192
"""Likewise messages: of the smallest, each costs far more than its body."""

ROOM_WAIT_S = 0.02
"""How long a paused fetch waits before it looks for room again."""


def check_starts(
    starts: Mapping[TopicPartition, int],
    bounds: Mapping[TopicPartition, tuple[int, int]],
) -> None:
    """Refuse starts that are missing or outside the log; Kafka's clients would silently start elsewhere.

    Args:
        starts: where to start, by partition.
        bounds: for every assigned partition the first offset that exists and the next one to be written.

    Raises:
        BrokerError: says which partition, and what its log holds.
    """
    for tp, (low, high) in sorted(bounds.items()):
        start = starts.get(tp)
        if start is None or not low <= start <= high:
            where = "is not known" if start is None else f"is {start}"
            raise BrokerError(
                f"{tp.topic}[{tp.partition}] holds offsets {low} to {high}, but where to start {where}.",
                kept="Nothing was read, nothing was skipped.",
                next_step="sparge doctor",
            )


class PositionedConsumer(Consumer):
    """The consumer of one Faust app.

    Args:
        topics: names of the topics that start_at answers for.
        flow: is told what this consumer holds.
        start_at: asked after every assignment, one call at a time; the flow waits for its answer.
        read_committed: leave out records of open and aborted transactions.
        on_assigned: told the partitions that were positioned, before their first record flows.
        on_revoked: told the partitions that were taken away, before another worker can have them.
    """

    def __init__(
        self,
        *args: Any,
        topics: frozenset[str],
        flow: Flow,
        start_at: StartAt,
        read_committed: bool,
        on_assigned: Told | None,
        on_revoked: Told | None,
        **kwargs: Any,
    ) -> None:
        self.read_committed = read_committed
        self._topics = topics
        self._flow = flow
        self._start_at = start_at
        self._on_assigned = on_assigned
        self._on_revoked = on_revoked
        # With their bytes. Weakly: messages of before a rebalance are dropped and never acknowledged.
        self._held: WeakKeyDictionary[BundleMessage, int] = WeakKeyDictionary()
        self._fetching = asyncio.Lock()
        self._positioned = False
        self._revocations = 0
        super().__init__(*args, **kwargs)
        # Faust sends this before it resumes the flow, and waits for it without a time limit; what is raised
        # here crashes the app.
        self.app.on_rebalance_complete.connect(self._position)

    def _new_consumer_thread(self) -> AIOKafkaConsumerThread:
        return _ConsumerThread(self, loop=self.loop, beacon=self.beacon)

    async def on_partitions_revoked(self, revoked: set[TP]) -> None:
        """Stop passing records on: what is fetched from now on is of no known position."""
        self._positioned = False
        self._revocations += 1
        self._flow.drop(frozenset(_ours(revoked)))
        await super().on_partitions_revoked(revoked)
        try:
            self._tell_revoked(_ours(revoked))
        except Exception as failure:
            # aiokafka would log it and go on with what should have been dropped.
            await self.crash(failure)
            raise

    async def perform_seek(self) -> None:
        """Nothing: Faust calls this at moments of its own; `_position` has done or will do it."""

    async def _position(self, *_: Any, **__: Any) -> None:
        partitions = _ours(self.assignment())
        if not partitions:
            return
        strange = {tp.topic for tp in partitions} - self._topics
        if strange:
            raise PartFailed(f"An agent reads {', '.join(sorted(strange))}, which the app was not made for.")
        asked = self._revocations
        starts = await self._ask(partitions)
        if asked != self._revocations:
            # Another rebalance came while start_at worked; it will be asked again for what is assigned then.
            self._tell_revoked(partitions)
            return
        keys = [TP(*tp) for tp in partitions]
        lows, highs = await self.earliest_offsets(*keys), await self.highwaters(*keys)
        check_starts(starts, {tp: (lows[key], highs[key]) for tp, key in zip(partitions, keys, strict=True)})
        # No fetch may be under way, or records from before the seek would come out after it.
        async with self._fetching:
            if asked != self._revocations:
                self._tell_revoked(partitions)
                return
            await self.seek_wait({key: starts[TopicPartition(*key)] for key in keys})
            self._positioned = asked == self._revocations
        self._flow.take(frozenset(partitions))
        if self._on_assigned is not None:
            self._on_assigned(partitions)
        log.info(
            "partitions assigned", starts={f"{tp.topic}[{tp.partition}]": starts[tp] for tp in partitions}
        )

    async def _ask(self, partitions: list[TopicPartition]) -> Mapping[TopicPartition, int]:
        try:
            return await asyncio.wait_for(self._start_at(partitions), START_WITHIN_S)
        except TimeoutError as error:
            raise PartFailed(
                f"Where to start was not answered within {START_WITHIN_S:g} s.",
                kept="Nothing was read, nothing was skipped.",
                next_step="sparge doctor",
            ) from error

    async def _getmany(self, active_partitions: set[TP] | None, timeout: float) -> Any:  # noqa: ASYNC109 - Faust's signature
        if self._full():
            await asyncio.sleep(ROOM_WAIT_S)
            return {}
        async with self._fetching:
            try:
                records = await super()._getmany(active_partitions, min(timeout, FETCH_WAIT_S))
            except NoOffsetForPartitionError:
                # aiokafka fetches as soon as it has an assignment, and there are no offsets of the group.
                if self._positioned:
                    raise
                records = {}
        return bundled(records) if self._positioned else {}

    def _to_message(self, tp: TP, record: Any) -> Any:  # noqa: ARG002 - Faust's signature; the bundle knows its place
        message = BundleMessage.of(record, self.app.consumer_generation_id)
        self._held[message] = message.size_bytes
        return message

    def _full(self) -> bool:
        self._flow.buffered_bytes = sum(self._held.values())
        messages = sum([len(message.records) for message in list(self._held)])
        self._flow.paused = self._flow.buffered_bytes >= BUFFER_BYTES or messages >= BUFFER_MESSAGES
        return self._flow.paused

    def on_buffer_full(self, tp: TP) -> None:
        """Nothing: Faust counts messages, whatever their size, and looks again only after a whole second."""

    def on_buffer_drop(self, tp: TP) -> None:
        """Nothing: see `on_buffer_full`."""

    def _tell_revoked(self, partitions: list[TopicPartition]) -> None:
        if self._on_revoked is not None and partitions:
            self._on_revoked(partitions)

    def ack(self, message: Any) -> bool:
        """Let go of the message; there is no offset of the group to move."""
        first = not message.acked
        message.acked = True
        self._unacked_messages.discard(message)
        self._held.pop(message, None)
        return first

    async def commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:  # noqa: ARG002, FBT001, FBT002 - Faust's signature
        """Nothing: the position is in the database, or in the transaction of watch."""
        return False

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Nothing: gaps only matter to commits, and on transactional topics there are thousands."""

    def verify_event_path(self, now: float, tp: TP) -> None:
        """Nothing: Faust would complain of commits; stored positions are watched instead."""


class WholeAssignor(PartitionAssignor):
    """Faust's own, but a topic that the broker does not name ends the worker.

    A broker that has just started does not know its topics for a moment, and a topic that is created anew is
    away for one. Faust would leave them out, nobody would look again, and the worker would stay idle.
    """

    def assign(self, cluster: Any, member_metadata: Any) -> Any:
        """Assign what all members asked for; called in the leader of the group, in the consumer's thread."""
        asked = {topic for member in member_metadata.values() for topic in member.subscription}
        missing = sorted(topic for topic in asked if not cluster.partitions_for_topic(topic))
        if missing:
            failure = BrokerError(
                f"Kafka does not name the topic {', '.join(missing)}: it starts, or the topic was deleted.",
                kept="Nothing was skipped; a new start goes on where this one was.",
                next_step="sparge topics check",
            )
            asyncio.run_coroutine_threadsafe(self.app.crash(failure), self.app.loop)
        return super().assign(cluster, member_metadata)


class _ConsumerThread(AIOKafkaConsumerThread):
    async def on_thread_stop(self) -> None:
        # With the broker away aiokafka lets its own cancelled request out, and the stop would never end.
        with contextlib.suppress(asyncio.CancelledError):
            await super().on_thread_stop()

    def _create_worker_consumer(self, transport: Any) -> Any:
        consumer = super()._create_worker_consumer(transport)
        # Faust ties the isolation level to its own exactly-once mode, and has no setting for the fetch size.
        owner: Any = self.consumer
        consumer._isolation_level = "read_committed" if owner.read_committed else "read_uncommitted"  # noqa: SLF001 - see above
        consumer._fetch_max_bytes = FETCH_MAX_BYTES  # noqa: SLF001 - see above
        return consumer


def _ours(partitions: Collection[TP]) -> list[TopicPartition]:
    return sorted(TopicPartition(tp.topic, tp.partition) for tp in partitions)
