"""The maintenance job: one for all editions, safe beside a second one, and it says what it did."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from storage.connection import connect, translated
from storage.maintenance.columnstore import compress_due
from storage.maintenance.digest import Digested, digest
from storage.maintenance.retention import Dropped, drop_due
from storage.migrate import check

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from storage.connection import BoundedConnection

ANSWER_WITHIN_S = 600.0
"""One transaction digests seconds of work; summing up hours of a fast signal may take minutes."""


@dataclass(frozen=True, slots=True)
class Done:
    """What one run of the job did."""

    digested: Digested = field(default_factory=Digested)
    dropped: Dropped = field(default_factory=Dropped)
    compressed_chunks: int = 0

    def lines(self) -> list[str]:
        """What it did, a sentence each; empty where there was nothing to do."""
        told = []
        d = self.digested
        if d.minutes or d.hours or d.seconds:
            told.append(f"summed up: {d.seconds} seconds, {d.minutes} minutes, {d.hours} hours of signals")
        if d.left_to_others:
            told.append(f"left to another job: {d.left_to_others} hours of bioreactors")
        if self.dropped.rows:
            told.append(f"dropped by the rules of retention: {self.dropped.rows} rows; see sparge.audit")
        if self.dropped.waiting:
            told.append(f"not dropped before they are summed up: groups of signals {self.dropped.waiting}")
        told += [
            f"a rule applies to nothing: {rule.level}, class {rule.signal_class or 'any'}, "
            f"member {rule.member or 'any'}; see sparge retention list"
            for rule in self.dropped.idle
        ]
        if self.compressed_chunks:
            told.append(f"compressed: {self.compressed_chunks} chunks")
        return told


@contextmanager
def maintaining(conninfo: str) -> Iterator[BoundedConnection]:
    """A connection for `maintain`.

    Raises:
        DatabaseUnreachable, DatabaseRefused, SchemaTooNew: also for what goes wrong in the body.
    """
    with (
        translated(conninfo),
        connect(conninfo, application="sparge maintain", answer_within_s=ANSWER_WITHIN_S) as connection,
    ):
        check(connection, conninfo)
        yield connection


def maintain(
    connection: BoundedConnection, now_s: float, *, stop: Callable[[], bool] = lambda: False
) -> Done:
    """Do once what is due at `now_s`, seconds since 1970.

    stop: asked between transactions; what is not done then is done by the next run.
    """
    digested = digest(connection, now_s, stop=stop)
    dropped = drop_due(connection, now_s, stop=stop)
    return Done(digested, dropped, compress_due(connection, now_s, stop=stop))
