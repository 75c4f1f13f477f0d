"""Gains from what is known of a plant, so that one recipe is steady in a small and in a large vessel.

SIMC rules: S. Skogestad, J. Process Control 2003, 13, 291-309. The closed loop's time constant is chosen,
never shorter than the dead time; half of a second, smaller lag counts as dead time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from simulator.physics.state import Floats


@dataclass(frozen=True, slots=True)
class Tuning:
    """Gain (output per unit of reading) and reset time of PI loops, (N,) each."""

    gain: Floats
    reset_s: Floats


def settling(slope: Floats, lag_s: Floats, dead_s: Floats, closed_s: Floats) -> Tuning:
    """For a reading that settles: `slope` of it per unit of output in the end, with a first-order `lag_s`."""
    horizon_s = np.maximum(closed_s, dead_s) + dead_s
    return Tuning(lag_s / (slope * horizon_s), np.minimum(lag_s, 4.0 * horizon_s))


def integrating(slope_per_s: Floats, dead_s: Floats, closed_s: Floats) -> Tuning:
    """For a reading that goes on moving by `slope_per_s` a second per unit of output."""
    horizon_s = np.maximum(closed_s, dead_s) + dead_s
    return Tuning(1.0 / (slope_per_s * horizon_s), 4.0 * horizon_s)
