"""Workers as processes that a test may kill, freeze and cut off; started again as a supervisor would."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import psycopg

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from pathlib import Path

LONGER_THAN_THE_SESSION_S = 8.0
STOP_WITHIN_S = 10.0

CUT_A_CONNECTION = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle' LIMIT 1
"""


def cut_a_connection(database: str) -> None:
    """End one of the database's sessions in the middle of what it does."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(CUT_A_CONNECTION)


class Worker:
    """One `sparge worker NAME` process with its own data directory and log."""

    def __init__(self, name: str, folder: Path, *, broker: str, database: str = "", **settings: str) -> None:
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("SPARGE_")}
        own = {"SPARGE_HOME": str(folder / "home"), "SPARGE_BROKER": broker}
        # Workers of one installation know each other's memories.
        own["SPARGE_STATE_KEY"] = "the key of this installation"
        # A port where nothing listens: what needs no database must not be able to reach one.
        own["SPARGE_DATABASE"] = database or "host=127.0.0.1 port=1"
        self._environment = {**inherited, **own, **settings}
        self._log = folder / f"{name}-{len(list(folder.glob('*.log')))}.log"
        self._log.touch()
        self.name = name
        self.starts = 0
        self._process = self._start()

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def signal(self, number: signal.Signals) -> None:
        if self.alive:
            os.kill(self._process.pid, number)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        self._process.wait()

    def freeze(self) -> None:
        """Stop it for longer than its session with the broker lasts, then let it go on as if nothing was."""
        self.signal(signal.SIGSTOP)
        time.sleep(LONGER_THAN_THE_SESSION_S)
        self.signal(signal.SIGCONT)

    def keep_alive(self) -> None:
        if not self.alive:
            self._process = self._start()

    def ended(self, within_s: float) -> int:
        """Wait for the process to end by itself; returns its exit code."""
        return self._process.wait(within_s)

    def stop(self) -> tuple[int, float]:
        """Ask it to end; returns exit code and the seconds it took. It is killed if it does not listen."""
        began_s = time.monotonic()
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGTERM)
        try:
            code = self._process.wait(STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            code = self._process.wait()
        return code, time.monotonic() - began_s

    def _start(self) -> subprocess.Popen[bytes]:
        self.starts += 1
        with self._log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "sparge", "worker", self.name],
                env=self._environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )


def wait_until(reached: Callable[[], bool], workers: Collection[Worker], within_s: float = 60.0) -> None:
    """Keep workers alive until something is reached; fails with the ends of their logs."""
    deadline = time.monotonic() + within_s
    while not reached():
        if time.monotonic() > deadline:
            logs = "\n".join(f"--- {worker.name}\n{worker.log()[-3000:]}" for worker in workers)
            raise AssertionError(f"not reached within {within_s:g} s\n{logs}")
        for worker in workers:
            worker.keep_alive()
        time.sleep(0.2)
