"""What perfect instruments would show: the truth of every signal of a plant, by its name in the dictionary.

The first probes of pH and dissolved oxygen sit in the lower zone, the second in the upper. NaN where a unit
has no such thing. Set points and what controllers put out are theirs to tell.
"""

from __future__ import annotations

from math import pi
from typing import TYPE_CHECKING

import numpy as np

from analysis.gas_balance import MOLAR_VOLUME_L
from analysis.oxygen import STANDARD_PRESSURE_BAR, henry_co2, saturation
from simulator.physics.gas import MEDIUM_SOLUBILITY
from simulator.physics.heat import jacket_ends_c
from simulator.physics.ph import free_share
from simulator.physics.solver import middle
from simulator.physics.state import LOWER, UPPER, Species

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simulator.physics.process import Process
    from simulator.physics.state import Actuators, Floats, Flux, Ledger, State

# Equivalent conductivities at 25 °C in mS/cm a mmol/L, at the ionic strength of a medium (rule of practice).
SALT, AMMONIUM, ORGANIC_ION, BICARBONATE, PHOSPHATE_ION = 0.095, 0.055, 0.03, 0.035, 0.05
CONDUCTIVITY_PER_K = 0.02
# Redox electrode against Ag/AgCl: falls with pH as Nernst has it and with the logarithm of dissolved oxygen.
REDOX_AT_PH7_MV, REDOX_PER_PH_MV, REDOX_PER_DECADE_MV = 120.0, -59.0, 60.0
REDOX_LEAST_OXYGEN_MMOL_L = 1e-4
DEAD_TURBIDITY = 0.6
"""Of a burst cell over a whole one (rule of practice)."""
RELIEVING_BAR = 0.005
"""So far below its set pressure the relief valve begins to leak (rule of practice)."""
VALVE_OPEN_BAR = 0.3
"""Drop over the exhaust valve at which it passes the full gas flow when wide open (rule of practice)."""


def true_signals(
    process: Process, state: State, set_to: Actuators, flux: Flux, ledger: Ledger
) -> dict[str, Floats]:
    """(N,) of each online signal, in the dictionary's unit."""
    return (
        _probes(process, state)
        | _gas(process, state, set_to, flux)
        | _liquids(process, state, flux, ledger)
        | _equipment(process, state, set_to, flux)
    )


def assay_truth(process: Process, state: State) -> dict[str, Floats]:
    """(N,) of everything that is determined in a sample, in the dictionary's unit."""
    cells, broth = process.cells, 0.5 * (state.broth[:, LOWER] + state.broth[:, UPPER])
    alive, dead, overflow = broth[Species.BIOMASS], broth[Species.DEAD], broth[Species.OVERFLOW]
    companion = broth[Species.COSUBSTRATE]
    return {
        "biomass": alive + dead,
        "OD": cells.optical_density_l_g * (alive + DEAD_TURBIDITY * dead + broth[Species.CONTAMINANT]),
        "viable_cells": alive / cells.cell_mass_ng,
        "viability": 100.0 * alive / np.maximum(alive + dead, 1e-9),
        "glucose": broth[Species.SUBSTRATE],
        "acetate": cells.makes_acetate * overflow,
        "ethanol": cells.makes_ethanol * overflow,
        "lactate": cells.makes_lactate * overflow + broth[Species.FOREIGN_ACID],
        "product": broth[Species.PRODUCT],
        "glutamine": cells.nutrient * companion,
        "precursor": cells.precursor * companion * cells.cosubstrate_g_mmol,
        "ammonium": broth[Species.NITROGEN],
        "osmolality": _osmolality(process, state, broth),
    }


def _probes(process: Process, state: State) -> dict[str, Floats]:
    cells, oxygen = process.cells, state.broth[Species.OXYGEN]
    saturated = MEDIUM_SOLUBILITY * saturation(state.temperature_c) / 100.0
    alive, dead = middle(state.broth[Species.BIOMASS]), middle(state.broth[Species.DEAD])
    foreign = middle(state.broth[Species.CONTAMINANT])
    free = free_share(state.ph)[LOWER] * state.broth[Species.CARBONATE, LOWER]
    redox = (
        REDOX_AT_PH7_MV
        + REDOX_PER_PH_MV * (state.ph[LOWER] - 7.0)
        + REDOX_PER_DECADE_MV * np.log10(np.maximum(oxygen[LOWER], REDOX_LEAST_OXYGEN_MMOL_L) / 0.2)
    )
    return {
        "pH": state.ph[LOWER],
        "pH_2": state.ph[UPPER],
        "DO": oxygen[LOWER] / saturated,
        "DO_2": oxygen[UPPER] / saturated,
        "temperature": state.temperature_c,
        "temperature_2": state.temperature_c,
        "ambient_temperature": process.hulls.surroundings_c,
        "OD": cells.optical_density_l_g * (alive + DEAD_TURBIDITY * dead + foreign),
        "capacitance": cells.capacitance_pf_cm_l_g * alive,
        "dissolved_CO2": free / henry_co2(state.temperature_c),
        "foam": state.foam_cm,
        "conductivity": _conductivity(process, state),
        "redox": redox,
        "pressure": state.pressure_bar,
    }


