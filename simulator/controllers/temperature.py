"""Temperature of the broth by that of the jacket: one loop asks for a jacket temperature, another makes it.

The inner loop works in W and turns them into valve and heater, so that the split between cooling and heating
changes no gain.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from simulator.controllers.pi import PI
from simulator.controllers.tuning import integrating, settling

if TYPE_CHECKING:
    from simulator.controllers.equipment import Equipment
    from simulator.physics.state import Floats

WATER_J_L_K = 4180.0
BROTH_DEAD_S = 40.0
"""From a new jacket set point to the first of it in the broth's probe: jacket, wall, probe."""
BROTH_CLOSED_S = 90.0
JACKET_DEAD_S = 10.0
"""Valve, and the step of the controller."""
JACKET_CLOSED_S = 30.0

HOTTEST_C = 60.0
"""That the jacket may become: cells at the wall must live."""


@dataclass(slots=True)
class TemperatureLoop:
    """The two loops, one outer and one inner a bioreactor."""

    equipment: Equipment
    broth: PI
    jacket: PI

    @classmethod
    def of(cls, equipment: Equipment, setpoint_c: Floats) -> TemperatureLoop:
        """Tuned for the vessels; they stand tempered at these first set points, losing heat to the room."""
        broth_s = equipment.working_l * WATER_J_L_K / equipment.jacket_w_k
        outer = settling(
            np.ones_like(broth_s),
            broth_s,
            BROTH_DEAD_S + equipment.mixing_s,
            np.full_like(broth_s, BROTH_CLOSED_S),
        )
        full = np.full_like(broth_s, JACKET_CLOSED_S)
        slope = 1.0 / (equipment.jacket_l * WATER_J_L_K)
        inner = integrating(slope, np.full_like(broth_s, JACKET_DEAD_S), full)
        nothing = np.zeros_like(broth_s)
        lost_w = equipment.heat_loss_w_k * (setpoint_c - equipment.surroundings_c)
        return cls(
            equipment,
            PI(
                outer.gain,
                outer.reset_s,
                equipment.coolant_c - setpoint_c,
                HOTTEST_C - setpoint_c,
                lost_w / equipment.jacket_w_k,
            ),
            PI(inner.gain, inner.reset_s, nothing.copy(), equipment.heater_full_w, lost_w),
        )

    def act(
        self, setpoint_c: Floats, broth_c: Floats, jacket_c: Floats, dt_s: float
    ) -> tuple[Floats, Floats]:
        """Cooling valve (0 to 1) and heater (W) for what the two thermometers show."""
        plant = self.equipment
        self.broth.low = plant.coolant_c - setpoint_c
        self.broth.high = HOTTEST_C - setpoint_c
        wanted_c = setpoint_c + self.broth.output(setpoint_c - broth_c, dt_s)
        warmer_c = np.maximum(np.where(np.isnan(jacket_c), setpoint_c, jacket_c) - plant.coolant_c, 1.0)
        full_w = plant.coolant_full_l_min / 60.0 * WATER_J_L_K * warmer_c
        self.jacket.low = -full_w
        asked_w = self.jacket.output(wanted_c - jacket_c, dt_s)
        valve = np.minimum(np.maximum(-asked_w, 0.0) / full_w, 1.0)
        return valve, np.maximum(asked_w, 0.0)
