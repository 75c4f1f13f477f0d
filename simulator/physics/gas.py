"""Gas on its way through a vessel: sparger, both zones, head space, condenser, exhaust filter.

Bubbles are settled within a step (they rise in seconds); the gas of each zone is well mixed and flows
as fast as at the inlet.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.gas_balance import DRY_AIR_CO2, DRY_AIR_O2, MOLAR_VOLUME_L, molar_flow
from analysis.oxygen import KELVIN, STANDARD_PRESSURE_BAR, water_vapour_bar
from simulator.physics.state import LOWER, UPPER

if TYPE_CHECKING:
    from simulator.physics.stacks import Hulls
    from simulator.physics.state import Actuators, Floats, State

GAS_CONSTANT_L_BAR_MOL_K = 0.0831446
PRESSURE_LAG_S = 4.0
WATER_KG_MOL = 0.018015
LEAST_FLOW_MOL_H = 1e-6
LEAST_ROOM = 0.02
"""Share of the vessel that is head space however full it is; of the filter, that passes however fouled."""
MEDIUM_SOLUBILITY = 0.93
"""Oxygen that a medium dissolves over what water does (rule of practice; salts and sugars take 5-25 %)."""
CO2_TRANSFER = 0.91
"""kLa of carbon dioxide over that of oxygen: square root of the ratio of their diffusivities."""


@dataclass(frozen=True, slots=True)
class Inlet:
    """The sparged gas: dry flow and mole fractions; (N,) each."""

    flow_mol_h: Floats
    o2: Floats
    co2: Floats


def inlet(hulls: Hulls, set_to: Actuators, passing: Floats) -> Inlet:
    """The gases as set, within their limits; `passing` is the share that arrives."""
    air = np.minimum(np.maximum(set_to.air_l_min, 0.0), hulls.gas_max_l_min)
    pure = np.minimum(np.maximum(set_to.o2_l_min, 0.0), hulls.o2_max_l_min)
    inert = np.minimum(np.maximum(set_to.n2_l_min, 0.0), hulls.n2_max_l_min)
    acid = np.minimum(np.maximum(set_to.co2_l_min, 0.0), hulls.co2_max_l_min)
    total = air + pure + inert + acid
    over = np.maximum(total, 1e-12)
    return Inlet(
        flow_mol_h=molar_flow(total * passing),
        o2=(DRY_AIR_O2 * air + pure) / over,
        co2=(DRY_AIR_CO2 * air + acid) / over,
    )


@dataclass(frozen=True, slots=True)
class Transfer:
    """How one gas goes from bubbles and head space into the broth, linear in what is dissolved.

    Attributes:
        effective_per_h: (2, N) kLa less what the bubbles' own change takes from it.
        offered: (2, N) mmol/L/h taken up by broth without any of it; of the upper zone with an empty lower.
        carry_per_h: (N,) of the lower zone's content, brought to the upper by the bubbles.
        surface: (N,) mmol/L/h from the head space into the upper zone, without any of it.
        surface_per_h: (N,).
    """

    effective_per_h: Floats
    offered: Floats
    carry_per_h: Floats
    surface: Floats
    surface_per_h: Floats

    def through_bubbles(self, dissolved: Floats) -> Floats:
        """mmol/L/h into each zone, (2, N), at these concentrations."""
        rate: Floats = self.offered - self.effective_per_h * dissolved
        rate[UPPER] += self.carry_per_h * dissolved[LOWER]
        return rate

    def through_surface(self, dissolved: Floats) -> Floats:
        """mmol/L/h into the upper zone."""
        rate: Floats = self.surface - self.surface_per_h * dissolved[UPPER]
        return rate


@dataclass(frozen=True, slots=True)
class Way:
    """What a gas finds on its way: (2, N) kLa and pressure less vapour, (N,) the rest."""

    kla_per_h: Floats
    surface_per_h: Floats
    dry_bar: Floats
    head_dry_bar: Floats
    flow_mol_h: Floats


def transfer(
    way: Way, solubility: Floats, volume_l: Floats, fraction_in: Floats, fraction_head: Floats
) -> Transfer:
    """Transfer of a gas of that solubility, mmol/L/bar, and these dry mole fractions."""
    kla_per_h = way.kla_per_h
    at_pressure = solubility * way.dry_bar
    zone_per_flow = 0.0005 * volume_l / np.maximum(way.flow_mol_h, LEAST_FLOW_MOL_H)
    rise = kla_per_h * zone_per_flow * at_pressure
    effective = kla_per_h / (1.0 + rise)
    offered = effective * at_pressure * fraction_in
    left = 1.0 / (1.0 + rise[LOWER])
    offered[UPPER] *= left
    carry = effective[UPPER] * rise[LOWER] * left * at_pressure[UPPER] / at_pressure[LOWER]
    return Transfer(
        effective_per_h=effective,
        offered=offered,
        carry_per_h=carry,
        surface=way.surface_per_h * solubility * way.head_dry_bar * fraction_head,
        surface_per_h=way.surface_per_h,
    )


@dataclass(frozen=True, slots=True)
class Rising:
    """What came up into the head space in a step, mol, dry; (N,) each."""

    dry_mol: Floats
    o2_mol: Floats
    co2_mol: Floats


@dataclass(frozen=True, slots=True)
class Exhaust:
    """What left the head space in a step, mol, dry; (N,) each."""

    dry_mol: Floats
    o2_mol: Floats
    co2_mol: Floats


def head_mol(hulls: Hulls, state: State, vapour_bar: Floats) -> Floats:
    """Dry gas in the head space, mol."""
    return (state.pressure_bar - vapour_bar) * _mol_per_bar(hulls, state)


def _mol_per_bar(hulls: Hulls, state: State) -> Floats:
    room_l = np.maximum(hulls.total_l - state.volume_l, LEAST_ROOM * hulls.total_l)
    return room_l / (GAS_CONSTANT_L_BAR_MOL_K * (state.temperature_c + KELVIN))


def vent(
    hulls: Hulls, state: State, asked_bar: Floats, up: Rising, *, before_mol: Floats, dt_s: float
) -> Exhaust:
    """Move pressure and composition of the head space on; `before_mol` is what it held before.

    The valve behind the exhaust filter holds the pressure asked for unless the filter alone takes more.
    """
    share = up.dry_mol * (MOLAR_VOLUME_L * 60.0 / dt_s) / hulls.gas_max_l_min
    loss = hulls.filter_loss_bar * share / np.maximum(1.0 - state.filter_load, LEAST_ROOM)
    goal = np.maximum(np.maximum(asked_bar, hulls.pressure_min_bar), STANDARD_PRESSURE_BAR + loss)
    goal = np.minimum(goal, hulls.pressure_max_bar)
    relaxed = goal + (state.pressure_bar - goal) * np.exp(-dt_s / PRESSURE_LAG_S)
    per_bar = _mol_per_bar(hulls, state)
    vapour = water_vapour_bar(state.temperature_c)
    all_mol = before_mol + up.dry_mol
    # Pressure cannot rise by more gas than came up.
    held = np.minimum((relaxed - vapour) * per_bar, all_mol)
    state.pressure_bar = held / per_bar + vapour
    state.head_o2 = (before_mol * state.head_o2 + up.o2_mol) / all_mol
    state.head_co2 = (before_mol * state.head_co2 + up.co2_mol) / all_mol
    out = all_mol - held
    return Exhaust(dry_mol=out, o2_mol=out * state.head_o2, co2_mol=out * state.head_co2)


def water_kg(dry_mol: Floats, vapour_bar: Floats, pressure_bar: Floats) -> Floats:
    """Water that dry gas takes along when saturated at that vapour pressure."""
    return WATER_KG_MOL * dry_mol * vapour_bar / np.maximum(pressure_bar - vapour_bar, 0.1)
