"""The mass, heat and proton balances of a stirred culture, one short step at a time.

Everything is advanced by Euler's rule but dissolved oxygen, whose balance is so much faster near zero that it
takes the implicit rule; with Monod's law for respiration that is the root of a quadratic.
"""

from dataclasses import dataclass
from math import exp, sqrt

from analysis.gas_balance import DRY_AIR_CO2, DRY_AIR_O2, molar_flow
from analysis.oxygen import KELVIN, henry_co2, saturation, water_vapour_bar
from simulator.culture import Appetite, Strain, Turnover, appetite, turnover
from simulator.vessel import (
    DENSITY_KG_M3,
    HEAT_CAPACITY_J_KG_K,
    HEAT_OF_RESPIRATION_J_MMOL,
    Vessel,
    actual_flow,
)

GAS_CONSTANT_L_BAR_MOL_K = 0.0831446
CARBONIC_PK = 6.3
"""First dissociation of carbon dioxide in water at 37 °C and the ionic strength of a medium."""
CO2_TRANSFER = 0.91
"""kLa of carbon dioxide over that of oxygen: square root of the ratio of their diffusivities."""
BUFFER_MMOL_L_PH = 40.0
BASE_MOL_L = 13.4
"""Ammonia solution of 25 %."""
JACKET_LAG_S = 20.0
DRIVE_LAG_S = 1.0
COAST_DOWN_S = 0.2
"""The broth stops a free impeller of this size within a second."""
SECONDS_PER_H = 3600.0


@dataclass(slots=True)
class State:
    """The truth about the culture."""

    hours: float
    biomass_g_l: float
    glucose_g_l: float
    acetate_g_l: float
    oxygen_mmol_l: float
    carbonate_mmol_l: float
    """Dissolved carbon dioxide and bicarbonate together."""
    ph: float
    temperature_c: float
    volume_l: float
    gas_o2: float
    gas_co2: float
    """Dry mole fractions in bubbles and head space."""
    speed_per_min: float
    jacket_w: float


@dataclass(slots=True)
class Actuators:
    """What the controllers and the operator have set."""

    speed_per_min: float
    gas_l_min: float
    pressure_bar: float
    feed_l_h: float
    jacket_w: float
    drive: bool = True
    """False: the stirrer gets no torque, whatever its set point."""


@dataclass(frozen=True, slots=True)
class Flux:
    """What passed in the last step, per litre and hour."""

    kla: float
    otr: float
    ctr: float
    our: float
    cer: float


def solubility(vessel: Vessel, temperature_c: float, dry_o2: float, pressure_bar: float) -> float:
    """Oxygen in mmol/L in equilibrium with the gas."""
    return vessel.oxygen_solubility * saturation(temperature_c, dry_o2, pressure_bar)


def oxygen_root(square: float, linear: float, constant: float) -> float:
    """The positive root of square x² + linear x - constant = 0 (constant >= 0), free of cancellation."""
    root = sqrt(linear * linear + 4.0 * square * constant)
    return 2.0 * constant / (linear + root) if linear > 0.0 else (root - linear) / (2.0 * square)


def bicarbonate_share(ph: float) -> float:
    """Fraction of the dissolved carbon dioxide that is bicarbonate."""
    ratio = float(10.0 ** (ph - CARBONIC_PK))
    return ratio / (1.0 + ratio)


