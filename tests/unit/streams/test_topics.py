"""The topics are declared once, within what the design allows."""

from __future__ import annotations

import pytest

from agents.models.kept_envelope import PART_BYTES
from schemas.contracts import CONTRACTS
from streams.topics import (
    ALARM_TRANSITIONS,
    BATCH_EVENTS,
    DEADLETTER,
    FRAMES,
    HISTORY,
    MIB,
    MODELS_ENVELOPES,
    MODELS_REGISTRY,
    TOPICS,
    WATCH_RESULTS,
    WATCH_STATE,
    Topic,
)

EIGHT = [FRAMES, HISTORY, WATCH_RESULTS, ALARM_TRANSITIONS, WATCH_STATE]


def test_names_are_unique() -> None:
    assert len({topic.name for topic in TOPICS}) == len(TOPICS)


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_the_recorded_time_is_the_brokers(topic: Topic) -> None:
    assert topic.config()["message.timestamp.type"] == "LogAppendTime"


@pytest.mark.parametrize("topic", TOPICS, ids=lambda topic: topic.name)
def test_a_codec_that_a_producer_chose_is_kept(topic: Topic) -> None:
    assert topic.config()["compression.type"] == "producer"


def test_topics_and_contracts_name_each_other() -> None:
    by_topic = {(topic.name, contract) for topic in TOPICS for contract in topic.contract}
    by_contract = {(topic, name) for name, contract in CONTRACTS.items() for topic in contract.topics}
    assert by_topic == by_contract


@pytest.mark.parametrize("topic", EIGHT, ids=lambda topic: topic.name)
def test_what_belongs_to_a_bioreactor_has_eight_partitions(topic: Topic) -> None:
    assert topic.partitions == 8


def test_batch_events_are_kept_for_ever_in_one_order() -> None:
    assert BATCH_EVENTS.config()["retention.ms"] == "-1"
    assert BATCH_EVENTS.config()["cleanup.policy"] == "delete"
    assert BATCH_EVENTS.partitions == 1


def test_a_dead_letter_holds_the_largest_message_in_base64() -> None:
    assert FRAMES.max_message_bytes == HISTORY.max_message_bytes == MIB
    assert DEADLETTER.max_message_bytes > MIB * 4 / 3


def test_only_the_state_of_watch_the_registry_and_envelopes_are_compacted_and_soon() -> None:
    compacted = [topic for topic in TOPICS if topic.cleanup == "compact"]
    assert compacted == [WATCH_STATE, MODELS_REGISTRY, MODELS_ENVELOPES]
    assert all(int(topic.config()["segment.ms"]) <= 3_600_000 for topic in compacted)


def test_the_registry_of_models_is_kept_for_ever_in_one_order() -> None:
    assert MODELS_REGISTRY.config()["retention.ms"] == "-1"
    assert MODELS_REGISTRY.partitions == 1


def test_a_part_of_an_envelope_fits_into_a_message_for_ever() -> None:
    assert MODELS_ENVELOPES.max_message_bytes * 0.9 > PART_BYTES
    assert MODELS_ENVELOPES.config()["retention.ms"] == "-1"
    assert MODELS_ENVELOPES.partitions == 1
