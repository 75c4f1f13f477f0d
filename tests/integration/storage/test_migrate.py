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
from tests.servers.database import new_database

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


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


DESCRIBED = """
SELECT 'column', table_name || '.' || column_name,
       concat_ws(' ', ordinal_position, data_type, is_nullable, column_default)
FROM information_schema.columns WHERE table_schema = 'sparge'
UNION ALL
SELECT 'index', indexname, indexdef FROM pg_indexes WHERE schemaname = 'sparge'
UNION ALL
SELECT 'constraint', conrelid::regclass || '.' || conname, pg_get_constraintdef(oid)
FROM pg_constraint WHERE connamespace = 'sparge'::regnamespace
UNION ALL
SELECT 'view', viewname, definition FROM pg_views WHERE schemaname = 'sparge'
UNION ALL
SELECT 'function', oid::regprocedure::text, pg_get_functiondef(oid)
FROM pg_proc WHERE pronamespace = 'sparge'::regnamespace AND prokind = 'f'
UNION ALL
SELECT 'version', version::text, name FROM sparge.schema_version
"""


def described(conninfo: str) -> set[tuple[str, str, str]]:
    """Everything that the migrations made, in words."""
    with psycopg.connect(conninfo) as connection:
        return set(connection.execute(DESCRIBED.encode()).fetchall())


@pytest.fixture
def at_version(database: str, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], str]:
    """A database as the Sparge that brought that many migrations left it."""

    def make(version: int) -> str:
        with monkeypatch.context() as patched:
            patched.setattr("storage.migrate.migrations", lambda: migrations()[:version])
            migrate(database)
        return database

    return make


@pytest.mark.parametrize("version", range(1, latest()))
def test_a_database_of_any_earlier_version_becomes_what_a_new_one_is(
    version: int, at_version: Callable[[int], str], database_server: str
) -> None:
    earlier = at_version(version)
    report = migrate(earlier)
    assert (report.before, report.after) == (version, latest())
    assert report.applied == tuple(m.name for m in migrations()[version:])
    assert migrate(earlier).applied == ()
    with new_database(database_server) as new:
        migrate(new)
        assert described(earlier) == described(new)


def test_processes_that_migrate_an_earlier_version_at_once_do_it_once_between_them(
    at_version: Callable[[int], str],
) -> None:
    earlier = at_version(5)
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        reports = pool.map(migrate, [earlier] * 3)
    assert sorted(len(report.applied) for report in reports) == [0, 0, latest() - 5]


STORED_BY_VERSION_5 = """
INSERT INTO sparge.site (name) VALUES ('north');
INSERT INTO sparge.unit (site_id, name, key) VALUES (1, 'BR-01', 'north/BR-01');
INSERT INTO sparge.signal (unit_id, name, ucum, declared) VALUES (1, 'DO', '%', TRUE);
INSERT INTO sparge.log (cluster_id, topic_id, topic) VALUES ('c', 't', 'telemetry.frames');
INSERT INTO sparge.frame (
    log_offset, recorded_at, epoch, sequence, unit_id, log_id, log_partition, sample_count, device, sent_units
)
SELECT n, timestamptz '2026-01-01' + n * interval '1 second', 1, n, 1, 1, 0, 1, 'controller', '{}'
FROM unnest(ARRAY[1, 2, 3, 4, 6]) AS n;
INSERT INTO sparge.sample (time, value, frame_id, signal_id, status, confirmed_frame_id)
VALUES ('2026-01-01', 3, 4, 1, 0, 5), ('2026-01-02', 7, 1, 1, 0, NULL);
INSERT INTO sparge.sample_superseded (time, value, frame_id, signal_id, status)
VALUES ('2026-01-01', 1, 1, 1, 0), ('2026-01-01', 1, 2, 1, 0), ('2026-01-01', 'NaN', 3, 1, -2147483648);
"""


def test_what_an_earlier_version_stored_is_known_as_it_was_and_its_missing_frames_are_found(
    at_version: Callable[[int], str],
) -> None:
    earlier = at_version(5)
    execute(earlier, STORED_BY_VERSION_5)
    migrate(earlier)
    with psycopg.connect(earlier) as connection:
        found = [
            connection.execute(
                "SELECT value, sequence FROM sparge.samples_as_known_at(%s) WHERE time < '2026-01-02'",
                (f"2026-01-01T00:00:0{second}.5Z",),
            ).fetchall()
            for second in range(7)
        ]
        missing = connection.execute(
            "SELECT device, first_sequence, last_sequence FROM sparge.missing_frames"
        ).fetchall()
    assert found == [[], [(1.0, 1)], [(1.0, 1)], [(None, 3)], [(3.0, 4)], [(3.0, 4)], [(3.0, 4)]]
    assert missing == [("controller", 0, 0), ("controller", 5, 5)]


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
