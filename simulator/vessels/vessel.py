"""The parameters of a stirred vessel: geometry, drive, gas, transfer, jacket, pumps."""

from __future__ import annotations

from math import pi
from typing import Literal

from simulator import parameters
from simulator.parameters import Parameters

WATER_KG_M3 = 1000.0


class Vessel(Parameters):
    """Geometry, limits and coefficients."""

    material: Literal["glass", "steel", "single-use"]
    impeller: Literal["rushton", "pitched", "elephant_ear"]

    total_l: float
    working_l: float
    diameter_m: float
    impellers: float
    impeller_diameter_m: float
    power_number: float
    speed_min_per_min: float
    speed_max_per_min: float
    motor_w: float
    """Power at the shaft that the drive can hold."""
    drive_lag_s: float
    coast_down_s: float

    gas_max_l_min: float
    """Of all gases together, standard litres."""
    o2_max_l_min: float
    n2_max_l_min: float
    co2_max_l_min: float
    pressure_min_bar: float
    pressure_max_bar: float
    """Absolute, in the head space; a relief valve opens here."""
    pressure_setpoint_max_bar: float
    """Absolute; the highest that the vessel is run at, well below the relief."""
    filter_loss_bar: float
    """Of a clean exhaust filter at the full gas flow."""

    kla_constant: float
    """A of kLa = A (Pg/V)^alpha vs^beta in 1/s, W/m³, m/s."""
    kla_power_exponent: float
    kla_gas_exponent: float
    surface_transfer_m_s: float
    """Transfer coefficient kL at the surface of the broth."""
    mixing_factor: float
    """Mixing time over what Nienow's formula and the height of the broth give."""

    jacket_m2: float
    """Wetted at the working volume."""
    jacket_w_m2_k: float
    jacket_water_kg: float
    coolant_max_l_min: float
    coolant_c: float
    circulation_l_min: float
    heater_max_w: float
    heat_loss_w_k: float
    surroundings_c: float
    condenser_c: float
    """Temperature at which the exhaust leaves the condenser."""

    feed_max_l_h: float
    cosubstrate_max_l_h: float
    base_max_l_h: float
    acid_max_l_h: float
    antifoam_max_l_h: float

    @property
    def area_m2(self) -> float:
        """Cross-section."""
        return 0.25 * pi * self.diameter_m**2

    @property
    def top_speed_per_min(self) -> float:
        """The highest speed that drive and motor allow in broth without gas."""
        per_cube = self.impellers * self.power_number * WATER_KG_M3 * self.impeller_diameter_m**5
        return min(self.speed_max_per_min, 60.0 * float((self.motor_w / per_cube) ** (1.0 / 3.0)))


def vessel(name: str) -> Vessel:
    """The vessel of that name.

    Raises:
        UnknownParameters: there is none.
    """
    return parameters.load("vessels", name, Vessel)


def vessel_names() -> tuple[str, ...]:
    """The vessels there are."""
    return parameters.names("vessels")
