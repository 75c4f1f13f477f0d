"""Topics as declared against topics as they are; the identity and the ends of the log."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from confluent_kafka import IsolationLevel, KafkaError, KafkaException, TopicCollection
from confluent_kafka import TopicPartition as KafkaTopicPartition
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # its __init__ re-exports them unmarked
    AdminClient,
    AlterConfigOpType,
    ConfigEntry,
    ConfigResource,
    NewTopic,
    OffsetSpec,
    ResourceType,
)

from schemas.errors import BrokerError, BrokerUnreachable, TopicMismatch
from streams.connection import Broker, broker_error
from streams.record import TopicPartition
from streams.topics import TOPICS, Topic

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

_TIMEOUT_S = 15.0
_POLL_S = 0.1
# A topic has just been created, or its leader has just died: a new one is known within moments.
_LEADERLESS_S = 10.0
_PASSING = frozenset(
    {
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.OFFSET_NOT_AVAILABLE,
    }
)


@dataclass(frozen=True, slots=True)
class TopicReport:
    """What was found, and done, about one topic; drift maps a setting to (what it was, what is declared)."""

    name: str
    action: Literal["created", "unchanged", "config fixed", "missing", "repartitioned", "config differs"]
    partitions: int
    drift: Mapping[str, tuple[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LogIdentity:
    """Which log this is: a recreated topic has another id, another cluster another cluster_id."""

    cluster_id: str
    topics: Mapping[str, str]


def wait_ready(broker: Broker, timeout_s: float = 30.0) -> str:
    """Wait until the cluster answers a metadata request; returns its id.

    Raises:
        BrokerUnreachable: it did not within timeout_s.
    """
    client = AdminClient(broker.confluent())
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            metadata = client.list_topics(timeout=max(0.1, min(2.0, deadline - time.monotonic())))
        except KafkaException as error:
            if time.monotonic() >= deadline:
                raise broker_error(error, broker, f"get its metadata within {timeout_s:g} s") from error
        else:
            # A KRaft broker answers for a moment before it has joined its own cluster.
            if metadata.brokers and metadata.cluster_id:
                return str(metadata.cluster_id)
            if time.monotonic() >= deadline:
                raise BrokerUnreachable(
                    f"Kafka at {broker.bootstrap} answers, but had not joined its cluster "
                    f"within {timeout_s:g} s.",
                    next_step="sparge doctor",
                )
        time.sleep(_POLL_S)


def ensure_topics(broker: Broker, topics: Iterable[Topic] = TOPICS) -> list[TopicReport]:
    """Create the declared topics that are missing, set right the settings that drifted; safe twice at once.

    Raises:
        TopicMismatch: a topic has another number of partitions than declared. Nothing is changed then.
        BrokerUnreachable, BrokerError: the cluster did not do it.
    """
    declared = {topic.name: topic for topic in topics}
    client = AdminClient(broker.confluent())
    present = _partition_counts(client, broker)
    _refuse_other_partitioning(declared, present)
    missing = [topic for topic in declared.values() if topic.name not in present]
    created = _create(client, broker, missing)
    _wait_for_leaders(client, broker, declared)
    drifts = _fix_drift(client, broker, [topic for topic in declared.values() if topic.name not in created])
    return [_report(topic, created, drifts) for topic in declared.values()]


def check_topics(broker: Broker, topics: Iterable[Topic] = TOPICS) -> list[TopicReport]:
    """Compare the cluster's topics with their declarations and change nothing.

    Raises:
        BrokerUnreachable, BrokerError: the cluster did not answer.
    """
    declared = {topic.name: topic for topic in topics}
    client = AdminClient(broker.confluent())
    present = _partition_counts(client, broker)
    drifts = _drifts(client, broker, [topic for topic in declared.values() if topic.name in present])
    reports = []
    for name, topic in declared.items():
        drift = drifts.get(name, {})
        if name not in present:
            reports.append(TopicReport(name, "missing", 0))
        elif present[name] != topic.partitions:
            reports.append(TopicReport(name, "repartitioned", present[name], drift))
        else:
            reports.append(
                TopicReport(name, "config differs" if drift else "unchanged", present[name], drift)
            )
    return reports


def describe_log(broker: Broker, topics: Iterable[str]) -> LogIdentity:
    """The cluster's id and each topic's id, as Kafka writes them (URL-safe base64 without padding).

    Raises:
        BrokerError: a topic does not exist, or the cluster did not answer.
    """
    client = AdminClient(broker.confluent())
    names = list(topics)
    try:
        cluster_id = str(client.list_topics(timeout=_TIMEOUT_S).cluster_id)
        futures = client.describe_topics(TopicCollection(names), request_timeout=_TIMEOUT_S)
        ids = {name: _kafka_uuid(str(futures[name].result().topic_id)) for name in names}
    except KafkaException as error:
        if error.args[0].code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
            raise _missing_topics(broker, names) from error
        raise broker_error(error, broker, "describe its topics") from error
    return LogIdentity(cluster_id, ids)


def partitions_of(broker: Broker, topics: Iterable[str]) -> list[TopicPartition]:
    """Every partition of the topics.

    Raises:
        BrokerError: a topic does not exist, or the cluster did not answer.
    """
    names = list(topics)
    counts = _partition_counts(AdminClient(broker.confluent()), broker)
    missing = [name for name in names if name not in counts]
    if missing:
        raise _missing_topics(broker, missing)
    return [TopicPartition(name, partition) for name in names for partition in range(counts[name])]


def log_bounds(
    broker: Broker, tps: Collection[TopicPartition], *, read_committed: bool = False
) -> dict[TopicPartition, tuple[int, int]]:
    """The first offset that exists and the next one to be written, for each partition.

    With read_committed the end is the last stable offset: the first one of the oldest open transaction.
    Raises BrokerError.
    """
    client = AdminClient(broker.confluent())
    level = IsolationLevel.READ_COMMITTED if read_committed else IsolationLevel.READ_UNCOMMITTED
    lows = _offsets(client, broker, tps, OffsetSpec.earliest(), level)  # type: ignore[no-untyped-call]  # theirs
    highs = _offsets(client, broker, tps, OffsetSpec.latest(), level)  # type: ignore[no-untyped-call]  # theirs
    return {tp: (low, highs[tp]) for tp, low in lows.items()}


class LogEnds:
    """Where partitions end, asked again and again over one connection; read_committed as of `log_bounds`."""

    def __init__(self, broker: Broker, *, read_committed: bool) -> None:
        self._broker = broker
        self._client = AdminClient(broker.confluent())
        self._level = IsolationLevel.READ_COMMITTED if read_committed else IsolationLevel.READ_UNCOMMITTED

    def read(self, tps: Collection[TopicPartition]) -> dict[TopicPartition, int]:
        """The next offset to be written of each partition; raises BrokerError."""
        latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]  # theirs
        try:
            return _offsets(self._client, self._broker, tps, latest, self._level)
        except BrokerError:
            # A client that knows a later leader epoch than a restarted broker is refused for ever.
            self._client = AdminClient(self._broker.confluent())
            raise


def _offsets(
    client: AdminClient,
    broker: Broker,
    tps: Collection[TopicPartition],
    spec: OffsetSpec,
    level: IsolationLevel,
) -> dict[TopicPartition, int]:
    request = {KafkaTopicPartition(tp.topic, tp.partition): spec for tp in tps}
    if not request:
        return {}
    deadline = time.monotonic() + _LEADERLESS_S
    while True:
        try:
            futures = client.list_offsets(request, isolation_level=level, request_timeout=_TIMEOUT_S)
            found = {
                TopicPartition(tp.topic, tp.partition): told.result().offset for tp, told in futures.items()
            }
        except KafkaException as error:
            if error.args[0].code() not in _PASSING or time.monotonic() > deadline:
                raise broker_error(error, broker, "say where its log starts and ends") from error
            time.sleep(_POLL_S)
        else:
            return {tp: found[tp] for tp in map(TopicPartition._make, tps)}


def _partition_counts(client: AdminClient, broker: Broker) -> dict[str, int]:
    try:
        metadata = client.list_topics(timeout=_TIMEOUT_S)
    except KafkaException as error:
        raise broker_error(error, broker, "list its topics") from error
    return {name: len(topic.partitions) for name, topic in metadata.topics.items() if topic.error is None}


def _refuse_other_partitioning(declared: Mapping[str, Topic], present: Mapping[str, int]) -> None:
    wrong = [
        f"{name} has {present[name]} partitions, {topic.partitions} are declared"
        for name, topic in declared.items()
        if name in present and present[name] != topic.partitions
    ]
    if wrong:
        raise TopicMismatch(
            f"The cluster's topics are not the declared ones: {'; '.join(wrong)}.",
            detail="A changed partition count would move units away from their order, state and fencing.",
            kept="Nothing was changed.",
            next_step="use another cluster, or delete the topic while it is empty and run: sparge topics",
        )


def _create(client: AdminClient, broker: Broker, topics: Iterable[Topic]) -> set[str]:
    wanted = [
        NewTopic(topic.name, num_partitions=topic.partitions, replication_factor=-1, config=topic.config())
        for topic in topics
    ]
    if not wanted:
        return set()
    created = set()
    for name, future in client.create_topics(wanted, request_timeout=_TIMEOUT_S).items():
        try:
            future.result()
        except KafkaException as error:
            # Another process of ours was first.
            if error.args[0].code() != KafkaError.TOPIC_ALREADY_EXISTS:
                raise broker_error(error, broker, f"create the topic {name}") from error
        else:
            created.add(name)
    return created


def _wait_for_leaders(client: AdminClient, broker: Broker, declared: Mapping[str, Topic]) -> None:
    deadline = time.monotonic() + _TIMEOUT_S
    while True:
        try:
            known = client.list_topics(timeout=_TIMEOUT_S).topics
        except KafkaException as error:
            raise broker_error(error, broker, "list its topics") from error
        late = [
            name
            for name, topic in declared.items()
            if name not in known
            or len(known[name].partitions) != topic.partitions
            or any(partition.leader < 0 for partition in known[name].partitions.values())
        ]
        if not late:
            return
        if time.monotonic() > deadline:
            raise BrokerError(
                f"Kafka at {broker.bootstrap} has no leader for {', '.join(late)}.", next_step="sparge doctor"
            )
        time.sleep(_POLL_S)


def _drifts(
    client: AdminClient, broker: Broker, topics: Collection[Topic]
) -> dict[str, dict[str, tuple[str, str]]]:
    if not topics:
        return {}
    resources = [ConfigResource(ResourceType.TOPIC, topic.name) for topic in topics]
    try:
        described = client.describe_configs(resources, request_timeout=_TIMEOUT_S)
        found = {resource.name: future.result() for resource, future in described.items()}
    except KafkaException as error:
        raise broker_error(error, broker, "say how its topics are set") from error
    return {
        topic.name: {
            key: (str(found[topic.name][key].value), value)
            for key, value in topic.config().items()
            if found[topic.name][key].value != value
        }
        for topic in topics
    }


def _fix_drift(
    client: AdminClient, broker: Broker, topics: Collection[Topic]
) -> dict[str, dict[str, tuple[str, str]]]:
    drifts = _drifts(client, broker, topics)
    changes = [
        ConfigResource(
            ResourceType.TOPIC,
            name,
            incremental_configs=[
                ConfigEntry(key, value, incremental_operation=AlterConfigOpType.SET)
                for key, (_, value) in drift.items()
            ],
        )
        for name, drift in drifts.items()
        if drift
    ]
    try:
        if changes:
            for future in client.incremental_alter_configs(changes, request_timeout=_TIMEOUT_S).values():
                future.result()
    except KafkaException as error:
        raise broker_error(error, broker, "set its topics right") from error
    return drifts


def _report(
    topic: Topic, created: Collection[str], drifts: Mapping[str, Mapping[str, tuple[str, str]]]
) -> TopicReport:
    if topic.name in created:
        return TopicReport(topic.name, "created", topic.partitions)
    drift = drifts[topic.name]
    return TopicReport(topic.name, "config fixed" if drift else "unchanged", topic.partitions, drift)


def _kafka_uuid(text: str) -> str:
    # librdkafka writes standard base64; Kafka's own tools, and a path of ids, need the URL-safe letters.
    return text.rstrip("=").replace("+", "-").replace("/", "_")


def _missing_topics(broker: Broker, names: Iterable[str]) -> BrokerError:
    return BrokerError(
        f"Kafka at {broker.bootstrap} lacks a topic: {', '.join(names)}.", next_step="sparge topics"
    )
