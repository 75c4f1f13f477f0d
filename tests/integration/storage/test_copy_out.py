from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest

from storage.connection import connect
from storage.copy_binary import decode, row_type
from storage.copy_out import copy_out

if TYPE_CHECKING:
    from collections.abc import Iterator

    from storage.connection import BoundedConnection

NUMBER = row_type((("number", ">i8"),))
COUNTED = b"COPY (SELECT i::bigint FROM generate_series(1, %(rows)s::integer) AS i) TO STDOUT (FORMAT BINARY)"


@pytest.fixture
def connection(store_database: str) -> Iterator[BoundedConnection]:
    with connect(store_database, application="test", answer_within_s=3.0) as opened:
        yield opened


@pytest.mark.parametrize("rows", [0, 1, 300_000])
def test_every_row_comes_once_and_in_order_and_the_connection_goes_on(
    connection: BoundedConnection, rows: int
) -> None:
    for _ in range(2):
        found = decode(NUMBER, copy_out(connection, COUNTED, {"rows": rows}))
        assert found["number"].tolist() == list(range(1, rows + 1))
    assert connection.execute("SELECT 1").fetchone() == (1,)


def test_it_works_within_a_transaction(connection: BoundedConnection) -> None:
    with connection.transaction():
        assert len(decode(NUMBER, copy_out(connection, COUNTED, {"rows": 5}))) == 5
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_statement_that_fails_after_some_rows_raises_and_the_connection_goes_on(
    connection: BoundedConnection,
) -> None:
    failing = b"COPY (SELECT 1 / (100000 - i) FROM generate_series(1, 200000) AS i) TO STDOUT (FORMAT BINARY)"
    with pytest.raises(psycopg.errors.DivisionByZero):
        copy_out(connection, failing, {})
    assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_server_that_stops_answering_between_rows_is_given_up(connection: BoundedConnection) -> None:
    connection.execute("SET statement_timeout = 0")
    hanging = (
        b"COPY (SELECT i FROM generate_series(1, 2) AS i, pg_sleep(20 * (i - 1))) TO STDOUT (FORMAT BINARY)"
    )
    with pytest.raises(psycopg.OperationalError):
        copy_out(connection, hanging, {})
    assert connection.closed
