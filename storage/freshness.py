"""How fresh the store is, for whoever watches over it: asked again and again over one connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.connection import connect, translated
from storage.statements import statement

if TYPE_CHECKING:
    from storage.connection import BoundedConnection

ANSWER_WITHIN_S = 30.0


class Freshness:
    """Reads on a connection of its own, opened at first use and again after it was lost.

    Every method raises DatabaseUnreachable or DatabaseRefused; one caller at a time.
    """

    def __init__(self, conninfo: str, *, application: str) -> None:
        self._conninfo = conninfo
        self._application = application
        self._connection: BoundedConnection | None = None

    def newest(self) -> dict[tuple[str, str], int]:
        """Time of the newest sample of each (site, unit), us UTC; a unit without samples is left out."""
        rows = self._ask("query_newest")
        return {(site, unit): time_us for site, unit, time_us in rows}

    def _ask(self, query: str) -> list[tuple[str, str, int]]:
        if self._connection is None or self._connection.closed:
            self._connection = connect(
                self._conninfo, application=self._application, answer_within_s=ANSWER_WITHIN_S
            )
        try:
            with translated(self._conninfo):
                return self._connection.execute(statement(query)).fetchall()
        finally:
            if self._connection.broken:
                self._connection.close()
