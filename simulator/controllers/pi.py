"""Proportional-integral control of many loops at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from simulator.physics.state import Floats


@dataclass(slots=True)
class PI:
    """One loop a bioreactor, (N,) each; the integral rests while the output is at a limit.

    Attributes:
        gain: output per unit of error (set point less reading); negative where the output lowers the reading.
        reset_s: time in which the integral repeats the proportional part.
        low, high: limits of the output.
        integral: the output at zero error.
        last: the output as it was given last; what a controller holds while its reading is missing.
    """

    gain: Floats
    reset_s: Floats
    low: Floats
    high: Floats
    integral: Floats
    last: Floats = field(init=False)

    def __post_init__(self) -> None:
        self.last = np.clip(self.integral, self.low, self.high)

    def output(self, error: Floats, dt_s: float) -> Floats:
        """The output after `dt_s` seconds at `error`; the last one where the error is NaN."""
        known = ~np.isnan(error)
        proportional = self.gain * np.where(known, error, 0.0)
        integral = self.integral + proportional * (dt_s / self.reset_s)
        wanted = proportional + integral
        limited = np.minimum(np.maximum(wanted, self.low), self.high)
        # At a limit the integral moves only in the direction that leads away from it.
        free = (wanted - limited) * proportional <= 0.0
        self.integral = np.where(known & free, integral, self.integral)
        self.last = np.where(known, limited, self.last)
        return self.last


def outside(error: Floats, dead_band: Floats) -> Floats:
    """What of an error lies beyond a dead band of that half width; 0 within."""
    return error - np.minimum(np.maximum(error, -dead_band), dead_band)
