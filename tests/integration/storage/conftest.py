from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from storage.store import Store
from tests.integration.storage.frames import register

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.integration.storage.frames import Rows


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
