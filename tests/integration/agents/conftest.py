"""Workers that are gone after the test, however it ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.integration.agents.workers import Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Worker]]:
    """Give a function that starts a worker, as in `start("watch", broker=..., database=...)`."""
    started: list[Worker] = []

    def start_worker(name: str, **servers: str) -> Worker:
        started.append(Worker(name, tmp_path, **servers))
        return started[-1]

    yield start_worker
    for worker in started:
        worker.stop()
