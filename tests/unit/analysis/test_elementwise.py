"""A formula of an array is that formula of each of its elements; a formula of floats gives a float."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from analysis import elementwise, gas_balance, hydrodynamics, oxygen
from analysis.gas_balance import DRY_AIR, Gas

if TYPE_CHECKING:
    from collections.abc import Callable

# Three sets of arguments a formula; between them they take every branch.
FORMULAE: list[tuple[Callable[..., Any], list[tuple[float, ...]]]] = [
    (oxygen.water_vapour_bar, [(25.0,), (37.0,), (0.0,)]),
    (oxygen.henry_o2, [(25.0,), (37.0,), (0.0,)]),
    (oxygen.henry_co2, [(25.0,), (37.0,), (0.0,)]),
    (oxygen.saturation, [(25.0, 0.2095, 1.0), (37.0, 0.4, 1.3), (30.0, 0.0, 1.0)]),
    (oxygen.kla_per_h, [(1000.0, 0.01), (2500.0, 0.002), (0.0, 0.01)]),
    (oxygen.transfer_rate, [(300.0, 0.2, 0.1), (300.0, 0.2, 0.2), (0.0, 0.2, 0.1)]),
    (oxygen.probe_step_response, [(30.0, 120.0, 30.0), (30.0, 400.0, 30.0), (30.0, 40.0, 30.0)]),
    (
        hydrodynamics.ungassed_power,
        [(2, 5.0, 1e3, 10.0, 0.05), (2, 5.0, 1e3, 2.0, 1.0)],
    ),
    (hydrodynamics.gassed_power, [(4.2, 10.0, 0.05, 2e-5), (4.2, 10.0, 0.05, 0.0), (0.0, 1.0, 0.05, 1e-5)]),
    (hydrodynamics.sparging_power, [(1e3, 0.01), (990.0, 0.0), (1e3, 0.002)]),
    (hydrodynamics.reynolds, [(1e3, 10.0, 0.05, 1e-3), (1e3, 0.0, 0.05, 1e-3), (1e3, 1.0, 1.0, 0.1)]),
    (hydrodynamics.tip_speed, [(10.0, 0.05), (0.0, 0.05), (2.0, 1.0)]),
    (hydrodynamics.gas_velocity, [(2e-5, 0.13), (0.0, 0.13), (0.1, 2.4)]),
    (hydrodynamics.shaft_power, [(0.07, 10.0, 0.005), (0.07, 0.0, 0.0), (1.0, 2.0, 0.1)]),
    (hydrodynamics.shaft_torque, [(4.2, 10.0, 0.005), (0.0, 0.0, 0.0), (1.0, 2.0, 0.1)]),
    (hydrodynamics.gas_flow_per_volume, [(2e-5, 0.0015), (0.0, 1.0), (0.1, 18.0)]),
    (hydrodynamics.entrance_velocity, [(2e-5, 7.0, 0.001), (0.0, 1.0, 0.01), (0.1, 99.0, 0.004)]),
    (hydrodynamics.froude, [(10.0, 0.05), (0.0, 0.05), (1.0, 1.0)]),
    (hydrodynamics.aeration_number, [(2e-5, 10.0, 0.05), (2e-5, 0.0, 0.05), (0.1, 1.0, 1.0)]),
    (hydrodynamics.flooding_number, [(10.0, 0.05, 0.13), (0.0, 0.05, 0.13), (1.0, 1.0, 2.0)]),
    (hydrodynamics.dispersion_number, [(10.0, 0.05, 0.13), (0.0, 0.05, 0.13), (1.0, 1.0, 2.0)]),
    (hydrodynamics.dissipation, [(4.2, 1e3, 0.0015), (0.0, 1e3, 1.0), (1e4, 990.0, 18.0)]),
    (hydrodynamics.kolmogorov_eddy, [(2.8, 1e-6), (0.01, 1e-6), (1.0, 1e-4)]),
    (hydrodynamics.mixing_time, [(2.8, 0.053, 0.13), (1.5, 0.2, 0.58), (1.5, 0.9, 2.4)]),
    (
        hydrodynamics.circulation_mixing_time,
        [(0.0015, 0.7, 10.0, 0.05), (1.0, 0.7, 1.0, 0.5), (1.0, 1, 1, 1)],
    ),
    (hydrodynamics.gas_holdup, [(1000.0, 0.01), (0.0, 0.01), (1500.0, 0.03)]),
    (gas_balance.molar_flow, [(1.0,), (0.0,), (150.0,)]),
    (elementwise.least, [(1.0, 2.0), (2.0, 1.0), (0.0, 0.0)]),
    (elementwise.greatest, [(1.0, 2.0), (2.0, 1.0), (0.0, 0.0)]),
    (elementwise.decay_ratio, [(0.0,), (1e-12,), (3.0,)]),
]


@pytest.mark.parametrize(("formula", "cases"), FORMULAE, ids=[formula.__name__ for formula, _ in FORMULAE])
def test_an_array_gives_what_its_elements_give(
    formula: Callable[..., Any], cases: list[tuple[float, ...]]
) -> None:
    single = [formula(*case) for case in cases]
    assert all(isinstance(value, float) for value in single)
    together = formula(*np.array(cases, dtype=float).T)
    assert isinstance(together, np.ndarray)
    np.testing.assert_allclose(together, single, rtol=1e-14)


def test_floats_and_arrays_mix() -> None:
    gas = np.array([0.0, 2e-5, 4e-5])
    power = hydrodynamics.gassed_power(4.2, 10.0, 0.05, gas)
    assert power[0] == 4.2
    assert np.all(np.diff(power) < 0.0)
    assert oxygen.saturation(37.0, np.array([0.1, 0.2])).shape == (2,)


def test_a_series_of_off_gas_is_balanced_at_once() -> None:
    outlet = Gas(np.array([0.19, 0.2095, 0.195]), np.array([0.02, 0.0104, 0.03]))
    found = gas_balance.exchange(1.0, DRY_AIR, outlet, 1.0)
    for index in range(3):
        one = gas_balance.exchange(1.0, DRY_AIR, Gas(float(outlet.o2[index]), float(outlet.co2[index])), 1.0)
        assert (found.our[index], found.cer[index]) == pytest.approx((one.our, one.cer), rel=1e-12)
        assert found.rq[index] == pytest.approx(one.rq, rel=1e-12)
    back = gas_balance.dry_outlet(1.0, DRY_AIR, found.our, found.cer, 1.0)
    np.testing.assert_allclose(back.o2, outlet.o2, rtol=1e-12)
    np.testing.assert_allclose(back.co2, outlet.co2, rtol=1e-12)


def test_a_series_without_uptake_in_one_place_has_no_rq_there_alone() -> None:
    series = gas_balance.Exchange(np.ones(2), np.array([0.0, 2.0]), np.array([1.0, 1.0]))
    assert np.isnan(series.rq[0])
    assert series.rq[1] == 0.5


def test_one_impossible_element_refuses_the_series() -> None:
    with pytest.raises(ValueError, match="no inert gas"):
        gas_balance.exchange(1.0, DRY_AIR, Gas(np.array([0.2, 0.9]), np.array([0.0, 0.1])), 1.0)
