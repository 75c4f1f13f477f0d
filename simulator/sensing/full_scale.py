"""Full scale of the instruments that are chosen for their vessel: flows, weights, speeds, powers."""

from __future__ import annotations

from math import pi
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulator.physics.state import Floats
    from simulator.vessels.vessel import Vessel

RESERVE = 1.25
"""A range ends this much above what the equipment can do (rule of practice)."""

EXHAUST_RESERVE = 1.6
"""More gas comes out than goes in where more carbon dioxide is made than oxygen used."""

DENSEST_KG_L = 1.3
TOTALISER_LITRES = 10.0
"""Vessel volumes that a counter takes before it has to be reset."""


def full_scales(vessels: Sequence[Vessel]) -> dict[str, Floats]:
    """(N,) upper end of the range of each instrument that is chosen for its vessel, in the signal's unit."""

    def each(name: str, times: float = RESERVE) -> Floats:
        return times * np.array([float(getattr(vessel, name)) for vessel in vessels])

    gas, working_l = each("gas_max_l_min"), each("working_l", TOTALISER_LITRES)
    feed, cosubstrate = each("feed_max_l_h"), each("cosubstrate_max_l_h")
    speed = each("speed_max_per_min")
    return {
        "agitation": speed,
        "agitation_setpoint": speed,
        "torque": RESERVE * np.array([torque_n_m(vessel) for vessel in vessels]),
        "power": each("motor_w"),
        "gas_flow": gas,
        "gas_flow_setpoint": gas,
        "air_flow": gas,
        "O2_flow": each("o2_max_l_min"),
        "N2_flow": each("n2_max_l_min"),
        "CO2_flow": each("co2_max_l_min"),
        "offgas_flow": each("gas_max_l_min", EXHAUST_RESERVE),
        "weight": each("total_l", DENSEST_KG_L),
        "volume": each("total_l", 1.0),
        "feed_rate": feed,
        "feed_rate_setpoint": feed,
        "precursor_rate": cosubstrate,
        "base_rate": each("base_max_l_h"),
        "acid_rate": each("acid_max_l_h"),
        "antifoam_rate": each("antifoam_max_l_h"),
        "feed_total": working_l,
        "precursor_total": working_l,
        "base_total": working_l,
        "acid_total": working_l,
        "antifoam_total": working_l,
        "jacket_flow": each("coolant_max_l_min"),
        "heater_power": each("heater_max_w"),
    }


def torque_n_m(vessel: Vessel) -> float:
    """What the motor gives at the highest speed that it can hold in broth without gas."""
    return 60.0 * vessel.motor_w / (2.0 * pi * vessel.top_speed_per_min)
