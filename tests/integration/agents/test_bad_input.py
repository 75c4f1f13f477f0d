"""What cannot be understood goes to the dead letters as it came, and the worker goes on."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
import psycopg
import pytest
from confluent_kafka import Producer

from schemas.deadletter import DeadLetter
from schemas.errors import Reason
from streams.tail import read_all
from streams.topics import DEADLETTER, FRAMES
from tests.integration.agents.workers import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from streams.connection import Broker
    from tests.integration.agents.workers import Worker

KEY = b"north/BR-01"
NOW_US = time.time_ns() // 1000
CODECS = ("none", "gzip", "snappy", "lz4", "zstd")


def frame(sequence: int, **changes: Any) -> dict[str, Any]:
    body = {
        "schema": "sparge.frame/1",
        "site": "north",
        "unit": "BR-01",
        "device": "foreign",
        "epoch": 1,
        "sequence": sequence,
        "time_us": [NOW_US + 2 * sequence, NOW_US + 2 * sequence + 1],
        "signals": {"DO": {"unit": "%", "values": [float(sequence), 39.8]}},
    }
    return {**body, **changes}


def without(name: str) -> dict[str, Any]:
    return {key: value for key, value in frame(900).items() if key != name}


def signals(unit: str, *values: float) -> dict[str, Any]:
    return {"DO": {"unit": unit, "values": values}}


@dataclass(frozen=True)
class Bad:
    reason: Reason
    value: bytes
    key: bytes = KEY


BAD = (
    Bad(Reason.NOT_JSON, b"\xff\x00 no JSON"),
    Bad(Reason.MISSING_FIELD, orjson.dumps(without("device"))),
    Bad(Reason.RAGGED, orjson.dumps(frame(901, signals=signals("%", 1.0, 2.0, 3.0)))),
    Bad(Reason.UNKNOWN_UNIT, orjson.dumps(frame(902, signals=signals("furlong", 1.0, 2.0)))),
    Bad(Reason.KEY_MISMATCH, orjson.dumps(frame(903)), key=b"north/BR-02"),
    Bad(Reason.TOO_LARGE, orjson.dumps(frame(904, note="x" * 300 * 1024))),
    Bad(Reason.TIME_AHEAD, orjson.dumps(frame(905, time_us=[NOW_US, NOW_US + 2 * 86_400_000_000]))),
    Bad(Reason.UNKNOWN_VERSION, orjson.dumps(frame(906, schema="sparge.frame/2"))),
    # Only the database knows in which unit a signal of nobody's dictionary came first.
    Bad(Reason.UNIT_CONFLICT, orjson.dumps(frame(907, signals={"odour": {"unit": "Cel", "values": [1, 2]}}))),
)
ODOUR = frame(500, signals={"odour": {"unit": "%", "values": [1.0, 2.0]}})
GAP = frame(501, signals={"DO": {"unit": "%", "values": [None, 40.5]}})


@pytest.mark.timeout(120)
def test_in_every_codec_bad_messages_become_dead_letters_and_their_neighbours_rows(
    topics: Broker, store_database: str, start: Callable[..., Worker]
) -> None:
    worker = start("ingest", broker=topics.bootstrap, database=store_database)
    expected = set()
    sequence = 0
    for codec in CODECS:
        producer = Producer({**topics.confluent(), "compression.type": codec, "linger.ms": 200})
        for body in (ODOUR, GAP):
            producer.produce(FRAMES.name, orjson.dumps(body), KEY, partition=0)
        for bad in BAD:
            good = frame(sequence)
            producer.produce(FRAMES.name, orjson.dumps(good), KEY, partition=0)
            producer.produce(FRAMES.name, bad.value, bad.key, partition=0, headers=[("codec", codec)])
            expected |= {(good["time_us"][0], float(sequence)), (good["time_us"][1], 39.8)}
            sequence += 1
        assert producer.flush(20) == 0

    def letters() -> list[DeadLetter]:
        told = [DeadLetter.decode(record.value or b"") for record in read_all(topics, DEADLETTER.name)]
        return sorted(told, key=lambda letter: letter.source.offset)

    wait_until(lambda: len(letters()) >= len(CODECS) * len(BAD), [worker])
    told = letters()
    assert [(one.reason, one.original, one.original_key) for one in told] == [
        (bad.reason, bad.value, bad.key) for _ in CODECS for bad in BAD
    ]
    assert [one.original_headers for one in told[:: len(BAD)]] == [[("codec", c.encode())] for c in CODECS]
    assert len({one.source.id for one in told}) == len(told)

    with psycopg.connect(store_database) as connection:
        rows = connection.execute(
            "SELECT signal, (extract(epoch FROM time) * 1000000)::bigint, value, good FROM sparge.samples"
        ).fetchall()
        repeats = connection.execute("SELECT repeated_frames FROM sparge.units").fetchall()
    gap_us, next_us = GAP["time_us"]
    assert {(time_us, value) for signal, time_us, value, good in rows if signal == "DO" and good} == {
        *expected,
        (next_us, 40.5),
    }
    assert [row[2:] for row in rows if row[1] == gap_us] == [(None, False)]
    assert len(rows) == len(expected) + 4
    assert repeats == [(2 * (len(CODECS) - 1),)]
    assert worker.starts == 1
