"""What the database can do without Sparge: bare binary COPY at its best block size, and the naive forms."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bench._report import Figure
from bench._system import SIGNALS, START_US, wave
from sparge.times import to_datetime
from storage.copy_binary import encode_samples

if TYPE_CHECKING:
    import psycopg

BLOCKS = (5_000, 20_000, 100_000)
NAIVE_ROWS = 20_000

TABLE = """
DROP TABLE IF EXISTS bare;
CREATE TABLE bare (LIKE sparge.sample INCLUDING DEFAULTS);
CREATE UNIQUE INDEX bare_signal_time ON bare (signal_id, time);
"""
HYPERTABLE = "SELECT create_hypertable('bare', 'time', chunk_time_interval => interval '1 day')"
COPY = "COPY bare (time, value, frame_id, signal_id, status) FROM STDIN (FORMAT binary)"
COPY_TEXT = "COPY bare (time, value, frame_id, signal_id, status) FROM STDIN"
INSERT = "INSERT INTO bare (time, value, frame_id, signal_id, status) VALUES (%s, %s, %s, %s, %s)"


@dataclass(frozen=True, slots=True)
class Best:
    """Rows a second at the block size that was fastest."""

    rows_per_s: float
    block_rows: int


def bare_copy(connection: psycopg.Connection, rows: int, units: int) -> Best:
    """Rows a second of binary COPY, encoded beforehand, into a table with the same columns and index."""
    found = [Best(_copy_rate(connection, rows, units, block), block) for block in BLOCKS]
    # Each block size began with the buffers that this frees, and so does what is compared with it.
    connection.execute("DROP TABLE bare")
    return max(found, key=lambda one: one.rows_per_s)


def naive_figures(connection: psycopg.Connection, best: Best, units: int) -> list[Figure]:
    """The forms that a first attempt has, beside bare binary COPY."""
    time_us, values, numbers, signal_ids = _columns(0, NAIVE_ROWS, units)
    rows = [
        (to_datetime(at), value, number, signal_id, 0)
        for at, value, number, signal_id in zip(
            time_us.tolist(), values.tolist(), numbers.tolist(), signal_ids.tolist(), strict=True
        )
    ]
    _make_table(connection)
    began_s = time.perf_counter()
    with connection.transaction(), connection.cursor() as cursor:
        cursor.executemany(INSERT, rows)
    many_s = time.perf_counter() - began_s
    _make_table(connection)
    began_s = time.perf_counter()
    with connection.cursor() as cursor, cursor.copy(COPY_TEXT) as copy:
        for row in rows:
            copy.write_row(row)
    row_s = time.perf_counter() - began_s
    rates = {"executemany": NAIVE_ROWS / many_s, "COPY row by row": NAIVE_ROWS / row_s}
    return [
        Figure(f"naive: {form}", rate, "rows/s", rate / best.rows_per_s, "bare binary COPY at its best")
        for form, rate in rates.items()
    ]


def _copy_rate(connection: psycopg.Connection, rows: int, units: int, block: int) -> float:
    _make_table(connection)
    blocks = []
    for first in range(0, rows, block):
        time_us, values, numbers, signal_ids = _columns(first, min(block, rows - first), units)
        status = np.zeros(len(time_us), dtype=np.uint32)
        blocks.append(encode_samples(time_us, values, numbers, signal_ids, status))
    began_s = time.perf_counter()
    for stream in blocks:
        with connection.cursor() as cursor, cursor.copy(COPY) as copy:
            copy.write(stream)
    return rows / (time.perf_counter() - began_s)


def _columns(
    first: int, count: int, units: int
) -> tuple[
    np.ndarray[tuple[int], np.dtype[np.int64]],
    np.ndarray[tuple[int], np.dtype[np.float64]],
    np.ndarray[tuple[int], np.dtype[np.int64]],
    np.ndarray[tuple[int], np.dtype[np.int32]],
]:
    """Time, value, number and signal of rows as the devices send them: second after second."""
    number = np.arange(first, first + count, dtype=np.int64)
    signals = units * SIGNALS
    values = np.resize(np.array([wave(0, n % SIGNALS, n) for n in range(1000)]), count)
    return START_US + number // signals * 1_000_000, values, number, (number % signals).astype(np.int32)


def _make_table(connection: psycopg.Connection) -> None:
    connection.execute(TABLE)
    if connection.execute("SELECT 1 FROM pg_extension WHERE extname = 'timescaledb'").fetchone():
        connection.execute(HYPERTABLE)
