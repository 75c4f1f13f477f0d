"""Dosing pumps: steady above their least speed, below it in pulses of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from simulator.physics.state import Floats

    Mask = NDArray[np.bool_]

LEAST_SHARE = 0.005
"""Turn-down of a peristaltic pump, 1 to 200 (rule of practice)."""
PULSE_S = 10.0


@dataclass(slots=True)
class Pumps:
    """One pump a bioreactor.

    Attributes:
        full_l_h: (N,) flow at full speed.
        owed_l: (N,) what was asked for and not yet given.
    """

    full_l_h: Floats
    owed_l: Floats = field(init=False)
    _running: Mask = field(init=False)

    def __post_init__(self) -> None:
        self.owed_l = np.zeros_like(self.full_l_h)
        self._running = np.zeros(self.full_l_h.shape, dtype=bool)

    def deliver(self, share: Floats, dt_s: float) -> Floats:
        """Flow in L/h over this step where `share` (0 to 1) of full speed is asked for."""
        least_l_h = LEAST_SHARE * self.full_l_h
        asked_l_h = np.minimum(np.maximum(share, 0.0), 1.0) * self.full_l_h
        hours = dt_s / 3600.0
        slow = asked_l_h < least_l_h
        self.owed_l = np.where(slow, self.owed_l + asked_l_h * hours, 0.0)
        # A pulse begins when a pulse's worth is owed, and ends when less is owed than a step would give.
        pulse_l = least_l_h * max(PULSE_S / 3600.0, hours)
        enough_l = np.where(self._running, least_l_h * hours, pulse_l)
        self._running = (self.owed_l >= enough_l) & slow
        pulse_l_h = np.where(self._running, least_l_h, 0.0)
        self.owed_l = self.owed_l - pulse_l_h * hours
        return np.where(slow, pulse_l_h, asked_l_h)
