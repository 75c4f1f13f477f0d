from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from storage.migrate import migrate
from storage.store import Store
from tests.integration.storage.frames import register
from tests.servers.database import new_database

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.integration.storage.frames import Rows

TABLES = """
SELECT string_agg(format('sparge.%I', tablename), ', ') FROM pg_tables
WHERE schemaname = 'sparge' AND tablename <> 'schema_version'
"""


@pytest.fixture(scope="module")
def migrated_database(database_server: str) -> Iterator[str]:
    """A database with Sparge's tables, one a module: to make it takes longer than most tests."""
    with new_database(database_server) as conninfo:
        migrate(conninfo)
        yield conninfo


@pytest.fixture
def store_database(migrated_database: str) -> str:
    """A database with Sparge's tables, all empty."""
    with psycopg.connect(migrated_database, autocommit=True) as connection:
        (tables,) = connection.execute(TABLES).fetchone() or ("",)
        connection.execute(f"TRUNCATE {tables} RESTART IDENTITY".encode())
    return migrated_database


@pytest.fixture
def store(store_database: str) -> Iterator[Store]:
    """A store of the sink `ingest` with both logs registered."""
    with Store(store_database, application="test") as opened:
        register(opened)
        yield opened


@pytest.fixture
def rows(store_database: str) -> Iterator[Rows]:
    """Rows of a query, read on a connection of its own: what is committed."""
    with psycopg.connect(store_database, autocommit=True) as connection:
        connection.execute("SET TimeZone TO 'UTC'")
        yield lambda query, *parameters: connection.execute(query, parameters).fetchall()
