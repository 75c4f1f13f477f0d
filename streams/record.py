"""Messages as they come out of the log and as they go into it; plain values that know no client library."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class TopicPartition(NamedTuple):
    """One partition of one topic."""

    topic: str
    partition: int


@dataclass(frozen=True, slots=True)
class Record:
    """A message read from Kafka.

    recorded_us is the broker's LogAppendTime, us UTC in steps of a millisecond. Null headers read as empty.
    """

    topic: str
    partition: int
    offset: int
    recorded_us: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()

    @property
    def tp(self) -> TopicPartition:
        """The partition that this record is in."""
        return TopicPartition(self.topic, self.partition)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message to write; partition None lets murmur2 of the key decide."""

    topic: str
    partition: int | None
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


def by_bytes(records: Sequence[Record], limit: int) -> Iterator[list[Record]]:
    """Split records, in order, into portions of at most `limit` bytes (a single record may exceed it)."""
    portion: list[Record] = []
    size = 0
    for record in records:
        length = len(record.value or b"")
        if portion and size + length > limit:
            yield portion
            portion, size = [], 0
        portion.append(record)
        size += length
    if portion:
        yield portion
