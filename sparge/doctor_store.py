"""What the doctor finds in the database: whether it answers, how far the sinks are, what was lost."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

from schemas.errors import BrokerError, SpargeError
from sparge.doctor import Finding, Verdict, failed
from sparge.doctor_reach import reach_of_log
from sparge.terminal import command_name
from sparge.times import show_span, to_us
from storage import queries
from storage.connection import address
from storage.edition import detect
from storage.migrate import latest
from streams.admin import describe_log, log_bounds
from streams.range_reader import RangeReader
from streams.record import TopicPartition

if TYPE_CHECKING:
    from collections.abc import Iterable

    from storage.table import Table
    from streams.connection import Broker

STALLED_US = 60_000_000
FRESH_US = 30_000_000
COUNTED = 1000
"""A rest of the log up to this long is read, to count messages and not the markers of transactions."""


def database(conninfo: str, kafka: Broker | None, now_us: int) -> list[Finding]:
    """Return what is wrong with the database and the sinks, and what to do.

    Args:
        conninfo: of the database.
        kafka: the broker, if it answers: the sinks' positions are held against its log.
        now_us: what time it is.
    """
    findings: list[Finding] = []
    try:
        with queries.reading(conninfo, application="sparge doctor", answer_within_s=15.0) as connection:
            edition = f"{address(conninfo)}, {detect(connection)}, tables of version {latest()}"
            findings.append(Finding("database", Verdict.OK, edition))
            findings += _sinks(kafka, queries.progress(connection), now_us)
            findings.append(_losses(queries.losses(connection)))
            units = queries.units(connection)
            if kafka is not None:
                findings.append(_rebuild(kafka, units, now_us))
            findings += _units(units, now_us)
    except SpargeError as error:
        findings.append(failed("database", error))
    return findings


def _rows(table: Table) -> Iterable[dict[str, Any]]:
    return (dict(zip(table.columns, row, strict=True)) for row in table.rows())


def _sinks(kafka: Broker | None, progress: Table, now_us: int) -> list[Finding]:
    positions: dict[str, dict[TopicPartition, dict[str, Any]]] = {}
    for row in _rows(progress):
        positions.setdefault(row["sink"], {})[TopicPartition(row["topic"], row["partition"])] = row
    if not positions:
        return [Finding("sinks", Verdict.OFF, "no sink has ever run", f"{command_name()} up")]
    if kafka is None:
        return [Finding("sinks", Verdict.OFF, "no broker to hold their positions against")]
    try:
        return [_sink(kafka, sink, rows, now_us) for sink, rows in positions.items()]
    except BrokerError as error:
        return [failed("sinks", error)]


def _sink(kafka: Broker, sink: str, rows: dict[TopicPartition, dict[str, Any]], now_us: int) -> Finding:
    part = f"sink {sink}"
    identity = describe_log(kafka, sorted({tp.topic for tp in rows}))
    for tp, row in rows.items():
        if (row["cluster_id"], row["topic_id"]) != (identity.cluster_id, identity.topics[tp.topic]):
            found = f"its positions are those of another log than {tp.topic} of this broker"
            return Finding(part, Verdict.FAIL, found, f"{command_name()} topics adopt, if that is meant")
    bounds = log_bounds(kafka, list(rows), read_committed=True)
    with closing(RangeReader(kafka, read_committed=True)) as reader:
        behind = sum(_behind(reader, tp, row["next_offset"], bounds[tp][1]) for tp, row in rows.items())
    moved_us = max((to_us(row["moved_at"]) for row in rows.values() if row["moved_at"]), default=0)
    if not behind:
        return Finding(part, Verdict.OK, "has stored all that is in the log")
    idle_us = still_us(now_us, moved_us)
    found = f"{behind} messages behind the log; last moved {show_span(idle_us)} ago"
    if idle_us < STALLED_US:
        return Finding(part, Verdict.OK, found)
    return Finding(
        part, Verdict.FAIL, found, f"{command_name()} worker {sink}, or read its log: it stands still"
    )


def still_us(now_us: int, moved_us: int) -> int:
    """How long a position has stood still: never below 0, for the database has a clock of its own."""
    return max(0, now_us - moved_us)


def _behind(reader: RangeReader, tp: TopicPartition, next_offset: int, high: int) -> int:
    rest = max(0, high - next_offset)
    if not 0 < rest <= COUNTED:
        return rest
    return len(reader.read(tp.topic, tp.partition, next_offset, high))


def _losses(losses: Table) -> Finding:
    if not len(losses):
        return Finding("losses", Verdict.OK, "none")
    last = list(_rows(losses))[-1]
    count = sum(row["to_offset"] - row["from_offset"] for row in _rows(losses))
    found = f"{count} messages were gone before they were stored; last: {last['topic']}, {last['reason']}"
    return Finding("losses", Verdict.WARN, found, "longer retention, or a sink that is not down so long")


def _rebuild(kafka: Broker, units: Table, now_us: int) -> Finding:
    first = [to_us(row["first_seen"]) for row in _rows(units) if row["first_seen"] is not None]
    try:
        return reach_of_log(kafka, min(first, default=None), now_us)
    except BrokerError as error:
        return failed("rebuild", error)


def _units(units: Table, now_us: int) -> list[Finding]:
    findings = []
    for row in _rows(units):
        part = f"unit {row['site']}/{row['unit']}"
        if row["last_recorded"] is None:
            findings.append(Finding(part, Verdict.OFF, "no sample yet"))
            continue
        # The broker's clock may be a little ahead of this one.
        age_us = max(0, now_us - to_us(row["last_recorded"]))
        found = f"last sample recorded {show_span(age_us)} ago"
        if row["repeated_frames"]:
            found += f"; {row['repeated_frames']} repeated frames skipped"
        findings.append(Finding(part, Verdict.OK if age_us < FRESH_US else Verdict.OFF, found))
    return findings or [Finding("units", Verdict.OFF, "nothing is stored yet")]
