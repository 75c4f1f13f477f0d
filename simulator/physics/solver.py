"""The implicit step of whatever two mixed zones gain, pass to each other and lose by Monod's law."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.physics.state import LOWER, UPPER, ZONES

if TYPE_CHECKING:
    from simulator.physics.state import Floats

REFINEMENTS = 2


def both(lower: Floats, upper: Floats) -> Floats:
    """(2, N) of the two zones' (N,)."""
    zones = np.empty((ZONES, lower.size))
    zones[LOWER], zones[UPPER] = lower, upper
    return zones


def middle(zones: Floats) -> Floats:
    """Mean over the broth, (N,): the zones are equal in volume."""
    mean: Floats = 0.5 * (zones[LOWER] + zones[UPPER])
    return mean


def monod_root(gain: Floats | float, wanted: Floats, half: Floats, supply: Floats) -> Floats:
    """The c >= 0 with gain c + wanted c / (half + c) = supply >= 0; a quadratic, free of cancellation."""
    linear = gain * half + wanted - supply
    root = np.sqrt(linear * linear + 4.0 * gain * supply * half)
    size = np.abs(linear) + root
    small = 2.0 * supply * half / np.maximum(size, 1e-300)
    return np.where(linear > 0.0, small, size / (2.0 * gain))


def two_zones(
    supply: Floats,
    gain: Floats | float,
    mixing: Floats,
    carry: Floats | float,
    *,
    wanted: Floats,
    half: Floats,
    before: Floats,
) -> Floats:
    """Concentrations (2, N) at the end of a step in which all of this goes on at once.

    Solves gain c + mixing (c - c_other) - [upper] carry c_lower + wanted c / (half + c) = supply by Newton's
    method, begun with what the other zone held before. The left side is increasing and concave in each c and
    the coupling weaker than the diagonal, so that every iterate is a lower bound: what the supply leaves over
    is at least what Monod's law takes, and never negative.

    Args:
        supply: (2, N) what there was and what came in, >= 0.
        gain: (2, N) 1 and the losses in proportion to c.
        mixing: (N,) volume exchanged over volume of a zone.
        carry: (N,) of the lower zone's c that rises to the upper with the gas; less than the upper gain.
        wanted: (2, N) uptake at saturation.
        half: (N,).
        before: (2, N) at the beginning of the step.
    """
    diagonal = gain + mixing
    across = mixing + carry
    c = monod_root(diagonal, wanted, half, supply + mixing * before[::-1])
    for _ in range(REFINEMENTS):
        free = half + c
        share = wanted / free
        short = supply - (diagonal + share) * c
        short[LOWER] += mixing * c[UPPER]
        short[UPPER] += across * c[LOWER]
        slope = diagonal + share * half / free
        lower, upper = slope[LOWER], slope[UPPER]
        determinant = lower * upper - mixing * across
        c[LOWER] += (upper * short[LOWER] + mixing * short[UPPER]) / determinant
        c[UPPER] += (lower * short[UPPER] + across * short[LOWER]) / determinant
        c = np.maximum(c, 0.0)
    return c


def two_zones_linear(supply: Floats, gain: Floats, mixing: Floats, carry: Floats) -> Floats:
    """The same where nothing is taken up; gain without the mixing, exact."""
    lower, upper = gain + mixing
    across = mixing + carry
    determinant = lower * upper - mixing * across
    return both(
        (upper * supply[LOWER] + mixing * supply[UPPER]) / determinant,
        (lower * supply[UPPER] + across * supply[LOWER]) / determinant,
    )
