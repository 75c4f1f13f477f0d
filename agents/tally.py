"""What an agent has done since its process began, and how it is: plain numbers for others to look at.

An agent's own threads write them, others read them at any time; each number is whole by itself.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from schemas.errors import FrameRefused
    from streams.record import TopicPartition


@dataclass(frozen=True, slots=True)
class Written:
    """What became of the messages of one transaction.

    rows: by what they are, as in `{"samples": 300}`. known: what the store knew already, likewise.
    refused: by place in the log, what only the database could refuse.
    """

    rows: Mapping[str, int] = field(default_factory=dict)
    known: Mapping[str, int] = field(default_factory=dict)
    refused: Mapping[tuple[TopicPartition, int], FrameRefused] = field(default_factory=dict)


@dataclass(slots=True)
class SinkTally:
    """Of a sink.

    positions: the next offset to store of each partition, as the database had it last.
    away_for: the reason while what the sink needs cannot be reached; empty while it can.
    waiting: whether a batch has to be tried again, be it that the database is away or only busy.
    """

    batches: int = 0
    messages: int = 0
    retries: int = 0
    deadletters: int = 0
    rows: Counter[str] = field(default_factory=Counter)
    known: Counter[str] = field(default_factory=Counter)
    positions: dict[TopicPartition, int] = field(default_factory=dict)
    away_for: str = ""
    waiting: bool = False
    connected: bool = False

    def count(self, messages: int, written: Written, deadletters: int) -> None:
        """Count a transaction that was committed."""
        self.batches += 1
        self.messages += messages
        self.rows.update(written.rows)
        self.known.update(written.known)
        self.deadletters += deadletters


@dataclass(slots=True)
class WatchTally:
    """Of watch.

    positions: the next offset to judge of each partition. outputs: messages by what they are. skipped:
    messages that could not be understood. faults: models that are out of service.
    """

    frames: int = 0
    skipped: int = 0
    retries: int = 0
    outputs: Counter[str] = field(default_factory=Counter)
    positions: dict[TopicPartition, int] = field(default_factory=dict)
    faults: int = 0
