"""How late a sample may come without being flagged, and how long a missing frame is waited for."""

from __future__ import annotations

from storage.connection import connect, translated
from storage.migrate import check
from storage.statements import statement


def set_horizon(conninfo: str, late_after_h: float) -> None:
    """Make this the horizon of the database, in hours; a change is audited.

    Samples that were recorded before keep the flag that they got then.

    Raises:
        DatabaseUnreachable, DatabaseRefused, SchemaTooNew.
    """
    with translated(conninfo), connect(conninfo, application="sparge horizon") as connection:
        check(connection, conninfo)
        connection.execute(statement("horizon_set"), {"late_after_s": late_after_h * 3600})
