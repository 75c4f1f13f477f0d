"""The ingest sink: frames into the database, what cannot be understood to the dead letters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from agents.purpose import Purpose
from agents.tally import Written
from schemas.decoding import Frame, decode_message
from storage.store import StoredFrame
from streams.record import TopicPartition
from streams.topics import FRAMES, HISTORY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from storage.store import SinkTransaction
    from streams.record import Record

log = structlog.get_logger("ingest")


def decode(record: Record) -> StoredFrame | None:
    """The frame in a record; None for a tick.

    Raises:
        FrameRefused: it does not follow its contract.
    """
    message = decode_message(record.value, record.key, record.recorded_us)
    if not isinstance(message, Frame):
        return None
    return StoredFrame(message, record.topic, record.partition, record.offset, record.recorded_us)


def write(tx: SinkTransaction, frames: Sequence[StoredFrame]) -> Written:
    """Write frames within the sink's transaction."""
    report = tx.write_frames(frames)
    if report.repeats or report.corrections or report.equal:
        log.info(
            "already known",
            repeated_frames=report.repeats,
            equal_samples=report.equal,
            corrections=report.corrections,
        )
    return Written(
        rows={"frames": report.frames, "samples": report.samples, "corrections": report.corrections},
        known={"frames": report.repeats, "samples": report.equal},
        refused={(TopicPartition(*stored.tp), stored.offset): why for stored, why in report.refused},
    )


INGEST = Purpose("ingest", (FRAMES.name, HISTORY.name), read_committed=False, decode=decode, write=write)
