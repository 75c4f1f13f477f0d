"""The names of everything on /metrics, in one list: what it counts, and by what.

Prometheus' own rules hold: base units, counters end in `_total`, a label is what one sums over. A rate is not
here, for Prometheus makes it of a counter.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a number does as time passes."""

    COUNTER = "counter"
    """It only grows, and begins anew with the process."""
    GAUGE = "gauge"
    """It goes up and down."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One name on the page: what it says, and the labels that every sample of it has."""

    name: str
    kind: Kind
    says: str
    labels: tuple[str, ...] = ()


def _counter(name: str, says: str, *labels: str) -> Metric:
    return Metric(name, Kind.COUNTER, says, labels)


def _gauge(name: str, says: str, *labels: str) -> Metric:
    return Metric(name, Kind.GAUGE, says, labels)


# Of every worker: where it is in the log.
POSITION = _gauge("sparge_position", "Next offset to be dealt with.", "worker", "topic", "partition")
LAG = _gauge(
    "sparge_lag_messages",
    "Offsets between the position and the end of the log.",
    "worker",
    "topic",
    "partition",
)
STANDSTILL = _gauge(
    "sparge_standstill_seconds", "How long nothing has moved though there is something to read.", "worker"
)
ASSIGNED = _gauge("sparge_partitions_assigned", "Partitions that this worker reads.", "worker")
PAUSED = _gauge(
    "sparge_partitions_paused", "Of these, how many are not fetched until there is room.", "worker"
)
BUFFERED = _gauge("sparge_buffered_bytes", "Message bodies fetched and not dealt with yet.", "worker")
RETRIES = _counter(
    "sparge_retries_total", "Transactions tried again, at the broker (watch) or the database.", "worker"
)

# Of the sinks, ingest and record.
BATCHES = _counter("sparge_batches_total", "Transactions committed.", "worker")
MESSAGES = _counter("sparge_messages_total", "Messages of the log that these dealt with.", "worker")
ROWS = _counter(
    "sparge_rows_total",
    "Rows added: frames, samples, corrections, transitions, scores, ...",
    "worker",
    "kind",
)
KNOWN = _counter("sparge_known_total", "What came again and added no row.", "worker", "kind")
DEADLETTERS = _counter("sparge_dead_letters_total", "Messages refused and kept as dead letters.", "worker")
CONNECTED = _gauge("sparge_database_connected", "1 while the database answers, 0 while it is away.", "worker")
WAITING = _gauge(
    "sparge_waiting", "1 while a batch waits: database or broker away, or the database too busy.", "worker"
)

# Of ingest alone, asked of the database now and then, for all units, whoever stored them.
NEWEST_AGE = _gauge("sparge_newest_sample_age_seconds", "Age of a unit's newest sample.", "site", "unit")
MISSING = _gauge(
    "sparge_missing_frames", "Frames that a unit's devices sent and nobody received.", "site", "unit"
)

# Of watch.
WATCH_FRAMES = _counter("sparge_watch_frames_total", "Frames judged.")
WATCH_SKIPPED = _counter("sparge_watch_skipped_total", "Messages that watch could not understand.")
WATCH_OUTPUTS = _counter(
    "sparge_watch_outputs_total", "Alarm transitions, scores and forecasts sent.", "kind"
)
WATCH_FAULTS = _gauge("sparge_watch_model_faults", "Models that failed and are out of service.")

METRICS: tuple[Metric, ...] = tuple(one for one in list(globals().values()) if isinstance(one, Metric))
