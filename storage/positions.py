"""How far each sink has stored which log: rows that it locks, and moves in the transaction that writes.

A position belongs to `(sink, cluster id, topic id, partition)`. For each sink and topic the positions of one
log are in use; those of a log that an operator has replaced are kept, retired, until that log is back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from psycopg.types.json import Jsonb

from schemas.errors import LogMismatch
from storage.statements import statement

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from storage.connection import BoundedConnection
    from storage.records import TP


@dataclass(frozen=True, slots=True)
class Position:
    """Next offset to store of one partition of the log `log_id`."""

    log_id: int
    next_offset: int


@dataclass(frozen=True, slots=True)
class Move:
    """Where a position goes: the next offset, how many offsets were absent, and the last hole [from, to)."""

    next_offset: int
    passed: int = 0
    hole: tuple[int, int] | None = None


def register(
    connection: BoundedConnection,
    sink: str,
    cluster_id: str,
    topics: Mapping[str, str],
    partitions: Mapping[str, int],
) -> dict[str, int]:
    """Create the rows that are missing, at offset 0; returns topic name -> log_id.

    topics: name -> topic id; partitions: name -> number of partitions.

    Raises:
        LogMismatch: the sink uses positions of another log for one of these topics.
    """
    with connection.transaction():
        logs = _logs(connection, cluster_id, topics)
        others = connection.execute(
            statement("positions_of_other_logs"),
            {"sink": sink, "topics": list(logs), "log_ids": list(logs.values())},
        ).fetchall()
        if others:
            raise _mismatch(cluster_id, topics, others)
        connection.execute(
            statement("positions_add"),
            {
                "sink": sink,
                "topics": list(logs),
                "log_ids": list(logs.values()),
                "partitions": [partitions[topic] for topic in logs],
            },
        )
    return logs


def adopt(connection: BoundedConnection, cluster_id: str, topics: Mapping[str, str]) -> list[str]:
    """Retire every sink's positions of other logs of these topics (name -> topic id), and audit it.

    Returns one line for each sink and topic that was retired.
    """
    with connection.transaction():
        logs = _logs(connection, cluster_id, topics)
        parameters = {"sink": None, "topics": list(logs), "log_ids": list(logs.values())}
        others = connection.execute(statement("positions_of_other_logs"), parameters).fetchall()
        connection.execute(statement("positions_retire"), parameters)
        connection.execute(statement("positions_resume"), parameters)
        retired = [
            f"{sink}: {topic} was read from topic id {old_id} of cluster {old_cluster}"
            for sink, topic, old_cluster, old_id in others
        ]
        detail = {"cluster_id": cluster_id, "topics": dict(topics), "retired": retired}
        connection.execute(statement("audit_add"), {"what": "adopt log", "detail": Jsonb(detail)})
    return retired


def read(connection: BoundedConnection, sink: str, tps: Collection[TP]) -> dict[TP, Position]:
    """The positions in use of these partitions.

    Raises:
        LogMismatch: one of them has none.
    """
    return _select(connection, "positions_read", sink, tps)


def lock(connection: BoundedConnection, sink: str, tps: Collection[TP]) -> dict[TP, Position]:
    """Lock the rows of these partitions until the transaction ends, always in one order, and read them.

    Raises:
        LogMismatch: one of them has no row. What is not there cannot be locked, and without the lock a worker
            that was paused would write again what its successor has written.
    """
    return _select(connection, "positions_lock", sink, tps)


def move(connection: BoundedConnection, sink: str, moves: Mapping[TP, Move]) -> None:
    """Store new positions; their rows must be locked by this transaction."""
    if not moves:
        return
    items = [(topic, partition, m) for (topic, partition), m in moves.items()]
    connection.execute(
        statement("positions_move"),
        {
            "sink": sink,
            "topics": [topic for topic, _, _ in items],
            "partitions": [partition for _, partition, _ in items],
            "next_offsets": [m.next_offset for _, _, m in items],
            "passed": [m.passed for _, _, m in items],
            "hole_from": [m.hole[0] if m.hole else None for _, _, m in items],
            "hole_to": [m.hole[1] if m.hole else None for _, _, m in items],
        },
    )


def lose(
    connection: BoundedConnection, sink: str, tp: TP, *, from_offset: int, to_offset: int, reason: str
) -> None:
    """Record that [from_offset, to_offset) is gone and move the position there, in one transaction.

    A position at or above to_offset stays and nothing is recorded; one above from_offset shortens the loss.
    """
    with connection.transaction():
        position = lock(connection, sink, [tp])[tp]
        start = max(from_offset, position.next_offset)
        if start >= to_offset:
            return
        connection.execute(
            statement("loss_add"),
            {
                "sink": sink,
                "log_id": position.log_id,
                "partition": tp[1],
                "from_offset": start,
                "to_offset": to_offset,
                "reason": reason,
            },
        )
        move(connection, sink, {tp: Move(to_offset)})


def _logs(connection: BoundedConnection, cluster_id: str, topics: Mapping[str, str]) -> dict[str, int]:
    """Topic name -> log_id, in the order of `topics`; rows are created where they are missing."""
    parameters = {"cluster_id": cluster_id, "topics": list(topics), "topic_ids": list(topics.values())}
    found = _find_logs(connection, parameters)
    if len(found) < len(topics):
        connection.execute(statement("logs_add"), parameters)
        found = _find_logs(connection, parameters)
    return {topic: found[topic, topic_id] for topic, topic_id in topics.items()}


def _find_logs(connection: BoundedConnection, parameters: Mapping[str, object]) -> dict[tuple[str, str], int]:
    rows = connection.execute(statement("logs_find"), parameters).fetchall()
    return {(topic, topic_id): log_id for topic, topic_id, log_id in rows}


def _select(connection: BoundedConnection, query: str, sink: str, tps: Collection[TP]) -> dict[TP, Position]:
    parameters = {
        "sink": sink,
        "topics": [topic for topic, _ in tps],
        "partitions": [partition for _, partition in tps],
    }
    rows = connection.execute(statement(query), parameters).fetchall()
    found = {(topic, partition): Position(log_id, offset) for topic, partition, log_id, offset in rows}
    for tp in tps:
        if tuple(tp) not in found:
            raise LogMismatch(
                f"The sink {sink} has no position of {tp[0]}, partition {tp[1]}.",
                detail="a partition is registered before it is read; a topic's partition count never changes",
                kept="Nothing was written.",
                next_step="sparge topics",
            )
    return found


def _mismatch(
    cluster_id: str, topics: Mapping[str, str], others: list[tuple[str, str, str, str]]
) -> LogMismatch:
    sink, topic, old_cluster, _ = others[0]
    what = "belongs to another cluster" if old_cluster != cluster_id else "was deleted and created again"
    return LogMismatch(
        f"The topic {topic} {what} since {sink} last stored from it: the offsets of the two logs do not "
        f"compare, and nothing is read until somebody says that the new log is right.",
        detail="; ".join(
            f"{other}: database has cluster {cluster} topic id {topic_id}, "
            f"broker has cluster {cluster_id} topic id {topics[other]}"
            for _, other, cluster, topic_id in others
        ),
        kept="All that was stored is kept, with the positions of the former log.",
        next_step="sparge topics adopt",
    )
