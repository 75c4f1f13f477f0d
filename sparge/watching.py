"""The watch put together: it knows the log and nothing else, least of all the database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.watch import WatchWorker, attach
from sparge.home import Home
from streams.admin import describe_log
from streams.faust_app import make_app
from streams.range_reader import RangeReader
from streams.ticks import Ticker
from streams.topics import FRAMES

if TYPE_CHECKING:
    import faust

    from sparge.settings import Settings


def watch(settings: Settings) -> faust.App:
    """Return the app that raises alarms."""
    broker = settings.kafka()
    identity = describe_log(broker, [FRAMES.name])
    reader = RangeReader(broker, read_committed=False)
    worker = WatchWorker(broker, identity, reader, Ticker(broker))
    app = make_app(
        "watch",
        broker,
        [FRAMES.name],
        start_at=worker.start_at,
        read_committed=False,
        data_dir=Home(settings.home).workers / "watch",
        on_revoked=worker.revoked,
    )
    attach(app, worker)
    return app
