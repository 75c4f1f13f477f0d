"""A pump gives what was asked for, at whatever speed and step."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.controllers.foam import FoamLoop
from simulator.controllers.pumps import LEAST_SHARE, PULSE_S, Pumps


@given(share=st.floats(0.0, 1.0), dt_s=st.sampled_from([1.0, 5.0, 10.0]))
def test_a_pump_gives_what_was_asked_for_to_within_a_pulse(share: float, dt_s: float) -> None:
    pumps, steps = Pumps(np.array([2.0])), 400
    given_l = sum(float(pumps.deliver(np.array([share]), dt_s)[0]) * dt_s / 3600.0 for _ in range(steps))
    asked_l = share * 2.0 * steps * dt_s / 3600.0
    assert given_l <= asked_l + 1e-12
    assert given_l == pytest.approx(asked_l, abs=LEAST_SHARE * 2.0 * (PULSE_S + dt_s) / 3600.0)


def test_below_its_least_speed_a_pump_runs_at_that_speed_or_rests() -> None:
    pumps = Pumps(np.array([2.0]))
    rates = {round(float(pumps.deliver(np.array([0.4 * LEAST_SHARE]), 1.0)[0]), 9) for _ in range(200)}
    assert rates == {0.0, round(2.0 * LEAST_SHARE, 9)}


def test_more_than_full_speed_is_full_speed() -> None:
    assert Pumps(np.array([2.0])).deliver(np.array([3.0]), 1.0) == [2.0]


@pytest.mark.parametrize("dt_s", [1.0, 5.0, 10.0])
def test_foam_that_stays_gets_one_shot_a_wait(dt_s: float) -> None:
    loop = FoamLoop(np.array([3.0]), np.array([0.02]), np.array([1e-4]), np.array([600.0]))
    high = np.array([4.0])
    given_l = sum(float(loop.act(high, dt_s)[0]) * dt_s / 3600.0 for _ in range(int(1200.0 / dt_s)))
    assert given_l == pytest.approx(2e-4)


def test_low_foam_and_a_dead_foam_probe_get_no_antifoam() -> None:
    loop = FoamLoop(*(np.array([value, value]) for value in (3.0, 0.02, 1e-4, 600.0)))
    assert all((loop.act(np.array([2.9, np.nan]), 1.0) == 0.0).all() for _ in range(100))
