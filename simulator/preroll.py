"""Growing a culture to any hour in milliseconds: the fast taken as settled, the slow integrated."""

from dataclasses import dataclass

from analysis.gas_balance import DRY_AIR, dry_outlet, molar_flow
from analysis.oxygen import henry_co2, water_vapour_bar
from simulator.culture import Appetite, appetite, turnover
from simulator.feed import Feed
from simulator.process import (
    BASE_MOL_L,
    CO2_TRANSFER,
    SECONDS_PER_H,
    Actuators,
    Process,
    State,
    bicarbonate_share,
    oxygen_root,
    solubility,
)
from simulator.vessel import HEAT_OF_RESPIRATION_J_MMOL, actual_flow

STEP_S = 4.0
"""Short enough for glucose, the fastest of the slow, in a dense culture."""


@dataclass(frozen=True, slots=True)
class Aim:
    """What the controllers hold: dissolved oxygen in mmol/L, within the stirrer's `speeds` per minute."""

    oxygen_mmol_l: float
    speeds: tuple[float, float]


def grow(process: Process, state: State, set_to: Actuators, *, feed: Feed, aim: Aim, hours: float) -> float:
    """Move `state` on by `hours` with pH and temperature held, and oxygen as far as the stirrer can.

    Sets the stirrer and the jacket in `set_to` to what holds this; returns the base that does, in mL/h.
    """
    strain, vessel, step_h = process.strain, process.vessel, STEP_S / SECONDS_PER_H
    gas_m3_s = actual_flow(set_to.gas_l_min, state.temperature_c, set_to.pressure_bar)
    gas_mol_h = molar_flow(set_to.gas_l_min)
    slowest, fastest = (vessel.kla(speed, gas_m3_s, state.volume_l) for speed in aim.speeds)
    for remaining in range(round(hours * SECONDS_PER_H / STEP_S), -1, -1):
        wish = appetite(strain, state.glucose_g_l, state.acetate_g_l)
        between = 0.5 * (DRY_AIR.o2 + state.gas_o2)
        saturated = solubility(vessel, state.temperature_c, between, set_to.pressure_bar)
        oxygen = max(aim.oxygen_mmol_l, _level(process, state, wish, slowest, saturated))
        oxygen = min(oxygen, _level(process, state, wish, fastest, saturated))
        done = turnover(strain, wish, oxygen / (strain.oxygen_half_mmol_l + oxygen))
        our, cer = done.oxygen_mmol * state.biomass_g_l, done.co2_mmol * state.biomass_g_l
        gas = dry_outlet(gas_mol_h, DRY_AIR, our, cer, state.volume_l)
        state.gas_o2, state.gas_co2 = gas.o2, gas.co2
        base_ml_h = max(0.0, done.acid_mmol * state.biomass_g_l * state.volume_l / BASE_MOL_L)
        set_to.feed_l_h = feed.rate(strain, state)
        if remaining:
            process.turn_over(state, done, set_to.feed_l_h, step_h)
            state.volume_l += base_ml_h * step_h / 1000.0
            state.hours += step_h
    kla = our / max(1e-9, saturated - oxygen)
    speed = vessel.speed_for(kla, gas_m3_s, state.volume_l, aim.speeds)
    state.oxygen_mmol_l = oxygen
    state.speed_per_min = set_to.speed_per_min = speed
    kla = vessel.kla(speed, gas_m3_s, state.volume_l)
    state.carbonate_mmol_l = _carbonate(state, set_to, kla, cer)
    respiration_w = HEAT_OF_RESPIRATION_J_MMOL * our * state.volume_l / SECONDS_PER_H
    warmth_w = respiration_w + vessel.power_w(speed, gas_m3_s)
    state.jacket_w = set_to.jacket_w = vessel.heat_loss_w(state.temperature_c) - warmth_w
    return base_ml_h


def _level(process: Process, state: State, wish: Appetite, kla: float, saturated: float) -> float:
    """Dissolved oxygen at which transfer at `kla` and respiration are equal."""
    half = process.strain.oxygen_half_mmol_l
    wanted = wish.oxygen_mmol * state.biomass_g_l
    return oxygen_root(kla, kla * (half - saturated) + wanted, kla * saturated * half)


def _carbonate(state: State, set_to: Actuators, kla: float, cer: float) -> float:
    """Dissolved carbon dioxide and bicarbonate at which as much leaves as is made."""
    dry_bar = set_to.pressure_bar - water_vapour_bar(state.temperature_c)
    in_gas = 1000.0 * henry_co2(state.temperature_c) * state.gas_co2 * dry_bar
    return (in_gas + cer / (CO2_TRANSFER * kla)) / (1.0 - bicarbonate_share(state.ph))
