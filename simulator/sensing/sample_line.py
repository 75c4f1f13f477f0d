"""Transport delay: gas that an analyser sees left the head space some seconds ago."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulator.physics.state import Floats
    from simulator.sensing.instrument import Instrument

LONGEST_FAULT_S = 300
"""A fouled line is at most this much slower."""


class SampleLine:
    """The truth of the last minutes, one value a second, of those signals that are delayed.

    Args:
        made: one instrument a signal, with its delay.
        units: N.
    """

    def __init__(self, made: Sequence[Instrument], units: int) -> None:
        self._rows = np.flatnonzero([one.delay_s > 0 for one in made])
        self._delay_s = np.array([one.delay_s for one in made if one.delay_s > 0], np.int64)[:, None]
        length = (int(self._delay_s.max()) if self._rows.size else 0) + LONGEST_FAULT_S + 1
        self._ring = np.zeros((length, self._rows.size, units))
        self._second = 0
        self._clock_s = 0.0
        self._across = np.arange(self._rows.size)[:, None]
        self._units = np.arange(units)

    def fill(self, truth: Floats) -> None:
        """Let the line hold `truth`, (S, N), throughout."""
        self._ring[:] = truth[self._rows]

    def pass_on(self, truth: Floats, dt_s: float, later_s: Floats | None = None) -> None:
        """Put `truth`, (S, N), in and replace its delayed rows by what comes out; `later_s`: added delay."""
        if not self._rows.size:
            return
        before = self._second
        self._clock_s += dt_s
        self._second = int(self._clock_s + 1e-9)
        length = len(self._ring)
        for second in range(before + 1, self._second + 1):
            self._ring[second % length] = truth[self._rows]
        delay = self._delay_s
        if later_s is not None:
            delay = delay + np.clip(later_s[self._rows], 0.0, LONGEST_FAULT_S).astype(np.int64)
        truth[self._rows] = self._ring[(self._second - delay) % length, self._across, self._units]
