"""Three worked vessels, and the limits that correlations must not pass."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.hydrodynamics import (
    aeration_number,
    circulation_mixing_time,
    dispersion_number,
    dissipation,
    entrance_velocity,
    flooding_number,
    froude,
    gas_flow_per_volume,
    gas_holdup,
    gas_velocity,
    gassed_power,
    gassed_power_by_blades,
    kolmogorov_eddy,
    mixing_time,
    reynolds,
    shaft_power,
    shaft_torque,
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
    vvm: float
    blades_ratio: float
    eddy_um: float
    mixing_s: float


VESSELS = [
    Vessel(
        0.0015, 0.053, 0.13, 600, 1.5, 4.182, 0.482, 28_090, 1.665, 0.00188, (72, 318), 1.0, 0.552, 24.5, 1.45
    ),
    Vessel(
        0.150, 0.2, 0.58, 250, 150, 231.5, 0.409, 166_700, 2.618, 0.00946, (120, 259), 1.0, 0.524, 28.4, 5.06
    ),
    Vessel(
        18.0, 0.9, 2.4, 100, 9000, 27_340, 0.456, 1.35e6, 4.712, 0.0332, (233, 355), 0.5, 0.549, 28.5, 12.8
    ),
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


@pytest.mark.parametrize("vessel", VESSELS, ids=["2 L", "200 L", "25,000 L"])
def test_a_vessel_is_mixed_as_worked(vessel: Vessel) -> None:
    speed, gas, impeller = vessel.per_min / 60, vessel.gas_l_min / 60_000, vessel.impeller_m
    spent = dissipation(vessel.power_w, 1000.0, vessel.volume_m3)
    by_blades = gassed_power_by_blades(1.0, speed, impeller, gas, volume_m3=vessel.volume_m3)
    assert by_blades == pytest.approx(vessel.blades_ratio, abs=1e-3)
    assert gas_flow_per_volume(gas, vessel.volume_m3) == pytest.approx(vessel.vvm)
    assert 1e6 * kolmogorov_eddy(spent) == pytest.approx(vessel.eddy_um, abs=0.05)
    assert mixing_time(spent, impeller, vessel.diameter_m) == pytest.approx(vessel.mixing_s, rel=4e-3)


@pytest.mark.parametrize("vessel", VESSELS, ids=["2 L", "200 L", "25,000 L"])
def test_no_worked_vessel_is_flooded(vessel: Vessel) -> None:
    speed, impeller = vessel.per_min / 60, vessel.impeller_m
    aeration = aeration_number(vessel.gas_l_min / 60_000, speed, impeller)
    assert aeration < flooding_number(speed, impeller, vessel.diameter_m)


def test_a_turbine_of_two_fifths_floods_at_1_2_froude_numbers() -> None:
    # The figure measured for D/T = 0.4 by Warmoeskerken and Smith (1985).
    limit = flooding_number(5.0, 0.2, 0.5)
    assert limit / froude(5.0, 0.2) == pytest.approx(1.2, abs=0.02)
    assert dispersion_number(5.0, 0.2, 0.5) < limit


def test_numbers_of_the_impeller_are_the_worked_ones() -> None:
    assert froude(10.0, 0.053) == pytest.approx(0.540, abs=5e-4)
    assert aeration_number(2.5e-5, 10.0, 0.053) == pytest.approx(0.0168, abs=5e-5)
    assert aeration_number(2.5e-5, 0.0, 0.053) == inf


def test_torque_and_power_are_each_others_inverse() -> None:
    # 4.182 W at 600 1/min are 66.6 mN m, and 5 mN m more on a shaft whose seal takes them.
    torque = shaft_torque(4.182, 10.0, 0.005)
    assert torque == pytest.approx(0.0716, abs=5e-5)
    assert shaft_power(torque, 10.0, 0.005) == pytest.approx(4.182)
    assert shaft_torque(0.0, 0.0, 0.005) == 0.005


def test_gas_enters_faster_through_fewer_holes() -> None:
    # 1.5 L/min through seven holes of 1 mm.
    assert entrance_velocity(2.5e-5, 7, 0.001) == pytest.approx(4.55, abs=0.01)
    assert entrance_velocity(2.5e-5, 1, 0.001) == pytest.approx(7 * 4.547, rel=1e-3)


def test_hold_up_is_some_percent_in_a_bench_vessel_and_more_in_a_large_one() -> None:
    assert gas_holdup(1000.0, 0.01) == pytest.approx(0.0603, abs=5e-5)
    assert gas_holdup(1343.0, 0.00188) < gas_holdup(693.0, 0.0332) < 0.2


def test_a_vessel_turned_over_three_times_is_mixed() -> None:
    assert circulation_mixing_time(0.0015, 0.7, 10.0, 0.053) == pytest.approx(4.32, abs=0.01)


@given(scale=st.floats(0.1, 50.0), speed=st.floats(0.5, 20.0))
def test_numbers_without_units_do_not_change_with_scale(scale: float, speed: float) -> None:
    # All lengths times the scale, times at the root of it (equal Froude number), so flow by its power of 5/2.
    slower = speed / scale**0.5
    assert froude(slower, 0.1 * scale) == pytest.approx(froude(speed, 0.1))
    assert aeration_number(1e-4 * scale**2.5, slower, 0.1 * scale) == pytest.approx(
        aeration_number(1e-4, speed, 0.1)
    )
    assert flooding_number(slower, 0.1 * scale, 0.3 * scale) == pytest.approx(
        flooding_number(speed, 0.1, 0.3)
    )


@given(power=st.floats(0.01, 1e4), more=st.floats(1.01, 100.0))
def test_more_power_mixes_faster_and_makes_smaller_eddies(power: float, more: float) -> None:
    assert kolmogorov_eddy(power * more) == pytest.approx(kolmogorov_eddy(power) / more**0.25)
    assert mixing_time(power * more, 0.1, 0.3) == pytest.approx(
        mixing_time(power, 0.1, 0.3) / more ** (1 / 3)
    )


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
    assert 0.0 <= gassed_power_by_blades(ungassed, speed, diameter, gas, volume_m3=0.1) <= ungassed


def test_rising_gas_alone_stirs_a_little() -> None:
    assert sparging_power(1000.0, 0.00188) == pytest.approx(18.4, abs=0.1)
