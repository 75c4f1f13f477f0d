"""A worker put together and not yet running: what its process runs, shows and watches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import faust

    from agents.tally import SinkTally, WatchTally
    from storage.freshness import UnitFreshness
    from streams.flow import Flow


@dataclass(frozen=True, slots=True)
class Assembled:
    """One worker.

    Args:
        name: ingest, watch or record.
        app: reads the log and does the work.
        flow: what it holds of the log.
        tally: what it has done.
        read_committed: whether it leaves out records of open and aborted transactions.
        steps: how far the transaction under way has come.
        units: asks the database how fresh each (site, unit) is.
    """

    name: str
    app: faust.App
    flow: Flow
    tally: SinkTally | WatchTally
    read_committed: bool
    steps: Callable[[], int] = int
    units: Callable[[], Mapping[tuple[str, str], UnitFreshness]] | None = None
