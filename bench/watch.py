"""What watch makes of frames: its logic alone on one core, and the worker with its log and transactions."""

from __future__ import annotations

import sys
import time

import orjson

from agents.partition_watch import PartitionWatch
from agents.watch_position import POSITION_KEY
from bench._report import Figure, Report
from bench._system import SECOND_US, SIGNALS, START_US, fill, frame, servers, worker
from streams.codec import outgoing
from streams.record import Record
from streams.tail import tail
from streams.topics import FRAMES, WATCH_STATE

UNITS = 4
SHAPES = {"30 signals x 10 s a frame": (10, 60), "30 signals x 1 s a frame": (1, 300)}
"""Times a frame, and frames a unit."""

WITHIN_S = 300.0


def logic_rate(times: int, frames: int) -> float:
    """Samples a second of decoding and judging, without broker, in this process."""
    records: list[Record] = []
    for sequence in range(frames):
        for unit in range(UNITS):
            key, body, _ = outgoing(frame(unit, sequence, times))
            recorded_us = START_US + (sequence + 1) * times * SECOND_US
            records.append(Record(FRAMES.name, 0, len(records), recorded_us, key, body))
    watch = PartitionWatch(FRAMES.name, "bench", 0)
    began_s = time.perf_counter()
    watch.judge(records)
    return len(records) * times * SIGNALS / (time.perf_counter() - began_s)


def worker_rate(times: int, frames: int) -> float:
    """Samples a second of `sparge worker watch`, from its first transaction to its last."""
    with servers() as (broker, database):
        samples = fill(broker, UNITS, frames, times)
        reached: dict[int, int] = {}
        began_s = 0.0
        with worker("watch", broker, database):
            everything = UNITS * frames
            for record in tail(
                broker,
                [WATCH_STATE.name],
                start="beginning",
                stop=lambda: sum(reached.values()) >= everything,
            ):
                if record.key == POSITION_KEY and record.value:
                    began_s = began_s or time.monotonic()
                    reached[record.partition] = int(orjson.loads(record.value)["next_offset"])
        return samples / (time.monotonic() - began_s)


def main(argv: list[str]) -> int:
    """Measure every shape of frame and tell."""
    figures = []
    for shape, (times, frames) in SHAPES.items():
        logic = logic_rate(times, frames)
        whole = worker_rate(times, frames)
        figures += [
            Figure(f"watch's logic, {shape}", logic, "samples/s"),
            Figure(f"watch worker, {shape}", whole, "samples/s", whole / logic, "its logic alone"),
        ]
    return Report("watch", tuple(figures)).tell(argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
