"""The implicit step of two zones solves its equations."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.physics.solver import monod_root, two_zones, two_zones_linear
from simulator.physics.state import LOWER, UPPER

amount = st.floats(min_value=0.0, max_value=200.0)


@given(
    supply=st.tuples(amount, amount),
    losses=st.tuples(st.floats(0.0, 5.0), st.floats(0.0, 5.0)),
    mixing=st.floats(0.0, 50.0),
    wanted=st.tuples(st.floats(0.0, 100.0), st.floats(0.0, 100.0)),
    half=st.floats(1e-4, 1.0),
)
def test_what_is_taken_is_never_negative_nor_less_than_the_law(
    supply: tuple[float, float],
    losses: tuple[float, float],
    mixing: float,
    wanted: tuple[float, float],
    half: float,
) -> None:
    there, gain = np.array(supply)[:, None], 1.0 + np.array(losses)[:, None]
    exchange, uptake = np.array([mixing]), np.array(wanted)[:, None]
    carry = 0.5 * (gain[UPPER] - 1.0)
    c = two_zones(there, gain, exchange, carry, wanted=uptake, half=np.array([half]), before=there)
    assert (c >= 0.0).all()
    taken = there - gain * c - exchange * (c - c[::-1])
    taken[UPPER] += carry * c[LOWER]
    assert taken.min() > -1e-9 * (1.0 + there.max())
    assert (taken > uptake * c / (half + c) - 1e-9 * (1.0 + there.max())).all()


@given(gain=st.floats(1.0, 20.0), wanted=amount, half=st.floats(1e-6, 1.0), supply=amount)
def test_the_root_of_one_zone_is_exact(gain: float, wanted: float, half: float, supply: float) -> None:
    c = monod_root(*(np.array([value]) for value in (gain, wanted, half, supply)))
    assert c[0] >= 0.0
    assert gain * c[0] + wanted * c[0] / (half + c[0]) == pytest.approx(supply, rel=1e-9, abs=1e-9)


def test_without_uptake_the_step_is_linear() -> None:
    supply, gain = np.array([[3.0], [1.0]]), np.array([[1.2], [1.5]])
    mixing, carry = np.array([4.0]), np.array([0.2])
    exact = two_zones_linear(supply, gain, mixing, carry)
    general = two_zones(
        supply, gain, mixing, carry, wanted=np.zeros((2, 1)), half=np.array([1.0]), before=supply
    )
    assert general == pytest.approx(exact, rel=1e-12)


def test_a_settled_step_obeys_the_law_to_rounding() -> None:
    supply, gain = np.array([[0.3], [0.2]]), np.array([[1.8], [1.6]])
    mixing, carry, half = np.array([0.4]), np.array([0.1]), np.array([0.003])
    wanted = np.array([[0.12], [0.15]])
    c = np.array([[0.1], [0.1]])
    for _ in range(30):
        c = two_zones(supply + c, gain, mixing, carry, wanted=wanted, half=half, before=c)
    again = two_zones(supply + c, gain, mixing, carry, wanted=wanted, half=half, before=c)
    taken = supply + c - gain * again - mixing * (again - again[::-1])
    taken[UPPER] += carry * again[LOWER]
    assert taken == pytest.approx(wanted * again / (half + again), rel=1e-9)
