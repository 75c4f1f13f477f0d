"""Power, shear and gas flow in a stirred vessel. SI units; stirrer speed in 1/s."""

from __future__ import annotations

from math import pi

GRAVITY_M_S2 = 9.81


def ungassed_power(
    impellers: int, power_number: float, density: float, speed: float, diameter: float
) -> float:
    """Power in W drawn without gas in turbulent flow: n Np rho N³ D⁵ (kg/m³, 1/s, m)."""
    return impellers * power_number * density * speed**3 * diameter**5


def gassed_power(ungassed_w: float, speed: float, diameter: float, gas_m3_s: float) -> float:
    """Power in W drawn under gas: 0.72 (P0² N D³ / Q^0.56)^0.45, at most P0 (Michel and Miller 1962, SI).

    The constant depends on the vessel; 0.706 to 0.83 are in use.
    """
    if ungassed_w <= 0.0 or gas_m3_s <= 0.0:
        return max(ungassed_w, 0.0)
    return float(min(ungassed_w, 0.72 * (ungassed_w**2 * speed * diameter**3 / gas_m3_s**0.56) ** 0.45))


def sparging_power(density: float, gas_velocity_m_s: float) -> float:
    """Power in W/m³ that rising gas gives to the broth: rho g vs."""
    return density * GRAVITY_M_S2 * gas_velocity_m_s


def reynolds(density: float, speed: float, diameter: float, viscosity_pa_s: float) -> float:
    """Reynolds number of the impeller; turbulent above 10⁴."""
    return density * speed * diameter**2 / viscosity_pa_s


def tip_speed(speed: float, diameter: float) -> float:
    """Speed of the impeller's tip in m/s."""
    return pi * speed * diameter


def gas_velocity(gas_m3_s: float, vessel_diameter: float) -> float:
    """Superficial gas velocity in m/s; the gas flow at the vessel's temperature and pressure."""
    return 4.0 * gas_m3_s / (pi * vessel_diameter**2)
