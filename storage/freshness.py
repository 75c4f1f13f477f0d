"""How fresh the store is, for whoever watches over it: asked again and again over one connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from storage.connection import connect, translated
from storage.statements import statement

if TYPE_CHECKING:
    from storage.connection import BoundedConnection

ANSWER_WITHIN_S = 30.0


class UnitFreshness(NamedTuple):
    """Time of a unit's newest sample, us UTC, and how many of its frames are missing now."""

    newest_us: int
    missing_frames: int


class Freshness:
    """Reads on a connection of its own, opened at first use and again after it was lost.

    Every method raises DatabaseUnreachable or DatabaseRefused; one caller at a time.
    """

    def __init__(self, conninfo: str, *, application: str) -> None:
        self._conninfo = conninfo
        self._application = application
        self._connection: BoundedConnection | None = None

    def units(self) -> dict[tuple[str, str], UnitFreshness]:
        """How each (site, unit) is; one without samples is left out."""
        if self._connection is None or self._connection.closed:
            self._connection = connect(
                self._conninfo, application=self._application, answer_within_s=ANSWER_WITHIN_S
            )
        try:
            with translated(self._conninfo):
                rows = self._connection.execute(statement("query_freshness")).fetchall()
                return {(site, unit): UnitFreshness(*rest) for site, unit, *rest in rows}
        finally:
            if self._connection.broken:
                self._connection.close()
