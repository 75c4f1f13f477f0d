"""The state of a fleet just after inoculation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from analysis.gas_balance import DRY_AIR_CO2, DRY_AIR_O2
from analysis.oxygen import STANDARD_PRESSURE_BAR, henry_co2, saturation
from simulator.physics.gas import MEDIUM_SOLUBILITY
from simulator.physics.ph import charges, free_share, net_charge, site_constants
from simulator.physics.state import ZONES, Species, State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulator.physics.medium import Medium
    from simulator.physics.stacks import Cells, Hulls


def starting_state(cells: Cells, hulls: Hulls, media: Sequence[Medium]) -> State:
    """Each medium in its vessel, saturated with air, at its temperature and pH."""
    count = len(media)
    temperature = np.array([medium.temperature_c for medium in media])
    ph = np.tile([medium.ph for medium in media], (ZONES, 1))
    broth = np.zeros((len(Species), ZONES, count))
    broth[Species.BIOMASS] = [medium.inoculum_g_l for medium in media]
    broth[Species.SUBSTRATE] = [medium.substrate_g_l for medium in media]
    broth[Species.COSUBSTRATE] = [medium.cosubstrate_mmol_l for medium in media]
    broth[Species.NITROGEN] = [medium.nitrogen_mmol_l for medium in media]
    broth[Species.PHOSPHATE] = [medium.phosphate_mmol_l for medium in media]
    broth[Species.OXYGEN] = MEDIUM_SOLUBILITY * saturation(temperature)
    dissolved_bar = np.array([medium.carbon_dioxide_mbar for medium in media]) / 1000.0
    broth[Species.CARBONATE] = 1000.0 * henry_co2(temperature) * dissolved_bar / free_share(ph)
    charge, _ = net_charge(charges(cells, broth), site_constants(cells), ph)
    broth[Species.STRONG_IONS] = -charge
    volume = np.array([medium.volume_share for medium in media]) * hulls.working_l
    return State(
        broth=broth,
        volume_l=volume,
        ph=ph,
        temperature_c=temperature,
        jacket_c=temperature.copy(),
        head_o2=np.full(count, DRY_AIR_O2),
        head_co2=np.full(count, DRY_AIR_CO2),
        pressure_bar=np.maximum(hulls.pressure_min_bar, STANDARD_PRESSURE_BAR),
        speed_per_min=np.zeros(count),
        foam_cm=np.zeros(count),
        filter_load=np.zeros(count),
        hours=np.zeros(count),
        mass_kg=volume.copy(),
    )
