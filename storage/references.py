"""Stored batches as a reference for those to come: which there are, their phases, their place in the log."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from storage.statements import statement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from storage.connection import BoundedConnection


class Candidate(NamedTuple):
    """A stored batch; times in microseconds UTC, until_us None while it runs.

    unit: site/unit. faults: alarms during it that people called true. batch_id: of the store.
    """

    unit: str
    batch: str
    member: str
    organism: str | None
    process: str | None
    scale_l: float | None
    started_us: int
    until_us: int | None
    faults: int
    batch_id: int

    @property
    def name(self) -> str:
        """member/site/unit/batch, which no other has."""
        return f"{self.member}/{self.unit}/{self.batch}"


class LogSpan(NamedTuple):
    """The offsets between which the frames of a batch lie in a partition, the last one excluded."""

    topic_id: str
    topic: str
    partition: int
    from_offset: int
    to_offset: int


def candidates(connection: BoundedConnection, names: Sequence[str]) -> list[Candidate]:
    """The batches of these names (none: all) whose start is known, in its order."""
    rows = connection.execute(statement("query_reference_batches"), {"names": list(names)}).fetchall()
    return [Candidate._make(row) for row in rows]


def phases(connection: BoundedConnection, batch: Candidate) -> list[tuple[int, str]]:
    """When each phase of a batch began, in microseconds UTC, in order; before the first there is none."""
    return connection.execute(statement("query_batch_phases"), {"batch_id": batch.batch_id}).fetchall()


def log_spans(connection: BoundedConnection, batch: Candidate) -> list[LogSpan]:
    """Where the frames lie from which the samples of a batch are, as they are known now."""
    asked = {"unit": batch.unit, "start_us": batch.started_us, "end_us": batch.until_us}
    rows = connection.execute(statement("query_batch_log_spans"), asked).fetchall()
    return [LogSpan._make(row) for row in rows]
