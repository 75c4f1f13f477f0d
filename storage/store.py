"""The sinks' way into the database: positions and rows in one transaction, or neither.

A sink names its log once (`register_log`), then for each batch opens a `transaction` on the partitions that it
holds, writes what lies above their positions and moves them. Calls block: from a coroutine, use a thread.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from storage.records import TP, StoredFrame, WriteReport

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from types import TracebackType

    from schemas.alarm import AlarmTransition
    from schemas.forecast import ForecastMessage
    from schemas.score import ScoreMessage

__all__ = ["TP", "SinkTransaction", "Store", "StoredFrame", "WriteReport"]


class SinkTransaction:
    """One transaction of one sink; its position rows are locked until it ends.

    positions: next offset to write of each partition of the transaction, as locked.
    """

    positions: Mapping[TP, int]

    def write_frames(self, frames: Sequence[StoredFrame]) -> WriteReport:
        """Write frames and their samples by the rules of decision 0004; the order of `frames` does not matter.

        A frame whose identity is known is a repeat and writes nothing. A frame with a signal whose unit does
        not fit the one that it was first sent in is refused whole and reported; the others are written.

        Raises:
            LogMismatch: a frame of a topic that the sink has not registered.
        """
        raise NotImplementedError

    def write_scores(self, messages: Sequence[ScoreMessage]) -> int:
        """Write scores; returns how many messages were new by their source."""
        raise NotImplementedError

    def write_forecasts(self, messages: Sequence[ForecastMessage]) -> int:
        """Write forecasts; returns how many messages were new by their source."""
        raise NotImplementedError

    def write_transitions(self, messages: Sequence[AlarmTransition]) -> int:
        """Write alarm transitions; returns how many were new by their source."""
        raise NotImplementedError

    def advance(self, next_offsets: Mapping[TP, int]) -> None:
        """Move positions; they are stored when the transaction ends.

        Raises:
            ValueError: a partition that is not of this transaction, or an offset below its position.
        """
        raise NotImplementedError

    def note_hole(self, tp: TP, start: int, stop: int) -> None:
        """Count offsets start <= offset < stop as absent from the log (markers, aborted or compacted records)."""
        raise NotImplementedError


class Store:
    """One sink's connection; opened at first use and again after it was lost. Threads take turns.

    Args:
        conninfo: libpq connection string or URL.
        application: name shown in pg_stat_activity.
        answer_within_s: longest wait for any one answer; a database that hangs is unreachable after it.

    Every method raises DatabaseUnreachable while the database cannot be reached (nothing of the transaction
    was kept unless its commit was answered; positions tell), its subclass DatabaseBusy when the transaction
    gave way to another and can be tried again at once, and DatabaseRefused for what trying again will not cure.
    """

    def __init__(self, conninfo: str, *, application: str, answer_within_s: float = 30.0) -> None:
        self._conninfo = conninfo
        self._application = application
        self._answer_within_s = answer_within_s

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; the store opens it again if it is used."""

    def register_log(
        self, sink: str, cluster_id: str, topics: Mapping[str, str], partitions: Mapping[str, int]
    ) -> None:
        """Make sure that every partition has a position row; new ones start at offset 0. Safe to call again.

        topics: topic name -> Kafka's topic id; partitions: topic name -> number of partitions.

        Raises:
            LogMismatch: the sink has positions of a topic of this name in another cluster or with another id.
        """
        raise NotImplementedError

    def adopt_log(self, cluster_id: str, topics: Mapping[str, str]) -> list[str]:
        """Accept that these topics (name -> topic id) are new logs: an operator's decision, audited.

        Positions of the former logs are kept as history and no longer used; `register_log` then starts the
        new ones at 0. Returns one line for each sink and topic that was retired.
        """
        raise NotImplementedError

    def positions(self, sink: str, tps: Collection[TP]) -> dict[TP, int]:
        """Next offset to write of each partition.

        Raises:
            LogMismatch: a partition without a position (not registered), or of a log since replaced.
        """
        raise NotImplementedError

    def record_loss(self, sink: str, tp: TP, from_offset: int, to_offset: int, reason: str) -> None:
        """Record that offsets from_offset <= offset < to_offset are gone, and move the position to to_offset.

        Both happen in one transaction. Where the position is at or above to_offset already, nothing is lost
        and nothing is recorded; where it is above from_offset, the loss starts there.
        """
        raise NotImplementedError

    @contextmanager
    def transaction(self, sink: str, tps: Collection[TP]) -> Iterator[SinkTransaction]:
        """A transaction that holds the position rows of `tps`, locked in one order; commits at the end.

        An exception in the body rolls everything back and goes on to the caller.

        Raises:
            LogMismatch: a partition has no position row (a missing row cannot be locked), or the log was
                replaced since this store registered it.
        """
        raise NotImplementedError
        yield
