"""Topics are made as declared, drift is set right, and another log is recognisable as another log."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from confluent_kafka.admin import AdminClient

from schemas.errors import BrokerError, BrokerUnreachable, TopicMismatch
from streams.admin import check_topics, describe_log, ensure_topics, log_bounds, wait_ready
from streams.connection import Broker
from streams.record import TopicPartition

if TYPE_CHECKING:
    from collections.abc import Callable

    from streams.topics import Topic


def test_every_declared_topic_is_created_and_a_second_run_changes_nothing(topics: Broker) -> None:
    assert {report.action for report in ensure_topics(topics)} == {"unchanged"}
    assert {report.action for report in check_topics(topics)} == {"unchanged"}


def test_a_setting_that_drifted_is_named_and_set_right(
    kafka: Broker, new_topic: Callable[..., Topic]
) -> None:
    topic = new_topic()
    wanted = replace(topic, retention_ms=1_000_000)
    drift = {"retention.ms": (str(topic.retention_ms), "1000000")}
    (found,) = check_topics(kafka, [wanted])
    assert (found.action, found.drift) == ("config differs", drift)
    (fixed,) = ensure_topics(kafka, [wanted])
    assert (fixed.action, fixed.drift) == ("config fixed", drift)
    (left,) = check_topics(kafka, [wanted])
    assert left.action == "unchanged"


def test_another_number_of_partitions_is_refused_and_nothing_is_changed(
    kafka: Broker, new_topic: Callable[..., Topic]
) -> None:
    topic = new_topic(partitions=2)
    other = replace(topic, partitions=3, retention_ms=1)
    missing = replace(topic, name=f"{topic.name}.missing")
    with pytest.raises(TopicMismatch, match="has 2 partitions, 3 are declared"):
        ensure_topics(kafka, [missing, other])
    actions = {report.name: report.action for report in check_topics(kafka, [missing, topic])}
    assert actions == {missing.name: "missing", topic.name: "unchanged"}


def test_a_topic_made_anew_has_another_id(kafka: Broker, new_topic: Callable[..., Topic]) -> None:
    topic = new_topic()
    before = describe_log(kafka, [topic.name])
    admin = AdminClient(kafka.confluent())
    for deleted in admin.delete_topics([topic.name]).values():
        deleted.result(timeout=10)
    with pytest.raises(BrokerError, match="lacks a topic"):
        describe_log(kafka, [topic.name])
    ensure_topics(kafka, [topic])
    after = describe_log(kafka, [topic.name])
    assert after.cluster_id == before.cluster_id == wait_ready(kafka)
    assert after.topics[topic.name] != before.topics[topic.name]


def test_the_bounds_of_an_empty_log_are_zero_and_no_partitions_have_no_bounds(
    kafka: Broker, new_topic: Callable[..., Topic]
) -> None:
    here = TopicPartition(new_topic().name, 0)
    assert log_bounds(kafka, [here]) == {here: (0, 0)}
    assert log_bounds(kafka, []) == {}


def test_a_broker_that_does_not_answer_is_named_with_the_next_step() -> None:
    with pytest.raises(BrokerUnreachable, match=r"Kafka at 127\.0\.0\.1:1 does not answer") as told:
        wait_ready(Broker("127.0.0.1:1"), timeout_s=1.0)
    assert told.value.next_step == "sparge doctor"
    assert told.value.detail
