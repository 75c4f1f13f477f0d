"""The temperatures of broth and jacket, each solved with the other so that no step is too long."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from simulator.physics.stacks import Hulls
    from simulator.physics.state import Floats

HEAT_CAPACITY_J_KG_K = 4180.0
HEAT_OF_RESPIRATION_J_MMOL = 460.0
"""Of aerobic growth by the oxygen used (Cooney, Wang and Mateles 1969, Biotechnol. Bioeng. 11, 269-281)."""
WATER_KG_L = 0.993
"""Near 37 °C."""
LATENT_J_KG = 2.41e6
"""Of water near 37 °C."""


@dataclass(frozen=True, slots=True)
class Heat:
    """Where heat went, in W over the step; (N,) each."""

    temperature_c: Floats
    jacket_c: Floats
    jacket_w: Floats
    """From broth to jacket."""
    surroundings_w: Floats


def exchange_heat(
    hulls: Hulls,
    *,
    content_j: Floats,
    mass_kg: Floats,
    jacket_c: Floats,
    source_w: Floats,
    coolant_l_min: Floats,
    heater_w: Floats,
    wetted: Floats,
    dt_s: float,
) -> Heat:
    """Implicit step of both temperatures.

    `content_j` is the heat of the broth against 0 °C, additions of this step included; `source_w` is set free
    in the broth; `wetted` is the share of the jacket that has broth behind it.
    """
    wall = hulls.jacket_w_m2_k * hulls.jacket_m2 * wetted
    loss = hulls.heat_loss_w_k
    broth = mass_kg * HEAT_CAPACITY_J_KG_K / dt_s
    jacket = hulls.jacket_water_kg * HEAT_CAPACITY_J_KG_K / dt_s
    coolant = coolant_l_min / 60.0 * HEAT_CAPACITY_J_KG_K
    broth_side = broth + wall + loss
    jacket_side = jacket + wall + coolant
    broth_gain = content_j / dt_s + source_w + loss * hulls.surroundings_c
    jacket_gain = jacket * jacket_c + coolant * hulls.coolant_c + heater_w
    determinant = broth_side * jacket_side - wall * wall
    temperature = (jacket_side * broth_gain + wall * jacket_gain) / determinant
    jacket_now = (broth_side * jacket_gain + wall * broth_gain) / determinant
    return Heat(
        temperature_c=temperature,
        jacket_c=jacket_now,
        jacket_w=wall * (temperature - jacket_now),
        surroundings_w=loss * (temperature - hulls.surroundings_c),
    )


def jacket_ends_c(hulls: Hulls, jacket_c: Floats, jacket_w: Floats) -> tuple[Floats, Floats]:
    """Temperatures of the circulating water before and after the jacket."""
    half = 0.5 * jacket_w / (hulls.circulation_l_min / 60.0 * HEAT_CAPACITY_J_KG_K)
    half = np.minimum(np.maximum(half, -20.0), 20.0)
    return jacket_c - half, jacket_c + half
