"""Power, shear and gas flow in a stirred vessel. SI units; stirrer speed in 1/s.

Every argument may be a float or an array; see `analysis.elementwise`.
"""

from __future__ import annotations

from math import inf, pi

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


def gassed_power_by_blades(
    ungassed_w: X | float,
    speed: X | float,
    diameter: X | float,
    gas_m3_s: X | float,
    *,
    volume_m3: X | float,
    blade_m: X | float | None = None,
) -> X:
    """Power in W drawn under gas, P0 0.10 (Q/NV)^-1/4 (N² D⁴/(g B V^2/3))^-1/5, at most P0 (Hughmark 1980).

    For six-bladed Rushton turbines; the blade is B wide, a fifth of the diameter if not told. 10 to 15 %
    above `gassed_power` in common vessels, which is what the choice of a correlation is worth.
    """
    width = 0.2 * diameter if blade_m is None else blade_m
    runs = (gas_m3_s > 0.0) & (speed > 0.0)
    gas, turns = choose(runs, gas_m3_s, 1.0), choose(runs, speed, 1.0)
    blades = GRAVITY_M_S2 * width * power(volume_m3, 2.0 / 3.0) / diameter**4
    # N^1/4 of the first group over N^2/5 of the second.
    share = 0.10 * power(volume_m3 / gas, 0.25) * power(blades, 0.20) / power(turns, 0.15)
    return as_given(ungassed_w * choose(runs, least(share, 1.0), 1.0))


def shaft_power(torque_n_m: X | float, speed: X | float, idle_n_m: X | float = 0.0) -> X:
    """Power in W that the stirrer gives to the broth: 2 pi N (M - M0), M0 the torque in air at this speed."""
    return as_given(2.0 * pi * speed * (torque_n_m - idle_n_m))


def shaft_torque(power_w: X | float, speed: X | float, idle_n_m: X | float = 0.0) -> X:
    """Torque in N m on the shaft that draws this power, the inverse of `shaft_power`; M0 at rest."""
    turns = speed > 0.0
    return as_given(idle_n_m + choose(turns, power_w / (2.0 * pi * choose(turns, speed, 1.0)), 0.0))


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


def gas_flow_per_volume(gas_m3_s: X | float, volume_m3: X | float) -> X:
    """Volumes of gas per volume of broth and minute (vvm): 60 Q/V.

    Standard litres give the vvm that is quoted; the flow at the vessel's conditions the one that it feels.
    Say which.
    """
    return as_given(60.0 * gas_m3_s / volume_m3)


def entrance_velocity(gas_m3_s: X | float, orifices: X | float, orifice_m: X | float) -> X:
    """Velocity of the gas in the sparger's holes in m/s; animal cells want it below about 30."""
    return as_given(gas_m3_s / (orifices * 0.25 * pi * orifice_m**2))


def froude(speed: X | float, diameter: X | float) -> X:
    """Froude number of the impeller, N² D/g."""
    return as_given(speed**2 * diameter / GRAVITY_M_S2)


def aeration_number(gas_m3_s: X | float, speed: X | float, diameter: X | float) -> X:
    """Gas flow number of the impeller, Q/(N D³); infinite at rest under gas."""
    turns = speed > 0.0
    pumped = choose(turns, speed, 1.0) * diameter**3
    return choose(turns, as_given(gas_m3_s / pumped), inf)


def flooding_number(speed: X | float, diameter: X | float, vessel_diameter: X | float) -> X:
    """Aeration number above which gas floods a Rushton turbine: 30 Fr (D/T)^3.5 (Nienow et al. 1985).

    A flooded impeller no longer drives the gas outwards: it rises along the shaft, and kLa falls.
    """
    return as_given(30.0 * froude(speed, diameter) * power(diameter / vessel_diameter, 3.5))


def dispersion_number(speed: X | float, diameter: X | float, vessel_diameter: X | float) -> X:
    """Aeration number up to which a Rushton turbine sends gas to the whole vessel: 0.2 (D/T)^0.5 Fr^0.5.

    Nienow, Wisdom and Middleton 1977; above it gas is missing below the impeller, still dispersed above.
    """
    return as_given(0.2 * power(diameter / vessel_diameter, 0.5) * power(froude(speed, diameter), 0.5))


def dissipation(power_w: X | float, density: X | float, volume_m3: X | float) -> X:
    """Mean dissipation of energy in W/kg, P/(rho V); near the impeller it is tens of times as high."""
    return as_given(power_w / (density * volume_m3))


def kolmogorov_eddy(dissipation_w_kg: X | float, kinematic_viscosity_m2_s: X | float = 1e-6) -> X:
    """Size of the smallest eddies in m, (nu³/eps)^1/4 (Kolmogorov 1941); what is smaller rides along."""
    return power(kinematic_viscosity_m2_s**3 / dissipation_w_kg, 0.25)


def mixing_time(dissipation_w_kg: X | float, diameter: X | float, vessel_diameter: X | float) -> X:
    """Seconds to 95 % homogeneity of one turbulent zone: 5.9 T^2/3 eps^-1/3 (D/T)^-1/3 (Nienow 1997).

    For broth as high as wide under one impeller. Each further impeller makes a zone of its own, and exchange
    between zones is slow: vessels of 20,000 L with several take above 100 s where this says 13.
    """
    shape = power(diameter / vessel_diameter, -1.0 / 3.0)
    return as_given(5.9 * power(vessel_diameter, 2.0 / 3.0) * power(dissipation_w_kg, -1.0 / 3.0) * shape)


def circulation_mixing_time(
    volume_m3: X | float,
    flow_number: X | float,
    speed: X | float,
    diameter: X | float,
    turnovers: float = 3.0,
) -> X:
    """Seconds to homogeneity by `turnovers` of the volume through the impeller: c V/(Fl N D³).

    Fl is the impeller's pumping number (Rushton about 0.7); three to five turnovers are in use.
    """
    return as_given(turnovers * volume_m3 / (flow_number * speed * diameter**3))


def gas_holdup(power_w_m3: X | float, gas_velocity_m_s: X | float) -> X:
    """Volume of gas in the volume of dispersion: 0.13 (Pg/V)^1/3 vs^2/3 (van 't Riet and Tramper 1991).

    For stirred vessels that disperse their gas; an order of magnitude, which salts and antifoam move twofold.
    """
    return as_given(0.13 * power(power_w_m3, 1.0 / 3.0) * power(gas_velocity_m_s, 2.0 / 3.0))
