"""Which units' memories in watch.state are out of date, and from where a successor must replay.

A unit's memory with its models is large, so it is written now and then; the offset up to which outputs have
been told is written with every transaction. Whoever takes over begins at the oldest memory that has changed
since and judges again what lies between, without telling it: the logic is deterministic (decision 0010).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agents.watch_position import Mark

FRAMES = 60
"""Frames of a unit after which its memory is written anew: what a successor judges again of each unit,"""

LEAST_US = 60_000_000
"""but not more often than this, in log time;"""

OLDEST_US = 600_000_000
"""and after this log time however few its frames were."""

MOST_AT_ONCE = 8
"""Memories that one transaction takes beside those of new units; the others wait for the next."""


class Checkpoints:
    """What is stored of the units of one partition.

    told_offset: outputs of earlier offsets have been told before; they are judged again, and not told.
    """

    def __init__(self) -> None:
        self.told_offset = 0
        self._stored: dict[str, Mark] = {}
        self._frames: dict[str, int] = {}
        self._forced: set[str] = set()

    def holds(self, key: str, offset: int) -> bool:
        """Whether the stored memory of a unit has what happened at this offset; so only in a replay."""
        mark = self._stored.get(key) if offset < self.told_offset else None
        return mark is not None and offset < mark.next_offset

    def changed(self, key: str, frames: int = 0) -> None:
        """Note that a unit's memory has changed, with so many frames."""
        self._frames[key] = self._frames.get(key, 0) + frames

    def force(self, key: str) -> None:
        """Let a unit's memory be written in the next transaction: what changed it is not in the log."""
        self._forced.add(key)
        self.changed(key)

    def stored(self, keys: Iterable[str], mark: Mark) -> None:
        """Note that the memories of these units are stored as they are at `mark`."""
        for key in keys:
            self._stored[key] = mark
            self._frames.pop(key, None)
            self._forced.discard(key)

    def due(self, now_us: int) -> list[str]:
        """Keys of the units whose memory should be written now, those waiting longest first of the old."""
        must = [key for key in self._frames if key in self._forced or key not in self._stored]
        old = sorted(
            (self._stored[key].now_us, key)
            for key, frames in self._frames.items()
            if key in self._stored and key not in self._forced and self._is_old(key, frames, now_us)
        )
        return sorted(must) + [key for _, key in old[:MOST_AT_ONCE]]

    def old(self) -> list[str]:
        """Keys of all units whose memory has changed since it was stored."""
        return sorted(self._frames)

    def replay(self) -> Mark | None:
        """Return the oldest mark of a memory that has changed since; None where none has."""
        return min((self._stored[key] for key in self._frames if key in self._stored), default=None)

    def _is_old(self, key: str, frames: int, now_us: int) -> bool:
        age_us = now_us - self._stored[key].now_us
        return age_us >= OLDEST_US or (frames >= FRAMES and age_us >= LEAST_US)
