"""Kafka to database, exactly once, through `sparge worker ingest`; beside bare binary COPY of such rows.

Then the naive forms, samples that meet what is known, and how the worker bears time, rate and restarts.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass

import psutil
import psycopg

from bench._bare import Best, bare_copy, naive_figures
from bench._endurance import memory_figures, rate_figures, restart_figures
from bench._report import Figure, Report
from bench._staging import staging_figures
from bench._system import (
    UNITS,
    cpu_s,
    fill,
    samples_stored,
    servers,
    session_process,
    until_stored,
    worker,
)

WITHIN_S = 300.0
SAMPLES = 3_000_000
"""Over how many samples memory is watched; `--samples 100000000` takes a quarter of an hour."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Of the frames that are sent: signals and times in one, and how many of each unit."""

    name: str
    signals: int
    times: int
    frames: int


SHAPES = (
    Shape("30 signals x 10 s a frame", 30, 10, 500),
    Shape("30 signals x 1 s a frame", 30, 1, 4000),
    Shape("1 signal x 1 s a frame, the worst case of one sample a message", 1, 1, 2500),
)


def measure(shape: Shape, best: Best | None) -> tuple[Figure, str, Best]:
    """Samples a second through the worker, beside bare COPY in the same run, and what limited it.

    best: of bare COPY, measured with the first shape; it knows no frames.
    """
    with servers() as (broker, database):
        samples = fill(broker, UNITS, shape.frames, shape.times, signals=shape.signals)
        with psycopg.connect(database, autocommit=True) as connection:
            best = best or bare_copy(connection, samples, UNITS)
            with worker("ingest", broker, database) as running:
                # The clock starts at the first commit: starting Python and joining the group is not ingest.
                began_s = until_stored(connection, 1, WITHIN_S)
                at_start = samples_stored(connection)
                processes = _processes(running.pid, connection)
                cpu_before = {name: cpu_s(process) for name, process in processes.items()}
                ended_s = until_stored(connection, samples, WITHIN_S)
                used = {name: cpu_s(process) - cpu_before[name] for name, process in processes.items()}
    taken_s, done = ended_s - began_s, samples - at_start
    to = "bare binary COPY at its best"
    figure = Figure(
        f"ingest, {shape.name}", done / taken_s, "samples/s", done / taken_s / best.rows_per_s, to
    )
    shares = ", ".join(f"{name} {cpu / done * 1e6:.2f} us" for name, cpu in used.items())
    busiest = max(used, key=lambda name: used[name])
    return (
        figure,
        f"{shape.name}: CPU a sample: {shares}; {taken_s / done * 1e6:.2f} us passed. Busiest: {busiest}.",
        best,
    )


def _processes(pid: int, connection: psycopg.Connection) -> dict[str, psutil.Process]:
    found = {"worker": psutil.Process(pid)}
    session = session_process(connection, "sparge ingest")
    if session is not None:
        found["its database session"] = session
    return found


def main(argv: list[str]) -> int:
    """Measure every shape of frame, then what meets others, then endurance, and tell."""
    parser = argparse.ArgumentParser(prog="python -m bench.ingest")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--samples", type=int, default=SAMPLES, help="over how many memory is watched")
    arguments = parser.parse_args(argv)
    first, observation, best = measure(SHAPES[0], None)
    bare = Figure(f"bare binary COPY, blocks of {best.block_rows} rows", best.rows_per_s, "rows/s")
    figures, observations = [bare, first], [observation]
    for shape in SHAPES[1:]:
        figure, observation, best = measure(shape, best)
        figures.append(figure)
        observations.append(observation)
    with servers() as (_, database):
        with psycopg.connect(database, autocommit=True) as connection:
            figures += naive_figures(connection, best, UNITS)
        figures += staging_figures(database)
    figures += memory_figures(arguments.samples) + rate_figures() + restart_figures()
    return Report("ingest", tuple(figures), tuple(observations)).tell(argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
