"""The supervisor with real processes: small ones."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from schemas.errors import PartFailed
from sparge.supervisor import Part, Supervisor, last_words, pause_s, show_exit, tied, trim

if TYPE_CHECKING:
    from collections.abc import Callable

QUIET = "import time; time.sleep(60)"
DEAF = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); {QUIET}"
CHECKOUT = Path(__file__).parents[3]


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def part(tmp_path: Path, name: str, code: str, stage: int = 0) -> Part:
    return Part(name, lambda: tied(python(code)), tmp_path / "logs" / f"{name}.log", stage)


def run_until(supervisor: Supervisor, condition: Callable[[], bool], within_s: float = 10.0) -> None:
    deadline = time.monotonic() + within_s
    supervisor.run(until=lambda: condition() or time.monotonic() > deadline)
    assert condition()


def pids(supervisor: Supervisor) -> dict[str, int]:
    return {kept.part.name: kept.process.pid for kept in supervisor.kept() if kept.process is not None}


def test_pauses_between_starts_double_up_to_half_a_minute() -> None:
    assert [pause_s(failures) for failures in range(1, 8)] == [1, 2, 4, 8, 16, 30, 30]


def test_a_part_that_dies_is_said_to_have_died_and_is_started_again(tmp_path: Path) -> None:
    told: list[str] = []
    supervisor = Supervisor(told.append)
    supervisor.add(part(tmp_path, "worker", QUIET))
    try:
        run_until(supervisor, lambda: bool(pids(supervisor)))
        first = pids(supervisor)["worker"]
        os.kill(first, signal.SIGKILL)
        run_until(supervisor, lambda: pids(supervisor).get("worker", first) != first)
    finally:
        supervisor.stop()
    assert "killed by SIGKILL" in told[0]
    assert "again in 1 s" in told[0]
    assert "worker.log" in told[0]


def test_a_part_that_cannot_live_is_named_with_its_last_words(tmp_path: Path) -> None:
    supervisor = Supervisor(lambda _: None)
    supervisor.add(part(tmp_path, "worker", "import sys; print('no such topic'); sys.exit(3)"))
    try:
        run_until(supervisor, lambda: supervisor.kept() != [] and supervisor.kept()[0].failures >= 2)
        with pytest.raises(PartFailed, match="exit code 3") as failed:
            supervisor.refuse_if_failing("worker", tries=2)
    finally:
        supervisor.stop()
    assert "no such topic" in failed.value.detail


def test_stages_stop_one_after_the_other(tmp_path: Path) -> None:
    order = tmp_path / "order"
    code = textwrap.dedent("""
        import pathlib, signal, sys, time
        def end(*_):
            time.sleep(0.3)
            with pathlib.Path({order!r}).open("a") as file:
                file.write({name!r} + " ")
            sys.exit(0)
        signal.signal(signal.SIGTERM, end)
        print("ready", flush=True)
        time.sleep(60)
    """)
    supervisor = Supervisor(lambda _: None)
    names = ["database", "broker", "worker"]
    for stage, name in enumerate(reversed(names)):
        supervisor.add(part(tmp_path, name, code.format(order=str(order), name=name), stage))
    logs = [tmp_path / "logs" / f"{name}.log" for name in names]
    try:
        run_until(supervisor, lambda: all("ready" in last_words(log) for log in logs))
    finally:
        supervisor.stop()
    assert order.read_text().split() == ["worker", "broker", "database"]


def test_even_deaf_parts_are_gone_within_ten_seconds(tmp_path: Path) -> None:
    supervisor = Supervisor(lambda _: None)
    for stage in range(3):
        supervisor.add(part(tmp_path, f"deaf{stage}", DEAF, stage))
    logs = [tmp_path / "logs" / f"deaf{stage}.log" for stage in range(3)]
    try:
        run_until(supervisor, lambda: all("deaf" in last_words(log) for log in logs))
        left = list(pids(supervisor).values())
    finally:
        began_s = time.monotonic()
        supervisor.stop()
    assert time.monotonic() - began_s < 10
    assert not any(psutil.pid_exists(pid) for pid in left)


def test_a_wish_to_stop_from_another_thread_ends_the_run(tmp_path: Path) -> None:
    supervisor = Supervisor(lambda _: None)
    supervisor.add(part(tmp_path, "worker", QUIET))
    threading.Timer(0.5, supervisor.ask_to_stop).start()
    supervisor.run()
    supervisor.stop()
    assert not any(kept.alive for kept in supervisor.kept())


SUPERVISED = """
import sys
from pathlib import Path
from sparge.interrupts import on_stop
from sparge.supervisor import Part, Supervisor, tied
home = Path(sys.argv[1])
supervisor = Supervisor(lambda line: None)
for name in ("a", "b"):
    command = tied([sys.executable, "-c", "import time; time.sleep(60)"])
    supervisor.add(Part(name, lambda: command, home / f"{name}.log"))
with on_stop(supervisor.ask_to_stop):
    supervisor.run(until=lambda: sum(kept.alive for kept in supervisor.kept()) == 2)
    print(*(kept.process.pid for kept in supervisor.kept()), flush=True)
    supervisor.run()
    supervisor.stop()
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent was killed")
def test_whatever_ends_the_supervisor_no_child_is_left(tmp_path: Path, number: signal.Signals) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SUPERVISED, str(tmp_path)], cwd=CHECKOUT, stdout=subprocess.PIPE, text=True
    ) as supervisor:
        assert supervisor.stdout is not None
        children = [psutil.Process(int(pid)) for pid in supervisor.stdout.readline().split()]
        assert len(children) == 2
        supervisor.send_signal(number)
        _, alive = psutil.wait_procs(children, timeout=10)
    assert not alive


def run_once(part: Part, words: str) -> None:
    supervisor = Supervisor(lambda _: None)
    supervisor.add(part)
    try:
        run_until(supervisor, lambda: words in last_words(part.log))
    finally:
        supervisor.stop()


def test_the_log_of_the_run_before_is_kept_once(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "worker.log"
    for words in ("first", "second", "third"):
        run_once(part(tmp_path, "worker", f"print({words!r}, flush=True); {QUIET}"), words)
    assert last_words(log) == "third"
    assert last_words(log.with_name("worker.log.1")) == "second"


def test_a_log_above_its_limit_goes_on_from_empty(tmp_path: Path) -> None:
    log = tmp_path / "worker.log"
    with log.open("ab") as writer:
        writer.write(b"x" * 100)
        writer.flush()
        trim(log, 50)
        writer.write(b"y")
    assert log.read_bytes() == b"y"
    assert log.with_name("worker.log.1").read_bytes() == b"x" * 100


def test_ends_of_processes_are_said_in_words() -> None:
    assert show_exit(1) == "exit code 1"
    assert show_exit(-9) == "killed by SIGKILL"
    assert show_exit(-250) == "killed by signal 250"
