"""What watch makes of frames: its logic alone on one core, with all layers of models, and the whole worker.

Beside it plain River doing the same layers on the same stream in the same run.
"""

from __future__ import annotations

import gc
import sys
import time
from typing import TYPE_CHECKING

import orjson
from confluent_kafka import Producer

from agents.models.lineup import Lineup
from agents.partition_watch import PartitionWatch
from agents.unit_watch import UnitWatch
from agents.watch_position import POSITION_KEY
from bench._plain_river import PlainRiver
from bench._report import Figure, Report
from bench._stream import NAMES, SIGNALS, frame, records, values
from bench._system import servers, worker
from schemas.decoding import Frame, decode_message
from schemas.source import Source
from sparge.worker import CYCLES_AFTER
from streams.codec import outgoing
from streams.tail import tail
from streams.topics import FRAMES, WATCH_STATE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from streams.record import Record

UNITS = 4
SHAPES = {"30 signals x 10 s a frame": 10, "30 signals x 1 s a frame": 1}
"""Times a frame."""

WARM_S = 6000
"""Seconds of every unit after which all layers have their baseline."""

ROUNDS = 5
ROUND_FRAMES = 100
"""The best of several rounds counts: whatever else the machine does can only slow one down."""

WORKER_FRAMES = 150
RIVER_S = 200
TARGET = 200_000.0
RIVER_DOES = """HoltWinters and GaussianScorer a signal (5 s), EwaCovariance with T2 and HalfSpaceTrees a unit
  (10 s), HoltWinters for forecasts (30 s); without decoding, health, alarms, intervals or memory"""


def watch_after_its_baselines(times: int) -> tuple[PartitionWatch, int]:
    """A watch of several units whose models all speak, and the next sequence."""
    watch = PartitionWatch(FRAMES.name, "bench", 0)
    frames = WARM_S // 10
    watch.judge(records(UNITS, 0, frames, 10))
    if times == 10:
        return watch, frames
    # A frame of one second has the number of its second; offsets go on behind those of the long frames.
    return watch, WARM_S


def rate(what: object, samples: int) -> float:
    """Samples a second of a call without arguments."""
    began_s = time.perf_counter()
    what()  # type: ignore[operator]  # a callable
    return samples / (time.perf_counter() - began_s)


def logic_rate(watch: PartitionWatch, sequence: int, times: int) -> float:
    """Samples a second of decoding and judging, without broker, in this process."""
    best = 0.0
    for number in range(ROUNDS):
        portion = records(UNITS, sequence + number * ROUND_FRAMES, ROUND_FRAMES, times)
        best = max(best, rate(lambda portion=portion: watch.judge(portion), len(portion) * times * SIGNALS))
    return best


def decoding_rate(portion: Sequence[Record], times: int) -> float:
    """Samples a second of decoding alone."""

    def decode() -> None:
        for record in portion:
            decode_message(record.value, record.key, record.recorded_us)

    return max(rate(decode, len(portion) * times * SIGNALS) for _ in range(ROUNDS))


def alarms_rate(portion: Sequence[Record], times: int) -> float:
    """Samples a second of limits and health alone, of frames that are decoded already."""
    frames = [decode_message(record.value, record.key, record.recorded_us) for record in portion]
    source = Source(topic_id="bench", topic=FRAMES.name, partition=0, offset=0, index=0)

    def judge() -> None:
        nothing = Lineup(())
        units = {
            key: UnitWatch("bench", key, choose=lambda _: nothing)
            for key in {f.key for f in frames if isinstance(f, Frame)}
        }
        for each, record in zip(frames, portion, strict=True):
            if isinstance(each, Frame):
                units[each.key].on_frame(each, record.recorded_us, lambda: source)

    return max(rate(judge, len(portion) * times * SIGNALS) for _ in range(ROUNDS))


def river_rate() -> float:
    """Samples a second of plain River doing the same layers."""
    rows = [dict(zip(NAMES, values(0, second).tolist(), strict=True)) for second in range(2 * RIVER_S)]
    plain = PlainRiver(NAMES)
    for second in range(RIVER_S):
        plain.take(second, rows[second])

    def play() -> None:
        for second in range(RIVER_S, 2 * RIVER_S):
            plain.take(second, rows[second])

    return rate(play, RIVER_S * SIGNALS)


