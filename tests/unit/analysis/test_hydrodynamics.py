"""Three worked vessels, and the limits that correlations must not pass."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.hydrodynamics import (
    gas_velocity,
    gassed_power,
    reynolds,
    sparging_power,
    tip_speed,
    ungassed_power,
)
from analysis.oxygen import Broth, kla_per_h


@dataclass(frozen=True)
class Vessel:
    """Two Rushton turbines (Np 5) in water; gas at the vessel's conditions."""

    volume_m3: float
    impeller_m: float
    diameter_m: float
    per_min: float
    gas_l_min: float
    power_w: float
    power_ratio: float
    re: float
    tip: float
    vs: float
    kla: tuple[float, float]


VESSELS = [
    Vessel(0.0015, 0.053, 0.13, 600, 1.5, 4.182, 0.482, 28_090, 1.665, 0.00188, (72, 318)),
    Vessel(0.150, 0.2, 0.58, 250, 150, 231.5, 0.409, 166_700, 2.618, 0.00946, (120, 259)),
    Vessel(18.0, 0.9, 2.4, 100, 9000, 27_340, 0.456, 1.35e6, 4.712, 0.0332, (233, 355)),
]


@pytest.mark.parametrize("vessel", VESSELS, ids=["2 L", "200 L", "25,000 L"])
def test_a_vessel_has_the_worked_figures(vessel: Vessel) -> None:
    speed, gas = vessel.per_min / 60, vessel.gas_l_min / 60_000
    power = ungassed_power(2, 5.0, 1000.0, speed, vessel.impeller_m)
    gassed = gassed_power(power, speed, vessel.impeller_m, gas)
    vs = gas_velocity(gas, vessel.diameter_m)
    assert power == pytest.approx(vessel.power_w, rel=1e-3)
    assert gassed / power == pytest.approx(vessel.power_ratio, abs=1e-3)
    assert reynolds(1000.0, speed, vessel.impeller_m, 0.001) == pytest.approx(vessel.re, rel=2e-3)
    assert tip_speed(speed, vessel.impeller_m) == pytest.approx(vessel.tip, abs=1e-3)
    assert vs == pytest.approx(vessel.vs, rel=3e-3)
    for broth, expected in zip((Broth.COALESCING, Broth.NON_COALESCING), vessel.kla, strict=True):
        assert kla_per_h(gassed / vessel.volume_m3, vs, broth) == pytest.approx(expected, rel=7e-3)


@given(
    ungassed=st.floats(0.0, 1e6),
    speed=st.floats(0.0, 40.0),
    diameter=st.floats(0.01, 3.0),
    gas=st.floats(0.0, 10.0),
)
def test_gas_never_adds_to_the_power_of_the_stirrer(
    ungassed: float, speed: float, diameter: float, gas: float
) -> None:
    assert 0.0 <= gassed_power(ungassed, speed, diameter, gas) <= ungassed


def test_rising_gas_alone_stirs_a_little() -> None:
    assert sparging_power(1000.0, 0.00188) == pytest.approx(18.4, abs=0.1)
