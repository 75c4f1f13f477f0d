"""The watch put together: it knows the log and nothing else, least of all the database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from agents.tally import WatchTally
from agents.watch import WatchWorker, attach
from schemas.errors import BrokerError
from sparge.assembled import Assembled
from sparge.home import Home
from sparge.model_registry import registry_of
from sparge.state_key import state_key
from streams.admin import describe_log
from streams.faust_app import make_app
from streams.flow import Flow
from streams.range_reader import RangeReader
from streams.side_input import SideInput
from streams.ticks import Ticker
from streams.topics import BATCH_EVENTS, FRAMES, MODELS_ENVELOPES, MODELS_REGISTRY

if TYPE_CHECKING:
    from sparge.settings import Settings
    from streams.connection import Broker

log = structlog.get_logger("watch")


def watch(settings: Settings) -> Assembled:
    """Return the worker that raises alarms."""
    broker = settings.kafka()
    identity = describe_log(broker, [FRAMES.name])
    _announce(broker)
    reader = RangeReader(broker, read_committed=False)
    tally = WatchTally()
    worker = WatchWorker(
        broker,
        identity,
        reader,
        Ticker(broker),
        tally,
        signing_key=state_key(settings),
        batch_events=SideInput(broker, BATCH_EVENTS.name, RangeReader(broker, read_committed=False)),
        model_events=SideInput(broker, MODELS_REGISTRY.name, RangeReader(broker, read_committed=False)),
        envelopes=SideInput(broker, MODELS_ENVELOPES.name, RangeReader(broker, read_committed=False)),
    )
    flow = Flow()
    app = make_app(
        "watch",
        broker,
        [FRAMES.name],
        start_at=worker.start_at,
        read_committed=False,
        data_dir=Home(settings.home).workers / "watch",
        flow=flow,
        on_revoked=worker.revoked,
    )
    attach(app, worker)
    return Assembled("watch", app, flow, tally, read_committed=False)


def _announce(broker: Broker) -> None:
    """Tell the registry of the models that come with this version; no alarm waits for that."""
    try:
        registry_of(broker, announce=True)
    except BrokerError as error:
        log.warning("the models of this version could not be registered", cause=str(error))
