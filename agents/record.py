"""The record sink: what watch decided, into the database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
import structlog

from agents.sink import letter
from agents.tally import Written
from schemas.alarm import AlarmTransition
from schemas.errors import ContractError, FrameRefused, Reason
from schemas.forecast import ForecastMessage
from schemas.score import ScoreMessage
from streams.topics import ALARM_TRANSITIONS, WATCH_RESULTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from storage.store import SinkTransaction
    from streams.deadletters import DeadLetterProducer
    from streams.record import Record

log = structlog.get_logger("record")

SINK = "record"
TOPICS = (WATCH_RESULTS.name, ALARM_TRANSITIONS.name)

CONTRACTS: dict[str, type[AlarmTransition | ScoreMessage | ForecastMessage]] = {
    model.model_fields["schema_"].default: model for model in (AlarmTransition, ScoreMessage, ForecastMessage)
}


class Recorder:
    """Decides for each record which table it belongs to; what is none of ours becomes a dead letter.

    Args:
        deadletters: where refused records go; acknowledged by the broker before the position moves.
        topic_ids: topic name to the id that the cluster gave it.
    """

    def __init__(self, deadletters: DeadLetterProducer, topic_ids: Mapping[str, str]) -> None:
        self._deadletters = deadletters
        self._topic_ids = topic_ids

    def write(self, tx: SinkTransaction, records: Sequence[Record]) -> Written:
        """Write records that are due, in order, within the sink's transaction."""
        messages: list[AlarmTransition | ScoreMessage | ForecastMessage] = []
        letters = []
        for record in records:
            try:
                messages.append(decode(record.value))
            except FrameRefused as refusal:
                letters.append(letter(record, refusal, self._topic_ids))
        transitions = [message for message in messages if isinstance(message, AlarmTransition)]
        scores = [message for message in messages if isinstance(message, ScoreMessage)]
        forecasts = [message for message in messages if isinstance(message, ForecastMessage)]
        new = {
            "transitions": tx.write_transitions(transitions),
            "scores": tx.write_scores(scores),
            "forecasts": tx.write_forecasts(forecasts),
        }
        if letters:
            self._deadletters.send(letters)
            log.warning("dead letters", count=len(letters), first=letters[0].source.id)
        return Written(new, {"results": len(messages) - sum(new.values())}, len(letters))


def decode(body: bytes | None) -> AlarmTransition | ScoreMessage | ForecastMessage:
    """The result or transition in a message's body.

    Raises:
        FrameRefused: it is none of them, or not as its contract says.
    """
    try:
        said = orjson.loads(body or b"")
    except orjson.JSONDecodeError as error:
        raise FrameRefused(
            Reason.NOT_JSON, "", "The body is not JSON; only watch writes here.", detail=str(error)
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