@dataclass(frozen=True, slots=True)
class Process:
    """One strain in one vessel; advances a state by short steps."""

    strain: Strain
    vessel: Vessel
    feed_g_l: float
    """Glucose in the feed."""

    def advance(self, state: State, set_to: Actuators, step_s: float) -> Flux:
        """Move `state` on by `step_s` seconds (at most half a second) under constant actuators."""
        hours = step_s / SECONDS_PER_H
        self._mechanics(state, set_to, step_s)
        flow = actual_flow(set_to.gas_l_min, state.temperature_c, set_to.pressure_bar)
        kla = self.vessel.kla(state.speed_per_min, flow, state.volume_l)
        wish = appetite(self.strain, state.glucose_g_l, state.acetate_g_l)
        otr, done = self._oxygen(state, set_to, wish, kla, hours)
        biomass = state.biomass_g_l
        our, cer = done.oxygen_mmol * biomass, done.co2_mmol * biomass
        ctr = self._carbon_dioxide(state, set_to, kla, cer, hours)
        self._protons(state, done.acid_mmol * biomass, cer - ctr, hours)
        self._gas(state, set_to, otr, ctr, hours)
        self._heat(state, flow, our, step_s)
        self.turn_over(state, done, set_to.feed_l_h, hours)
        state.hours += hours
        return Flux(kla=kla, otr=otr, ctr=ctr, our=our, cer=cer)

    @staticmethod
    def dose_base(state: State, millilitres: float) -> None:
        """Add base at once: a pump's shot is mixed in within seconds."""
        state.ph += millilitres * BASE_MOL_L / (BUFFER_MMOL_L_PH * state.volume_l)
        state.volume_l += millilitres / 1000.0

    @staticmethod
    def _mechanics(state: State, set_to: Actuators, step_s: float) -> None:
        if set_to.drive:
            state.speed_per_min += (set_to.speed_per_min - state.speed_per_min) * min(
                1.0, step_s / DRIVE_LAG_S
            )
        else:
            state.speed_per_min *= exp(-step_s / COAST_DOWN_S)
        state.jacket_w += (set_to.jacket_w - state.jacket_w) * step_s / JACKET_LAG_S

    def _oxygen(
        self, state: State, set_to: Actuators, wish: Appetite, kla: float, hours: float
    ) -> tuple[float, Turnover]:
        # Bubbles are fresh at the sparger and spent at the surface: the mean of the two drives transfer.
        between = 0.5 * (DRY_AIR_O2 + state.gas_o2)
        saturated = solubility(self.vessel, state.temperature_c, between, set_to.pressure_bar)
        half = self.strain.oxygen_half_mmol_l
        gain = 1.0 + hours * kla
        supplied = state.oxygen_mmol_l + hours * kla * saturated
        wanted = hours * wish.oxygen_mmol * state.biomass_g_l
        oxygen = oxygen_root(gain, gain * half + wanted - supplied, supplied * half)
        state.oxygen_mmol_l = oxygen
        return kla * (saturated - oxygen), turnover(self.strain, wish, oxygen / (half + oxygen))

    @staticmethod
    def _carbon_dioxide(state: State, set_to: Actuators, kla: float, cer: float, hours: float) -> float:
        dry_bar = set_to.pressure_bar - water_vapour_bar(state.temperature_c)
        in_gas = 1000.0 * henry_co2(state.temperature_c) * state.gas_co2 * dry_bar
        free = state.carbonate_mmol_l * (1.0 - bicarbonate_share(state.ph))
        ctr = CO2_TRANSFER * kla * (free - in_gas)
        state.carbonate_mmol_l += hours * (cer - ctr)
        return ctr

    @staticmethod
    def _protons(state: State, acid: float, carbonate_gain: float, hours: float) -> None:
        # Each carbon dioxide that becomes bicarbonate leaves a proton behind.
        released = acid + bicarbonate_share(state.ph) * carbonate_gain
        state.ph -= hours * released / BUFFER_MMOL_L_PH

    def _gas(self, state: State, set_to: Actuators, otr: float, ctr: float, hours: float) -> None:
        space_l = self.vessel.total_l - state.volume_l
        held = set_to.pressure_bar * space_l / (GAS_CONSTANT_L_BAR_MOL_K * (state.temperature_c + KELVIN))
        inflow = molar_flow(set_to.gas_l_min)
        taken, given = otr * state.volume_l / 1000.0, ctr * state.volume_l / 1000.0
        outflow = inflow - taken + given
        state.gas_o2 += hours * (inflow * DRY_AIR_O2 - outflow * state.gas_o2 - taken) / held
        state.gas_co2 += hours * (inflow * DRY_AIR_CO2 - outflow * state.gas_co2 + given) / held

    def _heat(self, state: State, gas_m3_s: float, our: float, step_s: float) -> None:
        warmth = (
            state.jacket_w
            + HEAT_OF_RESPIRATION_J_MMOL * our * state.volume_l / SECONDS_PER_H
            + self.vessel.power_w(state.speed_per_min, gas_m3_s)
            - self.vessel.heat_loss_w(state.temperature_c)
        )
        mass_kg = DENSITY_KG_M3 * state.volume_l / 1000.0
        state.temperature_c += step_s * warmth / (mass_kg * HEAT_CAPACITY_J_KG_K)

    def turn_over(self, state: State, done: Turnover, feed_l_h: float, hours: float) -> None:
        """Let cells, glucose, acetate and volume move on by `hours` of this turnover under feed."""
        biomass, dilution = state.biomass_g_l, feed_l_h / state.volume_l
        fed = dilution * (self.feed_g_l - state.glucose_g_l)
        state.glucose_g_l = max(0.0, state.glucose_g_l + hours * (fed - done.glucose_g * biomass))
        state.acetate_g_l += hours * (done.acetate_g * biomass - dilution * state.acetate_g_l)
        state.acetate_g_l = max(0.0, state.acetate_g_l)
        state.biomass_g_l += hours * (done.growth - dilution) * biomass
        state.volume_l += hours * feed_l_h
