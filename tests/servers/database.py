"""The database for tests: the server that SPARGE_DATABASE names, else PostgreSQL from the wheel."""

from __future__ import annotations

import contextlib
import itertools
import os
import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from storage.embedded_postgres import EmbeddedPostgres

if TYPE_CHECKING:
    from collections.abc import Iterator

_STOP_S = 15
_TIMESCALEDB = Path(__file__).resolve().parents[2] / "scripts" / "timescaledb"
_numbers = itertools.count(1)


def pytest_report_header() -> list[str]:
    """Which database the run uses, which editions it does not, and why."""
    named = os.environ.get("SPARGE_DATABASE", "")
    if not named:
        missing = os.environ.get("SPARGE_NO_TIMESCALEDB", "no server named; see scripts/timescaledb run")
        return [
            f"database: PostgreSQL {EmbeddedPostgres.wheel_version()} (embedded, edition postgres)",
            f"not run: TimescaleDB, apache edition ({missing})",
        ]
    with psycopg.connect(named, connect_timeout=10) as connection:
        postgres = connection.execute("SHOW server_version").fetchone()
        timescaledb = connection.execute(
            "SELECT default_version FROM pg_available_extensions WHERE name = 'timescaledb'"
        ).fetchone()
        edition = _timescaledb_edition(connection) if timescaledb else ""
    server = f"PostgreSQL {postgres[0] if postgres else '?'}"
    if timescaledb is None:
        return [
            f"database: {server} (named by SPARGE_DATABASE, edition postgres)",
            "not run: TimescaleDB (that server has none)",
        ]
    told = [
        f"database: {server} with TimescaleDB {timescaledb[0]} (named by SPARGE_DATABASE, edition {edition})",
        f"also: PostgreSQL {EmbeddedPostgres.wheel_version()} from the wheel, for tests of every edition",
    ]
    if edition == "community":
        told.append("not run: apache edition of TimescaleDB (no server of it at hand)")
    return told


def _timescaledb_edition(connection: psycopg.Connection) -> str:
    """Which edition the server has: the extension itself says so, once it is there; then it is undone."""
    connection.rollback()
    try:
        connection.execute("CREATE EXTENSION IF NOT EXISTS timescaledb")
        licence = connection.execute("SELECT current_setting('timescaledb.license', true)").fetchone()
    finally:
        connection.rollback()
    return "community" if licence and licence[0] == "timescale" else "apache"


@contextlib.contextmanager
def running_postgres(data_dir: Path) -> Iterator[EmbeddedPostgres]:
    """PostgreSQL from the wheel on data_dir, stopped afterwards."""
    server = EmbeddedPostgres(data_dir)
    server.prepare()
    process = subprocess.Popen(server.command())
    try:
        server.ready(alive=lambda: process.poll() is None)
        yield server
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class StoppablePostgres:
    """PostgreSQL that is stopped and started again on what it has on its disk."""

    def __init__(self, folder: Path) -> None:
        self._server = EmbeddedPostgres(folder)
        self.start()
        self.conninfo = self._server.conninfo

    def start(self) -> None:
        """Start it on what it has."""
        self._server.prepare()
        self._process = subprocess.Popen(self._server.command())
        self._server.ready(alive=lambda: self._process.poll() is None)

    def stop(self) -> None:
        """Stop it and end its sessions."""
        self._process.send_signal(signal.SIGINT)
        self._process.wait(_STOP_S)


@pytest.fixture
def stoppable(tmp_path: Path) -> Iterator[StoppablePostgres]:
    """A server of the test's own with Sparge's schema, that can be away for a while."""
    server = StoppablePostgres(tmp_path / "postgres")
    _with_schema(server.conninfo)
    yield server
    server.stop()


@pytest.fixture(scope="session")
def database_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Connection string of the session's server, as a user who may create databases."""
    if named := os.environ.get("SPARGE_DATABASE"):
        yield named
        return
    with running_postgres(tmp_path_factory.mktemp("postgres")) as server:
        yield server.conninfo


@contextlib.contextmanager
def new_database(server: str) -> Iterator[str]:
    """Connection string of a new, empty database, dropped afterwards, whoever is still connected."""
    name = f"sparge_test_{os.getpid()}_{next(_numbers)}"
    # template0: TimescaleDB's workers may sit in template1, and then it cannot be copied.
    _execute(server, sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
    try:
        yield make_conninfo(server, dbname=name)
    finally:
        _execute(server, sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _execute(server: str, statement: sql.Composed) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(statement)


@pytest.fixture
def database(database_server: str) -> Iterator[str]:
    """Connection string of a new, empty database, dropped after the test."""
    with new_database(database_server) as conninfo:
        yield conninfo


@pytest.fixture(scope="session")
def wheel_database_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Connection string of PostgreSQL from the wheel, whatever SPARGE_DATABASE names."""
    with running_postgres(tmp_path_factory.mktemp("wheel-postgres")) as server:
        yield server.conninfo


@pytest.fixture(params=["named", "wheel"] if os.environ.get("SPARGE_DATABASE") else ["wheel"])
def each_database(request: pytest.FixtureRequest) -> Iterator[str]:
    """A new, empty database in each server of this run: for what must be the same in every edition."""
    servers = {"named": "database_server", "wheel": "wheel_database_server"}
    with new_database(request.getfixturevalue(servers[request.param])) as conninfo:
        yield conninfo


@pytest.fixture
def store_database(database: str) -> str:
    """Connection string of a new database with Sparge's schema in it."""
    return _with_schema(database)


@pytest.fixture
def crashable_database(tmp_path: Path) -> Iterator[str]:
    """Sparge's schema in a server of the test's own, whose processes may be killed: nobody else is there.

    It is TimescaleDB where the run has that, else PostgreSQL from the wheel.
    """
    with contextlib.ExitStack() as stack:
        if os.environ.get("SPARGE_DATABASE"):
            server = stack.enter_context(_another_timescaledb())
        else:
            server = stack.enter_context(running_postgres(tmp_path / "postgres")).conninfo
        yield _with_schema(stack.enter_context(new_database(server)))


@contextlib.contextmanager
def _another_timescaledb() -> Iterator[str]:
    """A second server of scripts/timescaledb, gone when its pipe is closed."""
    unnamed = {key: value for key, value in os.environ.items() if key != "SPARGE_DATABASE"}
    tell = ["sh", "-c", 'echo "$SPARGE_DATABASE"; exec cat']
    process = subprocess.Popen(
        [_TIMESCALEDB, "run", "--name", "crash", "--fresh", "--", *tell],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=unnamed,
    )
    with process:
        assert process.stdout is not None
        try:
            server = process.stdout.readline().strip()
            assert server, "scripts/timescaledb started no second server"
            yield server
        finally:
            process.communicate()


def _with_schema(database: str) -> str:
    from storage.migrate import migrate  # noqa: PLC0415 - tests of servers alone do without the schema

    migrate(database)
    return database
