"""Oxygen in the broth: how much dissolves, how fast it gets there, and what a probe shows of it.

Every argument may be a float or an array; see `analysis.elementwise`.
"""

from __future__ import annotations

from enum import Enum

from analysis.elementwise import X, as_given, decay_ratio, exp, greatest, least, power

STANDARD_PRESSURE_BAR = 1.01325
KELVIN = 273.15
_REFERENCE_K = 298.15


def water_vapour_bar(temperature_c: X | float) -> X:
    """Vapour pressure of water in bar (Buck 1996), within 0.1 % of steam tables from 0 to 60 °C."""
    t = temperature_c
    return 0.0061121 * exp((18.678 - t / 234.5) * (t / (257.14 + t)))


def henry_o2(temperature_c: X | float) -> X:
    """Solubility of oxygen in water, mol/kg/bar: 0.0013 exp(1500 (1/T - 1/298.15)) (NIST)."""
    return 0.0013 * exp(1500.0 * (1.0 / (temperature_c + KELVIN) - 1.0 / _REFERENCE_K))


def henry_co2(temperature_c: X | float) -> X:
    """Solubility of carbon dioxide in water, mol/kg/bar: 0.035 exp(2400 (1/T - 1/298.15)) (NIST)."""
    return 0.035 * exp(2400.0 * (1.0 / (temperature_c + KELVIN) - 1.0 / _REFERENCE_K))


def saturation(
    temperature_c: X | float, dry_o2: X | float = 0.2095, pressure_bar: X | float = STANDARD_PRESSURE_BAR
) -> X:
    """Dissolved oxygen C* in mmol/L at equilibrium with moist gas of the dry mole fraction `dry_o2`.

    In water; salts and sugars lower it by 5-25 %. A litre is taken as a kilogram.
    """
    moist = pressure_bar - water_vapour_bar(temperature_c)
    return as_given(1000.0 * henry_o2(temperature_c) * dry_o2 * moist)


class Broth(Enum):
    """How bubbles behave in the broth; the value is (A, alpha, beta) of van 't Riet's correlation."""

    COALESCING = (0.026, 0.4, 0.5)
    NON_COALESCING = (0.002, 0.7, 0.2)


def kla_per_h(power_w_m3: X | float, gas_velocity_m_s: X | float, broth: Broth = Broth.NON_COALESCING) -> X:
    """Oxygen transfer coefficient kLa in 1/h: A (Pg/V)^alpha vs^beta (van 't Riet 1979), good to 20-40 %.

    Fitted for 500-10,000 W/m³, 0.005-0.05 m/s and viscosities up to 0.05 Pa·s.
    """
    a, alpha, beta = broth.value
    return as_given(3600.0 * a * power(power_w_m3, alpha) * power(gas_velocity_m_s, beta))


def transfer_rate(kla: X | float, saturated: X | float, dissolved: X | float) -> X:
    """OTR = kLa (C* - C) in mmol/L/h; `kla` in 1/h, concentrations in mmol/L."""
    return as_given(kla * (saturated - dissolved))


def probe_step_response(time_s: X | float, kla: X | float, lag_s: X | float) -> X:
    """What a first-order probe shows, as a fraction of C*, `time_s` after aeration of oxygen-free broth.

    1 - (kp e^(-k t) - k e^(-kp t)) / (kp - k); k = kla/3600 (`kla` in 1/h), kp = 1/lag (Badino et al. 2000).
    """
    k, kp = kla / 3600.0, 1.0 / lag_s
    slow, fast = least(k, kp), greatest(k, kp)
    # The quotient cancels to noise near k = kp. Split off by its slower part, it is exact there, too.
    difference = time_s * exp(-slow * time_s) * decay_ratio((fast - slow) * time_s)
    return as_given(1.0 - exp(-k * time_s) - k * difference)
