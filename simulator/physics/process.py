"""The mass, gas, charge and heat balances of a fleet of stirred cultures, advanced together.

Each flux is computed once and booked on both sides and in the ledger. What is faster than a step of 10 s is
solved implicitly or taken as settled, so that none is too long.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.oxygen import henry_co2, henry_o2, saturation, water_vapour_bar
from simulator.physics import foam, heat, kinetics, pumps
from simulator.physics.cardinal import ph_factor, temperature_factor
from simulator.physics.gas import (
    CO2_TRANSFER,
    MEDIUM_SOLUBILITY,
    Exhaust,
    Inlet,
    Rising,
    Way,
    head_mol,
    inlet,
    transfer,
    vent,
    water_kg,
)
from simulator.physics.ph import charges, free_share, next_ph, site_constants
from simulator.physics.solver import both, middle, two_zones, two_zones_linear
from simulator.physics.stacks import (
    Cells,
    Hulls,
    carbon_mol,
    cells_row,
    hull_row,
    nitrogen_mol,
    stack,
    streams,
)
from simulator.physics.start import starting_state
from simulator.physics.state import LOWER, UPPER, Flux, Species
from simulator.physics.stirring import SECONDS_PER_H, Stirring, next_speed, stir, torque_n_m

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulator.organisms.organism import Organism
    from simulator.physics.medium import Medium
    from simulator.physics.state import Actuators, Disturbances, Floats, Ledger, State
    from simulator.vessels.vessel import Vessel

O2_KG_MOL, CO2_KG_MOL = 0.031999, 0.044010


@dataclass(frozen=True, slots=True)
class _Step:
    """One step: what acts, what is booked, and what stirrer and gas make of the vessel."""

    dt_s: float
    hours: float
    set_to: Actuators
    wrong: Disturbances
    ledger: Ledger
    flux: Flux
    powered: Floats
    """1, or 0 without current."""
    gas: Inlet
    stirring: Stirring
    exchanged: Floats
    """Volume that the zones exchange over the volume of one."""
    vapour_bar: Floats
    head_dry_bar: Floats
    """Pressure less vapour in the head space; next, (2, N), in the zones."""
    dry_bar: Floats

    def way(self, ratio: float = 1.0) -> Way:
        """The way of a gas whose transfer is `ratio` times that of oxygen."""
        stirring = self.stirring
        return Way(
            kla_per_h=ratio * stirring.kla_per_h,
            surface_per_h=ratio * stirring.surface_per_h,
            dry_bar=self.dry_bar,
            head_dry_bar=self.head_dry_bar,
            flow_mol_h=self.gas.flow_mol_h,
        )


class Process:
    """Organisms in vessels: knows their parameters, keeps no state.

    Args:
        organisms, vessels, media: one of each for every bioreactor.

    Attributes:
        cells, hulls, streams: their parameters as arrays.
        carbon_mol, nitrogen_mol: (len(Species), N) in mol for each unit of a species.
        salts_mmol: (N,) that the medium brought beside what is in the state.
    """

    def __init__(
        self, organisms: Sequence[Organism], vessels: Sequence[Vessel], media: Sequence[Medium]
    ) -> None:
        self.cells = stack(Cells, [cells_row(organism) for organism in organisms])
        self.hulls = stack(Hulls, [hull_row(vessel) for vessel in vessels])
        self.media = tuple(media)
        self.streams = streams(media, self.cells)
        self.carbon_mol = carbon_mol(self.cells)
        self.nitrogen_mol = nitrogen_mol(self.cells)
        salts = np.array([medium.salts_mmol_l * medium.volume_share for medium in media])
        self.salts_mmol = salts * self.hulls.working_l
        self._site_constants = site_constants(self.cells)
        self._limits = pumps.limits(self.hulls)
        self._condenser_bar = water_vapour_bar(self.hulls.condenser_c)

    def start(self) -> State:
        """Every bioreactor just after inoculation."""
        return starting_state(self.cells, self.hulls, self.media)

    def advance(
        self, state: State, set_to: Actuators, wrong: Disturbances, dt_s: float, ledger: Ledger
    ) -> Flux:
        """Move `state` on by `dt_s` seconds (up to 10) under constant actuators, booking into `ledger`.

        Requests that are done at once (a sample, an infection) are set back to 0.
        """
        vapour_bar = water_vapour_bar(state.temperature_c)
        # Whatever makes or takes room in the vessel, the gas above the broth is the same as before.
        before_mol = head_mol(self.hulls, state, vapour_bar)
        if set_to.sample_l.any():
            pumps.draw_sample(state, set_to, ledger, self.carbon_mol, self.nitrogen_mol)
        if wrong.contamination_g_l.any():
            pumps.infect(state, wrong, ledger, self.carbon_mol, self.nitrogen_mol)
        step = self._stir(state, set_to, wrong, dt_s=dt_s, ledger=ledger, vapour_bar=vapour_bar)
        rates = pumps.rates_l_h(state, set_to, wrong, step.powered, self._limits)
        flux = step.flux
        flux.feed_l_h, flux.cosubstrate_l_h, flux.base_l_h, flux.acid_l_h, flux.antifoam_l_h = rates
        content_j = state.mass_kg * heat.HEAT_CAPACITY_J_KG_K * state.temperature_c
        content_j += pumps.add(state, self.streams, rates * step.hours, ledger)
        up = self._live(state, step)
        state.ph = next_ph(charges(self.cells, state.broth), self._site_constants, state.ph)
        self._warm(state, step, up, content_j)
        out = vent(self.hulls, state, set_to.pressure_bar, up, before_mol=before_mol, dt_s=dt_s)
        self._book_gas(step, out)
        self._foam(state, step)
        state.hours = state.hours + step.hours
        return flux

    def _stir(
        self,
        state: State,
        set_to: Actuators,
        wrong: Disturbances,
        *,
        dt_s: float,
        ledger: Ledger,
        vapour_bar: Floats,
    ) -> _Step:
        powered = 1.0 - np.minimum(np.maximum(wrong.power_lost, 0.0), 1.0)
        driven = powered * (1.0 - np.minimum(np.maximum(wrong.drive_lost, 0.0), 1.0))
        hulls = self.hulls
        state.speed_per_min = next_speed(hulls, state.speed_per_min, set_to.speed_per_min, driven, dt_s)
        gas = inlet(hulls, set_to, powered * np.maximum(1.0 - wrong.gas_lost, 0.0))
        stirring = stir(hulls, self.cells, state, gas.flow_mol_h)
        flux = Flux.zeros(state.count)
        flux.stirring_w = stirring.power_w
        flux.torque_n_m = torque_n_m(hulls, stirring.power_w, state.speed_per_min)
        flux.kla_lower_per_h = stirring.kla_per_h[LOWER]
        flux.kla_per_h = middle(stirring.kla_per_h)
        flux.gas_in_mol_h, flux.inlet_o2, flux.inlet_co2 = gas.flow_mol_h, gas.o2, gas.co2
        head_dry = np.maximum(state.pressure_bar - vapour_bar, 0.01)
        # The middle of the lower zone lies under three quarters of the broth, of the upper under one.
        depth = both(0.75 * stirring.depth_bar, 0.25 * stirring.depth_bar)
        return _Step(
            dt_s=dt_s,
            hours=dt_s / SECONDS_PER_H,
            set_to=set_to,
            wrong=wrong,
            ledger=ledger,
            flux=flux,
            powered=powered,
            gas=gas,
            stirring=stirring,
            exchanged=0.5 * dt_s * stirring.exchange_per_s,
            vapour_bar=vapour_bar,
            head_dry_bar=head_dry,
            dry_bar=head_dry + depth,
        )

    def _live(self, state: State, step: _Step) -> Rising:
        """Mix, eat, breathe, grow, die; the gas that comes up."""
        cells, hours, broth, flux = self.cells, step.hours, state.broth, step.flux
        sugar, oxygen, carbonate = self._mix(broth, step)
        warmth = temperature_factor(
            state.temperature_c, cells.temperature_min_c, cells.temperature_optimum_c, cells.temperature_max_c
        )
        warmth = warmth * cells.per_reference_warmth
        wished = kinetics.wish(
            cells,
            broth,
            warmth * ph_factor(state.ph, cells.ph_min, cells.ph_optimum, cells.ph_max),
            kinetics.foreign_environment(state.temperature_c, state.ph),
            hours,
        )
        wanted = wished.uptake_g_l + wished.foreign_g_l
        left = two_zones(sugar, 1.0, step.exchanged, 0.0, wanted=wanted, half=wished.half_g_l, before=sugar)
        taken = np.maximum(sugar + step.exchanged * (left[::-1] - left) - left, 0.0)
        breathed = kinetics.breath(cells, broth, wished, taken, hours)
        broth[Species.SUBSTRATE] = left
        used, o2_up = self._breathe(state, step, oxygen, breathed.oxygen_mmol_l)
        done = kinetics.turnover(cells, breathed, used)
        dying = kinetics.death_per_h(cells, broth, breathed.unmet, state.temperature_c)
        self._grow(broth, step, done, dying + np.maximum(step.wrong.lysis_per_h, 0.0))
        co2_up = self._release(state, step, carbonate + done.carbon_dioxide_mmol_l)
        flux.our = middle(used) / hours
        flux.cer = middle(done.carbon_dioxide_mmol_l) / hours
        flux.substrate_g_l_h = middle(breathed.eaten_g_l) / hours
        burnt = flux.our * state.volume_l
        flux.metabolism_w = heat.HEAT_OF_RESPIRATION_J_MMOL / SECONDS_PER_H * burnt
        step.ledger.o2_used += burnt * hours / 1000.0
        inert = step.gas.flow_mol_h * (1.0 - step.gas.o2 - step.gas.co2) * hours
        return Rising(dry_mol=inert + o2_up + co2_up, o2_mol=o2_up, co2_mol=co2_up)

    @staticmethod
    def _mix(broth: Floats, step: _Step) -> tuple[Floats, Floats, Floats]:
        """Even out the zones but for what turns over as fast as they mix: its rows as they were."""
        fast = tuple(
            broth[species].copy() for species in (Species.SUBSTRATE, Species.OXYGEN, Species.CARBONATE)
        )
        passed = 0.5 * -np.expm1(-2.0 * step.exchanged) * (broth[:, UPPER] - broth[:, LOWER])
        broth[:, LOWER] += passed
        broth[:, UPPER] -= passed
        return fast[0], fast[1], fast[2]

    def _breathe(self, state: State, step: _Step, before: Floats, wanted: Floats) -> tuple[Floats, Floats]:
        """Oxygen used in each zone, mmol/L, and what is left in the gas that comes up, mol."""
        gas, hours, flux = step.gas, step.hours, step.flux
        solubility = 1000.0 * MEDIUM_SOLUBILITY * henry_o2(state.temperature_c)
        way = transfer(step.way(), solubility, state.volume_l, gas.o2, state.head_o2)
        supply = before + hours * way.offered
        supply[UPPER] += hours * way.surface
        gain = 1.0 + hours * way.effective_per_h
        gain[UPPER] += hours * way.surface_per_h
        oxygen = two_zones(
            supply,
            gain,
            step.exchanged,
            hours * way.carry_per_h,
            wanted=wanted,
            half=self.cells.oxygen_half_mmol_l,
            before=before,
        )
        bubbles, surface = way.through_bubbles(oxygen), way.through_surface(oxygen)
        used = before + hours * bubbles + step.exchanged * (oxygen[::-1] - oxygen) - oxygen
        used[UPPER] += hours * surface
        state.broth[Species.OXYGEN] = oxygen
        flux.otr = middle(bubbles) + 0.5 * surface
        flux.saturation_mmol_l = MEDIUM_SOLUBILITY * saturation(state.temperature_c)
        return used, hours * (gas.flow_mol_h * gas.o2 - flux.otr * state.volume_l / 1000.0)

    def _release(self, state: State, step: _Step, before: Floats) -> Floats:
        """Carbon dioxide that comes up, mol; `before` is the carbonate with what the cells made."""
        gas, hours, flux = step.gas, step.hours, step.flux
        solubility = 1000.0 * henry_co2(state.temperature_c)
        way = transfer(step.way(CO2_TRANSFER), solubility, state.volume_l, gas.co2, state.head_co2)
        free = free_share(state.ph)
        supply = before + hours * way.offered
        supply[UPPER] += hours * way.surface
        gain = 1.0 + hours * way.effective_per_h * free
        gain[UPPER] += hours * way.surface_per_h * free[UPPER]
        carry = hours * way.carry_per_h * free[LOWER]
        carbonate = two_zones_linear(supply, gain, step.exchanged, carry)
        dissolved = free * carbonate
        flux.ctr = -middle(way.through_bubbles(dissolved)) - 0.5 * way.through_surface(dissolved)
        state.broth[Species.CARBONATE] = carbonate
        return hours * (gas.flow_mol_h * gas.co2 + flux.ctr * state.volume_l / 1000.0)

    @staticmethod
    def _grow(broth: Floats, step: _Step, done: kinetics.Turnover, dying_per_h: Floats) -> None:
        hours, flux = step.hours, step.flux
        alive = broth[Species.BIOMASS]
        flux.growth_per_h = middle(done.biomass_g_l) / np.maximum(middle(alive), 1e-12) / hours
        grown = alive + done.biomass_g_l
        dead = grown * -np.expm1(-dying_per_h * hours)
        broth[Species.BIOMASS] = grown - dead
        broth[Species.DEAD] += dead
        broth[Species.PRODUCT] += done.product_g_l
        # No pool is overdrawn but by rounding, which is taken off here.
        for species, gained in (
            (Species.OVERFLOW, done.overflow_g_l),
            (Species.NITROGEN, done.nitrogen_mmol_l),
            (Species.COSUBSTRATE, done.cosubstrate_mmol_l),
        ):
            broth[species] = np.maximum(broth[species] + gained, 0.0)
        broth[Species.CONTAMINANT] += done.contaminant_g_l
        broth[Species.FOREIGN_ACID] += done.foreign_acid_g_l
        broth[Species.ANTIFOAM] *= np.exp(-foam.ANTIFOAM_FADES_PER_H * hours)
        flux.overflow_g_l_h = middle(done.overflow_g_l) / hours
        flux.product_g_l_h = middle(done.product_g_l) / hours

    def _warm(self, state: State, step: _Step, up: Rising, content_j: Floats) -> None:
        """Temperatures, and the mass that gas and vapour move; `content_j` is their heat before."""
        hulls, hours, dt_s, flux, ledger = self.hulls, step.hours, step.dt_s, step.flux, step.ledger
        per_kg = heat.HEAT_CAPACITY_J_KG_K * state.temperature_c
        boiled = water_kg(up.dry_mol, step.vapour_bar, state.pressure_bar)
        lost = water_kg(up.dry_mol, np.minimum(self._condenser_bar, step.vapour_bar), state.pressure_bar)
        taken = O2_KG_MOL * flux.otr * state.volume_l * hours / 1000.0
        given = CO2_KG_MOL * flux.ctr * state.volume_l * hours / 1000.0 + lost
        valve = np.where(
            step.wrong.cooling_stuck > 0.5, step.wrong.cooling_stuck_at, step.set_to.cooling_valve
        )
        flux.jacket_flow_l_min = hulls.coolant_max_l_min * np.minimum(np.maximum(valve, 0.0), 1.0)
        heater = np.minimum(np.maximum(step.set_to.heater_w, 0.0), hulls.heater_max_w) * step.powered
        flux.heater_w = heater
        state.mass_kg = state.mass_kg + taken - given
        latent_w = heat.LATENT_J_KG * boiled / dt_s
        flows_j = (taken - given) * per_kg
        source_w = flux.metabolism_w + flux.stirring_w - latent_w
        wetted = np.minimum(state.volume_l / hulls.working_l, 1.0)
        now = heat.exchange_heat(
            hulls,
            content_j=content_j + flows_j,
            mass_kg=state.mass_kg,
            jacket_c=state.jacket_c,
            source_w=source_w,
            coolant_l_min=flux.jacket_flow_l_min,
            heater_w=heater,
            wetted=wetted,
            dt_s=dt_s,
        )
        state.temperature_c, state.jacket_c = now.temperature_c, now.jacket_c
        dried = state.volume_l - lost / heat.WATER_KG_L
        state.broth *= state.volume_l / dried
        state.volume_l = dried
        flux.evaporation_kg_h = lost / hours
        flux.cooling_w = now.jacket_w
        flux.jacket_out_c = heat.jacket_ends_c(hulls, now.jacket_c, now.jacket_w)[1]
        ledger.mass_in += taken
        ledger.mass_out += given
        ledger.heat_metabolism += flux.metabolism_w * dt_s
        ledger.heat_stirring += flux.stirring_w * dt_s
        ledger.heat_jacket += now.jacket_w * dt_s
        ledger.heat_surroundings += now.surroundings_w * dt_s
        ledger.heat_evaporation += latent_w * dt_s
        ledger.heat_flows += flows_j

    @staticmethod
    def _book_gas(step: _Step, out: Exhaust) -> None:
        gas, flux, ledger = step.gas, step.flux, step.ledger
        flux.gas_out_mol_h = out.dry_mol / step.hours
        ledger.o2_in += gas.flow_mol_h * gas.o2 * step.hours
        ledger.o2_out += out.o2_mol
        ledger.carbon_in += gas.flow_mol_h * gas.co2 * step.hours
        ledger.carbon_out += out.co2_mol

    def _foam(self, state: State, step: _Step) -> None:
        stirring, wrong = step.stirring, step.wrong
        state.foam_cm = foam.next_foam(
            self.cells,
            state.foam_cm,
            stirring.gas_velocity_m_s,
            state.broth[:, UPPER],
            drive_cm_min=wrong.foam_drive,
            dt_s=step.dt_s,
        )
        room = foam.head_room_cm(self.hulls, state.volume_l, stirring.hold_up)
        state.filter_load = foam.next_filter_load(
            state.filter_load, state.foam_cm, room, wrong.filter_fouling_per_h, step.hours
        )
