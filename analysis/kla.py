"""kLa from measurements with a fast probe: at steady state and by gassing out.

Time in seconds, concentrations in any one unit (mmol/L, % of saturation), kLa in 1/h. What a slow probe
hides is refused here and corrected in `kla_behind_probe`.
"""

from __future__ import annotations

from math import nan

import numpy as np

from analysis.elementwise import Array, X, as_given, choose, log1p
from analysis.regression import Estimate, finite, line
from schemas.errors import Unidentifiable

SECONDS_PER_H = 3600.0
HIDDEN = 0.2
"""kLa times lag above which the straight line reads more than 3 % too low."""


def log_mean(first: X | float, second: X | float) -> X:
    """Logarithmic mean (a - b) / ln(a / b) of two positive driving forces; a where they are equal."""
    excess = (first - second) / second
    apart = excess != 0.0
    some = choose(apart, as_given(excess), 1.0)
    return choose(apart, as_given(second * some / log1p(some)), first)


def stationary_kla(
    otr: X | float, saturated: X | float, dissolved: X | float, saturated_out: X | float | None = None
) -> X:
    """OTR / (C* - C), kLa in 1/h of a steady state; NaN where nothing drives the transfer.

    On tall vessels C* falls from the sparger to the surface: give `saturated` there and `saturated_out` at
    the outlet gas for the logarithmic mean driving force of plug flow. OTR per hour in the concentrations'
    unit.
    """
    below = saturated - dissolved
    above = below if saturated_out is None else saturated_out - dissolved
    drives = (below > 0.0) & (above > 0.0)
    force = log_mean(choose(drives, as_given(below), 1.0), choose(drives, as_given(above), 1.0))
    return choose(drives, as_given(otr / force), nan)


def gassing_out(
    time_s: Array,
    dissolved: Array,
    saturated: float,
    *,
    low: float = 0.2,
    high: float = 0.8,
    lag_s: float = 0.0,
    confidence: float = 0.95,
) -> Estimate:
    """Slope of -ln(C* - C), which is kLa in 1/h, while broth without uptake fills with oxygen.

    Takes the readings from the one nearest to `low` until before the one nearest to `high`, fractions of C*.
    A probe's lag bends the line, and the slope then means little: tell the lag, or use
    `kla_behind_probe.probed_gassing_out`.

    Raises:
        Unidentifiable: too few readings between the two levels, oxygen that does not rise there, or a lag
        that
            hides kLa.
    """
    time_s, dissolved = finite(time_s, dissolved)
    if not len(time_s):
        raise Unidentifiable("There are no readings of dissolved oxygen.")
    first = int(np.argmin(np.abs(dissolved - low * saturated)))
    last = int(np.argmin(np.abs(dissolved - high * saturated)))
    missing = saturated - dissolved[first:last]
    if len(missing) < 3 or np.any(missing <= 0.0):
        raise Unidentifiable(
            f"Oxygen does not rise from {low:.0%} to {high:.0%} of saturation over three readings or more;"
            " record more often, or name other levels."
        )
    found = line(time_s[first:last], -np.log(missing)).estimate(1, confidence).times(SECONDS_PER_H)
    hidden = found.value * lag_s / SECONDS_PER_H
    if hidden > HIDDEN:
        raise Unidentifiable(
            f"A probe of {lag_s:g} s hides a kLa that reads {found.value:.0f} 1/h: their product {hidden:.2f}"
            f" is above {HIDDEN}. Use the fit that corrects the lag, or a faster probe."
        )
    return found
