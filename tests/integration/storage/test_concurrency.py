"""Writers of different partitions that meet on the same samples: nobody is locked out, nothing is lost."""

from __future__ import annotations

import contextlib
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from storage.store import DatabaseBusy, Store
from tests.integration.storage.frames import FRAMES, HISTORY, T0_US, column, register, stored

if TYPE_CHECKING:
    from collections.abc import Sequence

    from storage.records import StoredFrame
    from tests.integration.storage.frames import Rows

TIMES = 40
ROUNDS = 12


def batches(topic: str, device: str, seed: int) -> list[list[StoredFrame]]:
    """Frames that all tell of the same few seconds, two units and three signals, in batches of four."""
    chance = random.Random(seed)
    frames = []
    for offset in range(4 * ROUNDS):
        columns = [
            column(
                name,
                [float(chance.randrange(3)) for _ in range(TIMES)],
                times_us=[T0_US + 1000 * t for t in range(TIMES)],
            )
            for name in chance.sample(["DO", "extra", "other"], 2)
        ]
        frames.append(
            stored(
                columns,
                unit=f"BR-{offset % 2}",
                device=device,
                sequence=offset,
                offset=offset,
                topic=topic,
                recorded_us=T0_US + chance.randrange(10_000),
            )
        )
    return [frames[i : i + 4] for i in range(0, len(frames), 4)]


def write_all(
    conninfo: str, topic: str, todo: Sequence[Sequence[StoredFrame]], start: threading.Barrier
) -> int:
    """Write the batches of one partition as a sink does: try again when busy; returns how often it was."""
    busy = 0
    with Store(conninfo, application=topic) as store:
        register(store)
        start.wait(10)
        for batch in todo:
            while True:
                try:
                    with store.transaction("ingest", [(topic, 0)]) as transaction:
                        transaction.write_frames(batch)
                        transaction.advance({(topic, 0): batch[-1].offset + 1})
                    break
                except DatabaseBusy:
                    busy += 1
    return busy


def test_two_writers_of_the_same_samples_end_with_the_latest_version_of_each(
    store_database: str, rows: Rows
) -> None:
    todo = {topic: batches(topic, f"to-{topic}", seed) for seed, topic in enumerate([FRAMES, HISTORY])}
    start = threading.Barrier(2)
    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(write_all, store_database, t, b, start) for t, b in todo.items()]:
            done.result(120)

    everything = sorted((f for b in todo.values() for batch in b for f in batch), key=lambda f: f.rank)
    expected = {
        (f.frame.unit, c.name, int(t)): float(v)
        for f in everything
        for c in f.frame.columns
        for t, v in zip(c.time_us, c.values, strict=True)
    }
    found = rows(
        "SELECT unit, signal, (extract(epoch FROM time) * 1000000)::bigint, value FROM sparge.samples"
    )
    assert {(unit, signal, time): value for unit, signal, time, value in found} == expected
    assert len(found) == len(expected)
    assert rows("SELECT count(*) FROM sparge.frame") == [(len(everything),)]
    assert rows("SELECT DISTINCT next_offset FROM sparge.progress WHERE partition = 0") == [(4 * ROUNDS,)]


def test_a_deadlock_ends_in_one_transaction_that_can_be_tried_again(store_database: str, rows: Rows) -> None:
    """Two calls in one transaction take their locks in two orders: what one sorted call cannot do."""
    with Store(store_database, application="before") as store:
        register(store)
        with store.transaction("ingest", [(FRAMES, 1)]) as transaction:
            # A new chunk of a hypertable makes the second writer wait for the first: let it be there.
            transaction.write_frames([stored([column("DO", [0.0], start_us=T0_US + 2)], device="before")])
    meeting = threading.Barrier(2)
    first = column("DO", [1.0])
    second = column("DO", [1.0], start_us=T0_US + 1)

    def write(topic: str, order: Sequence[int]) -> int:
        frames = [
            stored([(first, second)[i]], device=topic, sequence=i, offset=i, topic=topic) for i in order
        ]
        with Store(store_database, application=topic) as store:
            register(store)
            for attempt in range(5):
                with (
                    contextlib.suppress(DatabaseBusy),
                    store.transaction("ingest", [(topic, 0)]) as transaction,
                ):
                    transaction.write_frames(frames[:1])
                    if attempt == 0:
                        meeting.wait(10)
                    transaction.write_frames(frames[1:])
                    transaction.advance({(topic, 0): 2})
                if store.positions("ingest", [(topic, 0)]) == {(topic, 0): 2}:
                    return attempt
        return 99

    with ThreadPoolExecutor(2) as pool:
        writing = [pool.submit(write, FRAMES, (0, 1)), pool.submit(write, HISTORY, (1, 0))]
        assert sorted(done.result(60) for done in writing) == [0, 1]
    assert rows("SELECT count(*) FROM sparge.frame") == [(5,)]
    assert rows("SELECT count(*) FROM sparge.samples") == [(3,)]


def test_two_workers_that_meet_a_new_unit_at_once_create_it_once(store_database: str, rows: Rows) -> None:
    start = threading.Barrier(2)
    todo = {
        topic: [
            [stored([column(f"x{i}", [1.0], unit="g")], device=topic, sequence=i, offset=i, topic=topic)]
            for i in range(10)
        ]
        for topic in (FRAMES, HISTORY)
    }
    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(write_all, store_database, t, b, start) for t, b in todo.items()]:
            done.result(60)
    assert rows("SELECT count(*), count(DISTINCT signal) FROM sparge.signals") == [(10, 10)]
    assert rows("SELECT count(*) FROM sparge.units") == [(1,)]
