"""The inert balance, against worked examples and against its own inverse."""

from __future__ import annotations

from math import isnan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.gas_balance import (
    DRY_AIR,
    Exchange,
    Gas,
    SensorErrors,
    dried,
    dry_outlet,
    exchange,
    exchange_errors,
    mixed,
    moist,
    molar_flow,
)

# Outlet O2 %, CO2 %, and Fout/Fin, OUR, CER, RQ of 1 standard L/min of air over 1 L of broth.
WORKED = [
    (19.00, 2.00, 1.00013, 52.135, 52.474, 1.0065),
    (19.00, 1.33, 0.99167, 56.413, 34.237, 0.6069),
    (19.50, 3.00, 1.01948, 28.645, 80.801, 2.8208),
    (17.95, 3.04, 1.00000, 80.307, 80.307, 1.0000),
]


@pytest.mark.parametrize("worked", WORKED)
def test_rates_are_those_of_the_worked_examples(worked: tuple[float, ...]) -> None:
    o2, co2, ratio, our, cer, rq = worked
    found = exchange(molar_flow(1.0), DRY_AIR, Gas(o2 / 100, co2 / 100), 1.0)
    assert found.outlet_ratio == pytest.approx(ratio, abs=5e-5)
    assert found.our == pytest.approx(our, abs=5e-4)
    assert found.cer == pytest.approx(cer, abs=5e-4)
    assert found.rq == pytest.approx(rq, abs=5e-5)


def test_an_oxygen_error_of_a_twentieth_percent_moves_our_by_three_percent() -> None:
    true = exchange(molar_flow(1.0), DRY_AIR, Gas(0.1900, 0.02), 1.0)
    low = exchange(molar_flow(1.0), DRY_AIR, Gas(0.1895, 0.02), 1.0)
    assert low.our / true.our - 1 == pytest.approx(0.032, abs=0.002)


def test_a_wet_reading_taken_as_dry_overstates_the_uptake_by_a_quarter() -> None:
    dry = Gas(0.19, 0.02)
    wet = Gas(dry.o2 * 0.98, dry.co2 * 0.98)
    found = exchange(molar_flow(1.0), DRY_AIR, wet, 1.0)
    assert found.our == pytest.approx(64.9, abs=0.1)
    assert found.rq == pytest.approx(0.787, abs=0.001)


@given(
    flow=st.floats(0.1, 1e4),
    our=st.floats(0.0, 100.0),
    rq=st.floats(0.3, 3.0),
    volume=st.floats(0.01, 1.0),
)
def test_the_outlet_of_given_rates_gives_these_rates_back(
    flow: float, our: float, rq: float, volume: float
) -> None:
    if our * volume > 0.15 * 1000 * flow:
        our = 0.15 * 1000 * flow / volume
    outlet = dry_outlet(flow, DRY_AIR, our, our * rq, volume)
    found = exchange(flow, DRY_AIR, outlet, volume)
    tolerance = 1e-9 * (1000 * flow / volume)
    assert found.our == pytest.approx(our, abs=tolerance)
    assert found.cer == pytest.approx(our * rq, abs=tolerance)


def test_rq_without_uptake_is_not_a_number() -> None:
    assert isnan(Exchange(outlet_ratio=1.0, our=0.0, cer=1.0).rq)


def test_an_impossible_balance_is_refused() -> None:
    with pytest.raises(ValueError, match="there must be broth"):
        exchange(1.0, DRY_AIR, DRY_AIR, 0.0)
    with pytest.raises(ValueError, match="no inert gas"):
        exchange(1.0, DRY_AIR, Gas(0.9, 0.1), 1.0)
    with pytest.raises(ValueError, match="there must be a flow"):
        dry_outlet(0.0, DRY_AIR, 1.0, 1.0, 1.0)
    with pytest.raises(ValueError, match="more gas than"):
        dry_outlet(1.0, DRY_AIR, 300.0, 1.0, 1.0)


def test_enriched_air_is_what_its_controllers_blend() -> None:
    flow, gas = mixed(1.5, oxygen=0.5)
    assert flow == 2.0
    assert gas.o2 == pytest.approx((1.5 * 0.2095 + 0.5) / 2.0)
    assert gas.co2 == pytest.approx(0.0003)
    assert mixed(1.0)[1] == DRY_AIR
    _, three = mixed(np.array([1.0, 0.0, 1.0]), nitrogen=1.0, carbon_dioxide=np.array([0.0, 0.1, 0.1]))
    np.testing.assert_allclose(three.o2, [0.2095 / 2, 0.0, 0.2095 / 2.1])
    with pytest.raises(ValueError, match="there must be a flow"):
        mixed(0.0)


def test_gas_from_broth_at_37_degrees_carries_6_percent_of_water() -> None:
    gas = moist(Gas(0.19, 0.02), 37.0)
    assert gas.h2o == pytest.approx(0.0620, abs=1e-4)
    assert gas.inert == pytest.approx(0.79 * (1.0 - gas.h2o))


