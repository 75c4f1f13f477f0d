"""The same questions to every edition: what differs is storage and speed, never an answer."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from storage.connection import connect
from storage.edition import Edition, detect
from storage.maintenance.columnstore import compress_due
from storage.maintenance.job import maintain
from storage.migrate import migrate
from storage.statements import statement

if TYPE_CHECKING:
    from collections.abc import Iterator

    from storage.connection import BoundedConnection

DAY_S = 86_400
FIRST_S = 20_000 * DAY_S

CONTENT = """
INSERT INTO sparge.site (name) VALUES ('north');
INSERT INTO sparge.unit (site_id, name, key) SELECT site_id, 'BR-01', 'north/BR-01' FROM sparge.site;
INSERT INTO sparge.signal (unit_id, name, ucum, declared)
SELECT unit_id, s.name, s.ucum, TRUE
FROM sparge.unit CROSS JOIN (VALUES ('DO', '%'), ('DO_setpoint', '%'), ('pH', '[pH]')) AS s (name, ucum);
INSERT INTO sparge.log (cluster_id, topic_id, topic) VALUES ('c', 't', 'telemetry.frames');
INSERT INTO sparge.frame (
    unit_id, log_id, log_partition, log_offset, device, epoch, sequence, recorded_at, sent_units, sample_count
)
SELECT u.unit_id, l.log_id, 0, n, 'controller', 1, n, to_timestamp(20000 * 86400 + n * 60), '{}', 60
FROM sparge.unit AS u CROSS JOIN sparge.log AS l CROSS JOIN generate_series(0, 179) AS n;
INSERT INTO sparge.sample (time, value, frame_id, signal_id, status)
SELECT to_timestamp(20000 * 86400 + n), CASE WHEN n % 97 = 0 THEN 'NaN' ELSE 30 + sin(n / 50.0) END,
       n / 60 + 1, g.signal_id, CASE WHEN n % 97 = 0 THEN -2147483648 ELSE 0 END
FROM sparge.signal AS g CROSS JOIN generate_series(0, 10799, 3) AS n
WHERE g.name <> 'DO_setpoint' OR n % 4000 = 3;
INSERT INTO sparge.dirty_span (unit_id, first, last)
SELECT unit_id, to_timestamp(20000 * 86400 + h * 3600), to_timestamp(20000 * 86400 + h * 3600 + 3599.999)
FROM sparge.unit CROSS JOIN generate_series(0, 2) AS h;
INSERT INTO sparge.source_log (topic_id, topic) VALUES ('t', 'telemetry.frames');
INSERT INTO sparge.model (name, version, digest) VALUES ('holt', '1', 'ab12');
INSERT INTO sparge.result (
    source_log_id, source_partition, source_offset, source_index, unit_id, model_id, layer
)
SELECT l.source_log_id, 0, n, 0, u.unit_id, m.model_id, 'residual'
FROM sparge.source_log AS l CROSS JOIN sparge.unit AS u CROSS JOIN sparge.model AS m
    CROSS JOIN generate_series(1, 3) AS n
ORDER BY n;
INSERT INTO sparge.alarm_transition (
    result_id, unit_id, signal, condition, event, state, time, since, ucum, priority, alarm_class, message,
    cause, consequence, action, respond_within_s, device_state, value_status
)
SELECT r.result_id, r.unit_id, 'pH', 'range', CASE r.source_offset WHEN 2 THEN 'cleared' ELSE 'raised' END,
       'unacknowledged', to_timestamp(20000 * 86400 + r.source_offset), to_timestamp(20000 * 86400 + 1),
       '[pH]', 'low', 'instrument', 'm', 'c', 'q', 'a', 60,
       CASE r.source_offset WHEN 2 THEN NULL ELSE 'F' END,
       CASE r.source_offset WHEN 2 THEN NULL ELSE 2156658688 END
