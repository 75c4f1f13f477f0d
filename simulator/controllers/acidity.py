"""pH by base and by acid or carbon dioxide: one output from -1 to 1 with a dead band between the two."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from simulator.controllers.pi import PI, outside
from simulator.controllers.pumps import Pumps
from simulator.controllers.tuning import integrating

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulator.controllers.equipment import Equipment
    from simulator.physics.state import Floats
    from simulator.recipes.recipe import Recipe

PROBE_DEAD_S = 15.0
"""Half the lag of a pH probe, the way of a drop, the step of the controller."""


@dataclass(slots=True)
class AcidityLoop:
    """One loop a bioreactor; positive output is base, negative what lowers pH.

    Attributes:
        dead_band: of pH.
        base, acid: the pumps.
        co2_most: share of the gas that is carbon dioxide at output -1; 0 where acid lowers pH.
    """

    loop: PI
    dead_band: Floats
    base: Pumps
    acid: Pumps
    co2_most: Floats

    @classmethod
    def of(cls, recipes: Sequence[Recipe], plant: Equipment) -> Self:
        """Tuned for the strength of these pumps in the recipes' broths."""
        acidities = [recipe.control.acidity for recipe in recipes]
        mol_l = np.array([recipe.medium.base_mol_l for recipe in recipes])
        full_mmol_l_h = 1000.0 * mol_l * plant.base_full_l_h / plant.working_l
        slope_per_s = full_mmol_l_h / np.array([it.buffer_mmol_l for it in acidities]) / 3600.0
        dead_s = PROBE_DEAD_S + plant.mixing_s
        tuning = integrating(slope_per_s, dead_s, np.array([it.closed_s for it in acidities]))
        nothing = np.zeros_like(dead_s)
        lowest = -np.array([float(it.down != "nothing") for it in acidities])
        with_acid = np.array([float(it.down == "acid") for it in acidities])
        return cls(
            loop=PI(tuning.gain, tuning.reset_s, lowest, nothing + 1.0, nothing.copy()),
            dead_band=np.array([it.dead_band for it in acidities]),
            base=Pumps(plant.base_full_l_h),
            acid=Pumps(plant.acid_full_l_h * with_acid),
            co2_most=np.array([it.co2_most if it.down == "co2" else 0.0 for it in acidities]),
        )

    def act(self, setpoint: Floats, ph: Floats, dt_s: float) -> tuple[Floats, Floats]:
        """Shares of full scale, 0 to 1, of base and of what lowers pH."""
        output = self.loop.output(outside(setpoint - ph, self.dead_band), dt_s)
        return np.maximum(output, 0.0), np.maximum(-output, 0.0)