def _gas(process: Process, state: State, set_to: Actuators, flux: Flux) -> dict[str, Floats]:
    litres = MOLAR_VOLUME_L / 60.0
    flow, out = litres * flux.gas_in_mol_h, litres * flux.gas_out_mol_h
    hulls = process.hulls
    asked = {
        "air_flow": np.minimum(set_to.air_l_min, hulls.gas_max_l_min),
        "O2_flow": np.minimum(set_to.o2_l_min, hulls.o2_max_l_min),
        "N2_flow": np.minimum(set_to.n2_l_min, hulls.n2_max_l_min),
        "CO2_flow": np.minimum(set_to.co2_l_min, hulls.co2_max_l_min),
    }
    passing = flow / np.maximum(sum(asked.values()), 1e-12)
    share = out / hulls.gas_max_l_min
    filtered = np.minimum(out, _through_filter_l_min(process, state))
    drop = np.maximum(state.pressure_bar - STANDARD_PRESSURE_BAR, 1e-3)
    exhaust = np.minimum(share * np.sqrt(VALVE_OPEN_BAR / drop), 1.0)
    return {
        "gas_flow": flow,
        **{name: litres_min * passing for name, litres_min in asked.items()},
        "offgas_flow": filtered,
        "offgas_O2": 100.0 * state.head_o2,
        "offgas_CO2": 100.0 * state.head_co2,
        "gas_valve": 100.0 * flow / hulls.gas_max_l_min,
        "exhaust_valve": 100.0 * exhaust,
    }


def _through_filter_l_min(process: Process, state: State) -> Floats:
    """What the exhaust filter passes at most while the relief valve is open; no limit while it is shut."""
    hulls = process.hulls
    over_bar = np.maximum(state.pressure_bar - STANDARD_PRESSURE_BAR, 0.0)
    passed = hulls.gas_max_l_min * over_bar * (1.0 - state.filter_load) / hulls.filter_loss_bar
    relieving = state.pressure_bar > hulls.pressure_max_bar - RELIEVING_BAR
    limit: Floats = np.where(relieving, passed, np.inf)
    return limit


def _liquids(process: Process, state: State, flux: Flux, ledger: Ledger) -> dict[str, Floats]:
    hulls = process.hulls
    bottled = process.cells.cosubstrate_carbon > 0.0
    return {
        "weight": state.mass_kg,
        "volume": state.volume_l,
        "feed_rate": flux.feed_l_h,
        "feed_total": ledger.feed_l,
        "precursor_rate": np.where(bottled, flux.cosubstrate_l_h, np.nan),
        "precursor_total": np.where(bottled, ledger.cosubstrate_l, np.nan),
        "base_rate": flux.base_l_h,
        "base_total": ledger.base_l,
        "acid_rate": flux.acid_l_h,
        "acid_total": ledger.acid_l,
        "antifoam_rate": flux.antifoam_l_h,
        "antifoam_total": ledger.antifoam_l,
        "feed_pump": 100.0 * flux.feed_l_h / hulls.feed_max_l_h,
        "base_pump": 100.0 * flux.base_l_h / hulls.base_max_l_h,
        "acid_pump": 100.0 * flux.acid_l_h / hulls.acid_max_l_h,
        "antifoam_pump": 100.0 * flux.antifoam_l_h / hulls.antifoam_max_l_h,
    }


def _equipment(process: Process, state: State, set_to: Actuators, flux: Flux) -> dict[str, Floats]:
    inlet_c, outlet_c = jacket_ends_c(process.hulls, state.jacket_c, flux.cooling_w)
    return {
        "agitation": state.speed_per_min,
        "torque": flux.torque_n_m,
        "power": 2.0 * pi / 60.0 * flux.torque_n_m * state.speed_per_min,
        "jacket_inlet_temperature": inlet_c,
        "jacket_outlet_temperature": outlet_c,
        "jacket_flow": flux.jacket_flow_l_min,
        "heater_power": flux.heater_w,
        "cooling_valve": 100.0 * np.minimum(np.maximum(set_to.cooling_valve, 0.0), 1.0),
    }


def _salts(process: Process, state: State) -> Floats:
    """What is left of the medium's own salts in this volume, mmol/L."""
    salts: Floats = process.salts_mmol / state.volume_l
    return salts


def _conductivity(process: Process, state: State) -> Floats:
    broth, cells = state.broth[:, LOWER], process.cells
    ions = (
        SALT * _salts(process, state)
        + SALT * 0.5 * np.abs(broth[Species.STRONG_IONS])
        + AMMONIUM * broth[Species.NITROGEN]
        + PHOSPHATE_ION * broth[Species.PHOSPHATE]
        + BICARBONATE * broth[Species.CARBONATE] * (1.0 - free_share(state.ph)[LOWER])
        + ORGANIC_ION * broth[Species.OVERFLOW] * cells.overflow_mmol_g * (1.0 - cells.makes_ethanol)
    )
    conductivity: Floats = ions * (1.0 + CONDUCTIVITY_PER_K * (state.temperature_c - 25.0))
    return conductivity


def _osmolality(process: Process, state: State, broth: Floats) -> Floats:
    """Sum of what is dissolved, mosm/kg; salts count twice."""
    parts: Mapping[Species, float] = {
        Species.SUBSTRATE: 5.55,
        Species.NITROGEN: 1.0,
        Species.PHOSPHATE: 1.0,
        Species.CARBONATE: 1.0,
        Species.COSUBSTRATE: 1.0,
    }
    total = 2.0 * _salts(process, state) + np.abs(broth[Species.STRONG_IONS])
    for species, per_unit in parts.items():
        total = total + per_unit * broth[species]
    return np.asarray(total + process.cells.overflow_mmol_g * broth[Species.OVERFLOW])
