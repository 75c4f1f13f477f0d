"""The sinks put together: log, database, and what each writes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from agents.ingest import INGEST
from agents.record import RECORD
from agents.sink import Sink, attach
from agents.tally import SinkTally
from sparge.assembled import Assembled
from sparge.home import Home
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

_PARTITIONS = {topic.name: topic.partitions for topic in TOPICS}


def ingest(settings: Settings) -> Assembled:
    """Return the worker that stores frames."""
    set_horizon(settings.conninfo(), settings.late_after_h)
    worker = _sink(settings, INGEST)
    return replace(worker, units=Freshness(settings.conninfo(), application="sparge ingest monitor").units)


def record(settings: Settings) -> Assembled:
    """Return the worker that stores what watch decided."""
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


def _registered(settings: Settings, name: str, identity: LogIdentity) -> Store:
    store = Store(settings.conninfo(), application=f"sparge {name}")
    store.register_log(name, identity.cluster_id, identity.topics, _partitions(identity.topics))
    return store


def _partitions(topics: Mapping[str, str]) -> dict[str, int]:
    return {name: _PARTITIONS[name] for name in topics}
