"""Batch events arrive in order, on the partition of their bioreactor's samples."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from aiokafka.partitioner import DefaultPartitioner

from schemas.batch import Assay, BatchEvent
from schemas.errors import DeliveryFailed
from streams.batch_sender import BatchSender
from streams.connection import Broker
from streams.tail import read_all

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Literal

    from streams.topics import Topic

T0_US = 1_790_000_000_000_000
NOWHERE = "127.0.0.1:1"


def event(kind: Literal["start", "phase", "sample", "end"], second: int, unit: str = "BR-01") -> BatchEvent:
    return BatchEvent(
        site="north",
        unit=unit,
        batch="B-7",
        member="north",
        event=kind,
        time_us=T0_US + second * 1_000_000,
        phase="batch" if kind in {"start", "phase"} else None,
        assays={"glucose": Assay(value=4.2, unit="g.L-1")} if kind == "sample" else None,
    )


def test_the_events_of_a_batch_arrive_in_order_on_its_partition(
    kafka: Broker, new_topic: Callable[..., Topic]
) -> None:
    topic = new_topic()
    sent = [event("start", 0), event("phase", 60), event("sample", 90), event("end", 120)]
    with BatchSender(kafka, topic) as sender:
        for one in sent:
            sender.send(one)
    records = list(read_all(kafka, topic.name))
    assert [BatchEvent.decode(record.value or b"") for record in records] == sent
    partitions = list(range(topic.partitions))
    expected = DefaultPartitioner()(b"north/BR-01", partitions, partitions)
    assert {record.partition for record in records} == {expected}


def test_what_no_broker_acknowledged_is_named() -> None:
    sender = BatchSender(Broker(NOWHERE))
    sender.send(event("start", 0))
    with pytest.raises(DeliveryFailed, match="1 batch events: start of B-7 on north/BR-01"):
        sender.close(0.5)
