"""What a vessel holds, and whether that agrees with what went in and out: the proof of the balances."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.oxygen import water_vapour_bar
from simulator.physics.gas import head_mol
from simulator.physics.heat import HEAT_CAPACITY_J_KG_K
from simulator.physics.solver import middle
from simulator.physics.state import LOWER, UPPER, Species

if TYPE_CHECKING:
    from simulator.physics.process import Process
    from simulator.physics.state import Floats, Ledger, State


@dataclass(frozen=True, slots=True)
class Holdings:
    """Broth and head space together; (N,) each. Heat against 0 °C, of the broth."""

    o2_mol: Floats
    carbon_mol: Floats
    nitrogen_mol: Floats
    mass_kg: Floats
    heat_j: Floats


def holdings(process: Process, state: State) -> Holdings:
    """What is there now."""
    broth = 0.5 * (state.broth[:, LOWER] + state.broth[:, UPPER])
    gas = head_mol(process.hulls, state, water_vapour_bar(state.temperature_c))
    volume = state.volume_l
    return Holdings(
        o2_mol=volume * middle(state.broth[Species.OXYGEN]) / 1000.0 + gas * state.head_o2,
        carbon_mol=volume * (process.carbon_mol * broth).sum(axis=0) + gas * state.head_co2,
        nitrogen_mol=volume * (process.nitrogen_mol * broth).sum(axis=0),
        mass_kg=state.mass_kg.copy(),
        heat_j=state.mass_kg * HEAT_CAPACITY_J_KG_K * state.temperature_c,
    )


def gaps(before: Holdings, after: Holdings, ledger: Ledger) -> dict[str, Floats]:
    """What each balance misses, over what was turned over; (N,) each, 0 where it closes.

    `before` is what was there when the ledger began.
    """
    freed = ledger.heat_metabolism + ledger.heat_stirring
    carried = ledger.heat_jacket + ledger.heat_surroundings + ledger.heat_evaporation
    terms = {
        "oxygen": (
            after.o2_mol - before.o2_mol,
            ledger.o2_in - ledger.o2_out - ledger.o2_used,
            ledger.o2_used,
        ),
        "carbon": (
            after.carbon_mol - before.carbon_mol,
            ledger.carbon_in - ledger.carbon_out,
            ledger.carbon_out,
        ),
        "nitrogen": (
            after.nitrogen_mol - before.nitrogen_mol,
            ledger.nitrogen_in - ledger.nitrogen_out,
            after.nitrogen_mol,
        ),
        "mass": (after.mass_kg - before.mass_kg, ledger.mass_in - ledger.mass_out, ledger.mass_in),
        "heat": (after.heat_j - before.heat_j, freed - carried + ledger.heat_flows, freed),
    }
    return {
        name: (gained - passed) / np.maximum(np.abs(turned), 1e-12)
        for name, (gained, passed, turned) in terms.items()
    }
