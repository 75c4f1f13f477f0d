"""The inert balance, against worked examples and against its own inverse."""

from __future__ import annotations

from math import isnan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.gas_balance import DRY_AIR, Exchange, Gas, dry_outlet, exchange, molar_flow

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
