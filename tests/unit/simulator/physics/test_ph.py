"""The charge balance against its converged root, and against what a titration shows."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.physics.ph import (
    BICARBONATE_PK,
    CARBONIC_PK,
    charges,
    free_share,
    net_charge,
    next_ph,
    site_constants,
)
from simulator.physics.state import Species
from tests.unit.simulator.physics.cultures import MEDIA, culture

MIXED = [(name, "25000L_cell" if name == "cho" else "2L") for name in MEDIA]


def test_two_steps_a_second_follow_the_converged_root() -> None:
    grown = culture(MIXED)
    constants = site_constants(grown.process.cells)
    grown.run(0.1, dt_s=1.0)
    for _ in range(60):
        grown.step(1.0)
        root = next_ph(charges(grown.process.cells, grown.state.broth), constants, grown.state.ph, steps=40)
        assert grown.state.ph == pytest.approx(root, abs=1e-3)


def test_a_starting_broth_has_its_ph_and_no_charge() -> None:
    grown = culture(MIXED)
    bearers = charges(grown.process.cells, grown.state.broth)
    charge, buffer = net_charge(bearers, site_constants(grown.process.cells), grown.state.ph)
    assert charge == pytest.approx(0.0, abs=1e-9)
    assert (buffer > 0.0).all()


@pytest.mark.parametrize("ph", [3.0, 5.0, 6.15, 7.4, 9.0, 11.0])
def test_carbonate_has_the_charge_of_an_acid_of_two_steps(ph: float) -> None:
    grown = culture([("s_cerevisiae", "2L")])
    grown.state.broth[:] = 0.0
    constants = site_constants(grown.process.cells)
    at = np.full((2, 1), ph)
    bare, _ = net_charge(charges(grown.process.cells, grown.state.broth), constants, at)
    grown.state.broth[Species.CARBONATE] = 10.0
    loaded, _ = net_charge(charges(grown.process.cells, grown.state.broth), constants, at)
    proton, first, second = 10.0**-ph, 10.0**-CARBONIC_PK, 10.0**-BICARBONATE_PK
    whole = proton**2 + proton * first + first * second
    expected = -10.0 * (proton * first + 2.0 * first * second) / whole
    assert loaded - bare == pytest.approx(expected, rel=1e-9)
    assert free_share(at) == pytest.approx(proton**2 / whole, rel=1e-9)


def test_the_buffer_capacity_is_the_slope_of_the_charge() -> None:
    grown = culture(MIXED)
    bearers, constants = charges(grown.process.cells, grown.state.broth), site_constants(grown.process.cells)
    step = 1e-5
    above, _ = net_charge(bearers, constants, grown.state.ph + step)
    below, _ = net_charge(bearers, constants, grown.state.ph - step)
    _, buffer = net_charge(bearers, constants, grown.state.ph)
    assert buffer == pytest.approx((below - above) / (2.0 * step), rel=1e-5)


def test_base_raises_and_acid_lowers_the_ph() -> None:
    raised, lowered, left = (culture(MIXED, hold=False) for _ in range(3))
    raised.set_to.base_l_h = 0.02 * raised.process.hulls.base_max_l_h
    lowered.set_to.acid_l_h = 0.02 * lowered.process.hulls.acid_max_l_h
    for grown in (raised, lowered, left):
        grown.state.broth[Species.BIOMASS] = 0.0
        grown.run(0.1)
    assert (raised.state.ph > left.state.ph + 0.002).all()
    assert (lowered.state.ph < left.state.ph - 0.002).all()