FROM sparge.result AS r;
INSERT INTO sparge.unit_score (time, result_id, score, unit_id, suspect, learned, reason, signals, shares)
SELECT to_timestamp(20000 * 86400 + r.source_offset), r.result_id, 0, r.unit_id, FALSE, FALSE,
       CASE r.source_offset WHEN 2 THEN 'out of service until the next batch: KeyError(1)' END, '{}', '{}'
FROM sparge.result AS r;
"""
FAILED = ("F", 0x808C0000)
LATE = """
INSERT INTO sparge.sample (time, value, frame_id, signal_id, status)
SELECT to_timestamp(20000 * 86400 + 100.5), 77, 1, signal_id, 0 FROM sparge.signal WHERE name = 'DO';
UPDATE sparge.sample SET value = -5
WHERE time = to_timestamp(20000 * 86400 + 201)
    AND signal_id = (SELECT signal_id FROM sparge.signal WHERE name = 'DO');
INSERT INTO sparge.dirty_span (unit_id, first, last)
SELECT unit_id, to_timestamp(20000 * 86400 + 100.5), to_timestamp(20000 * 86400 + 201) FROM sparge.unit;
"""
QUESTIONS = {
    "units": "SELECT site, unit, key, first_seen, last_recorded, repeated_frames, signals FROM sparge.units",
    "signals": "SELECT site, unit, signal, ucum, first_time, last_time FROM sparge.signals ORDER BY 3",
    "samples": "SELECT * FROM sparge.samples WHERE signal = 'DO' ORDER BY time",
    "as known at": """
        SELECT count(*), sum(value), max(time)
        FROM sparge.samples_as_known_at(to_timestamp(20000 * 86400 + 3000))""",
    "seconds": "SELECT * FROM sparge.samples_1s WHERE signal = 'DO_setpoint' ORDER BY time",
    "minutes": "SELECT * FROM sparge.samples_1m ORDER BY signal, time",
    "hours": "SELECT * FROM sparge.samples_1h ORDER BY signal, time",
    "one hour of minutes": """
        SELECT min(min), max(max), sum(count) FROM sparge.samples_1m
        WHERE signal = 'DO'
            AND time >= to_timestamp(20000 * 86400) AND time < to_timestamp(20000 * 86400 + 3600)""",
    "missing frames": "SELECT * FROM sparge.missing_frames",
    "batches": "SELECT * FROM sparge.batches",
    "alarms": "SELECT * FROM sparge.alarms",
    "alarm history": "SELECT * FROM sparge.alarm_history ORDER BY time",
    "instruments": "SELECT time, device_state, value_status FROM sparge.alarm_history ORDER BY time",
    "unit scores": "SELECT * FROM sparge.unit_scores ORDER BY time",
    "models out of service": statement("query_models_out_of_service").decode(),
    "scores": "SELECT * FROM sparge.scores",
    "forecasts": "SELECT * FROM sparge.forecasts",
}


def answers(connection: BoundedConnection) -> dict[str, list[tuple[Any, ...]]]:
    """Answers to all questions; the last digits of a sum depend on the machine's arithmetic."""
    return {
        about: [
            tuple(f"{cell:.10g}" if isinstance(cell, float) else cell for cell in row)
            for row in connection.execute(question.encode()).fetchall()
        ]
        for about, question in QUESTIONS.items()
    }


@pytest.fixture(scope="module")
def editions(
    community: BoundedConnection, database_server: str, wheel_database_server: str
) -> Iterator[dict[Edition, BoundedConnection]]:
    """One connection an edition, each with the same samples in it."""
    from tests.servers.database import new_database  # noqa: PLC0415 - a fixture's own

    with ExitStack() as stack:
        connections = [community]
        for server in {database_server, wheel_database_server}:
            conninfo = stack.enter_context(new_database(server))
            migrate(conninfo)
            connections.append(stack.enter_context(connect(conninfo, application="test")))
        for connection in connections:
            connection.execute(CONTENT.encode())
        yield {detect(connection).edition: connection for connection in connections}


