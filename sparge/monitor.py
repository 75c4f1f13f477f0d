"""What is looked at beside a worker's work: the ends of its log, and how fresh the store is.

It has a thread of its own, so that it sees a worker that does nothing at all.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog

from schemas.errors import BrokerError, StorageError
from streams.admin import LogEnds
from streams.range_reader import RangeReader

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sparge.assembled import Assembled
    from streams.connection import Broker
    from streams.record import TopicPartition

log = structlog.get_logger("monitor")

EVERY_S = 5.0
STORE_EVERY_S = 60.0
"""To find a unit's newest sample costs a look into the index for each of its signals."""

MARKERS = 100
"""A rest of the log up to this long is read once, for it may be nothing but the marks of transactions."""

LOG_SILENT = "the end of the log cannot be asked"
STORE_SILENT = "how fresh the store is cannot be asked"


@dataclass(slots=True)
class Seen:
    """What was found last; values are replaced whole, for they are read by another thread.

    ends: by partition the offset after the last message. newest_us: by (site, unit) the time of its newest
    sample.
    """

    ends: Mapping[TopicPartition, int] = field(default_factory=dict)
    newest_us: Mapping[tuple[str, str], int] = field(default_factory=dict)

    def ages_s(self) -> dict[tuple[str, str], float]:
        """Age of each unit's newest sample now; a device whose clock is ahead has a negative one."""
        now_us = time.time_ns() // 1000
        return {unit: (now_us - time_us) / 1e6 for unit, time_us in self.newest_us.items()}


class Monitor:
    """Looks after one worker, from its start until its process ends.

    Args:
        worker: which one.
        broker: the cluster that it reads.
        seen: takes what is found.
    """

    def __init__(self, worker: Assembled, broker: Broker, seen: Seen) -> None:
        self._worker = worker
        self._seen = seen
        self._ends = LogEnds(broker, read_committed=worker.read_committed)
        self._reader = RangeReader(broker, read_committed=worker.read_committed)
        self._store_due_s = 0.0
        self._told: set[str] = set()
        self._empty: dict[TopicPartition, tuple[int, int]] = {}

    def start(self) -> None:
        """Begin; the thread does not keep the process alive."""
        threading.Thread(target=self._run, name="monitor", daemon=True).start()

    def look(self) -> None:
        """Look once at everything that is due."""
        self._look_at_log()
        newest, now_s = self._worker.newest, time.monotonic()
        if newest is not None and now_s >= self._store_due_s:
            self._store_due_s = now_s + STORE_EVERY_S
            try:
                self._seen.newest_us = found = newest()
                if not found:
                    self._store_due_s = now_s  # the first samples are looked for at every turn
                self._told.discard(STORE_SILENT)
            except StorageError as error:
                # What is not known is not shown: an age that stands still would look fresh.
                self._seen.newest_us = {}
                self._tell_once(STORE_SILENT, error)

    def _run(self) -> None:
        while True:
            self.look()
            time.sleep(EVERY_S)

    def _look_at_log(self) -> None:
        positions, assigned = self._worker.tally.positions, self._worker.flow.assigned
        try:
            found = self._ends.read(assigned)
            self._seen.ends = {
                tp: self._without_markers(tp, positions.get(tp, end), end) for tp, end in found.items()
            }
            self._told.discard(LOG_SILENT)
        except BrokerError as error:
            self._seen.ends = {}
            self._tell_once(LOG_SILENT, error)

    def _without_markers(self, tp: TopicPartition, position: int, end: int) -> int:
        """Return the end of what can be read: `position`, where nothing follows it but marks."""
        if not 0 < end - position <= MARKERS or not self._worker.read_committed:
            return end
        if self._empty.get(tp) != (position, end):
            if self._reader.read(tp.topic, tp.partition, position, end):
                return end
            self._empty[tp] = (position, end)
        return position

    def _tell_once(self, what: str, error: BrokerError | StorageError) -> None:
        if what not in self._told:
            self._told.add(what)
            log.warning(what, worker=self._worker.name, cause=error.message, detail=error.detail)
