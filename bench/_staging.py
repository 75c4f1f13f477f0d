"""Samples that meet what is known: repeats, corrections and overlaps, written as the sink writes them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from bench._report import Figure
from bench._system import SECOND_US, SIGNAL_NAMES, START_US
from schemas.decoding import Column, Frame
from schemas.readings import readings
from storage.store import Store, StoredFrame

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

TOPIC = "telemetry.frames"
TP = (TOPIC, 0)
UNITS = 16
TIMES = 10
FRAMES = 400
"""Frames a transaction: what a sink's batch of 500 messages comes to."""

TRANSACTIONS = 4
WANTED = 100_000.0


def staging_figures(database: str) -> list[Figure]:
    """Samples a second of each way in which samples can meet others; the database is empty and migrated."""
    with Store(database, application="bench staging") as store:
        store.register_log("bench", "cluster", {TOPIC: "topic"}, {TOPIC: 1})
        story = Story(store)
        return [
            Figure("new samples, without Kafka", story.write(0.0), "samples/s"),
            _figure("staging, equal repeats", story.write(0.0)),
            _figure("staging, equal repeats of repeats", story.write(0.0)),
            _figure("staging, corrections", story.write(1.0)),
            _figure("staging, corrections of corrections", story.write(2.0)),
            _figure("staging, corrections recorded before what they meet", story.write(3.0, later=False)),
            _figure("staging, 1 sample of 200 met", story.write(0.0, shift=199)),
        ]


def _figure(name: str, rate: float) -> Figure:
    return Figure(name, rate, "samples/s", rate / WANTED, "the 100,000 wanted")


class Story:
    """Devices that tell of the same units one after another."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._devices = 0

    def write(self, more: float, *, later: bool = True, shift: int = 0) -> float:
        """Write what one more device tells; returns samples a second.

        more: added to what the first one told. later: recorded after all before it, else before them.
        shift: samples by which its signals lie behind; 199 of 200 are then new.
        """
        self._devices += 1
        recorded_us = START_US + (self._devices if later else -self._devices) * 1_000 * SECOND_US
        taken_s = 0.0
        for batch in self._batches(more, recorded_us, shift):
            began_s = time.perf_counter()
            with self._store.transaction("bench", [TP]) as transaction:
                transaction.write_frames(batch)
            taken_s += time.perf_counter() - began_s
        return TRANSACTIONS * FRAMES * TIMES * len(SIGNAL_NAMES) / taken_s

    def _batches(self, more: float, recorded_us: int, shift: int) -> Iterator[Sequence[StoredFrame]]:
        of_unit = FRAMES // UNITS
        status = np.zeros(TIMES, dtype=np.uint32)
        for start in range(0, TRANSACTIONS * of_unit, of_unit):
            batch = []
            for sequence in range(start, start + of_unit):
                at = sequence * TIMES + np.arange(TIMES)
                time_us = START_US + at * SECOND_US
                if shift:
                    # Between the seconds lies nothing yet; every 200th sample falls on one.
                    time_us = time_us + np.where(at % (shift + 1) == 0, 0, SECOND_US // 2)
                values = 30.0 + at / 7 + more
                # As decoding gives them to the writer.
                columns = readings([Column(name, "%", time_us, values, status) for name in SIGNAL_NAMES])
                units = dict.fromkeys(SIGNAL_NAMES, "%")
                for unit in range(UNITS):
                    frame = Frame(
                        "bench",
                        f"BR-{unit:02d}",
                        f"device-{self._devices}",
                        1,
                        sequence,
                        None,
                        columns,
                        units,
                        (),
                    )
                    offset = sequence * UNITS + unit
                    batch.append(StoredFrame(frame, TOPIC, 0, offset, recorded_us + offset))
            yield batch
