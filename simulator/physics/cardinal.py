"""How temperature and pH slow life down: the cardinal values between which an organism grows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from simulator.physics.state import Floats


def temperature_factor(temperature_c: Floats, low: Floats, optimum: Floats, high: Floats) -> Floats:
    """Rate over that at the optimum: cardinal temperatures with inflection (Rosso et al. 1993), 0 outside."""
    above, below = temperature_c - high, temperature_c - low
    span = optimum - low
    bottom = span * (
        span * (temperature_c - optimum) - (optimum - high) * (optimum + low - 2.0 * temperature_c)
    )
    inside = (above < 0.0) & (below > 0.0)
    safe = np.where(inside, bottom, 1.0)
    factor: Floats = inside * (above * below * below / safe)
    return factor


def ph_factor(ph: Floats, low: Floats | float, optimum: Floats | float, high: Floats | float) -> Floats:
    """Rate over that at the optimum: cardinal pH (Rosso et al. 1995), 0 outside."""
    inside = np.maximum((ph - low) * (high - ph), 0.0)
    factor: Floats = inside / (inside + (ph - optimum) ** 2)
    return factor
