"""What the controllers of a vessel are told about it when they are commissioned."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from analysis.hydrodynamics import ungassed_power
from simulator.vessels.vessel import WATER_KG_M3

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from simulator.physics.state import Floats
    from simulator.vessels.vessel import Vessel

USUAL_SPEED = 0.6
"""Of the highest speed: where mixing is reckoned for tuning."""


@dataclass(frozen=True, slots=True)
class Equipment:
    """Limits and nominal figures, (N,) each.

    Attributes:
        working_l: working volume.
        slowest_per_min, fastest_per_min: of the stirrer.
        gas_full_l_min: standard litres a minute.
        o2_full_l_min, n2_full_l_min, co2_full_l_min: likewise, of each.
        pressure_least_bar, pressure_most_bar: of the set point, absolute.
        mixing_s: time to 95 % homogeneity at a usual speed.
        drive_s: lag of the stirrer's drive.
        jacket_w_k: heat through the jacket's wall per kelvin.
        jacket_l: water in the jacket.
        coolant_full_l_min, coolant_c: of the cooling water.
        heater_full_w: in the jacket's circuit.
        heat_loss_w_k, surroundings_c: heat lost to the room.
        free_height_cm: above the broth at working volume, that foam may fill.
        feed_full_l_h and its like: pumps at full speed.
    """

    working_l: Floats
    slowest_per_min: Floats
    fastest_per_min: Floats
    gas_full_l_min: Floats
    o2_full_l_min: Floats
    n2_full_l_min: Floats
    co2_full_l_min: Floats
    pressure_least_bar: Floats
    pressure_most_bar: Floats
    mixing_s: Floats
    drive_s: Floats
    jacket_w_k: Floats
    jacket_l: Floats
    coolant_full_l_min: Floats
    coolant_c: Floats
    heater_full_w: Floats
    heat_loss_w_k: Floats
    surroundings_c: Floats
    free_height_cm: Floats
    feed_full_l_h: Floats
    cosubstrate_full_l_h: Floats
    base_full_l_h: Floats
    acid_full_l_h: Floats
    antifoam_full_l_h: Floats

    @classmethod
    def of(cls, vessels: Sequence[Vessel]) -> Equipment:
        """What the data sheets of the vessels say."""

        def each(value: Callable[[Vessel], float]) -> Floats:
            return np.array([value(vessel) for vessel in vessels], dtype=np.float64)

        return cls(
            working_l=each(lambda it: it.working_l),
            slowest_per_min=each(lambda it: it.speed_min_per_min),
            fastest_per_min=each(lambda it: it.top_speed_per_min),
            gas_full_l_min=each(lambda it: it.gas_max_l_min),
            o2_full_l_min=each(lambda it: it.o2_max_l_min),
            n2_full_l_min=each(lambda it: it.n2_max_l_min),
            co2_full_l_min=each(lambda it: it.co2_max_l_min),
            pressure_least_bar=each(lambda it: it.pressure_min_bar),
            pressure_most_bar=each(lambda it: it.pressure_setpoint_max_bar),
            mixing_s=each(_mixing_s),
            drive_s=each(lambda it: it.drive_lag_s),
            jacket_w_k=each(lambda it: it.jacket_m2 * it.jacket_w_m2_k),
            jacket_l=each(lambda it: it.jacket_water_kg),
            coolant_full_l_min=each(lambda it: it.coolant_max_l_min),
            coolant_c=each(lambda it: it.coolant_c),
            heater_full_w=each(lambda it: it.heater_max_w),
            heat_loss_w_k=each(lambda it: it.heat_loss_w_k),
            surroundings_c=each(lambda it: it.surroundings_c),
            free_height_cm=each(lambda it: (it.total_l - it.working_l) / it.area_m2 / 10.0),
            feed_full_l_h=each(lambda it: it.feed_max_l_h),
            cosubstrate_full_l_h=each(lambda it: it.cosubstrate_max_l_h),
            base_full_l_h=each(lambda it: it.base_max_l_h),
            acid_full_l_h=each(lambda it: it.acid_max_l_h),
            antifoam_full_l_h=each(lambda it: it.antifoam_max_l_h),
        )


def _mixing_s(vessel: Vessel) -> float:
    """Time to 95 % homogeneity in s (Nienow 1997), at the usual speed."""
    speed, across = USUAL_SPEED * vessel.top_speed_per_min / 60.0, vessel.diameter_m
    power_w = ungassed_power(
        vessel.impellers, vessel.power_number, WATER_KG_M3, speed, vessel.impeller_diameter_m
    )
    dissipation = power_w / vessel.working_l
    slender = (vessel.impeller_diameter_m / across) ** (1.0 / 3.0)
    return float(vessel.mixing_factor * 5.9 * (across**2 / dissipation) ** (1.0 / 3.0) / slender)
