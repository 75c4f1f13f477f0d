"""Questions to a full store: a day at a minute, the newest values, a whole batch; and bytes a sample."""

from __future__ import annotations

import argparse
import os
import sys
import time
from contextlib import ExitStack
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np
import psycopg

from bench._report import Figure, Report
from bench._sizes import running_postgres_in, size_figures
from storage.copy_binary import encode_samples
from storage.edition import Edition
from storage.maintenance.job import maintain, maintaining
from storage.migrate import migrate
from storage.queries import latest, reading, samples, summary
from tests.servers.database import new_database

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SAMPLES = 100_000_000
DAYS = 14
SIGNALS = 30
PERIOD_S = 15
"""A batch of 14 days of 30 signals is 2.4 million samples; there are as many bioreactors as it takes."""

STEPS = DAYS * 86_400 // PERIOD_S
LEAST_STEPS = 3600 // PERIOD_S
END_S = 1_790_000_000 // 86_400 * 86_400
BLOCK_ROWS = 100_000
REPEATS = 7
NEWEST = 1000
LEVELS = ("sample", "sample_1m", "sample_1h")

NAMES = """
INSERT INTO sparge.site (name) VALUES ('bench');
INSERT INTO sparge.unit (site_id, name, key)
SELECT s.site_id, 'BR-' || n, 'bench/BR-' || n
FROM sparge.site AS s CROSS JOIN generate_series(1, %(units)s) AS n;
INSERT INTO sparge.signal (unit_id, name, ucum, declared)
SELECT u.unit_id, 'probe_' || n, '%%', FALSE
FROM sparge.unit AS u CROSS JOIN generate_series(1, %(signals)s) AS n ORDER BY u.unit_id, n;
"""
COPY = "COPY sparge.sample (time, value, frame_id, signal_id, status) FROM STDIN (FORMAT binary)"
MARK = """
INSERT INTO sparge.dirty_span (unit_id, first, last)
SELECT u.unit_id, h, h + interval '59 min 59 s'
FROM sparge.unit AS u
CROSS JOIN generate_series(
    to_timestamp(%(start_s)s), to_timestamp(%(end_s)s) - interval '1 hour', '1 hour'
) AS h
"""
SIZE_PLAIN = "SELECT pg_total_relation_size(%s::regclass)"
SIZE_CHUNKS = "SELECT hypertable_size(%s::regclass)"


PROFILE = (
    "By profile of the day at a minute: three quarters of the time the reader waits for the server, which is "
    "finding 43,200 rows by signal and making arrays of them."
)


