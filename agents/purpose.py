"""What one sink is for: which topics it reads, what a record of them means, and how that is stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from agents.tally import Written
    from schemas.errors import FrameRefused
    from storage.store import SinkTransaction
    from streams.record import Record, TopicPartition

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Purpose(Generic[T]):
    """Shared by nobody and without state: the sink does the rest.

    Args:
        name: the sink's name in the database's positions.
        topics: names of what it reads.
        read_committed: whether it leaves out records of open and aborted transactions.
        decode: what a record means, None where there is nothing to store; raises FrameRefused. It is called
            beside the transaction of the batch before, and perhaps for nothing.
        write: stores messages, in order, within a transaction.
    """

    name: str
    topics: tuple[str, ...]
    read_committed: bool
    decode: Callable[[Record], T | None]
    write: Callable[[SinkTransaction, Sequence[T]], Written]


@dataclass(frozen=True, slots=True)
class Prepared(Generic[T]):
    """A record with its message, or with the reason why it is refused; with neither it is only passed."""

    record: Record
    message: T | None = None
    refusal: FrameRefused | None = None


def refusals(
    prepared: Sequence[Prepared[T]], late: Mapping[tuple[TopicPartition, int], FrameRefused]
) -> list[tuple[Record, FrameRefused]]:
    """Every refused record with the reason, in order; `late` are those that only the database refused."""
    found = []
    for one in prepared:
        why = one.refusal
        if why is None and late:
            why = late.get((one.record.tp, one.record.offset))
        if why is not None:
            found.append((one.record, why))
    return found
