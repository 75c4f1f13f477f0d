"""What the stirrer and the gas do to the broth: power, oxygen transfer, hold-up, mixing between the zones."""

from __future__ import annotations

from dataclasses import dataclass
from math import pi
from typing import TYPE_CHECKING

import numpy as np

from analysis.hydrodynamics import GRAVITY_M_S2, gassed_power, ungassed_power
from analysis.oxygen import KELVIN, STANDARD_PRESSURE_BAR
from simulator.physics.state import Species

if TYPE_CHECKING:
    from simulator.physics.stacks import Cells, Hulls
    from simulator.physics.state import Floats, State

DENSITY_KG_M3 = 1000.0
ANTIFOAM_LOSS = 0.4
"""Share of kLa that plenty of antifoam takes (rule of practice)."""
ANTIFOAM_HALF_ML_L = 0.3
BUBBLE_RISE_M_S = 0.25
FRICTION_SHARE = 0.02
"""Of the largest torque, in bearing and seal (rule of practice)."""
TALL = 2.43
"""Exponent of height over diameter for several impellers (Cooke, Middleton and Bush 1988)."""
SECONDS_PER_H = 3600.0
M3_S_PER_MOL_H = 0.022414 / SECONDS_PER_H
CIRCULATIONS = 4.0
"""Rounds of the broth in the time to 95 % homogeneity (rule of practice)."""
CROSSING = 0.5
"""Share of what circulates that passes from one half to the other; the rest stays in its impeller's loop
(rule of practice for two radial impellers)."""
EXCHANGES = 4.0 * CROSSING * CIRCULATIONS
"""Mixing time over the time constant of two halves: a flow Q through both fades a difference by 4 Q/V."""
COLUMN_CONSTANT, COLUMN_EXPONENT = 0.32, 0.7
"""Of kLa in 1/s over gas velocity in m/s without a stirrer (Heijnen and van 't Riet 1984)."""
CHANNELLED = 0.25
"""Of that under an impeller that stands: a ring's gas goes up in the middle (rule of practice)."""
FLOODED = 0.3
"""Power of stirrer over that of the gas at which half of the gas is dispersed (rule of practice)."""


@dataclass(frozen=True, slots=True)
class Stirring:
    """What goes on in the broth.

    Attributes:
        power_w: given to the broth by the stirrer.
        kla_per_h: (2, N).
        surface_per_h: transfer coefficient of the surface, over the upper zone.
        depth_bar: weight of the broth, from surface to bottom.
        hold_up: share of gas in the aerated broth.
        exchange_per_s: rate at which a difference between the zones fades.
        gas_velocity_m_s: superficial.
    """

    power_w: Floats
    kla_per_h: Floats
    surface_per_h: Floats
    depth_bar: Floats
    hold_up: Floats
    exchange_per_s: Floats
    gas_velocity_m_s: Floats


def next_speed(hulls: Hulls, speed: Floats, asked: Floats, alive: Floats, dt_s: float) -> Floats:
    """Stirrer speed after the step; `alive` is the share of torque that there is."""
    goal = np.minimum(np.maximum(asked, 0.0), hulls.top_speed_per_min) * alive
    lag = hulls.coast_down_s + (hulls.drive_lag_s - hulls.coast_down_s) * (alive > 0.0)
    return goal + (speed - goal) * np.exp(-dt_s / lag)


def stir(hulls: Hulls, cells: Cells, state: State, gas_mol_h: Floats) -> Stirring:
    """Power after Michel and Miller, kLa after van 't Riet's form, mixing time after Nienow; (N,) each."""
    broth = state.broth
    volume_m3 = state.volume_l / 1000.0
    depth_m = volume_m3 / hulls.area_m2
    depth_bar = DENSITY_KG_M3 * GRAVITY_M_S2 * depth_m / 1e5
    gas_m3_s = (
        gas_mol_h
        * M3_S_PER_MOL_H
        * (state.temperature_c + KELVIN)
        / KELVIN
        * STANDARD_PRESSURE_BAR
        / (state.pressure_bar + 0.5 * depth_bar)
    )
    velocity = gas_m3_s / hulls.area_m2
    speed = state.speed_per_min / 60.0
    diameter = hulls.impeller_diameter_m
    alone: Floats = ungassed_power(hulls.impellers, hulls.power_number, DENSITY_KG_M3, speed, diameter)
    power = gassed_power(alone, speed, diameter, gas_m3_s)
    rising = DENSITY_KG_M3 * GRAVITY_M_S2 * velocity
    given = power / volume_m3 + rising
    solids = broth[Species.BIOMASS] + broth[Species.DEAD]
    thick = 1.0 + (solids / cells.thickening_g_l) ** 2
    oil = broth[Species.ANTIFOAM]
    hindered = (1.0 - ANTIFOAM_LOSS * oil / (ANTIFOAM_HALF_ML_L + oil)) / thick
    stirred = hulls.kla_constant * given**hulls.kla_power_exponent * velocity**hulls.kla_gas_exponent
    kla = SECONDS_PER_H * _joined_per_s(stirred, power / volume_m3, rising, velocity) * hindered
    dissipation = (given + 0.01) / DENSITY_KG_M3
    tall = np.maximum(depth_m / hulls.diameter_m, 1.0) ** TALL
    mixing_s = (
        5.9
        * hulls.mixing_factor
        * (hulls.diameter_m**3 / (dissipation * diameter)) ** (1.0 / 3.0)
        * tall
        * np.sqrt(np.max(thick, axis=0))
    )
    return Stirring(
        power_w=power,
        kla_per_h=kla,
        surface_per_h=2.0 * SECONDS_PER_H * hulls.surface_transfer_m_s / depth_m,
        depth_bar=depth_bar,
        hold_up=velocity / (BUBBLE_RISE_M_S + velocity),
        exchange_per_s=EXCHANGES / mixing_s,
        gas_velocity_m_s=velocity,
    )


def _joined_per_s(stirred: Floats, power_w_m3: Floats, rising_w_m3: Floats, velocity: Floats) -> Floats:
    """Transfer of a stirred vessel where the stirrer disperses the gas, of a poor bubble column where not.

    The correlation for stirred vessels holds from 500 W/m³ (van 't Riet 1979). Without a stirrer it would
    take what the gas itself gives for stirring.
    """
    column = np.minimum(CHANNELLED * COLUMN_CONSTANT * velocity**COLUMN_EXPONENT, stirred)
    dispersed = power_w_m3**2 / (power_w_m3**2 + (FLOODED * rising_w_m3) ** 2 + 1e-9)
    return column + (stirred - column) * dispersed


def torque_n_m(hulls: Hulls, power_w: Floats, speed_per_min: Floats) -> Floats:
    """At the shaft: what the broth takes and the friction of bearing and seal."""
    largest = 60.0 / (2.0 * pi) * np.maximum(power_w, 0.0)
    friction = FRICTION_SHARE * hulls.motor_w * 60.0 / (2.0 * pi * hulls.top_speed_per_min)
    return largest / np.maximum(speed_per_min, 1e-3) + friction * (speed_per_min > 1.0)
