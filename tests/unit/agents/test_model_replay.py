"""A replay is held against what was stored, number by number."""

from __future__ import annotations

import math

import pytest

from agents.model_replay import Differences, Key, Replay, Said, compare
from agents.models import residual
from agents.partition_watch import PartitionWatch
from schemas.frame import SensorFrame, SignalColumn
from schemas.score import ScoreMessage
from streams.record import Record

KEY = Key(7, "DO", 1_790_000_000_000_000)
OTHER = Key(8, "DO", 1_790_000_001_000_000)
SAID = Said((40.0, 39.9, 0.1 + 0.2), suspect=False, learned=True)


def changed(score: float, *, suspect: bool = False) -> Said:
    return Said((40.0, 39.9, score), suspect, learned=True)


def test_the_same_numbers_are_identical() -> None:
    found = compare({KEY: SAID, OTHER: SAID}, {OTHER: SAID, KEY: SAID})
    assert (found, found.none) == (Differences(identical=2), True)


@pytest.mark.parametrize(
    ("now", "counted"),
    [
        (changed(math.nextafter(0.1 + 0.2, 1.0)), "near"),
        (changed(0.3001), "other"),
        (changed(0.1 + 0.2, suspect=True), "other"),
    ],
)
def test_what_differs_is_near_or_other_and_the_first_is_named(now: Said, counted: str) -> None:
    found = compare({KEY: SAID, OTHER: SAID}, {KEY: SAID, OTHER: now})
    assert (found.identical, getattr(found, counted), found.none) == (1, 1, False)
    assert found.first == (OTHER, SAID, now)


def test_what_only_one_side_has_is_counted_on_that_side() -> None:
    found = compare({KEY: SAID}, {OTHER: SAID})
    assert (found.missing, found.added, found.first) == (1, 1, (KEY, SAID, None))


def test_nothing_compared_is_not_identical() -> None:
    assert not compare({}, {}).none


def frame(number: int, unit: str) -> Record:
    at_us = 1_790_000_000_000_000 + number * 5_000_000
    body = SensorFrame(
        site="north",
        unit=unit,
        device="d",
        epoch=1,
        sequence=number,
        time_us=[at_us],
        signals={"DO": SignalColumn(unit="%", values=[40.0 + 0.1 * math.sin(number)])},
    ).encode()
    return Record("telemetry.frames", 0, number, at_us + 500_000, f"north/{unit}".encode(), body)


def test_a_replay_says_what_watch_said_though_other_units_are_passed_over() -> None:
    log = [frame(number, "BR-01" if number % 2 else "BR-02") for number in range(260)]
    digest = residual.shipped().digest
    watched = PartitionWatch("telemetry.frames", "t0p1c", 0).judge(log).outputs
    wanted = {
        Key(one.source.offset, score.signal, score.time_us): score.score
        for one in watched
        if isinstance(one, ScoreMessage) and one.unit == "BR-01" and one.model.digest == digest
        for score in one.scores
    }
    replay = Replay(
        *("north/BR-01", "telemetry.frames", "t0p1c", 0), batch_events=(), model_events=(), digest=digest
    )
    said = [one for begin in range(0, 260, 50) for one in replay.take(log[begin : begin + 50])]
    assert wanted
    assert {key: one.numbers[2] for key, one in said} == wanted
    assert replay.frames == 130
