"""What operators and pumps put into the broth and take out of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simulator.physics.heat import HEAT_CAPACITY_J_KG_K
from simulator.physics.state import LOWER, UPPER, Species

if TYPE_CHECKING:
    from simulator.physics.stacks import Hulls, Streams
    from simulator.physics.state import Actuators, Disturbances, Floats, Ledger, State

FULL_SHARE = 0.97
"""Of the vessel, at which the level switch stops all pumps."""
MOST_DRAWN = 0.9
"""Share of the broth that a sample can be."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Largest rates of the pumps, (5, N), and the volume at which a level switch stops them, (N,)."""

    pumps_l_h: Floats
    full_l: Floats


def limits(hulls: Hulls) -> Limits:
    """Of these vessels."""
    largest = (
        hulls.feed_max_l_h,
        hulls.cosubstrate_max_l_h,
        hulls.base_max_l_h,
        hulls.acid_max_l_h,
        hulls.antifoam_max_l_h,
    )
    return Limits(pumps_l_h=np.stack(largest), full_l=FULL_SHARE * hulls.total_l)


def draw_sample(
    state: State, set_to: Actuators, ledger: Ledger, carbon_mol: Floats, nitrogen_mol: Floats
) -> None:
    """Take the sample that is asked for out of both zones alike; the request is done with."""
    sample = np.minimum(np.maximum(set_to.sample_l, 0.0), MOST_DRAWN * state.volume_l)
    share = sample / state.volume_l
    mean = state.broth.mean(axis=1)
    drawn_kg = share * state.mass_kg
    ledger.o2_out += sample * mean[Species.OXYGEN] / 1000.0
    ledger.carbon_out += sample * (carbon_mol * mean).sum(axis=0)
    ledger.nitrogen_out += sample * (nitrogen_mol * mean).sum(axis=0)
    ledger.mass_out += drawn_kg
    ledger.heat_flows -= drawn_kg * HEAT_CAPACITY_J_KG_K * state.temperature_c
    ledger.sampled_l += sample
    state.volume_l = state.volume_l - sample
    state.mass_kg = state.mass_kg - drawn_kg
    set_to.sample_l = np.zeros_like(sample)


def infect(
    state: State, wrong: Disturbances, ledger: Ledger, carbon_mol: Floats, nitrogen_mol: Floats
) -> None:
    """Put foreign cells in; the request is done with."""
    cells = np.maximum(wrong.contamination_g_l, 0.0)
    state.broth[Species.CONTAMINANT] += cells
    ledger.carbon_in += state.volume_l * carbon_mol[Species.CONTAMINANT] * cells
    ledger.nitrogen_in += state.volume_l * nitrogen_mol[Species.CONTAMINANT] * cells
    wrong.contamination_g_l = np.zeros_like(cells)


def rates_l_h(
    state: State, set_to: Actuators, wrong: Disturbances, powered: Floats, limits: Limits
) -> Floats:
    """What arrives: (5, N) in the order of `Streams`."""
    rates = np.empty_like(limits.pumps_l_h)
    rates[0], rates[1], rates[2] = set_to.feed_l_h, set_to.cosubstrate_l_h, set_to.base_l_h
    rates[3], rates[4] = set_to.acid_l_h, set_to.antifoam_l_h
    rates = np.minimum(np.maximum(rates, 0.0), limits.pumps_l_h)
    rates[0] *= np.maximum(1.0 - wrong.feed_lost, 0.0)
    rates[2] *= np.maximum(1.0 - wrong.base_lost, 0.0)
    arriving: Floats = rates * (powered * (state.volume_l < limits.full_l))
    return arriving


def add(state: State, streams: Streams, volumes_l: Floats, ledger: Ledger) -> Floats:
    """Add (5, N) litres to the upper zone, which passes half of it on; the heat that they bring, J.

    Mass and volume of the broth grow by it, its temperature does not yet.
    """
    added = volumes_l.sum(axis=0)
    half = 0.5 * state.volume_l
    content = (streams.content * volumes_l[:, None, :]).sum(axis=0)
    broth = state.broth
    upper = (broth[:, UPPER] * half + content) / (half + added)
    broth[:, LOWER] = (broth[:, LOWER] * half + 0.5 * added * upper) / (half + 0.5 * added)
    broth[:, UPPER] = upper
    added_kg = (streams.density_kg_l * volumes_l).sum(axis=0)
    heat: Floats = added_kg * HEAT_CAPACITY_J_KG_K * streams.temperature_c
    state.volume_l = state.volume_l + added
    state.mass_kg = state.mass_kg + added_kg
    ledger.carbon_in += (streams.carbon_mol_l * volumes_l).sum(axis=0)
    ledger.nitrogen_in += (streams.nitrogen_mol_l * volumes_l).sum(axis=0)
    ledger.mass_in += added_kg
    ledger.heat_flows += heat
    ledger.feed_l += volumes_l[0]
    ledger.cosubstrate_l += volumes_l[1]
    ledger.base_l += volumes_l[2]
    ledger.acid_l += volumes_l[3]
    ledger.antifoam_l += volumes_l[4]
    return heat