def test_all_editions_answer_alike_before_and_after_the_job_and_after_late_rows(
    editions: dict[Edition, BoundedConnection],
) -> None:
    assert {Edition.COMMUNITY, Edition.POSTGRES} <= editions.keys()
    now_s = FIRST_S + 30 * DAY_S
    compressed = {}
    for step in ("before", "digested", "late", "late, digested"):
        for edition, connection in editions.items():
            if step == "late":
                connection.execute(LATE.encode())
            if "digested" in step:
                compressed[edition, step] = maintain(connection, now_s).compressed_chunks
        told = {edition: answers(connection) for edition, connection in editions.items()}
        reference = told[Edition.POSTGRES]
        assert len(reference["minutes"]) > 360
        assert [row[1:] for row in reference["instruments"]] == [FAILED, (None, None), FAILED]
        assert len(reference["models out of service"]) == 1
        for edition, of_edition in told.items():
            for about, answer in of_edition.items():
                assert answer == reference[about], (step, edition, about)
    # The late rows went into a chunk that was in columns already, and took it there again.
    assert compressed[Edition.COMMUNITY, "digested"] > 0
    assert compressed[Edition.COMMUNITY, "late, digested"] > 0
    assert compressed[Edition.POSTGRES, "digested"] == 0


def test_a_late_row_in_a_compressed_chunk_changes_its_buckets_and_is_refused_twice(
    community: BoundedConnection, editions: dict[Edition, BoundedConnection]
) -> None:
    assert editions[Edition.COMMUNITY] is community
    row = community.execute(
        "SELECT max FROM sparge.samples_1m WHERE signal = 'DO' AND time = to_timestamp(20000 * 86400 + 60)"
    ).fetchone()
    assert row == (77.0,)
    again = "INSERT INTO sparge.sample SELECT * FROM sparge.sample WHERE value = 77 ON CONFLICT DO NOTHING"
    assert community.execute(again).rowcount == 0


MANY = 110_000
"""More than TimescaleDB takes out of columns in one transaction by itself, which is 100,000."""

MANY_SAMPLES = """
INSERT INTO sparge.sample (time, value, frame_id, signal_id, status)
SELECT to_timestamp(20002 * 86400 + n * 0.5), n, 1, (SELECT min(signal_id) FROM sparge.signal), 0
FROM generate_series(1, %(many)s) AS n
"""
STAGE_THEM = """
INSERT INTO pg_temp.sparge_stage (time, signal_id, key)
SELECT time, signal_id, row_number() OVER (ORDER BY time)
FROM sparge.sample WHERE time > to_timestamp(20002 * 86400)
"""
BOUND = "SELECT set_config('timescaledb.max_tuples_decompressed_per_dml_transaction', %s, TRUE)"


def take_again(community: BoundedConnection, bound: int) -> int:
    """Take the samples out as a batch of late ones does, and put them back; returns how many there were."""
    span = {"first_us": (FIRST_S + 2 * DAY_S) * 1_000_000, "last_us": (FIRST_S + 3 * DAY_S) * 1_000_000}
    with community.transaction():
        if bound:
            community.execute(BOUND.encode(), [str(bound)])
        community.execute(STAGE_THEM.encode())
        (keys, *_) = community.execute(statement("stage_take"), span).fetchone() or ([],)
        community.execute(MANY_SAMPLES.encode(), {"many": MANY})
    return len(keys)


def test_more_late_rows_than_timescaledb_opens_by_itself_go_into_a_compressed_chunk(
    community: BoundedConnection, editions: dict[Edition, BoundedConnection]
) -> None:
    assert editions[Edition.COMMUNITY] is community
    community.execute(MANY_SAMPLES.encode(), {"many": MANY})
    assert compress_due(community, FIRST_S + 30.0 * DAY_S) > 0
    community.execute(statement("stage_create"))
    with pytest.raises(psycopg.Error, match="limit exceeded"):
        take_again(community, bound=100_000)
    assert take_again(community, bound=0) == MANY
    row = community.execute("SELECT count(*) FROM sparge.sample WHERE time > to_timestamp(20002 * 86400)")
    assert row.fetchone() == (MANY,)