def snapshot(watch: PartitionWatch) -> tuple[float, float]:
    """Bytes a signal of the memories of all units, everything counted, and milliseconds a unit."""
    keys = sorted(watch.units)
    began_s = time.perf_counter()
    entries = watch.state_entries(keys)
    took_s = time.perf_counter() - began_s
    memories = [len(key) + len(body) for key, body in entries if key != POSITION_KEY]
    return sum(memories) / (len(keys) * SIGNALS), took_s / len(keys) * 1e3


def worker_rate(times: int, frames: int) -> tuple[float, float]:
    """Samples a second of `sparge worker watch`, from first to last transaction; bytes of state a sample."""
    with servers() as (broker, database):
        producer = Producer({**broker.producing(), "compression.type": "lz4"})
        for sequence in range(frames):
            for unit in range(UNITS):
                key, body, headers = outgoing(frame(unit, sequence, times))
                producer.produce(FRAMES.name, body, key, headers=list(headers))
                producer.poll(0)
        producer.flush(60)
        reached: dict[int, int] = {}
        began_s = 0.0
        state_bytes = 0
        with worker("watch", broker, database):
            everything = UNITS * frames
            for record in tail(
                broker,
                [WATCH_STATE.name],
                start="beginning",
                stop=lambda: sum(reached.values()) >= everything,
            ):
                state_bytes += len(record.value or b"")
                if record.key == POSITION_KEY and record.value:
                    began_s = began_s or time.monotonic()
                    reached[record.partition] = int(orjson.loads(record.value)["next_offset"])
        samples = UNITS * frames * times * SIGNALS
        return samples / (time.monotonic() - began_s), state_bytes / samples


def main(argv: list[str]) -> int:
    """Measure every shape of frame and tell."""
    # As a worker does.
    gc.freeze()
    gc.set_threshold(*CYCLES_AFTER)
    figures: list[Figure] = []
    observations: list[str] = []
    river = max(river_rate() for _ in range(ROUNDS))
    for shape, times in SHAPES.items():
        watch, sequence = watch_after_its_baselines(times)
        logic = logic_rate(watch, sequence, times)
        if times == 10:
            figures.append(
                Figure(f"watch's logic, all layers, {shape}", logic, "samples/s", logic / TARGET, "target")
            )
            figures.append(
                Figure("plain River, the same layers", river, "samples/s", river / logic, "watch's logic")
            )
            size, took_ms = snapshot(watch)
            figures.append(Figure("memory in watch.state", size, "B a signal", size / 8192, "8 KiB"))
            observations += shares(logic, times, took_ms)
        else:
            figures.append(Figure(f"watch's logic, all layers, {shape}", logic, "samples/s"))
        whole, state_bytes = worker_rate(times, WORKER_FRAMES * (1 if times == 10 else 4))
        figures.append(Figure(f"watch worker, {shape}", whole, "samples/s", whole / logic, "its logic alone"))
        figures.append(Figure(f"written to watch.state, {shape}", state_bytes, "B a sample"))
    return Report("watch", tuple(figures), tuple(observations)).tell(argv)


def shares(logic: float, times: int, took_ms: float) -> list[str]:
    """Where the time of a frame goes."""
    portion = records(UNITS, 0, ROUND_FRAMES, times)
    frame_us = times * SIGNALS / logic * 1e6
    decoding_us = times * SIGNALS / decoding_rate(portion, times) * 1e6
    alarms_us = times * SIGNALS / alarms_rate(portion, times) * 1e6
    models_us = frame_us - decoding_us - alarms_us
    where = (
        f"{decoding_us:.0f} us to decode, {alarms_us:.0f} for limits and health, {models_us:.0f} for models"
    )
    return [
        f"a frame of {times * SIGNALS} samples takes {frame_us:.0f} us: {where} and messages",
        f"writing the memory of a unit takes {took_ms:.2f} ms, once in 60 frames or more",
        f"plain River: {RIVER_DOES}",
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
