"""The ingest sink: frames into the database, what cannot be understood to the dead letters."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from agents.sink import letter
from agents.tally import Written
from schemas.decoding import Frame, decode_message
from schemas.errors import FrameRefused
from storage.store import StoredFrame, WriteReport
from streams.record import TopicPartition
from streams.topics import FRAMES, HISTORY

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from schemas.deadletter import DeadLetter
    from storage.store import SinkTransaction
    from streams.deadletters import DeadLetterProducer
    from streams.record import Record

log = structlog.get_logger("ingest")

SINK = "ingest"
TOPICS = (FRAMES.name, HISTORY.name)


class Ingest:
    """Decides for each record: a frame to store, a tick to pass, or a dead letter.

    Args:
        deadletters: where refused records go; acknowledged by the broker before the position moves.
        topic_ids: topic name to the id that the cluster gave it.
    """

    def __init__(self, deadletters: DeadLetterProducer, topic_ids: Mapping[str, str]) -> None:
        self._deadletters = deadletters
        self._topic_ids = topic_ids

    def write(self, tx: SinkTransaction, records: Sequence[Record]) -> Written:
        """Write records that are due, in order, within the sink's transaction."""
        frames: list[StoredFrame] = []
        refused: list[tuple[Record, FrameRefused]] = []
        by_place = {(record.tp, record.offset): record for record in records}
        for record in records:
            try:
                message = decode_message(record.value, record.key, record.recorded_us)
            except FrameRefused as refusal:
                refused.append((record, refusal))
                continue
            if isinstance(message, Frame):
                place = (record.topic, record.partition, record.offset)
                frames.append(StoredFrame(message, *place, record.recorded_us))
        report = tx.write_frames(frames) if frames else WriteReport()
        refused += [
            (by_place[TopicPartition(*stored.tp), stored.offset], why) for stored, why in report.refused
        ]
        letters = [letter(record, why, self._topic_ids) for record, why in refused]
        if letters:
            self._deadletters.send(letters)
        _tell(report, letters)
        return Written(
            rows={"frames": report.frames, "samples": report.samples, "corrections": report.corrections},
            known={"frames": report.repeats, "samples": report.equal},
            deadletters=len(letters),
        )


def _tell(report: WriteReport, letters: Sequence[DeadLetter]) -> None:
    if report.repeats or report.corrections or report.equal:
        log.info(
            "already known",
            repeated_frames=report.repeats,
            equal_samples=report.equal,
            corrections=report.corrections,
        )
    for dead in letters:
        log.warning("dead letter", id=dead.source.id, reason=dead.reason, where=dead.where)
