"""Outgoing messages: the body alone decodes; key and headers are copies.

Headers follow the CloudEvents Kafka binding, binary mode: https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from schemas.alarm import AlarmTransition
from schemas.batch import BatchEvent
from schemas.deadletter import DeadLetter
from schemas.forecast import ForecastMessage
from schemas.frame import SensorFrame
from schemas.model_event import ModelEvent
from schemas.score import ScoreMessage

Headers = tuple[tuple[str, bytes], ...]
Derived = AlarmTransition | ScoreMessage | ForecastMessage
Message = SensorFrame | BatchEvent | Derived | DeadLetter | ModelEvent

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def key_of(site: str, unit: str) -> bytes:
    """The Kafka key of everything about one bioreactor: "site/unit" in UTF-8."""
    return f"{site}/{unit}".encode()


def outgoing(message: Message) -> tuple[bytes | None, bytes, Headers]:
    """Key, value and headers to write for a message.

    Raises:
        FrameTooLarge: a frame's body is above schemas.frame.MAX_FRAME_BYTES.
    """
    if isinstance(message, DeadLetter):
        headers = _headers(message.schema_, "sparge", message.source.id, message.recorded_us)
        return message.original_key, message.encode(), headers
    if isinstance(message, ModelEvent):
        headers = _headers(message.schema_, "sparge", message.id, message.time_us)
        return message.id.encode(), message.encode(), headers
    key = key_of(message.site, message.unit)
    identity, time_us = _identity(message)
    return key, message.encode(), _headers(message.schema_, key.decode(), identity, time_us)


def _identity(message: SensorFrame | BatchEvent | Derived) -> tuple[str, int | None]:
    match message:
        case SensorFrame():
            last_us = message.time_us[-1] if message.time_us else None
            return f"{message.device}/{message.epoch}/{message.sequence}", last_us
        case BatchEvent():
            return f"{message.batch}/{message.event}/{message.time_us}", message.time_us
        case AlarmTransition():
            return message.source.id, message.time_us
        case ScoreMessage():
            return message.source.id, message.now_us
        case ForecastMessage():
            return message.source.id, message.made_us


def _headers(kind: str, source: str, identity: str, time_us: int | None = None) -> Headers:
    headers = (
        ("ce_specversion", b"1.0"),
        ("ce_id", identity.encode()),
        ("ce_source", f"/{source}".encode()),
        ("ce_type", kind.encode()),
        ("content-type", b"application/json"),
    )
    when = None if time_us is None else _rfc3339(time_us)
    return headers if when is None else (*headers, ("ce_time", when.encode()))


def _rfc3339(time_us: int) -> str | None:
    # A device may claim a year that no calendar has; its frame still goes out and is judged by its body.
    try:
        return (_EPOCH + timedelta(microseconds=time_us)).isoformat()
    except OverflowError:
        return None
