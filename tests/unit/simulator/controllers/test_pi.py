"""Loops side by side stay within their limits, come back from them, and bear a missing reading."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.controllers.pi import PI, outside
from simulator.controllers.tuning import integrating, settling


def loop(count: int = 2, *, gain: float = 0.02, reset_s: float = 40.0, integral: float = 0.5) -> PI:
    def each(value: float) -> np.ndarray:
        return np.full(count, value)

    return PI(each(gain), each(reset_s), each(0.0), each(1.0), each(integral))


errors = st.lists(st.one_of(st.floats(-200.0, 200.0), st.just(float("nan"))), max_size=100)


@given(errors=errors, dt_s=st.floats(0.5, 10.0))
def test_neither_output_nor_integral_leaves_the_limits(errors: list[float], dt_s: float) -> None:
    pi = loop()
    for error in errors:
        output = pi.output(np.array([error, -error]), dt_s)
        assert np.all((output >= 0.0) & (output <= 1.0))
        assert np.all((pi.integral >= -1e-12) & (pi.integral <= 1.0 + 1e-12))


def test_after_an_hour_at_its_limit_a_loop_leaves_it_at_the_first_error_of_the_other_sign() -> None:
    pi = loop()
    for _ in range(3600):
        pi.output(np.array([50.0, 50.0]), 1.0)
    assert np.all(pi.output(np.array([-5.0, -5.0]), 1.0) < 1.0)


def test_at_the_set_point_the_output_is_the_integral() -> None:
    assert loop(integral=0.3).output(np.zeros(2), 1.0) == pytest.approx([0.3, 0.3])


def test_a_missing_reading_holds_the_last_output_of_its_own_loop_only() -> None:
    pi = loop()
    before = pi.output(np.array([5.0, 5.0]), 1.0)
    after = pi.output(np.array([np.nan, 10.0]), 1.0)
    assert after[0] == before[0]
    assert after[1] > before[1]


@given(error=st.floats(-1.0, 1.0), band=st.floats(0.0, 0.2))
def test_a_dead_band_takes_its_width_from_an_error_and_never_turns_its_sign(
    error: float, band: float
) -> None:
    beyond = float(outside(np.array([error]), np.array([band]))[0])
    assert abs(beyond) == pytest.approx(max(abs(error) - band, 0.0), abs=1e-12)
    assert beyond * error >= 0.0


@pytest.mark.parametrize("dt_s", [1.0, 5.0, 10.0])
def test_a_lag_with_dead_time_is_brought_to_a_new_set_point_without_swinging(dt_s: float) -> None:
    """A reading that settles at twice the output, with 60 s of lag and 20 s of dead time."""
    tuning = settling(*(np.array([value]) for value in (2.0, 60.0, 20.0, 40.0)))
    pi = PI(tuning.gain, tuning.reset_s, np.zeros(1), np.ones(1), np.zeros(1))
    reading, line, shown = 0.0, [0.0] * int(20.0 / dt_s), []
    for _ in range(int(900.0 / dt_s)):
        line.append(float(pi.output(np.array([1.0 - reading]), dt_s)[0]))
        reading += (2.0 * line.pop(0) - reading) * (1.0 - np.exp(-dt_s / 60.0))
        shown.append(reading)
    assert max(shown) < 1.12
    assert shown[-1] == pytest.approx(1.0, abs=0.01)


@pytest.mark.parametrize("dt_s", [1.0, 5.0, 10.0])
def test_what_adds_up_is_held_against_a_steady_load(dt_s: float) -> None:
    """A reading that moves by 0.01 a second at full output; half of the output is needed to hold it."""
    tuning = integrating(*(np.array([value]) for value in (0.01, 20.0, 40.0)))
    pi = PI(tuning.gain, tuning.reset_s, np.zeros(1), np.ones(1), np.zeros(1))
    reading, line = 0.0, [0.0] * int(20.0 / dt_s)
    for _ in range(int(3600.0 / dt_s)):
        line.append(float(pi.output(np.array([-reading]), dt_s)[0]))
        reading += 0.01 * (line.pop(0) - 0.5) * dt_s
    assert reading == pytest.approx(0.0, abs=1e-3)
