"""All controllers of a fleet: they read what instruments show, and set stirrer, gas, pumps and valves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulator.controllers.acidity import AcidityLoop
from simulator.controllers.aeration import AerationLoop
from simulator.controllers.equipment import Equipment
from simulator.controllers.feeding import Feeding
from simulator.controllers.foam import FoamLoop
from simulator.controllers.schedule import PhaseChange, Schedule
from simulator.controllers.temperature import TemperatureLoop

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from simulator.physics.state import Actuators, Floats
    from simulator.recipes.recipe import Recipe
    from simulator.vessels.vessel import Vessel


class Controllers:
    """The controllers of N bioreactors.

    Args:
        recipes, vessels, seeds: one a bioreactor; the seeds are those of its operators.

    Attributes:
        schedule: phases, set points and the feed's orders in force.
        equipment: limits of the vessels.
    """

    def __init__(self, recipes: Sequence[Recipe], vessels: Sequence[Vessel], seeds: Sequence[int]) -> None:
        self.schedule = Schedule(recipes, seeds)
        self.equipment = Equipment.of(vessels)
        oxygen = self.schedule.value("dissolved_oxygen")
        self._aeration = AerationLoop.of(recipes, self.equipment, oxygen)
        self._feeding = Feeding(recipes, self.equipment, self._aeration)
        self._acidity = AcidityLoop.of(recipes, self.equipment)
        self._temperature = TemperatureLoop.of(self.equipment, self.schedule.value("temperature_c"))
        self._foam = FoamLoop.of(recipes, self.equipment)
        self._set: dict[str, Floats] = {}
        self._out: dict[str, Floats] = {}

    def act(
        self, readings: Mapping[str, Floats], hours: Floats, dt_s: float, set_to: Actuators
    ) -> list[PhaseChange]:
        """Set the actuators for the next `dt_s` seconds from what the instruments show now.

        Args:
            readings: (N,) by signal of the dictionary, in its unit; NaN where there is none. Results of
                assays, held until the next, count, too: operators trim feeds by them.
            hours: since inoculation.
            dt_s: step.
            set_to: written to.

        Returns:
            What happened to the batches.
        """
        nothing = np.full(hours.shape, np.nan)
        schedule, plant = self.schedule, self.equipment
        before_per_min = set_to.speed_per_min
        happened = schedule.advance(readings, hours, dt_s)
        if happened:
            self._feeding.begin(schedule.orders, [it.unit for it in happened if it.event != "end"])
        hold = schedule.value

        def shown(signal: str) -> Floats:
            return readings.get(signal, nothing)

        oxygen = shown("DO")
        gas = self._aeration.act(
            hold("dissolved_oxygen"), oxygen, dt_s, stirrer_share=hold("stirrer_share"), vvm=hold("vvm")
        )
        base, down = self._acidity.act(hold("ph"), shown("pH"), dt_s)
        set_to.base_l_h = self._acidity.base.deliver(base, dt_s)
        set_to.acid_l_h = self._acidity.acid.deliver(down, dt_s)
        co2 = np.minimum(self._acidity.co2_most * down * gas.gas_l_min, plant.co2_full_l_min)
        set_to.co2_l_min, set_to.o2_l_min = co2, gas.o2_l_min
        set_to.n2_l_min = gas.n2_l_min
        set_to.air_l_min = np.maximum(gas.gas_l_min - gas.o2_l_min - gas.n2_l_min - co2, 0.0)
        set_to.speed_per_min = gas.speed_per_min
        self._feeding.trim(readings, hold("cosubstrate_mmol_l_h"))
        too_warm = np.where(schedule.tempered(), shown("temperature") - hold("temperature_c"), np.nan)
        set_to.feed_l_h = self._feeding.act(
            schedule.orders,
            dt_s,
            oxygen=oxygen,
            too_warm=too_warm,
            volume_l=shown("volume"),
            stirring_share=shown("agitation") / np.maximum(before_per_min, plant.slowest_per_min),
        )
        set_to.cosubstrate_l_h = self._feeding.cosubstrate(hold("cosubstrate_mmol_l_h"), dt_s)
        set_to.cooling_valve, set_to.heater_w = self._temperature.act(
            hold("temperature_c"), shown("temperature"), shown("jacket_outlet_temperature"), dt_s
        )
        set_to.antifoam_l_h = self._foam.act(shown("foam"), dt_s)
        pressure_bar = np.minimum(hold("pressure_bar"), plant.pressure_most_bar)
        set_to.pressure_bar = np.maximum(pressure_bar, plant.pressure_least_bar)
        self._remember(set_to, gas.gas_l_min, base, down)
        return happened

    def setpoints(self) -> dict[str, Floats]:
        """What the controllers hold, by signal of the dictionary."""
        return self._set

    def outputs(self) -> dict[str, Floats]:
        """Pumps and valves in % of full scale, by signal of the dictionary."""
        return self._out

    def _remember(self, set_to: Actuators, gas_l_min: Floats, base: Floats, down: Floats) -> None:
        hold, plant = self.schedule.value, self.equipment
        self._set = {
            "pH_setpoint": hold("ph"),
            "DO_setpoint": hold("dissolved_oxygen"),
            "temperature_setpoint": hold("temperature_c"),
            "agitation_setpoint": set_to.speed_per_min,
            "gas_flow_setpoint": gas_l_min,
            "feed_rate_setpoint": self._feeding.asked_l_h,
            "pressure_setpoint": set_to.pressure_bar,
        }
        self._out = {
            "feed_pump": 100.0 * self._feeding.asked_l_h / plant.feed_full_l_h,
            "base_pump": 100.0 * base,
            "acid_pump": 100.0 * np.where(self._acidity.co2_most > 0.0, 0.0, down),
            "antifoam_pump": 100.0 * set_to.antifoam_l_h / plant.antifoam_full_l_h,
            "cooling_valve": 100.0 * set_to.cooling_valve,
            "gas_valve": 100.0 * gas_l_min / plant.gas_full_l_min,
        }
