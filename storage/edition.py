"""Which of the three editions a database is; all give the same views and the same answers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from storage.statements import statement

if TYPE_CHECKING:
    from storage.connection import BoundedConnection


class Edition(StrEnum):
    """What stands behind the tables."""

    COMMUNITY = "community"
    APACHE = "apache"
    POSTGRES = "postgres"


@dataclass(frozen=True, slots=True)
class Database:
    """What answered.

    edition: by what the tables are, so a plain table is `postgres` whatever the server could do.
    server: version of PostgreSQL; timescaledb: version of the extension, None where it is not installed.
    available: version of TimescaleDB that the server has on its disk, installed in this database or not.
    """

    edition: Edition
    server: str
    timescaledb: str | None
    available: str | None

    def __str__(self) -> str:
        if self.edition is Edition.POSTGRES:
            return f"PostgreSQL {self.server}, plain tables"
        return f"PostgreSQL {self.server} with TimescaleDB {self.timescaledb} ({self.edition} edition)"


def detect(connection: BoundedConnection) -> Database:
    """Ask the server for versions, licence and whether samples are in a hypertable.

    Before the first migration there are no tables, and the extension alone decides.
    """
    server, installed, available, licence, migrated = _one(connection, "edition")
    plain = migrated and (installed is None or not _one(connection, "is_hypertable")[0])
    if installed is None or plain:
        edition = Edition.POSTGRES
    elif licence == "timescale":
        edition = Edition.COMMUNITY
    else:
        edition = Edition.APACHE
    return Database(edition, server.split()[0], installed, available)


def _one(connection: BoundedConnection, name: str) -> tuple[Any, ...]:
    row = connection.execute(statement(name)).fetchone()
    return row or ()
