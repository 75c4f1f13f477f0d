"""Balances close on true stoichiometry, and open by exactly what is hidden from them."""

from __future__ import annotations

from math import isnan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.balances import (
    ACETIC_ACID,
    AMMONIA,
    BIOMASS,
    CARBON_DIOXIDE,
    ETHANOL,
    GLUCOSE,
    GLUTAMINE,
    GLYCEROL,
    LACTIC_ACID,
    METHANOL,
    OXYGEN,
    Closure,
    Compound,
    carbon_balance,
    coolant_heat_w,
    evaporated_g_h,
    evaporation_heat_w,
    heat_balance,
    mass_balance,
    metabolic_heat_w,
    reduction_balance,
    stored_heat_w,
)


@pytest.mark.parametrize(
    ("compound", "per_carbon", "mass"),
    [
        (GLUCOSE, 4.0, 180.16),
        (GLYCEROL, 14 / 3, 92.09),
        (ETHANOL, 6.0, 46.07),
        (METHANOL, 6.0, 32.04),
        (ACETIC_ACID, 4.0, 60.05),
        (LACTIC_ACID, 4.0, 90.08),
        (GLUTAMINE, 3.6, 146.14),
        (BIOMASS, 4.2, 24.63),
        (CARBON_DIOXIDE, 0.0, 44.01),
    ],
)
def test_degrees_of_reduction_and_molar_masses_are_the_textbook_ones(
    compound: Compound, per_carbon: float, mass: float
) -> None:
    assert compound.degree_of_reduction / compound.carbon == pytest.approx(per_carbon)
    assert compound.molar_mass == pytest.approx(mass, abs=0.01)


def test_oxygen_takes_four_electrons_and_ammonia_none() -> None:
    assert OXYGEN.degree_of_reduction == -4.0
    assert AMMONIA.degree_of_reduction == 0.0
    assert Compound(0, 4, 0, 1, charge=1).degree_of_reduction == 0.0
    assert Compound(2, 3, 2, charge=-1).degree_of_reduction == ACETIC_ACID.degree_of_reduction


def test_alcoholic_fermentation_closes_without_oxygen() -> None:
    products = {ETHANOL: 2.0, CARBON_DIOXIDE: 2.0}
    assert carbon_balance({GLUCOSE: 1.0}, products).recovered == pytest.approx(1.0)
    assert reduction_balance({GLUCOSE: 1.0}, products, 0.0).residual == pytest.approx(0.0)


@given(yielded=st.floats(0.1, 5.0), acetate=st.floats(0.0, 0.4), amount=st.floats(1e-3, 1e3))
def test_growth_with_overflow_closes_both_balances_in_any_amount(
    yielded: float, acetate: float, amount: float
) -> None:
    carbon_dioxide = 6.0 - yielded - 2.0 * acetate
    oxygen = (24.0 - 4.2 * yielded - 8.0 * acetate) / 4.0
    formed = {
        BIOMASS: amount * yielded,
        ACETIC_ACID: amount * acetate,
        CARBON_DIOXIDE: amount * carbon_dioxide,
    }
    assert carbon_balance({GLUCOSE: amount}, formed).recovered == pytest.approx(1.0)
    assert reduction_balance({GLUCOSE: amount}, formed, amount * oxygen).recovered == pytest.approx(1.0)


def test_half_of_the_carbon_into_cells_gives_an_rq_of_1_05() -> None:
    # 24 electrons of glucose, 12.6 in three moles of biomass carbon: 2.85 O2 against 3 CO2.
    closed = reduction_balance({GLUCOSE: 1.0}, {BIOMASS: 3.0, CARBON_DIOXIDE: 3.0}, 2.85)
    assert closed.residual == pytest.approx(0.0)


def test_each_balance_opens_by_its_own_gas() -> None:
    fed, formed = {GLUCOSE: 1.0}, {BIOMASS: 3.0, CARBON_DIOXIDE: 2.4}
    assert carbon_balance(fed, formed).recovered == pytest.approx(0.9)
    assert not carbon_balance(fed, formed).closes()
    assert reduction_balance(fed, formed, 2.85).closes(0.999, 1.001)
    assert reduction_balance(fed, formed, 2.0).residual == pytest.approx(3.4)
    assert carbon_balance(fed, formed | {ACETIC_ACID: 0.3}).closes()


