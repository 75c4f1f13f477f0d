"""The composition root of a worker: settings, broker, database and agents meet here and in what it names."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import sys
from enum import StrEnum
from importlib import import_module
from typing import TYPE_CHECKING

import structlog

from sparge.metrics_page import Page, serve
from sparge.monitor import Monitor, Seen
from sparge.watchdog import Watchdog
from streams.admin import wait_ready
from streams.faust_app import run

if TYPE_CHECKING:
    from collections.abc import Callable

    from sparge.assembled import Assembled
    from sparge.settings import Settings

BROKER_WAIT_S = 60.0


class Worker(StrEnum):
    """The processes that do the work."""

    INGEST = "ingest"
    WATCH = "watch"
    RECORD = "record"


CYCLES_AFTER = (50_000, 20, 20)
"""Objects of one generation more than were freed, before Python looks for cycles in it; 700 by itself.

Records and frames end with their last reference, and looking for cycles among those in flight was a third of
what ingest used of the processor (bench.ingest, 30 signals x 1 s a frame).
"""

TURN_S = 0.0003
"""How long a thread that computes keeps another one waiting; 5 ms by itself.

The thread that writes waits for the database some thirty times a transaction, and after each wait for the
thread that decodes: with 5 ms ingest got through 5 % to 10 % less, with 50 ms 14 % (same bench).
"""

# Each is loaded alone: the way to an alarm imports no database, the sinks import no models.
_COMPOSED_IN = {Worker.INGEST: "sparge.sinks", Worker.RECORD: "sparge.sinks", Worker.WATCH: "sparge.watching"}

_STORING = frozenset({Worker.INGEST, Worker.RECORD})


def run_worker(worker: Worker, settings: Settings) -> int:
    """Run one worker until it is told to stop (returns 0), fails (1) or is found stuck (4).

    Raises:
        SpargeError: broker or database cannot be reached, or refuse, before the work began.
    """
    log_to_stderr(settings.log_level)
    # Matrices of a unit are small: threads of BLAS would only contend. Read when NumPy is imported, below.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    assemble: Callable[[Settings], Assembled] = getattr(import_module(_COMPOSED_IN[worker]), worker.value)
    broker = settings.kafka()
    structlog.get_logger(worker.value).info(
        "looking for the broker", at=broker.bootstrap, within_s=BROKER_WAIT_S
    )
    wait_ready(broker, BROKER_WAIT_S)
    if worker in _STORING:
        # Before there is a loop, so that Ctrl-C and SIGTERM end the wait at once.
        import_module("sparge.sinks").wait_for_database(settings, worker.value)

    async def work() -> int:
        assembled = assemble(settings)
        seen = Seen()
        watchdog = Watchdog(settings.stuck_after_s, settings.away_after_s)
        Monitor(assembled, broker, seen, watchdog).start()
        at = serve(Page(assembled, seen), settings.metrics_host, settings.metrics_port)
        structlog.get_logger(worker.value).info("metrics", at=at)
        # What was loaded stays: it is not looked through again.
        gc.freeze()
        gc.set_threshold(*CYCLES_AFTER)
        sys.setswitchinterval(TURN_S)
        return await run(assembled.app)

    return asyncio.run(work())


def log_to_stderr(level: str) -> None:
    """Write what a worker has to say as lines on standard error: time, level, event, key=value."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            # Plain: the richer one shows local variables, and with them passwords.
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
            ),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