@given(
    o2=st.floats(0.0, 0.6), co2=st.floats(0.0, 0.3), temperature=st.floats(0.0, 60.0), bar=st.floats(0.8, 3.0)
)
def test_drying_undoes_moistening_and_neither_changes_the_balance(
    o2: float, co2: float, temperature: float, bar: float
) -> None:
    gas = Gas(o2, co2)
    wet = moist(gas, temperature, bar)
    again = dried(wet)
    assert (again.o2, again.co2, again.h2o) == pytest.approx((o2, co2, 0.0))
    flow, dry = 2.7, exchange(2.7, DRY_AIR, gas, 1.0)
    assert exchange(flow, DRY_AIR, wet, 1.0).our == pytest.approx(dry.our, abs=1e-6)
    assert exchange(flow, DRY_AIR, wet, 1.0).cer == pytest.approx(dry.cer, abs=1e-6)


def test_boiling_water_leaves_no_gas() -> None:
    with pytest.raises(ValueError, match="water boils"):
        moist(DRY_AIR, 100.1)


ALONE = {"o2": 0.0, "co2": 0.0, "flow": 0.0, "volume": 0.0}
"""Errors of nothing; the tests add one."""


def test_an_oxygen_error_alone_is_three_percent_of_our() -> None:
    found = exchange(molar_flow(1.0), DRY_AIR, Gas(0.19, 0.02), 1.0)
    errors = exchange_errors(
        molar_flow(1.0), DRY_AIR, Gas(0.19, 0.02), 1.0, SensorErrors(**(ALONE | {"o2": 0.0005}))
    )
    assert errors.our / found.our == pytest.approx(0.032, abs=0.001)


def test_flow_and_volume_do_not_touch_rq() -> None:
    outlet, flow = Gas(0.19, 0.02), molar_flow(1.0)
    found = exchange(flow, DRY_AIR, outlet, 1.0)
    errors = exchange_errors(
        flow, DRY_AIR, outlet, 1.0, SensorErrors(**(ALONE | {"flow": 0.03, "volume": 0.04}))
    )
    assert errors.our == pytest.approx(0.05 * found.our)
    assert errors.cer == pytest.approx(0.05 * found.cer)
    assert errors.rq == pytest.approx(0.0, abs=1e-12)


@given(
    o2=st.floats(0.15, 0.205),
    co2=st.floats(0.001, 0.05),
    h2o=st.floats(0.0, 0.05),
    source=st.sampled_from(["o2", "co2", "h2o", "inlet_o2", "inlet_co2", "flow", "volume"]),
)
def test_the_error_of_a_reading_is_what_moving_it_does(
    o2: float, co2: float, h2o: float, source: str
) -> None:
    size, flow, volume = 1e-6, 2.7, 1.3
    inlet, outlet = Gas(0.2095, 0.0004), Gas(o2, co2, h2o)

    def moved(by: float) -> Exchange[float]:
        at = dict.fromkeys(("o2", "co2", "h2o", "inlet_o2", "inlet_co2", "flow", "volume"), 0.0) | {
            source: by
        }
        return exchange(
            flow * (1.0 + at["flow"]),
            Gas(inlet.o2 + at["inlet_o2"], inlet.co2 + at["inlet_co2"]),
            Gas(o2 + at["o2"], co2 + at["co2"], h2o + at["h2o"]),
            volume * (1.0 + at["volume"]),
        )

    up, down = moved(size), moved(-size)
    errors = exchange_errors(flow, inlet, outlet, volume, SensorErrors(**(ALONE | {source: size})))
    assert errors.our == pytest.approx(abs(up.our - down.our) / 2, rel=1e-3, abs=1e-8)
    assert errors.cer == pytest.approx(abs(up.cer - down.cer) / 2, rel=1e-3, abs=1e-8)
    assert errors.rq == pytest.approx(abs(up.rq - down.rq) / 2, rel=2e-2, abs=1e-8)


def test_errors_are_the_scatter_of_balances_of_scattered_readings() -> None:
    draw, count = np.random.default_rng(21), 20_000
    outlet = Gas(0.19 + draw.normal(0.0, 0.0005, count), 0.02 + draw.normal(0.0, 0.0005, count))
    flow = molar_flow(1.0) * (1.0 + draw.normal(0.0, 0.01, count))
    scattered = exchange(flow, DRY_AIR, outlet, 1.0 + draw.normal(0.0, 0.01, count))
    errors = exchange_errors(molar_flow(1.0), DRY_AIR, Gas(0.19, 0.02), 1.0)
    assert np.std(scattered.our) == pytest.approx(errors.our, rel=0.03)
    assert np.std(scattered.cer) == pytest.approx(errors.cer, rel=0.03)
    assert np.std(scattered.rq) == pytest.approx(errors.rq, rel=0.03)


def test_errors_of_a_series_are_those_of_its_readings() -> None:
    series = Gas(np.array([0.19, 0.2095]), np.array([0.02, 0.0004]))
    errors = exchange_errors(2.7, DRY_AIR, series, 1.0)
    one = exchange_errors(2.7, DRY_AIR, Gas(0.19, 0.02), 1.0)
    assert (errors.our[0], errors.cer[0], errors.rq[0]) == pytest.approx((one.our, one.cer, one.rq))
    assert errors.our[1] > 0.0
    assert np.isnan(errors.rq[1])
