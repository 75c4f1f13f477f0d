"""`sparge up` with real servers: what it starts it keeps running, and leaves nothing of it behind."""

from __future__ import annotations

import os
import signal
import sys
import time
from typing import TYPE_CHECKING, TypeVar

import psutil
import pytest

from sparge.home import Home
from storage.store import Store
from streams.topics import FRAMES
from tests.integration.sparge.command_line import STOP_WITHIN_S, CommandLine

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    from streams.connection import Broker

T = TypeVar("T")

UP_WITHIN_S = 120.0
TIED_WITHIN_S = 10.0
"""A supervisor that is killed leaves a broker that still closes its log: it takes 2 s."""

WORKERS = {"ingest", "watch", "record", "maintain"}


def until(look: Callable[[], T | None], within_s: float = UP_WITHIN_S) -> T:
    deadline = time.monotonic() + within_s
    while not (found := look()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.2)
    return found


def pids(home: Path) -> dict[str, int]:
    """Process ids by part, once everything runs."""
    running = Home(home).running()
    found = {part.name: part.pid for part in running.parts if part.pid} if running else {}
    return found if set(found) >= WORKERS else {}


def said(process: subprocess.Popen[str]) -> str:
    out, _ = process.communicate(timeout=STOP_WITHIN_S)
    return out


def test_what_is_named_is_used_and_only_workers_are_started(
    topics: Broker, store_database: str, tmp_path: Path
) -> None:
    sparge = CommandLine(tmp_path, SPARGE_BROKER=topics.bootstrap, SPARGE_DATABASE=store_database)
    with sparge.running("up") as up:
        before = until(lambda: pids(tmp_path))
        assert set(before) == WORKERS
        os.kill(before["record"], signal.SIGKILL)
        until(lambda: pids(tmp_path).get("record", before["record"]) != before["record"])
        up.send_signal(signal.SIGTERM)
        told = said(up)
    assert "record ended after" in told
    assert "killed by SIGKILL" in told
    assert "(SPARGE_BROKER)" in told
    assert not any(psutil.pid_exists(pid) for pid in before.values())


def test_a_log_that_the_database_does_not_know_is_refused_until_it_is_adopted(
    topics: Broker, store_database: str, tmp_path: Path
) -> None:
    frames = FRAMES.name
    with Store(store_database, application="test") as store:
        store.register_log("ingest", "another-cluster", {frames: "another-id"}, {frames: FRAMES.partitions})
    sparge = CommandLine(tmp_path, SPARGE_BROKER=topics.bootstrap, SPARGE_DATABASE=store_database)
    with sparge.running("up") as up:
        told = said(up)
        assert up.returncode == 1
    assert "up --adopt" in told
    with sparge.running("up", "--adopt") as up:
        until(lambda: pids(tmp_path))


def test_what_is_not_named_is_embedded_found_by_others_and_leaves_nothing(tmp_path: Path) -> None:
    sparge = CommandLine(tmp_path)
    with sparge.running("up") as up:
        running = until(lambda: pids(tmp_path))
        assert set(running) == {"kafka", "database"} | WORKERS
        assert "4 samples" in sparge.done(
            *("publish", "--site", "north", "--unit", "BR-01"), stdin="DO=1 pH=7\nDO=2 pH=7\n"
        )
        until(lambda: "north/BR-01" in sparge.run("doctor").stdout)
        second = sparge.run("up")
        assert second.code == 3
        assert f"as pid {up.pid}" in second.stdout
        assert f"{running['kafka']}" in second.stdout
        up.send_signal(signal.SIGINT)
        began_s = time.monotonic()
        told = said(up)
    assert time.monotonic() - began_s < STOP_WITHIN_S
    assert up.returncode == 0
    assert "no hypertables" in told
    assert "no replication" in told
    password = (tmp_path / "postgres" / "password").read_text().strip()
    assert password not in told + second.stdout
    assert not any(psutil.pid_exists(pid) for pid in running.values())

    with sparge.running("up") as up:
        until(lambda: pids(tmp_path))
        assert "4 rows" in sparge.done(
            "query", "north/BR-01", "--last", "1h", "--format", "csv", "--out", str(tmp_path / "kept.csv")
        )
        processes = [psutil.Process(up.pid), *psutil.Process(up.pid).children(recursive=True)]
        if sys.platform == "linux":
            up.kill()
            _, alive = psutil.wait_procs(processes, timeout=TIED_WITHIN_S)
            assert not alive


@pytest.mark.parametrize("after_s", [1.0, 2.0, 3.0])
def test_a_start_that_is_cut_short_leaves_nothing(tmp_path: Path, after_s: float) -> None:
    with CommandLine(tmp_path).running("up") as up:
        until((tmp_path / "up.lock").exists)
        time.sleep(after_s)
        up.send_signal(signal.SIGINT)
        said(up)
    left = [
        process.info["cmdline"]
        for process in psutil.process_iter(["cmdline"])
        if any(str(tmp_path) in word for word in process.info["cmdline"] or ())
    ]
    assert left == []
