"""The record sink: what watch decided and what was said of batches and models, into the database."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import orjson

from agents.models.registry import Registry, context_text
from agents.purpose import Purpose
from agents.tally import Written
from schemas.alarm import AlarmTransition
from schemas.batch import BatchEvent, checked_assays
from schemas.errors import ContractError, FrameRefused, Reason
from schemas.forecast import ForecastMessage
from schemas.model_event import ModelEvent, refuse_misplaced
from schemas.score import ScoreMessage
from storage.store import ModelStanding, StoredEvent, StoredModelEvent
from streams.topics import ALARM_TRANSITIONS, BATCH_EVENTS, MODELS_REGISTRY, WATCH_RESULTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from storage.store import SinkTransaction
    from streams.record import Record

Recorded: TypeAlias = AlarmTransition | ScoreMessage | ForecastMessage | BatchEvent | ModelEvent
Stored: TypeAlias = Recorded | StoredEvent | StoredModelEvent

CONTRACTS: dict[str, type[Recorded]] = {
    model.model_fields["schema_"].default: model
    for model in (AlarmTransition, ScoreMessage, ForecastMessage, BatchEvent, ModelEvent)
}


def decode(record: Record) -> Stored:
    """What a record means to the store.

    Raises:
        FrameRefused: it is none of ours, or not as its contract says.
    """
    message = decode_body(record.value)
    match message:
        case BatchEvent():
            return _stored(message, record)
        case ModelEvent():
            refuse_misplaced(message, record.key, record.recorded_us)
            return StoredModelEvent(
                message, record.topic, record.partition, record.offset, record.recorded_us
            )
        case _:
            return message


def write(tx: SinkTransaction, messages: Sequence[Stored]) -> Written:
    """Write messages, each into its table, within the sink's transaction."""
    transitions = [message for message in messages if isinstance(message, AlarmTransition)]
    scores = [message for message in messages if isinstance(message, ScoreMessage)]
    forecasts = [message for message in messages if isinstance(message, ForecastMessage)]
    events = [message for message in messages if isinstance(message, StoredEvent)]
    of_models = [message for message in messages if isinstance(message, StoredModelEvent)]
    new = {
        "transitions": tx.write_transitions(transitions),
        "scores": tx.write_scores(scores),
        "forecasts": tx.write_forecasts(forecasts),
        "batch_events": tx.write_batch_events(events),
        "model_events": _write_model_events(tx, of_models),
    }
    return Written(new, {"results": len(messages) - sum(new.values())})


def _write_model_events(tx: SinkTransaction, events: Sequence[StoredModelEvent]) -> int:
    """Write events of models, and anew what follows from all of them."""
    if not events:
        return 0
    new = tx.write_model_events(events)
    registry = Registry(tx.model_events())
    standings = [
        ModelStanding(
            layer=one.layer,
            context=one.context,
            where=context_text(one.context),
            model=one.model,
            role=one.role,
            since_us=one.since_us,
            by=one.by,
            why=one.why,
            registered=one.registered.id,
            metrics=one.metrics,
        )
        for one in registry.standings()
    ]
    tx.settle_models(standings, registry.void)
    return new


def decode_body(body: bytes | None) -> Recorded:
    """The result, transition or event in a message's body.

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
        FrameRefused: its key, its time or a unit is wrong.
    """
    assays = checked_assays(event, record.key, record.recorded_us)
    return StoredEvent(event, assays, record.topic, record.partition, record.offset, record.recorded_us)


RECORD: Purpose[Stored] = Purpose(
    "record",
    (WATCH_RESULTS.name, ALARM_TRANSITIONS.name, BATCH_EVENTS.name, MODELS_REGISTRY.name),
    read_committed=True,
    decode=decode,
    write=write,
)
