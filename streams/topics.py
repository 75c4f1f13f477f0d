"""One declaration a topic; `sparge topics` creates and checks them from here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

DAY_MS = 86_400_000
FOREVER_MS = -1
MIB = 1024 * 1024

# watch.state is read to its end on every assignment, so its segments must close, and be compacted, early.
_STATE_SEGMENT_BYTES = 16 * MIB
_STATE_COMPACTION_LAG_MS = 10 * 60_000


@dataclass(frozen=True, slots=True)
class Topic:
    """What one topic is for and how it is kept.

    contract names entries of schemas.contracts.CONTRACTS. compression is what our producers use; the broker
    keeps whatever codec a message came in. max_message_bytes is the broker's limit of a record batch.
    compatibility says which changes of the contract readers bear (BACKWARD: new readers read old messages).
    """

    name: str
    key: str
    contract: tuple[str, ...]
    partitions: int
    retention_ms: int
    about: str
    cleanup: Literal["delete", "compact"] = "delete"
    compression: Literal["none", "gzip", "snappy", "lz4", "zstd"] = "lz4"
    max_message_bytes: int = MIB
    owner: str = "sparge"
    compatibility: str = "BACKWARD"

    def config(self) -> dict[str, str]:
        """The broker's settings of this topic, as Kafka names them."""
        config = {
            "cleanup.policy": self.cleanup,
            "compression.type": "producer",
            "max.message.bytes": str(self.max_message_bytes),
            # The recorded time is the broker's, so that a rebuild from the log gives the same rows.
            "message.timestamp.type": "LogAppendTime",
            "retention.ms": str(self.retention_ms),
        }
        if self.cleanup == "compact":
            config |= {
                "segment.bytes": str(_STATE_SEGMENT_BYTES),
                "segment.ms": str(_STATE_COMPACTION_LAG_MS),
                "max.compaction.lag.ms": str(_STATE_COMPACTION_LAG_MS),
                "min.cleanable.dirty.ratio": "0.1",
            }
        return config


FRAMES = Topic(
    name="telemetry.frames",
    key="site/unit",
    contract=("frame",),
    partitions=8,
    retention_ms=30 * DAY_MS,
    about="Live samples, many to a message; and the ticks of the partition's owner.",
)
HISTORY = Topic(
    name="telemetry.history",
    key="site/unit",
    contract=("frame",),
    partitions=8,
    retention_ms=30 * DAY_MS,
    about="Backfill and imports: stored like live frames, never watched.",
)
DEADLETTER = Topic(
    name="telemetry.deadletter",
    key="the refused message's key",
    contract=("deadletter",),
    partitions=1,
    retention_ms=90 * DAY_MS,
    # 1 MiB of original bytes grows by a third in base64, and has a reason and headers beside it.
    max_message_bytes=4 * MIB,
    about="Messages that could not be understood: original bytes, reason, repair.",
)
BATCH_EVENTS = Topic(
    name="batch.events",
    key="site/unit",
    contract=("batch",),
    partitions=1,
    retention_ms=FOREVER_MS,
    about="Start, phases, offline samples and end of batches.",
)
WATCH_RESULTS = Topic(
    name="watch.results",
    key="site/unit",
    contract=("score", "forecast"),
    partitions=8,
    retention_ms=30 * DAY_MS,
    about="Scores and forecasts of the online models.",
)
ALARM_TRANSITIONS = Topic(
    name="alarm.transitions",
    key="site/unit",
    contract=("alarm",),
    partitions=8,
    retention_ms=365 * DAY_MS,
    about="Every change of state of every alarm.",
)
WATCH_STATE = Topic(
    name="watch.state",
    key="site/unit, or the input partition",
    contract=(),
    partitions=8,
    retention_ms=FOREVER_MS,
    cleanup="compact",
    max_message_bytes=4 * MIB,
    about="Snapshots of watch, private to it, with the input offset that they include.",
)

MODELS_REGISTRY = Topic(
    name="models.registry",
    key="the event's id, so that compaction takes repeats and nothing else",
    contract=("model-event",),
    partitions=1,
    retention_ms=FOREVER_MS,
    cleanup="compact",
    about="Models registered, promoted, rolled back, retired; verdicts on their alarms.",
)
MODELS_ENVELOPES = Topic(
    name="models.envelopes",
    key="the envelope's digest, the number of the part, and of how many",
    contract=(),
    partitions=1,
    retention_ms=FOREVER_MS,
    cleanup="compact",
    about="Envelopes of reference batches, private to Sparge; the registry names them by their digest.",
)

TOPICS = (
    FRAMES,
    HISTORY,
    DEADLETTER,
    BATCH_EVENTS,
    WATCH_RESULTS,
    ALARM_TRANSITIONS,
    WATCH_STATE,
    MODELS_REGISTRY,
    MODELS_ENVELOPES,
)
