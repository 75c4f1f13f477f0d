"""Power, shear and gas flow in a stirred vessel. SI units; stirrer speed in 1/s.

Every argument may be a float or an array; see `analysis.elementwise`.
"""

from __future__ import annotations

from math import pi

from analysis.elementwise import X, as_given, choose, least, power

GRAVITY_M_S2 = 9.81


def ungassed_power(
    impellers: X | float,
    power_number: X | float,
    density: X | float,
    speed: X | float,
    diameter: X | float,
) -> X:
    """Power in W drawn without gas in turbulent flow: n Np rho N³ D⁵ (kg/m³, 1/s, m)."""
    return as_given(impellers * power_number * density * speed**3 * diameter**5)


def gassed_power(ungassed_w: X | float, speed: X | float, diameter: X | float, gas_m3_s: X | float) -> X:
    """Power in W drawn under gas: 0.72 (P0² N D³ / Q^0.56)^0.45, at most P0 (Michel and Miller 1962, SI).

    The constant depends on the vessel; 0.706 to 0.83 are in use.
    """
    drawn = choose(ungassed_w > 0.0, ungassed_w, 0.0)
    gassed = gas_m3_s > 0.0
    flow = choose(gassed, gas_m3_s, 1.0)
    correlated = 0.72 * power(drawn**2 * speed * diameter**3 / power(flow, 0.56), 0.45)
    return choose(gassed, least(drawn, correlated), drawn)


def sparging_power(density: X | float, gas_velocity_m_s: X | float) -> X:
    """Power in W/m³ that rising gas gives to the broth: rho g vs."""
    return as_given(density * GRAVITY_M_S2 * gas_velocity_m_s)


def reynolds(density: X | float, speed: X | float, diameter: X | float, viscosity_pa_s: X | float) -> X:
    """Reynolds number of the impeller; turbulent above 10⁴."""
    return as_given(density * speed * diameter**2 / viscosity_pa_s)


def tip_speed(speed: X | float, diameter: X | float) -> X:
    """Speed of the impeller's tip in m/s."""
    return as_given(pi * speed * diameter)


def gas_velocity(gas_m3_s: X | float, vessel_diameter: X | float) -> X:
    """Superficial gas velocity in m/s; the gas flow at the vessel's temperature and pressure."""
    return as_given(4.0 * gas_m3_s / (pi * vessel_diameter**2))
