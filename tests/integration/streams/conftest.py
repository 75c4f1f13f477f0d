"""Topics of a test's own, and workers as processes."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from streams import die_with_parent
from streams.admin import ensure_topics
from streams.topics import DAY_MS, Topic

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from streams.connection import Broker

PROBE = Path(__file__).with_name("probe_worker.py")
_NUMBERS = count()


class Worker:
    """A probe worker's process, and what it says."""

    def __init__(self, plan: str, folder: Path) -> None:
        self.said: list[dict[str, Any]] = []
        self._lines: queue.Queue[dict[str, Any]] = queue.Queue()
        self._log = (folder / f"worker-{next(_NUMBERS)}.log").open("w+")
        # No worker outlives a test run, not even one that is killed.
        guard = [sys.executable, "-S", die_with_parent.__file__, str(os.getpid()), str(int(signal.SIGKILL))]
        self.process = subprocess.Popen(
            [*guard, sys.executable, str(PROBE), plan],
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            cwd=folder,
        )
        threading.Thread(target=self._listen, daemon=True).start()

    def wait_for(self, event: str, within_s: float = 30.0) -> dict[str, Any]:
        """The next such event that was not waited for yet."""
        deadline = time.monotonic() + within_s
        while True:
            try:
                said = self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                pytest.fail(f"no {event!r} within {within_s} s; said {self.said[-5:]}; log:\n{self.log()}")
            if said["event"] == event:
                return said

    def has_said(self, event: str) -> bool:
        return any(said["event"] == event for said in self.said)

    def stop(self, how: signal.Signals = signal.SIGTERM, within_s: float = 20.0) -> tuple[int, float]:
        """Send the signal; returns exit code and the seconds it took."""
        started = time.monotonic()
        self.process.send_signal(how)
        return self.ended(within_s), time.monotonic() - started

    def ended(self, within_s: float = 30.0) -> int:
        return self.process.wait(within_s)

    def log(self) -> str:
        self._log.seek(0)
        return self._log.read()

    def discard(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()
        self._log.close()

    def _listen(self) -> None:
        for line in self.process.stdout or ():
            said = json.loads(line)
            self.said.append(said)
            self._lines.put(said)


@pytest.fixture
def start_worker(tmp_path: Path) -> Iterator[Callable[[str], Worker]]:
    workers: list[Worker] = []

    def start(plan: str) -> Worker:
        workers.append(Worker(plan, tmp_path))
        return workers[-1]

    yield start
    for worker in workers:
        worker.discard()


@pytest.fixture
def new_topic(kafka: Broker) -> Callable[..., Topic]:
    """Creates a topic with a name of its own."""

    def new(partitions: int = 1, **settings: Any) -> Topic:
        topic = Topic(
            name=f"test.{next(_NUMBERS)}",
            key="any",
            contract=(),
            partitions=partitions,
            retention_ms=DAY_MS,
            about="a test",
            **settings,
        )
        ensure_topics(kafka, [topic])
        return topic

    return new