def shape(wanted: int) -> tuple[int, int]:
    """How many bioreactors, and how many samples of each of their signals, make up about `wanted` samples.

    Fewer than one batch has are a shorter batch.
    """
    if wanted >= SIGNALS * STEPS:
        return round(wanted / (SIGNALS * STEPS)), STEPS
    return 1, max(LEAST_STEPS, wanted // SIGNALS)


def blocks(signals: int, steps: int) -> Iterator[memoryview]:
    """Samples of all signals in order of time, in COPY streams encoded beforehand."""
    per_block = max(1, BLOCK_ROWS // signals)
    for first in range(0, steps, per_block):
        step = np.arange(first, min(first + per_block, steps), dtype=np.int64)
        time_us = np.repeat((END_S - (steps - step) * PERIOD_S) * 1_000_000, signals)
        signal_ids = np.tile(np.arange(1, signals + 1, dtype=np.int32), len(step))
        values = 30 + np.sin(time_us / 7e9 + signal_ids) + (time_us // 1_000_000 * 7919 % 1000) / 10_000
        yield encode_samples(
            time_us, values, np.ones_like(time_us), signal_ids, np.zeros(len(time_us), dtype=np.uint32)
        )


def fill(database: str, units: int, steps: int) -> tuple[int, float]:
    """Rows loaded, and rows a second through bare binary COPY."""
    copying_s = 0.0
    with psycopg.connect(database, autocommit=True, cursor_factory=psycopg.ClientCursor) as connection:
        connection.execute(NAMES.encode(), {"units": units, "signals": SIGNALS})
        for block in blocks(units * SIGNALS, steps):
            began_s = time.monotonic()
            with connection.cursor() as cursor, cursor.copy(COPY) as copy:
                copy.write(block)
            copying_s += time.monotonic() - began_s
        connection.execute(MARK.encode(), {"start_s": END_S - steps * PERIOD_S, "end_s": END_S})
    rows = units * SIGNALS * steps
    return rows, rows / copying_s


def typical_ms(ask: Callable[[], Any]) -> float:
    """Median of some askings in milliseconds, after one that warms up."""
    ask()
    taken = []
    for _ in range(REPEATS):
        began_s = time.monotonic()
        ask()
        taken.append((time.monotonic() - began_s) * 1000)
    return median(taken)


def measure(server: str, wanted: int) -> tuple[list[Figure], str]:
    """Figures of one database filled with about `wanted` samples, and what it was."""
    units, steps = shape(wanted)
    with new_database(server) as database:
        report = migrate(database)
        rows, copied = fill(database, units, steps)
        began_s = time.monotonic()
        with maintaining(database) as job:
            maintain(job, float(END_S))
        digest_s = time.monotonic() - began_s
        with psycopg.connect(database, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")
            plain = report.database.edition is Edition.POSTGRES
            sizes = {
                table: _number(connection, SIZE_PLAIN if plain else SIZE_CHUNKS, f"sparge.{table}")
                for table in LEVELS
            }
        end_us, start_us = END_S * 1_000_000, (END_S - steps * PERIOD_S) * 1_000_000
        days = steps * PERIOD_S / 86_400
        day_us = end_us - 86_400_000_000
        with reading(database) as c:
            probes = [f"probe_{n}" for n in range(1, SIGNALS + 1)][: -(-NEWEST // units)]
            newest = len(probes) * units
            day_ms = typical_ms(lambda: summary(c, "BR-1", [], day_us, end_us, width=1440))
            newest_ms = typical_ms(lambda: latest(c, None, probes))
            chart_ms = typical_ms(lambda: summary(c, "BR-1", [], start_us, end_us, width=1200))
            began_s = time.monotonic()
            batch = len(samples(c, "BR-1", [], start_us, end_us))
            batch_s = time.monotonic() - began_s
    figures = [
        Figure("24 h of 30 signals at 1 min", day_ms, "ms", day_ms / 100, "the target of 100 ms"),
        Figure(f"newest value of {newest} signals", newest_ms, "ms", newest_ms / 20, "the target of 20 ms"),
        Figure(f"{days:.3g} days of 30 signals, 1200 pixels wide", chart_ms, "ms"),
        Figure(f"one batch of {days:.3g} days whole, {batch} samples", batch_s, "s"),
        Figure("reading a batch", batch / batch_s, "samples/s"),
        Figure("stored", rows, "samples"),
        Figure("loading by binary COPY", copied, "rows/s"),
        Figure("digesting", rows / digest_s, "samples/s"),
        Figure("on disk, samples", sizes["sample"] / rows, "B/sample"),
        Figure("on disk, minutes and hours", (sizes["sample_1m"] + sizes["sample_1h"]) / rows, "B/sample"),
    ]
    return figures, str(report.database)


def _number(connection: psycopg.Connection, query: str, table: str) -> float:
    row = connection.execute(query.encode(), [table]).fetchone()
    return float(row[0]) if row else 0.0


def main(argv: list[str]) -> int:
    """Measure the server of SPARGE_DATABASE, or PostgreSQL from the wheel, and tell."""
    parser = argparse.ArgumentParser(prog="python -m bench.query")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--samples", type=int, default=SAMPLES, help="how many samples to store first")
    arguments = parser.parse_args(argv)
    with ExitStack() as stack:
        server = os.environ.get("SPARGE_DATABASE")
        if not server:
            server = running_postgres_in(stack)
        figures, database = measure(server, arguments.samples)
    sizes, absent = size_figures()
    return Report("query", (*figures, *sizes), (f"Database: {database}.", PROFILE, *absent)).tell(argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
