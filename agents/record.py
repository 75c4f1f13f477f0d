"""The record sink: what watch decided and what was said of batches, into the database."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import orjson

from agents.purpose import Purpose
from agents.tally import Written
from schemas.alarm import AlarmTransition
from schemas.batch import BatchEvent, canonical_assays
from schemas.errors import ContractError, FrameRefused, Reason, UnitIncompatible, UnitUnknown
from schemas.forecast import ForecastMessage
from schemas.frame import MAX_AHEAD_US
from schemas.score import ScoreMessage
from storage.store import StoredEvent
from streams.topics import ALARM_TRANSITIONS, BATCH_EVENTS, WATCH_RESULTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from storage.store import SinkTransaction
    from streams.record import Record

Recorded: TypeAlias = AlarmTransition | ScoreMessage | ForecastMessage | BatchEvent

CONTRACTS: dict[str, type[Recorded]] = {
    model.model_fields["schema_"].default: model
    for model in (AlarmTransition, ScoreMessage, ForecastMessage, BatchEvent)
}


def decode(record: Record) -> Recorded | StoredEvent:
    """What a record means to the store.

    Raises:
        FrameRefused: it is none of ours, or not as its contract says.
    """
    message = decode_body(record.value)
    return _stored(message, record) if isinstance(message, BatchEvent) else message


def write(tx: SinkTransaction, messages: Sequence[Recorded | StoredEvent]) -> Written:
    """Write messages, each into its table, within the sink's transaction."""
    transitions = [message for message in messages if isinstance(message, AlarmTransition)]
    scores = [message for message in messages if isinstance(message, ScoreMessage)]
    forecasts = [message for message in messages if isinstance(message, ForecastMessage)]
    events = [message for message in messages if isinstance(message, StoredEvent)]
    new = {
        "transitions": tx.write_transitions(transitions),
        "scores": tx.write_scores(scores),
        "forecasts": tx.write_forecasts(forecasts),
        "batch_events": tx.write_batch_events(events),
    }
    return Written(new, {"results": len(messages) - sum(new.values())})


def decode_body(body: bytes | None) -> Recorded:
    """The result, transition or batch event in a message's body.

    Raises:
        FrameRefused: it is none of them, or not as its contract says.
    """
    try:
        said = orjson.loads(body or b"")
    except orjson.JSONDecodeError as error:
        raise FrameRefused(
            Reason.NOT_JSON,
            "",
            "The body is not JSON; send what docs/reference describes.",
            detail=str(error),
        ) from error
    schema = said.get("schema") if isinstance(said, dict) else None
    model = CONTRACTS.get(str(schema))
    if model is None:
        known = ", ".join(CONTRACTS)
        raise FrameRefused(
            Reason.UNKNOWN_VERSION, "schema", f"{schema!r} is none of {known}; update Sparge and replay."
        )
    try:
        return model.decode(body or b"")
    except ContractError as error:
        raise FrameRefused(Reason.WRONG_TYPE, "", error.message, detail=error.detail) from error


def _stored(event: BatchEvent, record: Record) -> StoredEvent:
    """A batch event as it is stored.

    Raises:
        FrameRefused: its key, its time or a unit is wrong: anybody may write such events.
    """
    if record.key != event.key.encode():
        raise FrameRefused(
            Reason.KEY_MISMATCH,
            "key",
            f"The body is about {event.key}. Send it with that key, or correct it.",
        )
    if event.time_us > record.recorded_us + MAX_AHEAD_US:
        raise FrameRefused(
            Reason.TIME_AHEAD,
            "time_us",
            "The time is more than 24 h ahead of the broker's clock. Correct it.",
        )
    try:
        assays = canonical_assays(event)
    except UnitUnknown as error:
        raise FrameRefused(Reason.UNKNOWN_UNIT, "assays", error.message, detail=error.detail) from error
    except UnitIncompatible as error:
        raise FrameRefused(Reason.INCOMPATIBLE_UNIT, "assays", error.message) from error
    return StoredEvent(event, assays, record.topic, record.partition, record.offset, record.recorded_us)


RECORD: Purpose[Recorded | StoredEvent] = Purpose(
    "record",
    (WATCH_RESULTS.name, ALARM_TRANSITIONS.name, BATCH_EVENTS.name),
    read_committed=True,
    decode=decode,
    write=write,
)
