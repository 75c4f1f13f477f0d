from __future__ import annotations

import multiprocessing
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from schemas.errors import DatabaseRefused, SchemaTooNew
from storage.edition import Edition
from storage.migrate import latest, migrate, migrations
from storage.queries import reading
from storage.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator


def execute(conninfo: str, statement: str) -> None:
    with psycopg.connect(conninfo, autocommit=True) as connection:
        connection.execute(statement.encode())


@pytest.fixture
def poor_role(database: str) -> Iterator[str]:
    """A role that owns the schema `sparge` and may create nothing else, as an administrator sets it up."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("CREATE ROLE sparge_test_poor LOGIN PASSWORD 'poor'")
        connection.execute("CREATE SCHEMA sparge AUTHORIZATION sparge_test_poor")
    yield make_conninfo(database, user="sparge_test_poor", password="poor")
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("DROP OWNED BY sparge_test_poor CASCADE")
        connection.execute("DROP ROLE sparge_test_poor")


def test_an_empty_database_gets_every_migration_once(database: str) -> None:
    first, second = migrate(database), migrate(database)
    assert first.applied == tuple(m.name for m in migrations())
    assert (first.before, first.after) == (0, latest())
    assert second.applied == ()
    assert (second.before, second.after) == (latest(), latest())
    assert first.database == second.database


def test_samples_are_in_a_hypertable_with_chunks_of_a_day_where_the_server_can(database: str) -> None:
    report = migrate(database)
    assert report.notes == ()
    if report.database.available is None:
        assert report.database.edition is Edition.POSTGRES
        return
    assert report.database.edition is not Edition.POSTGRES
    assert report.database.timescaledb is not None
    with psycopg.connect(database) as connection:
        found = connection.execute(
            "SELECT hypertable_name, time_interval::text FROM timescaledb_information.dimensions ORDER BY 1"
        ).fetchall()
    assert found == [
        ("forecast", "1 day"),
        ("sample", "1 day"),
        ("sample_1h", "364 days"),
        ("sample_1m", "14 days"),
        ("sample_1s", "1 day"),
        ("score", "1 day"),
    ]


def test_processes_that_migrate_at_once_do_it_once_between_them(database: str) -> None:
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        reports = pool.map(migrate, [database] * 3)
    assert sorted(len(report.applied) for report in reports) == [0, 0, len(migrations())]
    assert {report.after for report in reports} == {latest()}


def test_a_role_that_may_not_create_the_extension_gets_plain_tables_and_is_told(poor_role: str) -> None:
    report = migrate(poor_role)
    assert report.database.edition is Edition.POSTGRES
    assert report.after == latest()
    if report.database.available:
        assert len(report.notes) == 1
        assert "could not be created in this database (permission denied" in report.notes[0]
        assert "CREATE EXTENSION timescaledb" in report.notes[0]
        assert "stays so" in migrate(poor_role).notes[0]
    else:
        assert report.notes == ()


def test_a_database_of_a_later_version_is_refused_by_everyone(database: str) -> None:
    migrate(database)
    execute(database, "INSERT INTO sparge.schema_version (version, name) VALUES (9999, 'later')")
    with pytest.raises(SchemaTooNew, match="9999"):
        migrate(database)
    with Store(database, application="test") as store, pytest.raises(SchemaTooNew):
        store.positions("ingest", [])
    with pytest.raises(SchemaTooNew), reading(database):
        pass


def test_a_database_without_the_tables_is_refused_with_the_command_that_makes_them(database: str) -> None:
    with Store(database, application="test") as store, pytest.raises(DatabaseRefused) as caught:
        store.positions("ingest", [])
    assert "no tables of Sparge" in caught.value.message
    assert caught.value.next_step == "sparge migrate"
    migrate(database)
    execute(database, sql.SQL("DELETE FROM sparge.schema_version WHERE version > 1").as_string())
    with Store(database, application="test") as store, pytest.raises(DatabaseRefused, match="version 1;"):
        store.positions("ingest", [])


def test_a_migration_that_fails_leaves_nothing_of_itself(database: str) -> None:
    execute(database, "CREATE SCHEMA sparge; CREATE TABLE sparge.device_drop (in_the_way integer)")
    with pytest.raises(DatabaseRefused, match="refused") as caught:
        migrate(database)
    assert "device_drop" in caught.value.detail
    with psycopg.connect(database) as connection:
        assert connection.execute("SELECT version FROM sparge.schema_version").fetchall() == [(1,)]
        assert connection.execute("SELECT to_regclass('sparge.frame')").fetchone() == (None,)
    execute(database, "DROP TABLE sparge.device_drop")
    assert migrate(database).after == latest()
