"""Bytes a stored sample in each edition: the same samples, by the same statement, in every server at hand."""

from __future__ import annotations

import os
import shutil
from contextlib import ExitStack
from typing import TYPE_CHECKING

from bench._folder import work_folder
from bench._report import Figure
from storage.connection import connect
from storage.edition import Edition, detect
from storage.maintenance.columnstore import compress_due
from storage.migrate import migrate, migrations
from storage.statements import statement
from tests.servers.database import new_database, running_postgres
from tests.servers.pglite import running_pglite

if TYPE_CHECKING:
    from collections.abc import Iterator

    from storage.connection import BoundedConnection

SIGNALS, STEPS, PERIOD_S = 30, 8_640, 10
"""A day of one bioreactor."""

START_S = 1_789_948_800
ANSWER_WITHIN_S = 600.0

SAMPLES = """
INSERT INTO sparge.sample (time, value, frame_id, signal_id, status)
SELECT to_timestamp(%(start_s)s + step * %(period_s)s),
       round((30 + sin(step / 700.0 + signal))::numeric, 2)::float8 + (step * 7919 %% 1000) / 10000.0,
       step, signal, 0
FROM generate_series(0, %(steps)s - 1) AS step CROSS JOIN generate_series(1, %(signals)s) AS signal
"""
PLAIN = b"SELECT pg_total_relation_size('sparge.sample')"
CHUNKS = b"SELECT hypertable_size('sparge.sample')"


def size_figures() -> tuple[list[Figure], list[str]]:
    """Bytes a sample of each edition that can be had, and which could not."""
    figures, absent = [], {edition: f"{edition}: no server of it at hand." for edition in Edition}
    for connection in _servers():
        edition = detect(connection).edition
        if edition not in absent:
            continue
        del absent[edition]
        connection.execute(
            SAMPLES.encode(),
            {"start_s": START_S, "period_s": PERIOD_S, "steps": STEPS, "signals": SIGNALS},
        )
        figures.append(Figure(f"on disk, edition {edition}", _size(connection, edition), "B/sample"))
        if compress_due(connection, float(START_S + 365 * 86_400)):
            size = _size(connection, edition)
            figures.append(Figure(f"on disk, edition {edition}, past the horizon", size, "B/sample"))
    return figures, list(absent.values())


def _servers() -> Iterator[BoundedConnection]:
    """A session in a database with Sparge's tables of each server, one after another."""
    named = os.environ.get("SPARGE_DATABASE")
    with ExitStack() as stack:
        servers = [running_postgres_in(stack), *([named] if named else [])]
        for server in servers:
            database = stack.enter_context(new_database(server))
            migrate(database)
            with _session(database) as connection:
                yield connection
    if shutil.which("node") and shutil.which("npm"):
        with running_pglite() as conninfo, _session(conninfo) as connection:
            connection.execute("CREATE EXTENSION IF NOT EXISTS timescaledb")
            connection.execute(statement("bootstrap"))
            for migration in migrations():
                with connection.transaction():
                    connection.execute(migration.script)
            yield connection


def running_postgres_in(stack: ExitStack) -> str:
    """PostgreSQL from the wheel, until the stack ends."""
    return stack.enter_context(running_postgres(stack.enter_context(work_folder()) / "postgres")).conninfo


def _session(conninfo: str) -> BoundedConnection:
    return connect(conninfo, application="sparge bench", answer_within_s=ANSWER_WITHIN_S)


def _size(connection: BoundedConnection, edition: Edition) -> float:
    row = connection.execute(PLAIN if edition is Edition.POSTGRES else CHUNKS).fetchone()
    return float(row[0]) / (SIGNALS * STEPS) if row else 0.0
