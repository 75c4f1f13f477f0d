"""How `sparge worker ingest` bears many samples, twice the rate, and a restart."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
import psutil
import psycopg
from confluent_kafka import Producer

from bench._report import Figure
from bench._system import (
    SIGNALS,
    UNITS,
    cpu_s,
    fill,
    frame,
    samples_stored,
    servers,
    until_stored,
    worker,
)
from streams.codec import outgoing
from streams.topics import FRAMES

if TYPE_CHECKING:
    from streams.connection import Broker

TIMES = 10
WITHIN_S = 3600.0
MIB = 1024 * 1024

FRAMES_PER_S = 300
"""Of 30 signals at one time: a plant of 300 bioreactors at one sample a second."""

STEADY_S = 12.0
WARM_UP = 10
PORTION = 50
"""Frames of each unit that are sent at a time."""

AHEAD_SAMPLES = 1_000_000
WARM_UP_SAMPLES = 1_000_000
LOOK_S = 0.1

RESTART_UNITS, RESTART_SIGNALS = 100, 100


def memory_figures(samples: int) -> list[Figure]:
    """Resident memory while that many samples go through the worker, in the thirds of its way.

    What it takes to come to full work, over the first WARM_UP_SAMPLES, is not of the thirds.
    """
    seen: list[int] = []
    with (
        servers() as (broker, database),
        psycopg.connect(database, autocommit=True) as connection,
        worker("ingest", broker, database) as running,
    ):
        process = psutil.Process(running.pid)
        sent = sequence = stored = 0
        while stored < sent or sent < samples + WARM_UP_SAMPLES:
            if sent < samples + WARM_UP_SAMPLES and sent - stored < AHEAD_SAMPLES:
                sent += fill(broker, UNITS, PORTION, TIMES, first=sequence)
                sequence += PORTION
            else:
                time.sleep(LOOK_S)
            stored = samples_stored(connection)
            if stored >= WARM_UP_SAMPLES:
                seen.append(process.memory_info().rss)
    thirds = np.array_split(np.array(seen), 3)
    base = float(np.median(thirds[0]))
    return [
        Figure(
            f"worker's memory, {name} third of {sent / 1e6:.3g} million samples",
            float(np.median(part)) / MIB,
            "MiB",
            float(np.median(part)) / base,
            "the first third",
        )
        for name, part in zip(("first", "second", "last"), thirds, strict=True)
    ]


def rate_figures() -> list[Figure]:
    """CPU seconds of the worker at a rate and at twice that rate."""
    used = []
    with (
        servers() as (broker, database),
        psycopg.connect(database, autocommit=True) as connection,
        worker("ingest", broker, database) as running,
    ):
        process = psutil.Process(running.pid)
        sequence = WARM_UP
        until_stored(connection, fill(broker, UNITS, WARM_UP, 1), WITHIN_S)
        for rate in (FRAMES_PER_S, 2 * FRAMES_PER_S):
            before_s = cpu_s(process)
            sequence = _steadily(broker, sequence, rate)
            until_stored(connection, UNITS * sequence * SIGNALS, WITHIN_S)
            used.append((cpu_s(process) - before_s) / STEADY_S)
    once, twice = used
    at = FRAMES_PER_S * SIGNALS
    return [
        Figure(f"worker at {at} samples/s", once * 100, "% of a core"),
        Figure(f"worker at {2 * at} samples/s", twice * 100, "% of a core", twice / once, "half the rate"),
    ]


def _steadily(broker: Broker, sequence: int, frames_per_s: int) -> int:
    """Send frames of all units in turn at this rate for STEADY_S; returns the next sequence."""
    producer = Producer({**broker.producing(), "compression.type": "lz4"})
    rounds = round(frames_per_s * STEADY_S / UNITS)
    began_s = time.monotonic()
    for number in range(rounds):
        for unit in range(UNITS):
            key, body, headers = outgoing(frame(unit, sequence + number, 1))
            producer.produce(FRAMES.name, body, key, headers=list(headers))
        producer.poll(0)
        time.sleep(max(0.0, began_s + (number + 1) * UNITS / frames_per_s - time.monotonic()))
    producer.flush(60)
    return sequence + rounds


def restart_figures() -> list[Figure]:
    """Seconds from starting a worker anew to its first new row, where 10,000 signals are known."""
    figures = []
    with servers() as (broker, database), psycopg.connect(database, autocommit=True) as connection:
        stored = 0
        for number, (how, kill) in enumerate({"told to stop": False, "killed": True}.items()):
            first = fill(broker, RESTART_UNITS, 1, 1, signals=RESTART_SIGNALS, first=2 * number)
            with worker("ingest", broker, database) as running:
                until_stored(connection, stored + first, WITHIN_S)
                if kill:
                    running.kill()
                    running.wait()
            second = fill(broker, RESTART_UNITS, 1, 1, signals=RESTART_SIGNALS, first=2 * number + 1)
            began_s = time.monotonic()
            with worker("ingest", broker, database):
                taken_s = until_stored(connection, stored + first + 1, WITHIN_S) - began_s
                stored += first + second
                until_stored(connection, stored, WITHIN_S)
            name = f"start to first new row, {RESTART_UNITS * RESTART_SIGNALS} signals, the one before {how}"
            figures.append(Figure(name, taken_s, "s", taken_s / 10, "the target of 10 s"))
    return figures
