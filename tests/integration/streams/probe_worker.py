"""A worker for tests: a sink in miniature whose database is one SQLite file. Run as a process; see `Plan`."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
import time
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import structlog

from streams.connection import Broker
from streams.faust_app import batches, make_app, run

if TYPE_CHECKING:
    from collections.abc import Collection

    import faust

    from streams.record import Record, TopicPartition

MAX_RECORDS = 200


@dataclass
class Plan:
    """What the process does.

    start: "database" reads positions there, "raise" and "hang" do so instead of answering.
    starts: overrules the database, by partition.
    agent: "write" to the database and acknowledge, "keep" without acknowledging, "fail" at the first batch.
    """

    bootstrap: str
    topic: str
    group: str
    folder: str
    start: str = "database"
    starts: dict[str, int] = field(default_factory=dict)
    agent: str = "write"
    read_committed: bool = False

    def argument(self) -> str:
        return json.dumps(asdict(self))

    @property
    def database(self) -> Path:
        return Path(self.folder) / "sink.sqlite"

    @property
    def stalled(self) -> Path:
        """While this file is there the agent waits with its batch, as if its database were away."""
        return Path(self.folder) / "stalled"


def create_database(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("CREATE TABLE position (partition INTEGER PRIMARY KEY, next INTEGER NOT NULL)")
        database.execute("CREATE TABLE record (partition, offset, recorded_us, key, value, headers)")
        database.commit()


def written(path: Path) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path, timeout=30)) as database:
        return database.execute("SELECT * FROM record ORDER BY partition, offset").fetchall()


def write(path: Path, records: list[Record]) -> None:
    """One transaction: rows and positions. A hole, which this topic cannot have, is an error."""
    with closing(sqlite3.connect(path, timeout=30, isolation_level=None)) as database:
        database.execute("BEGIN IMMEDIATE")
        positions = dict(database.execute("SELECT partition, next FROM position").fetchall())
        due: list[tuple[Any, ...]] = []
        for record in sorted(records, key=lambda record: (record.partition, record.offset)):
            expected = positions.get(record.partition, 0)
            if record.offset < expected:
                continue
            if record.offset > expected:
                raise ValueError(f"partition {record.partition}: {record.offset} follows {expected}")
            positions[record.partition] = record.offset + 1
            due.append(_row(record))
        database.executemany("INSERT INTO record VALUES (?, ?, ?, ?, ?, ?)", due)
        database.executemany("INSERT OR REPLACE INTO position VALUES (?, ?)", positions.items())
        database.execute("COMMIT")


def keep(path: Path, records: list[Record]) -> None:
    """Rows without positions: what was delivered, in the order of delivery."""
    with closing(sqlite3.connect(path, timeout=30)) as database:
        database.executemany("INSERT INTO record VALUES (?, ?, ?, ?, ?, ?)", map(_row, records))
        database.commit()


def wait_while(path: Path) -> None:
    while path.exists():
        time.sleep(0.1)


def _row(record: Record) -> tuple[Any, ...]:
    headers = json.dumps([(name, value.decode()) for name, value in record.headers])
    return record.partition, record.offset, record.recorded_us, record.key, record.value, headers


def say(event: str, **facts: Any) -> None:
    sys.stdout.write(json.dumps({"event": event, **facts}) + "\n")
    sys.stdout.flush()


def _numbers(partitions: Collection[TopicPartition]) -> list[int]:
    return [tp.partition for tp in partitions]


async def main(plan: Plan) -> int:
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))

    async def start_at(partitions: Collection[TopicPartition]) -> dict[TopicPartition, int]:
        say("asked", partitions=_numbers(partitions))
        if plan.start == "raise":
            raise ConnectionError("the database is away")
        if plan.start == "hang":
            await asyncio.sleep(1_000)
        with closing(sqlite3.connect(plan.database, timeout=30)) as database:
            stored: dict[int, int] = dict(database.execute("SELECT partition, next FROM position").fetchall())
        return {tp: plan.starts.get(str(tp.partition), stored.get(tp.partition, 0)) for tp in partitions}

    app = make_app(
        plan.group,
        Broker(plan.bootstrap),
        [plan.topic],
        start_at=start_at,
        read_committed=plan.read_committed,
        data_dir=Path(plan.folder) / "faust",
        on_assigned=lambda partitions: say("assigned", partitions=_numbers(partitions)),
        on_revoked=lambda partitions: say("revoked", partitions=_numbers(partitions)),
    )

    async def agent(stream: faust.Stream[bytes]) -> None:
        async for batch in batches(stream, max_records=MAX_RECORDS, within_s=0.1):
            records = [record for _, record in batch]
            if plan.agent == "fail":
                raise ValueError("the agent failed")
            await asyncio.to_thread(wait_while, plan.stalled)
            store = write if plan.agent == "write" else keep
            await asyncio.to_thread(store, plan.database, records)
            if plan.agent == "write":
                for event, _ in batch:
                    await stream.ack(event)
            say("batch", size=len(batch))

    declared: Any = agent  # Faust types an agent's stream by an interface that lacks noack_take
    app.agent(app.topic(plan.topic))(declared)
    return await run(app)


if __name__ == "__main__":
    sys.exit(asyncio.run(main(Plan(**json.loads(sys.argv[1])))))
