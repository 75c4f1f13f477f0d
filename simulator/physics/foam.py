"""Foam on the broth: as high as the gas is fast and the broth foamy; too high, it wets the filter."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.physics.state import Species

if TYPE_CHECKING:
    from simulator.physics.stacks import Cells, Hulls
    from simulator.physics.state import Floats

COLLAPSE_S = 90.0
ANTIFOAM_HALF_ML_L = 0.05
SOLIDS_G_L = 10.0
DEBRIS_FACTOR = 4.0
"""Burst cells set protein free, which foams (rule of practice)."""
WETTING_PER_H = 3.0
"""Rate at which foam at the filter blocks it (rule of practice)."""
DRYING_PER_H = 0.2
ANTIFOAM_FADES_PER_H = 0.15
"""Oil is taken up by cells and wall (rule of practice)."""


def next_foam(
    cells: Cells,
    foam_cm: Floats,
    gas_velocity_m_s: Floats,
    broth: Floats,
    *,
    drive_cm_min: Floats,
    dt_s: float,
) -> Floats:
    """Height of the foam; `broth` (species, N) at the surface.

    In proportion to the gas velocity by the foaminess (Bikerman 1938, Trans. Faraday Soc. 34, 634-638).
    """
    solids = broth[Species.BIOMASS] + DEBRIS_FACTOR * broth[Species.DEAD] + broth[Species.CONTAMINANT]
    foaminess = cells.foaminess_s * np.minimum(solids / SOLIDS_G_L, 6.0)
    foaminess = foaminess / (1.0 + broth[Species.ANTIFOAM] / ANTIFOAM_HALF_ML_L)
    settled = 100.0 * gas_velocity_m_s * foaminess + np.maximum(drive_cm_min, 0.0) * COLLAPSE_S / 60.0
    height: Floats = settled + (foam_cm - settled) * np.exp(-dt_s / COLLAPSE_S)
    return height


def head_room_cm(hulls: Hulls, volume_l: Floats, hold_up: Floats) -> Floats:
    """From the aerated broth to the lid."""
    room: Floats = np.maximum(hulls.total_l - volume_l / (1.0 - hold_up), 0.0) / hulls.area_m2 / 10.0
    return room


def next_filter_load(
    load: Floats, foam_cm: Floats, room_cm: Floats, fouling_per_h: Floats, dt_h: float
) -> Floats:
    """0 clean to 1 blocked: foam blocks within the hour, a wet filter dries within hours."""
    reached = foam_cm / np.maximum(room_cm, 1e-6) > 1.0
    wetted = load + (1.0 - load) * -np.expm1(-WETTING_PER_H * dt_h * reached)
    dried = wetted * np.exp(-DRYING_PER_H * dt_h * (1.0 - reached))
    blocked: Floats = np.minimum(np.maximum(dried + fouling_per_h * dt_h, 0.0), 1.0)
    return blocked
