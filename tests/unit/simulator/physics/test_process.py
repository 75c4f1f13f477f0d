"""What a process engineer would expect of a stirred culture, at any step and in any company."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.physics.holdings import gaps, holdings
from simulator.physics.state import LOWER, UPPER, Species
from simulator.physics.true_signals import assay_truth, true_signals
from tests.unit.simulator.physics.cultures import Culture, culture

MIXED = [("e_coli", "2L"), ("cho", "25000L_cell"), ("s_cerevisiae", "200L"), ("p_chrysogenum", "25000L")]
setting = st.floats(min_value=-1.0, max_value=4.0)


def dense(kinds: list[tuple[str, str]], biomass_g_l: float, substrate_g_l: float) -> Culture:
    grown = culture(kinds, hold=False)
    grown.state.broth[Species.BIOMASS] = biomass_g_l
    grown.state.broth[Species.SUBSTRATE] = substrate_g_l
    return grown


@settings(max_examples=15, deadline=None)
@given(
    shares=st.lists(setting, min_size=13, max_size=13),
    wrongs=st.lists(st.floats(min_value=-1.0, max_value=2.0), min_size=11, max_size=11),
    dt_s=st.floats(min_value=0.5, max_value=10.0),
    contents=st.lists(st.floats(min_value=0.0, max_value=80.0), min_size=8, max_size=8),
)
def test_nothing_becomes_negative_or_undefined_whatever_is_asked(
    shares: list[float], wrongs: list[float], dt_s: float, contents: list[float]
) -> None:
    grown = culture(MIXED, hold=False)
    state, set_to, hulls = grown.state, grown.set_to, grown.process.hulls
    chosen = (
        Species.BIOMASS,
        Species.DEAD,
        Species.SUBSTRATE,
        Species.OVERFLOW,
        Species.PRODUCT,
        Species.NITROGEN,
        Species.COSUBSTRATE,
        Species.CONTAMINANT,
    )
    for species, content in zip(chosen, contents, strict=True):
        state.broth[species, LOWER] = content
        state.broth[species, UPPER] = 0.3 * content
    before = holdings(grown.process, state)
    set_to.speed_per_min = shares[0] * hulls.top_speed_per_min
    set_to.air_l_min = shares[1] * hulls.gas_max_l_min
    set_to.o2_l_min = shares[2] * hulls.o2_max_l_min
    set_to.n2_l_min = shares[3] * hulls.n2_max_l_min
    set_to.co2_l_min = shares[4] * hulls.co2_max_l_min
    set_to.pressure_bar = shares[5] * hulls.pressure_max_bar
    set_to.feed_l_h = shares[6] * hulls.feed_max_l_h
    set_to.base_l_h = shares[7] * hulls.base_max_l_h
    set_to.acid_l_h = shares[8] * hulls.acid_max_l_h
    set_to.antifoam_l_h = shares[9] * hulls.antifoam_max_l_h
    set_to.cooling_valve = shares[10] * np.ones(4)
    set_to.heater_w = shares[11] * hulls.heater_max_w
    wrong = grown.wrong
    wrong.drive_lost, wrong.gas_lost = wrongs[0] * np.ones(4), wrongs[1] * np.ones(4)
    wrong.cooling_stuck, wrong.cooling_stuck_at = wrongs[2] * np.ones(4), wrongs[3] * np.ones(4)
    wrong.feed_lost, wrong.base_lost = wrongs[4] * np.ones(4), wrongs[5] * np.ones(4)
    wrong.foam_drive, wrong.filter_fouling_per_h = wrongs[6] * np.ones(4), wrongs[7] * np.ones(4)
    wrong.lysis_per_h, wrong.power_lost = wrongs[8] * np.ones(4), wrongs[9] * np.ones(4)
    for round_trip in range(7):
        set_to.sample_l = shares[12] * 0.3 * state.volume_l * (round_trip == 3)
        wrong.contamination_g_l = wrongs[10] * np.ones(4) * (round_trip == 5)
        flux = grown.step(dt_s)
        truth = true_signals(grown.process, state, set_to, flux, grown.ledger)
        for name, values in truth.items():
            assert np.isfinite(values).all() or name.startswith("precursor"), name
    amounts = np.delete(state.broth, Species.STRONG_IONS, axis=0)
    assert amounts.min() >= 0.0
    assert np.isfinite(state.broth).all()
    for values in (state.volume_l, state.mass_kg, state.pressure_bar, state.head_o2, state.head_co2):
        assert (values >= 0.0).all()
    after = holdings(grown.process, state)
    missed = gaps(before, after, grown.ledger)
    for name, turned, there in (
        ("oxygen", grown.ledger.o2_used, grown.ledger.o2_in + before.o2_mol),
        ("carbon", grown.ledger.carbon_out, after.carbon_mol),
        ("nitrogen", after.nitrogen_mol, after.nitrogen_mol),
    ):
        assert (np.abs(missed[name]) * np.maximum(np.abs(turned), 1e-12) < 1e-6 * there + 1e-9).all(), name


@pytest.mark.parametrize("kind", MIXED, ids="-".join)
def test_a_step_of_five_seconds_tells_the_same_as_one_of_one(kind: tuple[str, str]) -> None:
    fine, coarse = (culture([kind], hold=False, speed_share=0.5) for _ in range(2))
    for grown in (fine, coarse):
        grown.state.broth[Species.BIOMASS] = 5.0
        grown.set_to.feed_l_h = grown.fed
        grown.set_to.cooling_valve = 0.02 * np.ones(1)
    fine.run(0.5, dt_s=1.0)
    coarse.run(0.5, dt_s=5.0)
    for name in ("BIOMASS", "SUBSTRATE", "OVERFLOW", "CARBONATE", "OXYGEN"):
        species = Species[name]
        one, other = fine.state.broth[species], coarse.state.broth[species]
        assert other == pytest.approx(one, rel=0.03, abs=1e-3), name
    assert coarse.state.ph == pytest.approx(fine.state.ph, abs=0.01)
    assert coarse.state.temperature_c == pytest.approx(fine.state.temperature_c, abs=0.05)
    assert coarse.flux.our == pytest.approx(fine.flux.our, rel=0.02)


def test_a_bioreactor_does_not_know_who_else_is_in_the_fleet() -> None:
    alone, together = culture([MIXED[2]]), culture(MIXED)
    alone.run(0.2, dt_s=2.0)
    together.run(0.2, dt_s=2.0)
    assert together.state.broth[:, :, 2] == pytest.approx(alone.state.broth[:, :, 0], rel=1e-9, abs=1e-12)
    assert together.state.ph[:, 2] == pytest.approx(alone.state.ph[:, 0], rel=1e-9)


def test_the_same_start_gives_the_same_bytes() -> None:
    first, second = culture(MIXED), culture(MIXED)
    first.run(0.1)
    second.run(0.1)
    assert first.state.broth.tobytes() == second.state.broth.tobytes()
    assert first.state.ph.tobytes() == second.state.ph.tobytes()


def test_large_vessels_reach_the_limit_of_cooling_that_small_ones_do_not() -> None:
    grown = dense([("s_cerevisiae", "2L"), ("s_cerevisiae", "25000L")], 40.0, 60.0)
    grown.set_to.speed_per_min = grown.process.hulls.top_speed_per_min
    grown.set_to.air_l_min = 1.5 * grown.state.volume_l
    grown.set_to.o2_l_min = grown.process.hulls.o2_max_l_min
    grown.set_to.cooling_valve = np.ones(2)
    grown.set_to.base_l_h = 0.002 * grown.state.volume_l
    grown.run(0.6)
    small, large = grown.state.temperature_c
    assert small < 27.0
    assert large > 30.5
    assert grown.flux.jacket_flow_l_min[1] == grown.process.hulls.coolant_max_l_min[1]


def test_large_vessels_transfer_less_oxygen_a_litre_at_their_limits() -> None:
    grown = dense([("e_coli", "2L"), ("e_coli", "25000L")], 40.0, 40.0)
    hulls = grown.process.hulls
    grown.set_to.speed_per_min = hulls.top_speed_per_min
    grown.set_to.air_l_min = hulls.gas_max_l_min
    grown.set_to.o2_l_min = hulls.o2_max_l_min
    grown.set_to.base_l_h = 0.002 * grown.state.volume_l
    grown.run(0.1)
    small, large = grown.flux.otr
    assert small > 1.5 * large
    assert 150.0 < large < 350.0


def test_a_probe_sees_its_own_zone_only_where_mixing_is_slow() -> None:
    grown = dense([("e_coli", "2L"), ("e_coli", "25000L")], 5.0, 10.0)
    grown.hold = True
    grown.set_to.speed_per_min = 0.7 * grown.process.hulls.top_speed_per_min
    grown.run(0.4)
    lower, upper = grown.oxygen_percent
    assert abs(lower[0] - upper[0]) < 1.5
    assert lower[1] - upper[1] > 2.5


def test_feed_at_the_surface_makes_a_gradient_of_substrate_in_the_large_vessel() -> None:
    grown = dense([("s_cerevisiae", "2L"), ("s_cerevisiae", "25000L")], 20.0, 0.01)
    grown.hold = True
    grown.feed_from_h = 0.0
    grown.run(0.3)
    lower, upper = grown.state.broth[Species.SUBSTRATE]
    assert upper[0] / lower[0] < 1.2
    assert upper[1] / lower[1] > 1.3


def test_a_lost_stirrer_takes_the_oxygen_away_within_a_minute() -> None:
    grown = dense([("e_coli", "2L")], 8.0, 5.0)
    grown.hold = True
    grown.run(0.3)
    before = grown.oxygen_percent[LOWER, 0]
    grown.wrong.drive_lost[:] = 1.0
    grown.run(1.0 / 60.0, dt_s=1.0)
    assert before > 25.0
    assert grown.oxygen_percent[LOWER, 0] < 2.0
    assert grown.state.speed_per_min[0] < 1.0


def test_without_air_the_broth_lives_on_its_surface() -> None:
    grown = dense([("s_cerevisiae", "2L")], 5.0, 20.0)
    grown.wrong.gas_lost[:] = 1.0
    grown.run(0.2)
    assert grown.flux.gas_in_mol_h[0] == 0.0
    assert 0.0 < grown.flux.our[0] < 10.0
    assert grown.flux.overflow_g_l_h[0] > 3.0


def test_pressure_raises_dissolved_oxygen_above_its_calibration() -> None:
    grown = culture([("e_coli", "200L")], hold=False)
    grown.state.broth[Species.BIOMASS] = 0.0
    grown.set_to.pressure_bar[:] = 2.0
    grown.run(0.5)
    truth = true_signals(grown.process, grown.state, grown.set_to, grown.flux, grown.ledger)
    assert truth["DO"][0] == pytest.approx(100.0 * (2.0 + 0.06 - 0.063) / (1.01325 - 0.063), abs=6.0)


def test_a_phage_turns_the_living_into_debris() -> None:
    grown = dense([("e_coli", "2L")], 8.0, 5.0)
    grown.wrong.lysis_per_h[:] = 5.0
    grown.run(0.5)
    assay = assay_truth(grown.process, grown.state)
    assert assay["viability"][0] < 20.0
    assert assay["biomass"][0] == pytest.approx(8.5, abs=1.5)


def test_contaminants_overgrow_cells_and_sour_the_broth() -> None:
    clean, infected = culture([("cho", "2L_cell")]), culture([("cho", "2L_cell")])
    infected.wrong.contamination_g_l[:] = 0.01
    for grown in (clean, infected):
        grown.run(5.0, dt_s=10.0)
    assert infected.wrong.contamination_g_l[0] == 0.0
    assert infected.state.broth[Species.CONTAMINANT].mean() > 0.05
    assert infected.state.broth[Species.FOREIGN_ACID].mean() > 0.01
    souring, usual = (it.ledger.base_l[0] - it.ledger.acid_l[0] for it in (infected, clean))
    assert souring > usual
    assert infected.flux.our[0] > 3.0 * clean.flux.our[0]


def test_foam_that_reaches_the_filter_blocks_it_and_raises_the_pressure() -> None:
    grown = culture([("e_coli", "2L")], hold=False)
    grown.run(0.2)
    pressure = grown.state.pressure_bar[0]
    grown.set_to.pressure_bar[:] = 1.0
    grown.wrong.foam_drive[:] = 20.0
    grown.run(1.5)
    assert grown.state.filter_load[0] > 0.9
    assert grown.state.pressure_bar[0] > pressure
    assert grown.state.pressure_bar[0] <= grown.process.hulls.pressure_max_bar[0]


def test_a_power_dip_stops_stirrer_pumps_and_gas() -> None:
    grown = culture([("e_coli", "200L")], hold=False)
    grown.set_to.feed_l_h[:] = 1.0
    grown.run(0.05)
    fed = grown.ledger.feed_l[0]
    grown.wrong.power_lost[:] = 1.0
    grown.run(0.05)
    assert grown.ledger.feed_l[0] == fed
    assert grown.flux.gas_in_mol_h[0] == 0.0
    assert grown.state.speed_per_min[0] < 1.0
