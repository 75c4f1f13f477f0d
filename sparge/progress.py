"""Long work says how far it is: at once when something begins, then every few seconds."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

EVERY_S = 2.0


class Progress:
    """Lines of progress, no more of them than a person can read.

    Args:
        say: where a line goes.
        clock: seconds that only go up.
    """

    def __init__(self, say: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._say = say
        self._clock = clock
        self._told_s = clock()

    def begin(self, what: str) -> None:
        """Say what begins now."""
        self._told_s = self._clock()
        self._say(what)

    def reach(self, what: str, done: int, of: int) -> None:
        """Say how much is done, unless something was said a moment ago."""
        if self._clock() - self._told_s >= EVERY_S:
            self.begin(f"{what}: {done:,} of {of:,}")


def silent(_what: str) -> None:
    """Say nothing: for whoever asks from a program."""
