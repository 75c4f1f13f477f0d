"""The sinks put together: log, database, and what each writes."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

import structlog

from agents.ingest import INGEST
from agents.record import RECORD
from agents.sink import FIRST_PAUSE_S, LONGEST_PAUSE_S, Sink, attach
from agents.tally import SinkTally
from schemas.errors import DatabaseUnreachable
from sparge.assembled import Assembled
from sparge.home import Home
from storage.connection import connect
from storage.freshness import Freshness
from storage.horizon import set_horizon
from storage.store import Store
from streams.admin import describe_log
from streams.deadletters import DeadLetterProducer
from streams.faust_app import make_app
from streams.flow import Flow
from streams.range_reader import RangeReader
from streams.topics import TOPICS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from agents.purpose import Purpose
    from sparge.settings import Settings
    from streams.admin import LogIdentity

T = TypeVar("T")

log = structlog.get_logger("sink")

_PARTITIONS = {topic.name: topic.partitions for topic in TOPICS}


def ingest(settings: Settings) -> Assembled:
    """Return the worker that stores frames."""
    set_horizon(settings.conninfo(), settings.late_after_h)
    worker = _sink(settings, INGEST)
    return replace(worker, units=Freshness(settings.conninfo(), application="sparge ingest monitor").units)


def record(settings: Settings) -> Assembled:
    """Return the worker that stores what watch decided, and what is said of models."""
    return _sink(settings, RECORD)


def _sink(settings: Settings, purpose: Purpose[T]) -> Assembled:
    name, topics, read_committed = purpose.name, purpose.topics, purpose.read_committed
    broker = settings.kafka()
    identity = describe_log(broker, topics)
    store, positions = (_registered(settings, name, identity) for _ in range(2))
    tally = SinkTally()
    sink = Sink(
        purpose,
        broker=broker,
        store=store,
        positions=positions,
        reader=RangeReader(broker, read_committed=read_committed),
        deadletters=DeadLetterProducer(broker),
        topic_ids=identity.topics,
        tally=tally,
    )
    flow = Flow()
    app = make_app(
        name,
        broker,
        topics,
        start_at=sink.start_at,
        read_committed=read_committed,
        data_dir=Home(settings.home).workers / name,
        flow=flow,
    )
    attach(app, sink, topics)
    return Assembled(name, app, flow, tally, read_committed, lambda: sink.steps)


def wait_for_database(settings: Settings, name: str) -> None:
    """Wait until the database answers: a sink that starts while it is away waits as one that runs.

    Raises:
        DatabaseUnreachable: it did not within SPARGE_AWAY_AFTER_S.
        DatabaseRefused: its address cannot be read.
    """
    deadline_s, pause_s, told = time.monotonic() + settings.away_after_s, FIRST_PAUSE_S, False
    while True:
        try:
            connect(settings.conninfo(), application=f"sparge {name}").close()
        except DatabaseUnreachable as error:
            if time.monotonic() + pause_s > deadline_s:
                raise
            if not told:
                log.warning("waiting, nothing is lost: the log keeps it", sink=name, cause=str(error))
            told = True
        else:
            return
        time.sleep(pause_s)
        pause_s = min(pause_s * 2, LONGEST_PAUSE_S)


def _registered(settings: Settings, name: str, identity: LogIdentity) -> Store:
    store = Store(settings.conninfo(), application=f"sparge {name}")
    store.register_log(name, identity.cluster_id, identity.topics, _partitions(identity.topics))
    return store


def _partitions(topics: Mapping[str, str]) -> dict[str, int]:
    return {name: _PARTITIONS[name] for name in topics}