def test_a_series_is_balanced_at_once() -> None:
    glucose, cells, gas = np.array([1.0, 2.0]), np.array([3.0, 3.0]), np.array([3.0, 6.0])
    found = carbon_balance({GLUCOSE: glucose}, {BIOMASS: cells, CARBON_DIOXIDE: gas})
    np.testing.assert_allclose(found.recovered, [1.0, 0.75])
    np.testing.assert_allclose(found.residual, [0.0, 3.0])
    assert not found.closes()
    assert found.closes(0.7, 1.01)


def test_where_nothing_was_supplied_nothing_is_recovered_or_closed() -> None:
    assert isnan(Closure(0.0, 1.0).recovered)
    assert not Closure(0.0, 1.0).closes()
    assert isnan(carbon_balance({}, {}).recovered)


def test_mass_of_a_fed_batch_closes_with_its_gas() -> None:
    # 1 kg, 0.4 kg of feed and base, 32 g O2 in; samples of 0.05 kg, 12 g of water, 44 g CO2 out.
    found = mass_balance(1.0, [0.35, 0.05, 0.032], [0.05, 0.012, 0.044], 1.326)
    assert found.recovered == pytest.approx(1.0)
    assert mass_balance(1.0, [0.35, 0.05, 0.032], [0.05, 0.012], 1.326).residual == pytest.approx(0.044)


def test_a_culture_of_100_mmol_per_litre_and_hour_warms_by_12_8_watt_a_litre() -> None:
    assert metabolic_heat_w(100.0, 1.0) == pytest.approx(12.78, abs=0.005)
    # Which, uncooled, is 11 °C an hour.
    assert stored_heat_w(1.0, 11.0) == pytest.approx(12.77, abs=0.005)


def test_heat_of_a_steady_culture_leaves_by_water_air_and_wall() -> None:
    metabolic = metabolic_heat_w(100.0, 1.5)
    evaporated = evaporated_g_h(4.0, 37.0)
    leaving = coolant_heat_w(0.5, 15.0, 15.5) + evaporation_heat_w(evaporated, 37.0)
    wall = metabolic + 4.0 - leaving
    assert heat_balance([metabolic, 4.0], [leaving, wall]).recovered == pytest.approx(1.0)
    warming = heat_balance([metabolic, 4.0], [leaving], stored_heat_w(1.5, wall * 3600.0 / 1.5 / 4180.0))
    assert warming.recovered == pytest.approx(1.0)


def test_dry_gas_leaves_with_the_humidity_of_saturated_air() -> None:
    # Humidity of saturated air at 37 °C and 1.01325 bar: 0.0412 kg/kg of dry air of 28.96 g/mol.
    assert evaporated_g_h(100.0, 37.0) / (100.0 * 28.96) == pytest.approx(0.0412, abs=2e-4)


@pytest.mark.parametrize(
    ("temperature_c", "joule_g"), [(0, 2500.9), (25, 2441.7), (37, 2413.3), (60, 2357.7)]
)
def test_latent_heat_is_that_of_steam_tables(temperature_c: float, joule_g: float) -> None:
    assert evaporation_heat_w(3600.0, temperature_c) == pytest.approx(joule_g, rel=1e-3)


def test_heat_of_vessels_side_by_side_is_that_of_each() -> None:
    our, volume = np.array([100.0, 50.0]), np.array([1.5, 150.0])
    np.testing.assert_allclose(
        metabolic_heat_w(our, volume), [metabolic_heat_w(100.0, 1.5), metabolic_heat_w(50.0, 150.0)]
    )
    np.testing.assert_allclose(
        evaporated_g_h(np.array([1.0, 2.0]), 37.0), evaporated_g_h(1.0, 37.0) * np.array([1, 2])
    )
    np.testing.assert_allclose(coolant_heat_w(np.array([1.0]), 10.0, 12.0), [coolant_heat_w(1.0, 10.0, 12.0)])
