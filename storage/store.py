"""The sinks' way into the database: positions and rows in one transaction, or neither.

A sink names its log once (`register_log`), then for each batch opens a `transaction` on the partitions that
it holds, writes what lies above their positions and moves them. Calls block: from a coroutine, use a thread.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

from schemas.errors import LogMismatch
from storage import batches, models, positions, results, writer
from storage.catalogue import Catalogue
from storage.connection import DatabaseBusy, connect, translated
from storage.migrate import check
from storage.positions import Move
from storage.records import TP, ModelStanding, StoredEvent, StoredFrame, StoredModelEvent, WriteReport

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from types import TracebackType

    from schemas.alarm import AlarmTransition
    from schemas.forecast import ForecastMessage
    from schemas.model_event import ModelEvent
    from schemas.score import ScoreMessage
    from storage.connection import BoundedConnection
    from storage.positions import Position

__all__ = [
    "TP",
    "DatabaseBusy",
    "ModelStanding",
    "SinkTransaction",
    "Store",
    "StoredEvent",
    "StoredFrame",
    "StoredModelEvent",
    "WriteReport",
]


class SinkTransaction:
    """One transaction of one sink; its position rows are locked until it ends.

    positions: next offset to write of each partition of the transaction, as locked.
    """

    def __init__(
        self,
        connection: BoundedConnection,
        catalogue: Catalogue,
        log_ids: Mapping[str, int],
        locked: Mapping[TP, Position],
    ) -> None:
        self._connection = connection
        self._catalogue = catalogue
        self._log_ids = log_ids
        self.positions: Mapping[TP, int] = {tp: position.next_offset for tp, position in locked.items()}
        self._next: dict[TP, int] = {}
        self._holes: dict[TP, list[tuple[int, int]]] = {}

    def write_frames(self, frames: Sequence[StoredFrame]) -> WriteReport:
        """Write frames and their samples by the rules of decision 0004; their order does not matter.

        A frame whose identity is known is a repeat and writes nothing. A frame with a signal whose unit does
        not convert to the one that it was first sent in is refused whole; the others are written.

        Raises:
            LogMismatch: a frame of a topic that the sink has not registered.
        """
        return writer.write_frames(self._connection, self._catalogue, self._log_ids, frames)

    def write_scores(self, messages: Sequence[ScoreMessage]) -> int:
        """Write scores; returns how many messages were new by their source."""
        return results.write_scores(self._connection, self._catalogue, messages)

    def write_forecasts(self, messages: Sequence[ForecastMessage]) -> int:
        """Write forecasts; returns how many messages were new by their source."""
        return results.write_forecasts(self._connection, self._catalogue, messages)

    def write_transitions(self, messages: Sequence[AlarmTransition]) -> int:
        """Write alarm transitions; returns how many were new by their source."""
        return results.write_transitions(self._connection, self._catalogue, messages)

    def write_batch_events(self, events: Sequence[StoredEvent]) -> int:
        """Write what was said of batches; their order does not matter. Returns how many were new.

        Raises:
            LogMismatch: an event of a topic that the sink has not registered.
        """
        self._refuse_unregistered({stored.topic for stored in events})
        return batches.write_events(self._connection, self._catalogue, self._log_ids, events)

    def write_model_events(self, events: Sequence[StoredModelEvent]) -> int:
        """Write what was said of models; returns how many were new by their id.

        Raises:
            LogMismatch: an event of a topic that the sink has not registered.
        """
        self._refuse_unregistered({stored.topic for stored in events})
        return models.write_events(self._connection, self._catalogue, self._log_ids, events)

    def model_events(self) -> list[ModelEvent]:
        """Everything that was said of models, this transaction's own words included."""
        return models.events(self._connection)

    def settle_models(self, standings: Sequence[ModelStanding], void: Mapping[str, str]) -> None:
        """Store what follows from all that was said. void: events without effect, by id, with the reason."""
        models.settle(self._connection, self._catalogue, standings, void)

    def _refuse_unregistered(self, topics: Collection[str]) -> None:
        for topic in topics:
            if topic not in self._log_ids:
                raise LogMismatch(f"A record of {topic} came to a sink that has not registered that topic.")

    def advance(self, next_offsets: Mapping[TP, int]) -> None:
        """Move positions; they are stored when the transaction ends.

        Raises:
            ValueError: a partition that is not of this transaction, or an offset below its position.
        """
        for tp, offset in next_offsets.items():
            if tp not in self.positions or offset < self._next.get(tp, self.positions[tp]):
                raise ValueError(f"{tp} cannot move to {offset} in a transaction that holds {self.positions}")
            self._next[tp] = offset

    def note_hole(self, tp: TP, start: int, stop: int) -> None:
        """Count offsets start <= offset < stop as absent from the log: markers, aborted, compacted.

        Raises:
            ValueError: a partition that is not of this transaction.
        """
        if tp not in self.positions:
            raise ValueError(f"{tp} is not of this transaction")
        self._holes.setdefault(tp, []).append((start, stop))

    def moves(self) -> dict[TP, Move]:
        """What the transaction does to its positions."""
        return {
            tp: Move(
                self._next.get(tp, position),
                sum(stop - start for start, stop in self._holes.get(tp, ())),
                max(self._holes.get(tp, ()), default=None),
            )
            for tp, position in self.positions.items()
            if tp in self._next or tp in self._holes
        }


