"""What is dropped, what is not, and what outlives it, on every edition."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, get_args

import psycopg
import pytest

from schemas.batch import BatchEvent
from schemas.ne107 import SignalClass
from storage.maintenance.digest import LOCK_CLASS, digest
from storage.maintenance.job import maintain, maintaining
from storage.maintenance.retention import drop_due
from storage.migrate import migrate
from storage.records import StoredEvent
from storage.store import Store
from tests.integration.storage.frames import column, register, stored
from tests.integration.storage.rollups import shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from storage.maintenance.retention import Dropped

DAY_US = 86_400_000_000
FIRST_DAY = 20_000
"""A day since 1970, as the samples' first."""

BATCH = """
INSERT INTO sparge.member (name) VALUES (%(member)s) ON CONFLICT DO NOTHING;
INSERT INTO sparge.batch (member_id, unit_id, name, started_at, until)
SELECT m.member_id, u.unit_id, %(name)s, to_timestamp(%(start_s)s), to_timestamp(%(end_s)s)
FROM sparge.member AS m CROSS JOIN sparge.unit AS u WHERE m.name = %(member)s
"""
RULE = "INSERT INTO sparge.retention_rule (level, signal_class, member, keep_days) VALUES (%s, %s, %s, %s)"
DAYS_LEFT = """
SELECT g.name, (extract(epoch FROM s.time) / 86400)::integer FROM sparge.sample AS s
JOIN sparge.signal AS g USING (signal_id) ORDER BY 1, 2
"""


@pytest.fixture
def database(each_database: str) -> str:
    """Two signals of two classes, one sample a day at noon on five days."""
    migrate(each_database)
    for day in range(5):
        write(each_database, day, value=float(day))
    return each_database


