"""The balances close, step by step, through the worst that can happen."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.gas_balance import DRY_AIR, Gas, exchange, molar_flow
from simulator.culture import ACETATE_MMOL_C_G, GLUCOSE_MMOL_C_G, Strain
from simulator.process import Actuators, Process, State, oxygen_root
from simulator.vessel import Vessel, actual_flow

PROCESS = Process(Strain(), Vessel(), feed_g_l=500.0)
RUNNING = Actuators(650.0, 1.5, 1.05, feed_l_h=0.008, jacket_w=7.0)
FED = State(
    hours=8.0,
    biomass_g_l=9.5,
    glucose_g_l=0.02,
    acetate_g_l=0.0,
    oxygen_mmol_l=0.07,
    carbonate_mmol_l=3.3,
    ph=7.0,
    temperature_c=37.0,
    volume_l=1.22,
    gas_o2=0.195,
    gas_co2=0.016,
    speed_per_min=650.0,
    jacket_w=7.0,
)


def _carbon_mmol(state: State) -> float:
    per_l = (
        PROCESS.strain.biomass_mmol_c_g * state.biomass_g_l
        + GLUCOSE_MMOL_C_G * state.glucose_g_l
        + ACETATE_MMOL_C_G * state.acetate_g_l
        + state.carbonate_mmol_l
    )
    return per_l * state.volume_l


@pytest.mark.parametrize("drive", [True, False], ids=["stirred", "stirrer lost"])
def test_carbon_fed_is_carbon_found(drive: bool) -> None:  # noqa: FBT001 - a case of the test
    state, set_to = replace(FED), replace(RUNNING, drive=drive)
    before, left_mmol = _carbon_mmol(state), 0.0
    for _ in range(4 * 1200):
        volume = state.volume_l
        flux = PROCESS.advance(state, set_to, 0.25)
        left_mmol += flux.ctr * volume * 0.25 / 3600.0
    fed_mmol = GLUCOSE_MMOL_C_G * 500.0 * 0.008 * 1200.0 / 3600.0
    found = _carbon_mmol(state) - before + left_mmol
    assert found == pytest.approx(fed_mmol, rel=0.01)


def test_the_off_gas_tells_the_uptake_of_the_cells() -> None:
    state = replace(FED)
    for _ in range(4 * 1800):
        flux = PROCESS.advance(state, RUNNING, 0.25)
        # A falling pH would drive carbon dioxide out of the broth that the cells have not made now.
        state.ph = 7.0
    found = exchange(molar_flow(1.5), DRY_AIR, Gas(state.gas_o2, state.gas_co2), state.volume_l)
    assert found.our == pytest.approx(flux.our, rel=0.01)
    assert found.cer == pytest.approx(flux.cer, rel=0.01)


def test_without_the_stirrer_only_the_bubbles_bring_oxygen() -> None:
    state, stopped = replace(FED), replace(RUNNING, drive=False)
    with_stirrer = PROCESS.advance(replace(FED), RUNNING, 0.25).kla
    for _ in range(4 * 10):
        flux = PROCESS.advance(state, stopped, 0.25)
    assert state.speed_per_min < 1e-6
    assert with_stirrer > 300.0
    assert 5.0 < flux.kla < 30.0
    assert state.oxygen_mmol_l < 0.005


@settings(max_examples=50)
@given(
    biomass=st.floats(0.01, 60.0),
    glucose=st.floats(0.0, 20.0),
    oxygen=st.floats(0.0, 0.25),
    speed=st.floats(0.0, 1200.0),
    ph=st.floats(5.0, 8.5),
)
def test_no_state_runs_away_or_goes_below_zero(
    *, biomass: float, glucose: float, oxygen: float, speed: float, ph: float
) -> None:
    state = replace(FED, biomass_g_l=biomass, glucose_g_l=glucose, oxygen_mmol_l=oxygen, ph=ph)
    set_to = replace(RUNNING, speed_per_min=speed)
    for _ in range(400):
        PROCESS.advance(state, set_to, 0.25)
    assert 0.0 <= state.oxygen_mmol_l < 0.25
    assert 0.0 <= state.glucose_g_l <= 21.0
    assert state.acetate_g_l >= 0.0
    assert state.carbonate_mmol_l > 0.0
    assert 0.0 < state.gas_o2 < 0.21
    assert 0.0 < state.gas_co2 < 0.25
    assert 36.0 < state.temperature_c < 38.0


@given(square=st.floats(1e-3, 1e4), linear=st.floats(-1e4, 1e4), constant=st.floats(1e-9, 1e4))
def test_the_oxygen_root_solves_its_equation(square: float, linear: float, constant: float) -> None:
    root = oxygen_root(square, linear, constant)
    scale = square * root * root + abs(linear) * root + constant
    assert root >= 0.0
    assert abs(square * root * root + linear * root - constant) <= 1e-9 * scale


@given(kla=st.floats(30.0, 1000.0))
def test_the_stirrer_speed_for_a_kla_gives_that_kla(kla: float) -> None:
    vessel, gas = Vessel(), actual_flow(1.5, 37.0, 1.05)
    speed = vessel.speed_for(kla, gas, 1.3, (0.0, 1500.0))
    assert vessel.kla(speed, gas, 1.3) == pytest.approx(kla, rel=1e-6)
