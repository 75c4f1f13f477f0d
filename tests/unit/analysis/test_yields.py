"""Rates, yields and maintenance read back from a fed-batch whose truth is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.growth import growth_rate
from analysis.yields import (
    accumulated,
    consumed,
    herbert_pirt,
    overall_yield,
    specific_rate,
    yield_coefficient,
)
from schemas.errors import Unidentifiable

if TYPE_CHECKING:
    from analysis.elementwise import Array

YIELD, COST, FEED_G_L = 0.5, 0.04, 400.0
"""Biomass from glucose, maintenance in g/g/h, glucose in the feed."""


def fed_batch(mu: float) -> tuple[Array, Array, Array, Array, Array]:
    """(hours, biomass g/L, glucose g/L, volume L, fed g) of exponential growth on an exponential feed.

    X V = 5 e^(mu t). Feed covers 90 % of the uptake; 10 g of glucose at the start cover the rest.
    """
    hours = np.linspace(0.0, 5.0, 21)
    amount = 5.0 * np.exp(mu * hours)
    uptake = (mu / YIELD + COST) * (amount - 5.0) / mu
    fed = 0.9 * uptake
    volume = 1.0 + fed / FEED_G_L
    return hours, amount / volume, (10.0 - 0.1 * uptake) / volume, volume, fed


@pytest.mark.parametrize("mu", [0.05, 0.1, 0.2])
def test_rates_and_yields_of_a_fed_batch_are_read_back(mu: float) -> None:
    hours, biomass, glucose, volume, fed = fed_batch(mu)
    taken = consumed(glucose, volume, fed=fed)
    formed = -consumed(biomass, volume)
    assert growth_rate(hours, biomass, volume_l=volume).value == pytest.approx(mu)
    assert specific_rate(hours, taken, biomass * volume).value == pytest.approx(mu / YIELD + COST)
    assert specific_rate(hours, formed, biomass * volume).value == pytest.approx(mu)
    observed = mu / (mu / YIELD + COST)
    assert yield_coefficient(formed, taken).value == pytest.approx(observed)
    assert overall_yield(formed, taken) == pytest.approx(observed)


def test_maintenance_is_told_from_growth_by_rates_at_several_speeds() -> None:
    speeds = np.array([0.05, 0.1, 0.15, 0.2])
    uptake = []
    for mu in speeds:
        hours, biomass, glucose, volume, fed = fed_batch(float(mu))
        uptake.append(specific_rate(hours, consumed(glucose, volume, fed=fed), biomass * volume).value)
    found = herbert_pirt(speeds, np.array(uptake))
    assert found.growth_yield.value == pytest.approx(YIELD)
    assert found.maintenance.value == pytest.approx(COST)
    assert found.product_yield is None


def test_product_has_its_own_share_of_the_uptake() -> None:
    mu, product = np.array([0.05, 0.1, 0.15, 0.2, 0.1]), np.array([0.01, 0.03, 0.02, 0.01, 0.0])
    found = herbert_pirt(mu, mu / 0.5 + 0.04 + product / 0.8, product)
    assert found.growth_yield.value == pytest.approx(0.5)
    assert found.maintenance.value == pytest.approx(0.04)
    assert found.product_yield is not None
    assert found.product_yield.value == pytest.approx(0.8)


def test_the_interval_of_a_noisy_yield_holds_the_truth() -> None:
    noise = np.random.default_rng(5)
    mu = np.linspace(0.05, 0.4, 10)
    held = 0
    for _ in range(300):
        found = herbert_pirt(mu, mu / YIELD + COST + noise.normal(0.0, 0.02, len(mu)))
        held += found.growth_yield.low <= YIELD <= found.growth_yield.high
    assert 270 <= held <= 297


def test_a_sample_takes_substrate_that_was_not_eaten() -> None:
    withdrawn = np.array([0.0, 0.1, 0.2, 0.3])
    glucose = np.full(4, 8.0)
    np.testing.assert_allclose(consumed(glucose, 1.0 - withdrawn, withdrawn_l=withdrawn), 0.0, atol=1e-12)
    assert consumed(glucose, 1.0 - withdrawn)[-1] == pytest.approx(2.4)


def test_evaporation_concentrates_without_feeding() -> None:
    volume = np.array([1.0, 0.9, 0.8])
    np.testing.assert_allclose(consumed(5.0 / volume, volume), 0.0, atol=1e-12)


@given(
    amounts=st.lists(st.floats(0.1, 50.0), min_size=4, max_size=12),
    unit=st.floats(1e-3, 1e3),
)
def test_amounts_scale_with_their_unit(amounts: list[float], unit: float) -> None:
    series = np.array(amounts)
    np.testing.assert_allclose(
        consumed(unit * series, 2.0), unit * consumed(series, 2.0), rtol=1e-12, atol=1e-9 * unit
    )


def test_oxygen_taken_up_gives_its_specific_rate() -> None:
    hours = np.linspace(0.0, 3.0, 61)
    biomass = 4.0 * np.exp(0.3 * hours)
    taken = accumulated(hours, 6.0 * biomass * 1.5)
    assert specific_rate(hours, taken, biomass * 1.5).value == pytest.approx(6.0, rel=1e-4)


def test_the_dead_give_the_death_rate_by_the_living() -> None:
    hours = np.linspace(0.0, 48.0, 9)
    living = 4.0 * np.exp(0.02 * hours)
    dead = 0.005 * (living - 4.0) / 0.02
    assert specific_rate(hours, dead, living).value == pytest.approx(0.005)


def test_a_pump_keeps_its_rate_until_the_next_reading() -> None:
    hours, rate = np.array([0.0, 1.0, 3.0]), np.array([2.0, 4.0, 0.0])
    np.testing.assert_allclose(accumulated(hours, rate, held=True), [0.0, 2.0, 10.0])
    np.testing.assert_allclose(accumulated(hours, rate), [0.0, 3.0, 7.0])


def test_what_cannot_be_told_is_refused() -> None:
    with pytest.raises(Unidentifiable, match="Nothing was taken up"):
        overall_yield(np.array([0.0, 1.0]), np.array([0.0, 0.0]))
    with pytest.raises(Unidentifiable, match="does not vary"):
        yield_coefficient(np.arange(4.0), np.zeros(4))
    with pytest.raises(Unidentifiable, match="does not vary"):
        specific_rate(np.arange(4.0), np.arange(4.0), np.zeros(4))
    with pytest.raises(Unidentifiable, match="does not rise with growth beyond doubt"):
        herbert_pirt(np.array([0.1, 0.2, 0.3, 0.4]), np.array([0.3, 0.2, 0.35, 0.25]))
    with pytest.raises(Unidentifiable, match="varies together"):
        herbert_pirt(np.arange(1.0, 6.0), np.arange(5.0), 0.1 * np.arange(1.0, 6.0))