@pytest.fixture
def connection(database: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(database, autocommit=True, cursor_factory=psycopg.ClientCursor) as opened:
        opened.execute("SET TimeZone TO 'UTC'")
        yield opened


def write(database: str, day: int, *, value: float, sequence: int | None = None) -> None:
    time_us = (FIRST_DAY + day) * DAY_US + DAY_US // 4
    columns = [
        column(name, [value], unit=unit, times_us=[time_us])
        for name, unit in (("DO", "%"), ("gas_flow", "L.min-1"))
    ]
    number = day if sequence is None else sequence
    message = stored(columns, sequence=number, offset=number, recorded_us=time_us + number)
    with Store(database, application="test") as store:
        register(store)
        with store.transaction("ingest", [message.tp]) as transaction:
            transaction.write_frames([message])


def run(database: str, day: int) -> Dropped:
    with maintaining(database) as job:
        return maintain(job, (FIRST_DAY + day) * 86_400.0).dropped


def tell(
    database: str, event: Literal["start", "end"], day: float, offset: int, batch: str = "B-old"
) -> None:
    """Store an event of a batch of `north` in the unit, recorded in the order of offsets."""
    time_us = int((FIRST_DAY + day) * DAY_US)
    fields: dict[str, Any] = {"site": "north", "unit": "BR-01", "batch": batch, "member": "north"}
    message = BatchEvent(event=event, time_us=time_us, **fields)
    with Store(database, application="test") as store:
        store.register_log("record", "cluster", {"batch.events": "batch-id"}, {"batch.events": 1})
        with store.transaction("record", [("batch.events", 0)]) as transaction:
            transaction.write_batch_events(
                [StoredEvent(message, {}, "batch.events", 0, offset, FIRST_DAY * DAY_US + offset)]
            )


def days_left(connection: psycopg.Connection[Any]) -> dict[str, list[int]]:
    left: dict[str, list[int]] = {"DO": [], "gas_flow": []}
    for name, day in connection.execute(DAYS_LEFT).fetchall():
        left[name].append(day - FIRST_DAY)
    return left


def test_nothing_is_dropped_where_nobody_said_so(database: str, connection: psycopg.Connection[Any]) -> None:
    assert run(database, 10_000).rows == 0
    assert days_left(connection) == {"DO": [0, 1, 2, 3, 4], "gas_flow": [0, 1, 2, 3, 4]}


def test_a_rule_for_a_class_is_taken_if_the_dictionary_has_the_class(
    connection: psycopg.Connection[Any],
) -> None:
    for signal_class in get_args(SignalClass):
        connection.execute(RULE, ["raw", signal_class, None, 2])
    with pytest.raises(psycopg.errors.CheckViolation, match="signal_class_known"):
        connection.execute(RULE, ["raw", "gasses", None, 2])


def test_a_class_is_dropped_by_its_rule_its_sums_stay_and_the_audit_says_so(
    database: str, connection: psycopg.Connection[Any]
) -> None:
    connection.execute(RULE, ["raw", "gas", None, 2])
    assert run(database, 5).rows == 3
    assert days_left(connection) == {"DO": [0, 1, 2, 3, 4], "gas_flow": [3, 4]}
    assert len(shown(connection, "1h", "BR-01", "gas_flow")) == 5
    audit = connection.execute("SELECT detail FROM sparge.audit WHERE what = 'retention'").fetchall()
    assert [(d["level"], d["unit"], d["signal_class"], d["rows"]) for (d,) in audit] == [
        ("raw", "north/BR-01", "gas", 3)
    ]


def test_a_batch_under_legal_hold_is_kept_until_it_is_released(
    database: str, connection: psycopg.Connection[Any]
) -> None:
    span = {"start_s": (FIRST_DAY + 1) * 86_400, "end_s": (FIRST_DAY + 2) * 86_400}
    connection.execute(BATCH, {"member": "north", "name": "B-7", **span})
    connection.execute(
        "INSERT INTO sparge.legal_hold (batch_id, reason) SELECT batch_id, 'audit' FROM sparge.batch"
    )
    connection.execute(RULE, ["raw", None, None, 1])
    run(database, 6)
    assert days_left(connection)["DO"] == [1]
    connection.execute("DELETE FROM sparge.legal_hold")
    run(database, 7)
    assert days_left(connection)["DO"] == []


HOLD = """
INSERT INTO sparge.legal_hold (batch_id, reason) SELECT batch_id, 'audit' FROM sparge.batch WHERE name = %s
"""


@pytest.mark.parametrize("moved", [("end", -1), ("end", 1.5), ("start", 3.25), ("start", 4)])
def test_no_event_takes_from_a_legal_hold_what_its_batch_covered(
    database: str, connection: psycopg.Connection[Any], moved: tuple[Literal["start", "end"], float]
) -> None:
    tell(database, "start", 1, 0)
    tell(database, "end", 4, 1)
    connection.execute(HOLD, ["B-old"])
    connection.execute(RULE, ["raw", None, None, 1])
    run(database, 6)
    assert days_left(connection)["DO"] == [1, 2, 3]
    tell(database, *moved, 2)
    run(database, 7)
    assert days_left(connection)["DO"] == [1, 2, 3]


def test_a_hold_that_is_placed_after_a_wrong_end_keeps_what_was_covered_before(
    database: str, connection: psycopg.Connection[Any]
) -> None:
    tell(database, "start", 1, 0)
    tell(database, "end", 4, 1)
    tell(database, "end", 2, 2)
    connection.execute(HOLD, ["B-old"])
    connection.execute(RULE, ["raw", None, None, 1])
    run(database, 6)
    assert days_left(connection)["DO"] == [1, 2, 3]


def test_the_next_batch_takes_nothing_from_the_hold_of_one_that_was_running(
    database: str, connection: psycopg.Connection[Any]
) -> None:
    tell(database, "start", 1, 0)
    connection.execute(HOLD, ["B-old"])
    tell(database, "start", 2, 1, batch="B-new")
    connection.execute(RULE, ["raw", None, None, 1])
    run(database, 6)
    assert days_left(connection)["DO"] == [1, 2, 3, 4]
    (until,) = connection.execute("SELECT kept_until FROM sparge.legal_hold").fetchone() or (None,)
    assert until is not None
    assert until.year < 9999, "the hold of a batch that is over would keep what later batches bring"


def test_a_member_keeps_the_data_of_its_own_batches_as_long_as_it_says(
    database: str, connection: psycopg.Connection[Any]
) -> None:
    for number, member in enumerate(("north", "south")):
        start_s = (FIRST_DAY + 2 * number) * 86_400
        connection.execute(
            BATCH, {"member": member, "name": "B", "start_s": start_s, "end_s": start_s + 2 * 86_400}
        )
    connection.execute(RULE, ["raw", None, "south", 3])
    run(database, 6)
    assert days_left(connection)["DO"] == [0, 1, 3, 4]


def test_what_comes_after_its_day_was_dropped_does_not_undo_the_sums(
    database: str, connection: psycopg.Connection[Any]
) -> None:
    connection.execute(RULE, ["raw", None, None, 2])
    run(database, 5)
    before = shown(connection, "1h", "BR-01", "DO")
    write(database, 0, value=77.0, sequence=50)
    assert shown(connection, "1h", "BR-01", "DO") == before
    run(database, 6)
    assert shown(connection, "1h", "BR-01", "DO") == before
    assert days_left(connection)["DO"] == [4]


def test_sums_are_dropped_by_rules_of_their_own(database: str, connection: psycopg.Connection[Any]) -> None:
    connection.execute(RULE, ["1m", None, None, 2])
    run(database, 5)
    assert len(shown(connection, "1m", "BR-01", "DO")) == 2
    assert len(shown(connection, "1h", "BR-01", "DO")) == 5
    assert len(days_left(connection)["DO"]) == 5


def test_what_is_not_summed_up_yet_is_not_dropped(database: str, connection: psycopg.Connection[Any]) -> None:
    connection.execute(RULE, ["raw", None, None, 2])
    connection.execute(
        "INSERT INTO sparge.dirty_hour SELECT unit_id, to_timestamp(%s) FROM sparge.unit",
        [(FIRST_DAY + 9) * 86_400],
    )
    run(database, 5)
    assert days_left(connection)["DO"] == [3, 4]
    with psycopg.connect(database) as other:
        other.execute("SELECT pg_advisory_xact_lock(%s, unit_id) FROM sparge.unit", [LOCK_CLASS])
        assert run(database, 7).waiting
    assert days_left(connection)["DO"] == [3, 4]
    run(database, 7)
    assert days_left(connection)["DO"] == []


def test_a_hold_that_is_placed_while_the_job_runs_is_honoured(
    database: str, connection: psycopg.Connection[Any]
) -> None:
    tell(database, "start", 1, 0)
    tell(database, "end", 2, 1)
    connection.execute(RULE, ["raw", None, None, 1])
    asked = 0

    def after_the_first_group() -> bool:
        nonlocal asked
        asked += 1
        if asked == 2:
            connection.execute(HOLD, ["B-old"])
        return False

    with maintaining(database) as job:
        digest(job, (FIRST_DAY + 6) * 86_400.0)
        drop_due(job, (FIRST_DAY + 6) * 86_400.0, stop=after_the_first_group)
    left = days_left(connection)
    assert sorted(left.values()) == [[], [1]], "of two groups the second one was dropped after the hold"


def test_rules_that_apply_to_nothing_are_named(database: str, connection: psycopg.Connection[Any]) -> None:
    tell(database, "start", 1, 0)
    for rule in (["raw", None, "nort", 9], ["1m", "offline", None, 9], ["raw", "gas", "north", 9]):
        connection.execute(RULE, rule)
    with maintaining(database) as job:
        done = maintain(job, (FIRST_DAY + 6) * 86_400.0)
    assert [(rule.level, rule.signal_class, rule.member) for rule in done.dropped.idle] == [
        ("raw", None, "nort"),
        ("1m", "offline", None),
    ]
    assert "a rule applies to nothing: raw, class any, member nort; see sparge retention list" in done.lines()


MODELS_SAID = """
INSERT INTO sparge.score (time, result_id, value, expected, score, signal_id, suspect, learned)
SELECT to_timestamp(%(day_s)s), 1, 1, 1, 1, signal_id, FALSE, TRUE FROM sparge.signal;
INSERT INTO sparge.unit_score (time, result_id, score, unit_id, suspect, learned, signals, shares)
SELECT to_timestamp(%(day_s)s), 1, 1, unit_id, FALSE, TRUE, '{}', '{}' FROM sparge.unit;
INSERT INTO sparge.forecast (
    made_at, result_id, horizon_s, value, lower, upper, coverage, signal_id, fallback, ucum
)
SELECT to_timestamp(%(day_s)s), 1, 60, 1, 1, 1, 0.9, signal_id, FALSE, '%%' FROM sparge.signal;
INSERT INTO sparge.time_to_limit (
    result_id, made_at, signal_id, condition, limit_value, minutes, from_minutes, ucum, told
)
SELECT 1, to_timestamp(%(day_s)s), signal_id, 'low', 1, 1, 1, '%%', '' FROM sparge.signal
"""
SAID_LEFT = """
SELECT (SELECT count(*) FROM sparge.score), (SELECT count(*) FROM sparge.unit_score),
       (SELECT count(*) FROM sparge.forecast), (SELECT count(*) FROM sparge.time_to_limit)
"""


def test_what_models_said_is_dropped_by_rules_of_its_own(
    database: str, connection: psycopg.Connection[Any]
) -> None:
    for day in range(3):
        connection.execute(MODELS_SAID, {"day_s": (FIRST_DAY + day) * 86_400 + 3600})
    connection.execute(RULE, ["scores", None, None, 4])
    connection.execute(RULE, ["forecasts", "gas", None, 3])
    run(database, 5)
    assert connection.execute(SAID_LEFT).fetchone() == (4, 2, 4, 4)
    assert days_left(connection)["DO"] == [0, 1, 2, 3, 4]
