"""The metabolism keeps its books, and behaves as Escherichia coli does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.culture import ACETATE_MMOL_C_G, GLUCOSE_MMOL_C_G, Strain, appetite, turnover

STRAIN = Strain()
LEVELS = st.floats(0.0, 50.0)
SHARES = st.floats(0.0, 1.0)


@given(glucose=LEVELS, acetate=LEVELS, share=SHARES)
def test_carbon_in_is_carbon_out(glucose: float, acetate: float, share: float) -> None:
    done = turnover(STRAIN, appetite(STRAIN, glucose, acetate), share)
    into = GLUCOSE_MMOL_C_G * done.glucose_g
    out = STRAIN.biomass_mmol_c_g * done.growth + ACETATE_MMOL_C_G * done.acetate_g + done.co2_mmol
    assert out == pytest.approx(into, abs=1e-9)


@given(glucose=LEVELS, acetate=LEVELS, share=SHARES)
def test_respiration_has_a_limit_and_makes_carbon_dioxide(
    glucose: float, acetate: float, share: float
) -> None:
    done = turnover(STRAIN, appetite(STRAIN, glucose, acetate), share)
    assert -1e-12 <= done.oxygen_mmol <= STRAIN.respiration_max + 1e-9
    assert done.co2_mmol >= -1e-9
    assert done.growth >= -1e-12


@given(glucose=LEVELS, acetate=LEVELS)
def test_electrons_balance_when_all_is_respired(glucose: float, acetate: float) -> None:
    wish = appetite(STRAIN, glucose, acetate)
    if wish.respired < 1.0:
        return
    done = turnover(STRAIN, wish, 1.0)
    given_up = 4.0 * (GLUCOSE_MMOL_C_G * done.glucose_g - ACETATE_MMOL_C_G * done.acetate_g)
    kept = STRAIN.biomass_reduction * STRAIN.biomass_mmol_c_g * done.growth
    assert 4.0 * done.oxygen_mmol == pytest.approx(given_up - kept, abs=1e-9)


def test_plenty_of_glucose_overflows_to_acetate() -> None:
    done = turnover(STRAIN, appetite(STRAIN, 10.0, 0.0), 1.0)
    assert 0.4 < done.growth < 0.6
    assert done.acetate_g > 0.01


def test_limited_glucose_is_respired_with_the_quotient_of_glucose() -> None:
    done = turnover(STRAIN, appetite(STRAIN, 0.02, 0.0), 1.0)
    assert done.acetate_g == 0.0
    assert done.co2_mmol / done.oxygen_mmol == pytest.approx(1.05, abs=0.05)


def test_acetate_is_eaten_when_glucose_is_gone() -> None:
    done = turnover(STRAIN, appetite(STRAIN, 0.0, 1.0), 1.0)
    assert done.acetate_g < -0.1
    assert done.growth > 0.0
    assert done.acid_mmol < 0.0


def test_without_oxygen_glucose_turns_into_acid() -> None:
    aerated = turnover(STRAIN, appetite(STRAIN, 0.02, 0.0), 1.0)
    choked = turnover(STRAIN, appetite(STRAIN, 0.02, 0.0), 0.05)
    assert choked.acid_mmol > 1.5 * aerated.acid_mmol
    assert choked.growth < 0.5 * aerated.growth
