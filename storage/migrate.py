"""Bring a database to the tables of this version of Sparge: numbered .sql files, each applied once.

Safe to run twice and from several processes at once: an advisory lock lets one of them do it. Each file is
one transaction with its entry in `sparge.schema_version`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING

import psycopg

from schemas.errors import DatabaseRefused, SchemaTooNew
from storage.connection import address, connect, translated
from storage.edition import Database, Edition, detect
from storage.statements import statement

if TYPE_CHECKING:
    from storage.connection import BoundedConnection

# Building an index over a large table takes as long as it takes.
ANSWER_WITHIN_S = 3600.0
# Any number, as long as every version of Sparge uses the same one.
LOCK_KEY = 0x535041524745


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered file: applied as `version`, in order."""

    version: int
    name: str
    script: bytes


@dataclass(frozen=True, slots=True)
class MigrationReport:
    """What `migrate` found and did.

    applied: names of the migrations that this call applied, in order; empty where all was done before.
    notes: what the operator should know, such as an extension that could not be created.
    """

    database: Database
    before: int
    after: int
    applied: tuple[str, ...]
    notes: tuple[str, ...]


@lru_cache(maxsize=1)
def migrations() -> tuple[Migration, ...]:
    """Every migration that this version brings, in order."""
    folder = resources.files("storage").joinpath("migrations")
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".sql")), key=lambda f: f.name)
    return tuple(Migration(int(f.name[:4]), f.name.removesuffix(".sql"), f.read_bytes()) for f in files)


def latest() -> int:
    """Version of the tables that this version of Sparge works with."""
    return migrations()[-1].version


def migrate(conninfo: str) -> MigrationReport:
    """Apply what is missing; create the TimescaleDB extension first where the server has it and lets us.

    Raises:
        SchemaTooNew: a later version of Sparge has migrated this database.
        DatabaseUnreachable: or DatabaseBusy, while another process holds the lock for too long.
        DatabaseRefused: the role may not create what is needed; nothing of that migration was kept.
    """
    guard = connect(conninfo, application="sparge migrate", answer_within_s=ANSWER_WITHIN_S)
    with guard, translated(conninfo):
        guard.execute(statement("migration_lock"), {"key": LOCK_KEY})
        before = version_of(guard)
        _refuse_newer(conninfo, before)
        notes = _create_extension(conninfo, guard) if before == 0 else []
        # A connection of its own: one opened before the extension was created has not loaded it.
        with connect(conninfo, application="sparge migrate", answer_within_s=ANSWER_WITHIN_S) as connection:
            applied = _apply(connection, before)
            database = detect(connection)
            notes += _plain_though_available(database, fresh=before == 0)
            return MigrationReport(database, before, version_of(connection), applied, tuple(notes))


def version_of(connection: BoundedConnection) -> int:
    """Version of the tables in this database; 0 before the first migration."""
    found = connection.execute(statement("is_migrated")).fetchone()
    if found is None or not found[0]:
        return 0
    row = connection.execute(statement("schema_version")).fetchone()
    return int(row[0]) if row else 0


def check(connection: BoundedConnection, conninfo: str) -> None:
    """Refuse to work with tables of another version.

    Raises:
        SchemaTooNew: they are of a later version of Sparge.
        DatabaseRefused: they are missing or of an earlier one.
    """
    version = version_of(connection)
    _refuse_newer(conninfo, version)
    if version < latest():
        raise DatabaseRefused(
            f"The database at {address(conninfo)} has "
            + (f"the tables of version {version}" if version else "no tables of Sparge")
            + f"; this Sparge needs version {latest()}.",
            kept="What the log holds is written once the tables are there.",
            next_step="sparge migrate",
        )


def _refuse_newer(conninfo: str, version: int) -> None:
    if version > latest():
        raise SchemaTooNew(
            f"The database at {address(conninfo)} has the tables of version {version}, "
            f"but this Sparge knows them only up to version {latest()}.",
            kept="Nothing was changed.",
            next_step="pip install --upgrade sparge",
        )


def _apply(connection: BoundedConnection, before: int) -> tuple[str, ...]:
    if before == 0:
        with connection.transaction():
            connection.execute(statement("bootstrap"))
    applied = []
    for migration in migrations():
        if migration.version > before:
            with connection.transaction():
                connection.execute(migration.script)
                connection.execute(
                    statement("schema_version_add"), {"version": migration.version, "name": migration.name}
                )
            applied.append(migration.name)
    return tuple(applied)


def _create_extension(conninfo: str, guard: BoundedConnection) -> list[str]:
    found = detect(guard)
    if found.timescaledb or not found.available:
        return []
    try:
        # On a connection to throw away: a server that has not preloaded the library ends it.
        with connect(conninfo, application="sparge migrate") as connection:
            connection.execute(statement("create_extension"))
    except psycopg.Error as error:
        cause = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        return [
            (
                f"TimescaleDB {found.available} is on this server but could not be created in this database "
                f"({cause}). Plain tables are used; the answers are the same. For hypertables, start with an "
                f"empty database in which a superuser has run CREATE EXTENSION timescaledb."
            )
        ]
    return []


def _plain_though_available(database: Database, *, fresh: bool) -> list[str]:
    if fresh or database.edition is not Edition.POSTGRES or not database.available:
        return []
    return [
        (
            f"TimescaleDB {database.available} is on this server, but this database was made with plain "
            f"tables and stays so; the answers are the same."
        )
    ]
