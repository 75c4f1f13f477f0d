"""Random numbers for a fleet: each unit has a generator of its own, so no unit depends on another."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zlib import crc32

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulator.physics.state import Floats

BLOCK = 64
"""Steps drawn at a time: small enough that a refill never shows in the time of a step."""


def generator(seed: int, purpose: str) -> np.random.Generator:
    """A generator of its own for each seed and purpose (any words that say what it is for)."""
    return np.random.Generator(np.random.Philox(key=[seed, crc32(purpose.encode())]))


class Draws:
    """Standard normal (or uniform) numbers, `width` for each unit and step.

    The numbers do not depend on `block`: each unit's are one unbroken stream, whatever is drawn ahead.
    Units refill one after another, not all in the same step.
    """

    def __init__(
        self, seeds: Sequence[int], purpose: str, width: int, *, uniform: bool = False, block: int = BLOCK
    ) -> None:
        count = len(seeds)
        self._generators = [generator(seed, purpose) for seed in seeds]
        self._uniform = uniform
        self._ahead = np.zeros((count, block, width))
        self._at = np.arange(count) * block // max(count, 1)
        self._units = np.arange(count)
        for unit, at in enumerate(self._at):
            self._fill(unit, int(at))

    def step(self) -> Floats:
        """The numbers of the next step, (width, N)."""
        for unit in np.flatnonzero(self._at == self._ahead.shape[1]).tolist():
            self._fill(unit, 0)
            self._at[unit] = 0
        drawn: Floats = self._ahead[self._units, self._at].T
        self._at += 1
        return drawn

    def _fill(self, unit: int, begin: int) -> None:
        target = self._ahead[unit, begin:]
        if self._uniform:
            self._generators[unit].random(out=target)
        else:
            self._generators[unit].standard_normal(out=target)
