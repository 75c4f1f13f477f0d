"""What goes out decodes by its body alone; key and headers are copies of it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, cast

import pytest

from schemas.contracts import CONTRACTS, decode, example
from schemas.deadletter import DeadLetter
from schemas.model_event import ModelEvent
from streams.codec import key_of, outgoing

if TYPE_CHECKING:
    from streams.codec import Message

EXAMPLES = [name for contract in CONTRACTS.values() for name in contract.examples]


def message(name: str) -> Message:
    return cast("Message", decode(example(name)))


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_body_alone_decodes_to_the_message(name: str) -> None:
    _, value, _ = outgoing(message(name))
    assert decode(value) == message(name)


@pytest.mark.parametrize("name", EXAMPLES)
def test_headers_are_cloudevents_in_binary_mode(name: str) -> None:
    _, _, headers = outgoing(message(name))
    found = dict(headers)
    assert len(found) == len(headers)
    assert found["ce_specversion"] == b"1.0"
    assert found["ce_type"].decode() == message(name).schema_
    assert found["content-type"] == b"application/json"
    assert found["ce_id"]
    assert found["ce_source"].startswith(b"/")
    if "ce_time" in found:
        assert datetime.fromisoformat(found["ce_time"].decode()).utcoffset() is not None


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_key_is_the_bioreactor_the_key_of_the_refused_message_or_the_events_own_id(name: str) -> None:
    sent = message(name)
    key, _, _ = outgoing(sent)
    match sent:
        case DeadLetter():
            assert key == sent.original_key
        case ModelEvent():
            assert key == sent.id.encode()
        case _:
            assert key == key_of(sent.site, sent.unit)


def test_a_message_has_the_same_id_each_time_and_two_frames_have_two() -> None:
    frames = [name for name in EXAMPLES if name.startswith("frame")]
    ids = [dict(outgoing(message(name))[2])["ce_id"] for name in (*frames, *frames)]
    assert len(set(ids)) == len(frames)


def test_a_time_that_no_calendar_has_is_left_out_of_the_headers() -> None:
    frame = message(EXAMPLES[0]).model_copy(update={"time_us": [2**62]})
    assert "ce_time" not in dict(outgoing(frame)[2])
