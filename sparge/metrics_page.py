"""The page /metrics: read off the worker whenever somebody asks, and served on an address of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog
from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    start_http_server,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from agents.tally import SinkTally
from sparge import metrics as m

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sparge.assembled import Assembled
    from sparge.monitor import Seen

    Family = CounterMetricFamily | GaugeMetricFamily
    Reading = tuple[m.Metric, float, tuple[str, ...]]

log = structlog.get_logger("metrics")


class Page(Collector):
    """What a worker shows, as a Prometheus collector.

    Args:
        worker: whose numbers they are.
        seen: what was last found beside it: ends of the log, ages of samples.
    """

    def __init__(self, worker: Assembled, seen: Seen) -> None:
        self._worker = worker
        self._seen = seen

    def collect(self) -> Iterable[Family]:
        """Return every metric that this worker has, with its samples as they are now."""
        families: dict[str, Family] = {}
        for metric, value, labels in self._read():
            if metric.name not in families:
                kind = CounterMetricFamily if metric.kind is m.Kind.COUNTER else GaugeMetricFamily
                families[metric.name] = kind(metric.name, metric.says, labels=metric.labels)
            families[metric.name].add_metric(labels, value)
        return families.values()

    def _read(self) -> Iterator[Reading]:
        name, flow, tally = self._worker.name, self._worker.flow, self._worker.tally
        yield m.ASSIGNED, len(flow.assigned), (name,)
        yield m.PAUSED, flow.paused_partitions, (name,)
        yield m.BUFFERED, flow.buffered_bytes, (name,)
        yield m.RETRIES, tally.retries, (name,)
        yield m.STANDSTILL, self._seen.standstill_s, (name,)
        for tp in sorted(flow.assigned):
            where = (name, tp.topic, str(tp.partition))
            position = tally.positions.get(tp)
            if position is not None:
                yield m.POSITION, position, where
                if tp in self._seen.ends:
                    yield m.LAG, max(0, self._seen.ends[tp] - position), where
        yield from self._of_sink(name, tally) if isinstance(tally, SinkTally) else self._of_watch()
        for (site, unit), age_s in self._seen.ages_s().items():
            yield m.NEWEST_AGE, age_s, (site, unit)
        for (site, unit), found in self._seen.units.items():
            yield m.MISSING, found.missing_frames, (site, unit)

    def _of_sink(self, name: str, tally: SinkTally) -> Iterator[Reading]:
        yield m.BATCHES, tally.batches, (name,)
        yield m.MESSAGES, tally.messages, (name,)
        yield m.DEADLETTERS, tally.deadletters, (name,)
        yield m.CONNECTED, tally.connected, (name,)
        yield m.WAITING, tally.waiting, (name,)
        for kind, count in dict(tally.rows).items():
            yield m.ROWS, count, (name, kind)
        for kind, count in dict(tally.known).items():
            yield m.KNOWN, count, (name, kind)

    def _of_watch(self) -> Iterator[Reading]:
        tally = self._worker.tally
        if isinstance(tally, SinkTally):
            return
        yield m.WATCH_FRAMES, tally.frames, ()
        yield m.WATCH_SKIPPED, tally.skipped, ()
        yield m.WATCH_FAULTS, tally.faults, ()
        for kind, count in dict(tally.outputs).items():
            yield m.WATCH_OUTPUTS, count, (kind,)


def serve(page: Page, host: str, port: int) -> str:
    """Serve the page from a thread of its own; returns its address, or "" where that port cannot be had.

    A worker that cannot show its numbers still does its work.
    """
    registry = CollectorRegistry()
    registry.register(page)
    for own in (ProcessCollector, PlatformCollector, GCCollector):
        own(registry=registry)
    try:
        server, _ = start_http_server(port, host, registry)
    except OSError as error:
        log.warning("no metrics: their port cannot be had", host=host, port=port, cause=str(error))
        return ""
    shown = f"[{host}]" if ":" in host else host
    return f"http://{shown}:{server.server_port}/metrics"
