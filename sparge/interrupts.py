"""Ctrl-C, SIGTERM and a closed terminal as the wish to stop, for work that ends in order."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

_WISHES = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def on_stop(stop: Callable[[], None]) -> Iterator[None]:
    """Call `stop` when somebody wishes this process to end, while the block runs; main thread only."""

    def handle(_number: int, _frame: FrameType | None) -> None:
        stop()

    before = [signal.signal(number, handle) for number in _WISHES]
    try:
        yield
    finally:
        for number, handler in zip(_WISHES, before, strict=True):
            signal.signal(number, handler)
