"""Controllers stay within their limits and come back from them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.control import PI, ShotPump


@given(readings=st.lists(st.floats(-100.0, 200.0), max_size=200))
def test_the_output_never_leaves_its_limits(readings: list[float]) -> None:
    loop = PI(35.0, 2.0, 40.0, 300.0, 1200.0, integral=650.0)
    for reading in readings:
        assert 300.0 <= loop.output(reading, 1.0) <= 1200.0
        assert 300.0 <= loop.integral <= 1200.0


def test_the_integral_rests_while_the_output_is_at_a_limit() -> None:
    loop = PI(35.0, 2.0, 40.0, 300.0, 1200.0, integral=1199.0)
    for _ in range(3600):
        loop.output(0.0, 1.0)
    assert loop.integral <= 1200.0
    assert loop.output(40.0, 1.0) < 1200.0


def test_at_the_set_point_the_output_is_the_integral() -> None:
    assert PI(7.0, 100.0, 1200.0, 0.0, 60.0, integral=1.5).output(7.0, 1.0) == 1.5


@given(rates=st.lists(st.floats(0.0, 60.0), min_size=1, max_size=500))
def test_a_shot_pump_gives_what_was_asked_to_within_a_shot(rates: list[float]) -> None:
    pump = ShotPump(shot_ml=0.02)
    given_ml = sum(pump.dose_ml(rate, 1.0) for rate in rates)
    assert given_ml == pytest.approx(sum(rates) / 3600.0, abs=0.02 + 1e-9)
