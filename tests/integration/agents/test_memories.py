"""Models live through kills: what watch says of scores and forecasts is what one says that never stopped."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
import orjson
import pytest
from confluent_kafka import Producer

from agents.watch_position import POSITION_KEY
from schemas.alarm import AlarmTransition
from schemas.frame import SensorFrame, SignalColumn
from schemas.score import ScoreMessage
from streams.tail import read_all
from streams.topics import WATCH_RESULTS, WATCH_STATE
from tests.integration.agents.watching import bodies, judged_at_once, send_frames, wait_until_watched

if TYPE_CHECKING:
    from collections.abc import Callable

    from streams.connection import Broker
    from tests.integration.agents.workers import Worker

SIGNALS = {"pH": ("[pH]", 7.0, 0.005), "DO": ("%", 40.0, 0.3), "temperature": ("Cel", 37.0, 0.02)}
TIMES = 10
FRAMES_A_UNIT = 120
UNITS = ("BR-01", "BR-02")


def frame(unit: str, sequence: int, start_us: int) -> SensorFrame:
    """Ten seconds of a unit; DO of the first one leaves its place late in the recording."""
    random = np.random.default_rng([UNITS.index(unit), sequence])
    off = 30.0 if unit == "BR-01" and sequence > 100 else 0.0
    return SensorFrame(
        site="north",
        unit=unit,
        device="recorder",
        epoch=1,
        sequence=sequence,
        time_us=[start_us + (sequence * TIMES + second) * 1_000_000 for second in range(TIMES)],
        signals={
            name: SignalColumn(
                unit=code,
                values=(level + off * (name == "DO") + noise * random.standard_normal(TIMES)).tolist(),
            )
            for name, (code, level, noise) in SIGNALS.items()
        },
    )


def send(broker: Broker, first: int, last: int, start_us: int) -> dict[int, int]:
    """Send these frames of all units; returns where each partition ends then."""
    every = ((sequence, unit) for sequence in range(first, last) for unit in UNITS)
    return send_frames(broker, (frame(unit, sequence, start_us) for sequence, unit in every))


def without_a_stop(broker: Broker) -> dict[int, list[bytes]]:
    """By partition what one says that judges the whole log at once."""
    return {
        partition: [one.encode() for one in outputs if not isinstance(one, AlarmTransition)]
        for partition, outputs in judged_at_once(broker).items()
    }


@pytest.mark.timeout(300)
def test_scores_and_forecasts_go_on_bit_by_bit_through_kills_and_an_orderly_stop(
    topics: Broker, start: Callable[..., Worker]
) -> None:
    start_us = time.time_ns() // 1000 - 3_600_000_000
    worker = start("watch", broker=topics.bootstrap)
    for first, last in ((0, 40), (40, 80), (80, 110)):
        ends = send(topics, first, last, start_us)
        wait_until_watched(topics, ends, [worker], within_s=120)
        worker.kill()
        worker.keep_alive()
    ends = send(topics, 110, 115, start_us)
    wait_until_watched(topics, ends, [worker], within_s=120)
    worker.stop()
    after_an_orderly_stop = start("watch", broker=topics.bootstrap)
    ends = send(topics, 115, FRAMES_A_UNIT, start_us)
    wait_until_watched(topics, ends, [after_an_orderly_stop], within_s=120)
    after_an_orderly_stop.stop()

    told, expected = bodies(topics, WATCH_RESULTS.name), without_a_stop(topics)
    for partition, wanted in expected.items():
        # Ticks that came after the last frame say nothing of models.
        assert told[partition] == wanted
    scores = [
        ScoreMessage.decode(body)
        for bodies in told.values()
        for body in bodies
        if b'"sparge.score/1"' in body
    ]
    late = [one for message in scores for one in message.scores if one.signal == "DO" and one.suspect]
    assert late
    memories = [r for r in read_all(topics, WATCH_STATE.name) if r.key != POSITION_KEY]
    assert len(memories) < FRAMES_A_UNIT


@pytest.mark.timeout(180)
def test_a_memory_of_another_installation_is_refused_and_the_unit_starts_anew(
    topics: Broker, start: Callable[..., Worker]
) -> None:
    start_us = time.time_ns() // 1000 - 3_600_000_000
    ours = start("watch", broker=topics.bootstrap)
    wait_until_watched(topics, send(topics, 0, 10, start_us), [ours])
    ours.stop()
    theirs = start("watch", broker=topics.bootstrap, SPARGE_STATE_KEY="the key of another one")
    wait_until_watched(topics, send(topics, 10, 20, start_us), [theirs])
    assert "written with another key" in theirs.log()
    assert "the position was refused" in theirs.log()
    assert theirs.alive


@pytest.mark.timeout(180)
def test_a_position_that_somebody_moved_on_is_refused_and_no_frame_passes_unwatched(
    topics: Broker, start: Callable[..., Worker]
) -> None:
    start_us = time.time_ns() // 1000 - 3_600_000_000
    worker = start("watch", broker=topics.bootstrap)
    wait_until_watched(topics, send(topics, 0, 20, start_us), [worker])
    # Its last memory is older than what it has told.
    worker.kill()
    send(topics, 20, 30, start_us)
    forger = Producer(topics.producing())
    for record in read_all(topics, WATCH_STATE.name):
        if record.key == POSITION_KEY and record.value:
            position = orjson.loads(record.value)
            moved = orjson.dumps({**position, "next_offset": position["next_offset"] + 5})
            forger.produce(WATCH_STATE.name, moved, POSITION_KEY, partition=record.partition)
    forger.flush(30)
    after = start("watch", broker=topics.bootstrap)
    wait_until_watched(topics, send(topics, 30, 40, start_us), [after])
    after.stop()
    assert "it was changed, or written with another key" in after.log()
    told, expected = bodies(topics, WATCH_RESULTS.name), without_a_stop(topics)
    for partition, wanted in expected.items():
        # What came after the last memory may have been told again, word for word.
        assert list(dict.fromkeys(told[partition])) == wanted
