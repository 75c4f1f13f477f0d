"""Messages as they come out of the log and as they go into it; plain values that know no client library."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


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
