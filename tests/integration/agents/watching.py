"""What watch has said, and what it should have said: its own logic over the very records of the log."""

from __future__ import annotations

import time
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import orjson
from confluent_kafka import Producer

from agents import model_feed
from agents.batch_context import understood
from agents.partition_watch import PartitionWatch
from agents.watch_position import POSITION_KEY
from schemas.alarm import AlarmTransition
from sparge.envelopes import envelopes_of
from streams.admin import describe_log
from streams.codec import outgoing
from streams.tail import read_all, tail
from streams.topics import ALARM_TRANSITIONS, BATCH_EVENTS, FRAMES, MODELS_REGISTRY, WATCH_STATE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from confluent_kafka import KafkaError, Message

    from agents.partition_watch import Output
    from schemas.frame import SensorFrame
    from streams.connection import Broker
    from streams.record import Record
    from tests.integration.agents.workers import Worker

Said = dict[int, list[dict[str, Any]]]
"""By partition the alarm transitions, in order, as their contract writes them."""


def send_frames(broker: Broker, frames: Iterable[SensorFrame]) -> dict[int, int]:
    """Send frames as a device does; returns where each partition ends then."""
    ends: dict[int, int] = {}

    def delivered(_: KafkaError | None, message: Message) -> None:
        ends[message.partition() or 0] = (message.offset() or 0) + 1

    producer = Producer(broker.producing())
    for frame in frames:
        key, body, headers = outgoing(frame)
        producer.produce(FRAMES.name, body, key, headers=list(headers), on_delivery=delivered)
    producer.flush(30)
    return ends


def wait_until_watched(
    broker: Broker, ends: Mapping[int, int], workers: Collection[Worker], within_s: float = 60.0
) -> None:
    """Keep the workers alive until the stored position of every partition has reached its end."""
    deadline = time.monotonic() + within_s
    reached: dict[int, int] = {}

    def enough() -> bool:
        for worker in workers:
            worker.keep_alive()
        if time.monotonic() > deadline:
            raise AssertionError(f"at {reached}, not at {ends}:\n{next(iter(workers)).log()[-3000:]}")
        return all(reached.get(partition, 0) >= end for partition, end in ends.items())

    for record in tail(broker, [WATCH_STATE.name], start="beginning", stop=enough):
        if record.key == POSITION_KEY and record.value:
            reached[record.partition] = orjson.loads(record.value)["next_offset"]


def said(broker: Broker) -> Said:
    """The transitions that a reader of committed records finds."""
    told: Said = defaultdict(list)
    for record in read_all(broker, ALARM_TRANSITIONS.name):
        told[record.partition].append(plain(AlarmTransition.decode(record.value or b"")))
    return dict(told)


def bodies(broker: Broker, topic: str) -> dict[int, list[bytes]]:
    """By partition what a reader of committed records finds on a topic."""
    told: dict[int, list[bytes]] = defaultdict(list)
    for record in read_all(broker, topic):
        told[record.partition].append(record.value or b"")
    return told


def watched_until(broker: Broker) -> dict[int, int]:
    """By partition the stored position of watch: everything before it has been judged."""
    return {
        record.partition: orjson.loads(record.value or b"")["next_offset"]
        for record in read_all(broker, WATCH_STATE.name)
        if record.key == POSITION_KEY
    }


def reference(broker: Broker) -> Said:
    """The transitions that follow from the frames that were judged, and from what was told beside them."""
    told: Said = {}
    for partition, outputs in judged_at_once(broker, watched_until(broker)).items():
        if alarms := [plain(output) for output in outputs if isinstance(output, AlarmTransition)]:
            told[partition] = alarms
    return told


def judged_at_once(broker: Broker, until: Mapping[int, int] | None = None) -> dict[int, list[Output]]:
    """By partition what a watch says that never stopped, of the whole log or of what lies before `until`."""
    records: dict[int, list[Record]] = defaultdict(list)
    for record in read_all(broker, FRAMES.name):
        if until is None or record.offset < until.get(record.partition, 0):
            records[record.partition].append(record)
    topic_id = describe_log(broker, [FRAMES.name]).topics[FRAMES.name]
    batches = [understood(record) for record in read_all(broker, BATCH_EVENTS.name)]
    models = [model_feed.understood(record) for record in read_all(broker, MODELS_REGISTRY.name)]
    envelopes = envelopes_of(broker)
    return {
        partition: PartitionWatch(
            *(FRAMES.name, topic_id, partition),
            batch_events=batches,
            model_events=models,
            envelopes=envelopes,
        )
        .judge(its_records)
        .outputs
        for partition, its_records in records.items()
    }


def plain(transition: AlarmTransition) -> dict[str, Any]:
    """Everything a transition says."""
    return transition.model_dump(mode="json")


def alarm_of(transition: Mapping[str, Any]) -> str:
    return "/".join(transition[part] for part in ("site", "unit", "signal", "condition"))
