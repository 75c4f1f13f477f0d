"""What the libraries log is heard once, in our own log."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from streams.faust_logging import forward_logs

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    """A logger of a library, its tree as before afterwards."""
    roots = [logging.getLogger(name) for name in ("faust", "mode", "aiokafka")]
    before = [(root.handlers, root.propagate, root.level) for root in roots]
    forward_logs()
    yield logging.getLogger("mode.services")
    for root, (handlers, propagate, level) in zip(roots, before, strict=True):
        root.handlers, root.propagate = handlers, propagate
        root.setLevel(level)


def test_only_warnings_and_worse_are_forwarded(logger: logging.Logger) -> None:
    with capture_logs() as heard:
        logger.info("starting")
        logger.warning("slow: %s", 3)
    assert [(entry["event"], entry["log_level"]) for entry in heard] == [("slow: 3", "warning")]


def test_one_failure_that_passes_through_many_services_is_told_once(logger: logging.Logger) -> None:
    failure = ValueError("broken")
    with capture_logs() as heard:
        for name in ("agent", "stream", "app"):
            logger.getChild(name).error("Crashed: %s", name, exc_info=failure)
        logger.error("Crashed again", exc_info=ValueError("another"))
    assert [entry["event"] for entry in heard] == ["Crashed: agent", "Crashed again"]


def test_what_is_said_over_and_over_is_told_once_in_a_while(logger: logging.Logger) -> None:
    with capture_logs() as heard:
        for _ in range(100):
            logger.warning("no broker")
    assert len(heard) == 1
