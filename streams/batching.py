"""Batches of a stream's records, each with the event that it came in."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from typing import TYPE_CHECKING, Any

from schemas.errors import PartFailed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import faust

    from streams.record import Record


async def batches(
    stream: faust.Stream[bytes], max_records: int, within_s: float
) -> AsyncIterator[list[tuple[faust.Event, Record]]]:
    """Batches of at most max_records, one every within_s seconds while there is anything, or when it is full.

    Acknowledge each event when its records are dealt with; those that were fetched together share one, and
    to acknowledge it again does nothing. Events from before the last rebalance are left out: their
    partitions are read again from `start_at`.

    Raises:
        PartFailed: the stream ended though the worker did not; Faust alone would stay alive and silent.
    """
    # Faust's noack_take counts messages, which are bundles here, and reads nothing beside a batch.
    stream.enable_acks = False
    arrivals = _Arrivals()
    reading = asyncio.ensure_future(arrivals.read(stream))
    reading.add_done_callback(lambda _: arrivals.changed.set())
    try:
        while not reading.done():
            await arrivals.wait(max_records, within_s, reading)
            batch = arrivals.take(max_records, stream.app.consumer_generation_id)
            if batch:
                yield batch
        reading.result()
    finally:
        reading.cancel()
    if not stream.app.should_stop:
        raise PartFailed("The stream of messages ended by itself.", next_step="sparge doctor")


class _Arrivals:
    """Records that came and are in no batch yet; the consumer bounds how many there can be."""

    def __init__(self) -> None:
        self.changed = asyncio.Event()
        self._pairs: deque[tuple[Any, Record]] = deque()

    async def read(self, stream: faust.Stream[bytes]) -> None:
        async for event in stream.events():
            message: Any = event.message
            self._pairs.extend([(event, record) for record in message.records])
            self.changed.set()

    async def wait(self, max_records: int, within_s: float, reading: asyncio.Future[None]) -> None:
        """Return when there are max_records, or within_s after the first one, or when `reading` ends."""
        while not self._pairs and not reading.done():
            await self.changed.wait()
            self.changed.clear()
        due_s = time.monotonic() + within_s
        while len(self._pairs) < max_records and not reading.done():
            left_s = due_s - time.monotonic()
            if left_s <= 0:
                return
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.changed.wait(), left_s)
            self.changed.clear()

    def take(self, max_records: int, generation_id: int) -> list[tuple[Any, Record]]:
        """The next batch; what was fetched under another assignment is dropped."""
        taken: list[tuple[Any, Record]] = []
        while self._pairs and len(taken) < max_records:
            event, record = self._pairs.popleft()
            if event.message.generation_id == generation_id:
                taken.append((event, record))
        return taken
