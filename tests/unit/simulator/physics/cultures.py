"""Cultures for the tests of the process: media, a plain way to hold them at their set points, a run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from simulator.organisms.organism import organism
from simulator.physics.medium import Medium
from simulator.physics.process import Process
from simulator.physics.state import (
    LOWER,
    UPPER,
    Actuators,
    Disturbances,
    Flux,
    Ledger,
    Species,
    State,
)
from simulator.vessels.vessel import vessel

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from simulator.physics.state import Floats

MEDIA: dict[str, Medium] = {
    "e_coli": Medium(cosubstrate_feed_mmol_l=100.0),
    "s_cerevisiae": Medium(inoculum_g_l=1.0, ph=5.0, temperature_c=30.0, nitrogen_mmol_l=120.0),
    "cho": Medium(
        inoculum_g_l=0.3,
        substrate_g_l=6.0,
        cosubstrate_mmol_l=12.0,
        nitrogen_mmol_l=0.5,
        phosphate_mmol_l=4.0,
        ph=7.05,
        temperature_c=36.8,
        carbon_dioxide_mbar=50.0,
        feed_substrate_g_l=100.0,
        feed_cosubstrate_mmol_l=150.0,
        feed_density_kg_l=1.05,
        base="sodium_hydroxide",
        base_mol_l=0.5,
        base_density_kg_l=1.02,
    ),
    "p_chrysogenum": Medium(
        inoculum_g_l=3.0,
        ph=6.5,
        temperature_c=25.0,
        nitrogen_mmol_l=120.0,
        cosubstrate_mmol_l=6.0,
        cosubstrate_feed_mmol_l=500.0,
    ),
}
FEED_G_L_H = {"e_coli": 5.0, "s_cerevisiae": 4.0, "cho": 0.05, "p_chrysogenum": 0.7}
COSUBSTRATE_MMOL_L_H = {"e_coli": 0.1, "s_cerevisiae": 0.0, "cho": 0.0, "p_chrysogenum": 0.4}
VVM = {"e_coli": 1.0, "s_cerevisiae": 1.0, "cho": 0.02, "p_chrysogenum": 0.7}
CELL_VESSELS = ("2L_cell", "200L_cell", "25000L_cell")
MICROBIAL_VESSELS = ("2L", "200L", "25000L")


@dataclass
class Culture:
    """A fleet and what acts on it."""

    kinds: Sequence[tuple[str, str]]
    process: Process
    state: State
    set_to: Actuators
    wrong: Disturbances
    ledger: Ledger
    flux: Flux
    feed_from_h: float = 6.0
    hold: bool = True
    speed_share: float = 0.4
    fed: Floats = field(init=False)
    companion: Floats = field(init=False)
    vvm: Floats = field(init=False)

    def __post_init__(self) -> None:
        names = [kind for kind, _ in self.kinds]
        start = self.state.volume_l
        strength = np.array([self.process.media[i].feed_substrate_g_l for i in range(len(names))])
        bottle = np.array([self.process.media[i].cosubstrate_feed_mmol_l for i in range(len(names))])
        self.fed = np.array([FEED_G_L_H[name] for name in names]) * start / strength
        self.companion = np.array([COSUBSTRATE_MMOL_L_H[name] for name in names]) * start
        self.companion = self.companion / np.maximum(bottle, 1.0)
        self.vvm = np.array([VVM[name] for name in names])
        self.set_to.air_l_min = self.vvm * self.process.hulls.working_l
        self.set_to.pressure_bar = np.full(len(names), 1.2)
        self.set_to.speed_per_min = self.speed_share * self.process.hulls.top_speed_per_min

    def step(self, dt_s: float = 5.0) -> Flux:
        """One step, the set points held by plain proportional laws on the truth."""
        if self.hold:
            self._hold(dt_s)
        self.flux = self.process.advance(self.state, self.set_to, self.wrong, dt_s, self.ledger)
        return self.flux

    def run(self, hours: float, dt_s: float = 5.0, each: Callable[[], None] = lambda: None) -> None:
        """As many steps."""
        for _ in range(round(hours * 3600.0 / dt_s)):
            self.step(dt_s)
            each()

    @property
    def oxygen_percent(self) -> Floats:
        """(2, N) of saturation."""
        full = np.maximum(self.flux.saturation_mmol_l, 1e-9)
        return np.asarray(100.0 * self.state.broth[Species.OXYGEN] / full)

    def _hold(self, dt_s: float) -> None:
        state, set_to, hulls = self.state, self.set_to, self.process.hulls
        if self.flux.saturation_mmol_l.any():
            short = 40.0 - self.oxygen_percent[LOWER]
            speed = set_to.speed_per_min + 2e-4 * dt_s * hulls.top_speed_per_min * short
            set_to.speed_per_min = np.clip(speed, 0.2 * hulls.top_speed_per_min, hulls.top_speed_per_min)
        acid = np.array([medium.ph for medium in self.process.media]) - state.ph[UPPER]
        set_to.base_l_h = hulls.base_max_l_h * np.clip(acid, 0.0, 1.0)
        set_to.acid_l_h = hulls.acid_max_l_h * np.clip(-acid - 0.05, 0.0, 1.0)
        cold = np.array([medium.temperature_c for medium in self.process.media]) - state.temperature_c
        set_to.heater_w = hulls.heater_max_w * np.clip(cold, 0.0, 1.0)
        set_to.cooling_valve = np.clip(-2.0 * cold, 0.0, 1.0)
        feeding = state.hours >= self.feed_from_h
        set_to.feed_l_h = feeding * self.fed
        set_to.cosubstrate_l_h = feeding * self.companion
        set_to.antifoam_l_h = 0.05 * hulls.antifoam_max_l_h * (state.foam_cm > 3.0)


def culture(kinds: Sequence[tuple[str, str]], *, hold: bool = True, speed_share: float = 0.4) -> Culture:
    """Organisms in vessels, just inoculated."""
    organisms = [organism(name) for name, _ in kinds]
    vessels = [vessel(name) for _, name in kinds]
    process = Process(organisms, vessels, [MEDIA[name] for name, _ in kinds])
    count = len(kinds)
    return Culture(
        kinds=kinds,
        process=process,
        state=process.start(),
        set_to=Actuators.zeros(count),
        wrong=Disturbances.zeros(count),
        ledger=Ledger.zeros(count),
        flux=Flux.zeros(count),
        hold=hold,
        speed_share=speed_share,
    )


def everything() -> list[tuple[str, str]]:
    """Each organism in each vessel that it is grown in."""
    microbes = ("e_coli", "s_cerevisiae", "p_chrysogenum")
    return [(kind, hull) for kind in microbes for hull in MICROBIAL_VESSELS] + [
        ("cho", hull) for hull in CELL_VESSELS
    ]
