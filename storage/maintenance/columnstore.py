"""Moves chunks past the horizon into columns, where the database can: the community edition of TimescaleDB.

Late rows still go where they belong: into the chunk as rows, and with it into columns at the next run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.edition import Edition, detect
from storage.statements import statement

if TYPE_CHECKING:
    from collections.abc import Callable

    from storage.connection import BoundedConnection


def compress_due(
    connection: BoundedConnection, now_s: float, *, stop: Callable[[], bool] = lambda: False
) -> int:
    """Compress each chunk that ended before the horizon at `now_s`; returns how many.

    0 on the other editions, which have no columns.
    """
    if detect(connection).edition is not Edition.COMMUNITY:
        return 0
    connection.execute(statement("columnstore_enable"))
    moved = 0
    for (chunk,) in connection.execute(statement("columnstore_due"), {"now_s": now_s}).fetchall():
        if stop():
            break
        connection.execute(statement("columnstore_move"), {"chunk": chunk})
        moved += 1
    return moved
