"""What one fetch brought of a topic goes through Faust as one message.

Faust takes about 70 us for each message, whatever is in it; a bundle of some hundred records costs the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from faust.types.tuples import ConsumerMessage

from streams.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from faust.types import TP


@dataclass(frozen=True, slots=True)
class Bundle:
    """Records of one topic, in order within each partition; `tp` and `offset` are those of the last one."""

    tp: TP
    offset: int
    records: list[Record]


class BundleMessage(ConsumerMessage):
    """The message that stands for a bundle; it has neither key nor value of its own."""

    records: list[Record]

    @classmethod
    def of(cls, bundle: Bundle, generation_id: int) -> BundleMessage:
        """The message; generation_id is that of the assignment under which it was fetched."""
        topic, partition = bundle.tp
        message = cls(
            *(topic, partition, bundle.offset),
            timestamp=bundle.records[-1].recorded_us / 1e6,
            timestamp_type=1,
            headers=[],
            key=b"",
            value=b"",
            checksum=None,
            tp=bundle.tp,
            generation_id=generation_id,
        )
        message.records = bundle.records
        return message

    @property
    def size_bytes(self) -> int:
        """Length of all bodies."""
        return sum([len(record.value or b"") for record in self.records])


def bundled(fetched: Mapping[TP, Sequence[Any]]) -> dict[TP, list[Bundle]]:
    """One bundle a topic, under its last partition; `fetched` are aiokafka's records by partition."""
    by_topic: dict[str, Bundle] = {}
    for tp, records in fetched.items():
        if records:
            before = by_topic.get(tp.topic)
            together = [] if before is None else before.records
            together += map(record_of, records)
            by_topic[tp.topic] = Bundle(tp, records[-1].offset, together)
    return {bundle.tp: [bundle] for bundle in by_topic.values()}


def record_of(fetched: Any) -> Record:
    """The record as aiokafka fetched it."""
    return Record(
        topic=fetched.topic,
        partition=fetched.partition,
        offset=fetched.offset,
        recorded_us=fetched.timestamp * 1000,
        key=fetched.key,
        value=fetched.value,
        headers=tuple([(name, value or b"") for name, value in fetched.headers or ()]),
    )