class Store:
    """One sink's connection; opened at first use and again after it was lost. Threads take turns.

    Args:
        conninfo: libpq connection string or URL.
        application: name shown in pg_stat_activity.
        answer_within_s: longest wait for any one answer; a database that hangs is unreachable after it.

    Every method raises DatabaseUnreachable while the database cannot be reached (nothing of the transaction
    was kept unless its commit was answered; positions tell), its subclass DatabaseBusy when the transaction
    gave way to another and can be tried again at once, DatabaseRefused for what trying again will not cure,
    and SchemaTooNew for a database of a later version.
    """

    def __init__(self, conninfo: str, *, application: str, answer_within_s: float = 30.0) -> None:
        self._conninfo = conninfo
        self._application = application
        self._answer_within_s = answer_within_s
        self._turn = threading.RLock()
        self._rows: BoundedConnection | None = None
        self._names: BoundedConnection | None = None
        self._catalogue = Catalogue(self._names_connection)
        self._log_ids: dict[tuple[str, str], int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections; the store opens them again if it is used."""
        with self._turn:
            for connection in (self._rows, self._names):
                if connection is not None:
                    connection.close()
            self._rows = self._names = None

    @property
    def answers(self) -> int:
        """How often the database has answered on this connection; from any thread, without waiting."""
        connection = self._rows
        return 0 if connection is None else connection.answers

    def register_log(
        self, sink: str, cluster_id: str, topics: Mapping[str, str], partitions: Mapping[str, int]
    ) -> None:
        """Make sure that every partition has a position row; new ones start at offset 0. Safe to call again.

        topics: topic name -> Kafka's topic id; partitions: topic name -> number of partitions.

        Raises:
            LogMismatch: the sink has positions of a topic of this name in another cluster or with another id.
        """
        with self._connected() as connection:
            logs = positions.register(connection, sink, cluster_id, topics, partitions)
            self._log_ids.update({(sink, topic): log_id for topic, log_id in logs.items()})

    def adopt_log(self, cluster_id: str, topics: Mapping[str, str]) -> list[str]:
        """Accept that these topics (name -> topic id) are new logs: an operator's decision, audited.

        Positions of the former logs are kept as history and no longer used; `register_log` then starts the
        new ones at 0. Returns one line for each sink and topic whose positions were retired.
        """
        with self._connected() as connection:
            return positions.adopt(connection, cluster_id, topics)

    def positions(self, sink: str, tps: Collection[TP]) -> dict[TP, int]:
        """Next offset to write of each partition.

        Raises:
            LogMismatch: a partition without a position (not registered), or of a log since replaced.
        """
        with self._connected() as connection:
            found = positions.read(connection, sink, tps)
            self._check_log(sink, found)
            return {tp: position.next_offset for tp, position in found.items()}

    def record_loss(self, sink: str, tp: TP, from_offset: int, to_offset: int, reason: str) -> None:
        """Record that offsets from_offset <= offset < to_offset are gone, and move the position to to_offset.

        Both happen in one transaction. Where the position is at or above to_offset already, nothing is lost
        and nothing is recorded; where it is above from_offset, the loss starts there.
        """
        with self._connected() as connection:
            positions.lose(connection, sink, tp, from_offset=from_offset, to_offset=to_offset, reason=reason)

    @contextmanager
    def transaction(self, sink: str, tps: Collection[TP]) -> Iterator[SinkTransaction]:
        """A transaction that holds the position rows of `tps`, locked in one order; commits at the end.

        An exception in the body rolls everything back and goes on to the caller.

        Raises:
            LogMismatch: a partition has no position row (a missing row cannot be locked), was not registered
                by this store, or its log was replaced since.
        """
        with self._connected() as connection, connection.transaction():
            locked = positions.lock(connection, sink, tps)
            self._check_log(sink, locked)
            log_ids = {topic: position.log_id for (topic, _), position in locked.items()}
            transaction = SinkTransaction(connection, self._catalogue, log_ids, locked)
            yield transaction
            positions.move(connection, sink, transaction.moves())

    def _check_log(self, sink: str, found: Mapping[TP, Position]) -> None:
        for (topic, _), position in found.items():
            registered = self._log_ids.get((sink, topic))
            if registered != position.log_id:
                raise LogMismatch(
                    f"The positions of {sink} on {topic} are of another log than this worker reads."
                    if registered
                    else f"The sink {sink} has not registered the log of {topic}.",
                    kept="Nothing was written.",
                    next_step=f"sparge worker {sink}",
                )

    @contextmanager
    def _connected(self) -> Iterator[BoundedConnection]:
        with self._turn:
            if self._rows is not None and self._rows.ended():
                self.close()
            if self._rows is None:
                self._catalogue.forget()
                self._rows = self._open()
            try:
                with translated(self._conninfo):
                    yield self._rows
            finally:
                if self._rows.closed or self._rows.broken:
                    self.close()

    def _open(self) -> BoundedConnection:
        connection = connect(
            self._conninfo, application=self._application, answer_within_s=self._answer_within_s
        )
        try:
            with translated(self._conninfo):
                check(connection, self._conninfo)
        except BaseException:
            connection.close()
            raise
        return connection

    def _names_connection(self) -> BoundedConnection:
        if self._names is None or self._names.ended():
            self._names = connect(
                self._conninfo,
                application=f"{self._application} names",
                answer_within_s=self._answer_within_s,
            )
        return self._names
