"""Kafka to database, exactly once, through `sparge worker ingest`; beside bare binary COPY of such rows.

Then the staging path: samples that meet what is known.
"""

from __future__ import annotations

import sys
import time

import numpy as np
import psycopg

from bench._report import Figure, Report
from bench._staging import staging_figures
from bench._system import SIGNALS, START_US, fill, servers, until, wave, worker
from storage.copy_binary import encode_samples

UNITS = 16
SHAPES = {"30 signals x 10 s a frame": (10, 400), "30 signals x 1 s a frame": (1, 800)}
"""Times a frame, and frames a unit."""

BLOCK_ROWS = 20_000
WITHIN_S = 300.0

BARE_TABLE = """
CREATE TABLE bare (LIKE sparge.sample INCLUDING DEFAULTS);
CREATE UNIQUE INDEX bare_signal_time ON bare (signal_id, time);
"""
MAKE_HYPERTABLE = "SELECT create_hypertable('bare', 'time', chunk_time_interval => interval '1 day')"
BARE_COPY = "COPY bare (time, value, frame_id, signal_id, status) FROM STDIN (FORMAT binary)"


def ingest_rate(times: int, frames: int) -> tuple[float, float]:
    """Samples a second through the worker, and of bare COPY of as many rows in the same database."""
    with servers() as (broker, database):
        samples = fill(broker, UNITS, frames, times)
        with psycopg.connect(database, autocommit=True) as connection:
            bare = bare_copy_rate(connection, samples)
            stored = 0

            def count() -> int:
                nonlocal stored
                row = connection.execute("SELECT coalesce(sum(sample_count), 0) FROM sparge.frame").fetchone()
                stored = int(row[0]) if row else 0
                return stored

            with worker("ingest", broker, database):
                # The clock starts at the first commit: starting Python and joining the group is not ingest.
                began_s = until(lambda: count() > 0, WITHIN_S)
                at_start = stored
                ended_s = until(lambda: count() == samples, WITHIN_S)
            return (samples - at_start) / (ended_s - began_s), bare


def bare_copy_rate(connection: psycopg.Connection, rows: int) -> float:
    """Rows a second of binary COPY, encoded beforehand, into a table with the same columns and index."""
    connection.execute(BARE_TABLE)
    if connection.execute("SELECT 1 FROM pg_extension WHERE extname = 'timescaledb'").fetchone():
        connection.execute(MAKE_HYPERTABLE)
    number = np.arange(rows, dtype=np.int64)
    signals = UNITS * SIGNALS
    values = np.array([wave(0, int(n % SIGNALS), int(n)) for n in range(1000)])
    blocks = [
        encode_samples(
            START_US + number[at : at + BLOCK_ROWS] // signals * 1_000_000,
            np.resize(values, min(BLOCK_ROWS, rows - at)),
            number[at : at + BLOCK_ROWS],
            (number[at : at + BLOCK_ROWS] % signals).astype(np.int32),
            np.zeros(min(BLOCK_ROWS, rows - at), dtype=np.uint32),
        )
        for at in range(0, rows, BLOCK_ROWS)
    ]
    began_s = time.monotonic()
    for block in blocks:
        with connection.cursor() as cursor, cursor.copy(BARE_COPY) as copy:
            copy.write(block)
    return rows / (time.monotonic() - began_s)


def main(argv: list[str]) -> int:
    """Measure every shape of frame, then what meets others, and tell."""
    figures = []
    for shape, (times, frames) in SHAPES.items():
        rate, bare = ingest_rate(times, frames)
        figures += [
            Figure(f"ingest, {shape}", rate, "samples/s", rate / bare, "bare binary COPY in the same run"),
            Figure(f"bare binary COPY, {shape}", bare, "rows/s"),
        ]
    with servers() as (_, database):
        figures += staging_figures(database)
    return Report("ingest", tuple(figures)).tell(argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
