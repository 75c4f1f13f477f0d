"""What a worker holds of the log at this moment: kept up by its consumer, read by whoever looks after it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from streams.record import TopicPartition


@dataclass(slots=True)
class Flow:
    """Values are replaced whole, so that another thread always reads a consistent one.

    assigned: the partitions that were positioned and are this worker's.
    buffered_bytes: of message bodies that were fetched and are not dealt with yet.
    paused: nothing more is fetched until some of that is dealt with.
    """

    assigned: frozenset[TopicPartition] = frozenset()
    buffered_bytes: int = 0
    paused: bool = False

    def take(self, partitions: frozenset[TopicPartition]) -> None:
        """Count these partitions as this worker's."""
        self.assigned |= partitions

    def drop(self, partitions: frozenset[TopicPartition]) -> None:
        """Count these partitions as another worker's."""
        self.assigned -= partitions

    @property
    def paused_partitions(self) -> int:
        """How many partitions wait until there is room again."""
        return len(self.assigned) if self.paused else 0
