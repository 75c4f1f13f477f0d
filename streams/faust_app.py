"""Faust, held to what Sparge needs of it: raw bytes, batches, and a failure that ends the process."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from functools import partial
from typing import TYPE_CHECKING, Any

import faust
import structlog
from aiokafka.errors import KafkaConnectionError
from mode import CrashingSupervisor

from schemas.errors import BrokerUnreachable, PartFailed, SpargeError, WorkerStuck
from streams.batching import batches
from streams.faust_logging import forward_logs
from streams.flow import Flow
from streams.positioning import BUFFER_MESSAGES, PositionedConsumer, WholeAssignor

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from streams.connection import Broker
    from streams.positioning import StartAt, Told

__all__ = ["EXIT_STUCK", "batches", "make_app", "run"]

log = structlog.get_logger("streams")

STOP_WITHIN_S = 2.5
"""A worker that has not stopped by then is ended: it is as safe as kill -9, which loses nothing."""

EXIT_STUCK = 4
"""Exit code of a worker that was ended because it did not get on; 1 is that of every other failure."""

# A dead worker's partitions come back to life within these.
_SESSION_S = 6.0
_HEARTBEAT_S = 1.5
_REQUEST_S = 30.0
_DAY_S = 86_400.0


def make_app(
    name: str,
    broker: Broker,
    topics: Collection[str],
    *,
    start_at: StartAt,
    read_committed: bool,
    data_dir: Path,
    flow: Flow | None = None,
    on_assigned: Told | None = None,
    on_revoked: Told | None = None,
) -> faust.App:
    """A Faust app in the consumer group "sparge-<name>" whose topics are raw bytes.

    Args:
        name: of the worker: ingest, watch, record.
        broker: the cluster.
        topics: what the app may read; start_at answers for these and no others.
        start_at: says, after every assignment, at which offset each partition starts.
        read_committed: leave out records of open and aborted transactions.
        data_dir: Faust makes (empty) folders here; created if missing.
        flow: is kept up with what the app holds of the log.
        on_assigned: told the partitions, positioned, before their first record flows.
        on_revoked: told the partitions that are no longer this worker's.
    """
    data_dir.mkdir(parents=True, exist_ok=True)
    app = faust.App(
        f"sparge-{name}",
        broker=broker.faust_url(),
        broker_credentials=broker.faust_credentials(),
        datadir=data_dir,
        store="memory://",
        cache="memory://",
        autodiscover=False,
        key_serializer="raw",
        value_serializer="raw",
        agent_supervisor=CrashingSupervisor,
        PartitionAssignor=WholeAssignor,
        broker_session_timeout=_SESSION_S,
        broker_rebalance_timeout=_SESSION_S,
        broker_heartbeat_interval=_HEARTBEAT_S,
        broker_request_timeout=_REQUEST_S,
        broker_max_poll_records=500,
        # Out of the log's range is an error, never a silent reset.
        consumer_auto_offset_reset="none",
        # With events unacknowledged, stopping would wait for them for ever.
        stream_wait_empty=False,
        # The consumer holds back by bytes; the stream's own buffer never has to.
        stream_buffer_maxsize=2 * BUFFER_MESSAGES,
        # A sink may wait long for its database and keeps its partitions; the watchdog sees whether it works.
        broker_max_poll_interval=_DAY_S,
        topic_allow_declare=False,
        topic_disable_leader=True,
        # Its /table serves data on all interfaces.
        web_enabled=False,
        worker_redirect_stdouts=False,
    )
    transport: Any = app.transport
    transport.Consumer = partial(
        PositionedConsumer,
        topics=frozenset(topics),
        flow=flow or Flow(),
        start_at=start_at,
        read_committed=read_committed,
        on_assigned=on_assigned,
        on_revoked=on_revoked,
    )
    return app


async def run(app: faust.App) -> int:
    """Run the app until SIGTERM or SIGINT, or until it crashes; the exit code: 0, 1 or EXIT_STUCK."""
    forward_logs()
    loop = asyncio.get_running_loop()
    asked_to_stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, asked_to_stop.set)
    working = asyncio.ensure_future(_work(app))
    stopping = asyncio.ensure_future(asked_to_stop.wait())
    await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    failure = working.exception() if working.done() else None
    failure = failure or app.crash_reason
    if failure is None and not asked_to_stop.is_set():
        failure = PartFailed("The worker stopped though nobody told it to.", next_step="sparge doctor")
    if failure is not None:
        _tell(app, failure)
    code = 0 if failure is None else EXIT_STUCK if isinstance(failure, WorkerStuck) else 1
    deadline = threading.Timer(STOP_WITHIN_S, _end, [code])
    deadline.daemon = True
    deadline.start()
    working.cancel()
    await app.stop()
    return code


async def _work(app: faust.App) -> None:
    await app.start()
    await app.wait_until_stopped()


def _tell(app: faust.App, failure: BaseException) -> None:
    if isinstance(failure, KafkaConnectionError):
        where = ", ".join(url.authority for url in app.conf.broker)
        failure = BrokerUnreachable(
            f"Kafka at {where} does not answer: the worker could not start.",
            detail=str(failure),
            next_step="sparge doctor",
        )
    if isinstance(failure, SpargeError):
        layers = {"detail": failure.detail, "kept": failure.kept, "next_step": failure.next_step}
        log.error(failure.message, **{name: text for name, text in layers.items() if text})
    else:
        log.error("the worker failed", exc_info=failure)


def _end(code: int) -> None:
    log.warning("the worker did not stop in time and is ended", within_s=STOP_WITHIN_S)
    os._exit(code)
