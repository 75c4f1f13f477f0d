"""What is looked at beside a worker's work: the ends of its log, and how fresh the store is.

It has a thread of its own, so that it sees a worker that does nothing at all.
"""

from __future__ import annotations

import asyncio
import faulthandler
import os
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import structlog

from schemas.errors import BrokerError, StorageError
from sparge.watchdog import Look
from streams.admin import LogEnds
from streams.faust_app import EXIT_STUCK, STOP_WITHIN_S
from streams.range_reader import RangeReader

if TYPE_CHECKING:
    from collections.abc import Mapping

    import faust

    from schemas.errors import WorkerStuck
    from sparge.assembled import Assembled
    from sparge.watchdog import Watchdog
    from storage.freshness import UnitFreshness
    from streams.connection import Broker
    from streams.record import TopicPartition

log = structlog.get_logger("monitor")

EVERY_S = 5.0
STORE_EVERY_S = 60.0
"""To find a unit's newest sample costs a look into the index for each of its signals."""

MARKERS = 1000
"""A rest of the log up to this long is read once, for it may be nothing but the marks of transactions."""

LOG_SILENT = "the end of the log cannot be asked"
STORE_SILENT = "how fresh the store is cannot be asked"


@dataclass(slots=True)
class Seen:
    """What was found last; values are replaced whole, for they are read by another thread.

    ends: by partition the offset after the last message. standstill_s: as of the watchdog.
    units: by (site, unit) how fresh the store is.
    """

    ends: Mapping[TopicPartition, int] = field(default_factory=dict)
    units: Mapping[tuple[str, str], UnitFreshness] = field(default_factory=dict)
    standstill_s: float = 0.0

    def ages_s(self) -> dict[tuple[str, str], float]:
        """Age of each unit's newest sample now; a device whose clock is ahead has a negative one."""
        now_us = time.time_ns() // 1000
        return {unit: (now_us - found.newest_us) / 1e6 for unit, found in self.units.items()}


class Monitor:
    """Looks after one worker, from its start until its process ends.

    Args:
        worker: which one.
        broker: the cluster that it reads.
        seen: takes what is found.
        watchdog: judges what is found; what it finds stuck is ended.
    """

    def __init__(self, worker: Assembled, broker: Broker, seen: Seen, watchdog: Watchdog) -> None:
        self._worker = worker
        self._seen = seen
        self._watchdog = watchdog
        self._before: Mapping[TopicPartition, int] = {}
        self._ends = LogEnds(broker, read_committed=worker.read_committed)
        self._reader = RangeReader(broker, read_committed=worker.read_committed)
        self._store_due_s = 0.0
        self._told: set[str] = set()
        self._empty: dict[TopicPartition, tuple[int, int]] = {}

    def start(self) -> None:
        """Begin; the thread does not keep the process alive."""
        threading.Thread(target=self._run, name="monitor", daemon=True).start()

    def look(self) -> WorkerStuck | None:
        """Look once at everything that is due; returns why the worker has to be ended, if so."""
        stuck = self._look_at_log()
        ask, now_s = self._worker.units, time.monotonic()
        if ask is not None and now_s >= self._store_due_s:
            self._store_due_s = now_s + STORE_EVERY_S
            try:
                self._seen.units = found = ask()
                if not found:
                    self._store_due_s = now_s  # the first samples are looked for at every turn
                self._told.discard(STORE_SILENT)
            except StorageError as error:
                # What is not known is not shown: an age that stands still would look fresh.
                self._seen.units = {}
                self._tell_once(STORE_SILENT, error)
        return stuck

    def _run(self) -> None:
        while (stuck := self.look()) is None:
            time.sleep(EVERY_S)
        end(self._worker.app, stuck)

    def _look_at_log(self) -> WorkerStuck | None:
        assigned = self._worker.flow.assigned
        positions = {tp: at for tp, at in self._worker.tally.positions.copy().items() if tp in assigned}
        try:
            found = self._ends.read(assigned)
            self._seen.ends = {
                tp: self._without_markers(tp, positions.get(tp, end), end) for tp, end in found.items()
            }
            self._told.discard(LOG_SILENT)
            answered = True
        except BrokerError as error:
            self._seen.ends = {}
            self._tell_once(LOG_SILENT, error)
            answered = False
        self._before = positions
        away_for = getattr(self._worker.tally, "away_for", "")
        ends = self._seen.ends if answered else None
        look = Look(time.monotonic(), positions, ends, self._worker.steps(), away_for)
        stuck = self._watchdog.judge(look)
        self._seen.standstill_s = self._watchdog.standstill_s
        return stuck

    def _without_markers(self, tp: TopicPartition, position: int, end: int) -> int:
        """Return the end of what can be read: `position`, where nothing follows it but marks."""
        moves = self._before.get(tp) != position
        if moves or not 0 < end - position <= MARKERS or not self._worker.read_committed:
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


def end(app: faust.App, stuck: WorkerStuck) -> None:
    """End the process: by the app's own way out, or, where its loop does not turn any more, at once."""
    # What each thread is doing: nobody could ask it later.
    faulthandler.dump_traceback()
    asyncio.run_coroutine_threadsafe(app.crash(stuck), app.loop)
    time.sleep(STOP_WITHIN_S + 2.0)
    log.error(stuck.message, detail=stuck.detail, kept=stuck.kept, next_step=stuck.next_step)
    os._exit(EXIT_STUCK)
