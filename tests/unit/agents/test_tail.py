"""The learnt tail: a score of s is what one in 10^s healthy deviations reaches, whatever their shape."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import norm

from agents.models.tail import TailBank, tail_score

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

LANES = 100
STEPS = 4000
BASELINE = 60
GUARD = 5.0

SHAPES: dict[str, Callable[[np.random.Generator], NDArray[np.float64]]] = {
    "normal": lambda random: random.standard_normal((STEPS, LANES)),
    "Laplace": lambda random: random.laplace(size=(STEPS, LANES)),
    "Student t3": lambda random: random.standard_t(3, (STEPS, LANES)),
    "quantised": lambda random: np.round(1.5 * random.standard_normal((STEPS, LANES))) / 1.5,
    "by exception": lambda random: (
        3.0 * random.standard_normal((STEPS, LANES)) * (random.random((STEPS, LANES)) < 0.3)
    ),
    "lognormal": lambda random: np.exp(random.standard_normal((STEPS, LANES))),
}

HEAVY = {"Student t3", "lognormal"}
"""Shapes whose end a few thousand samples cannot tell: their rarest scores come too often."""


def shares(sizes: NDArray[np.float64], levels: tuple[float, ...]) -> list[float]:
    """Share of the deviations after the baseline that score at least each level, learnt under guard."""
    bank = TailBank(500)
    bank.add(LANES)
    for lane in range(LANES):
        bank.start(lane, sizes[:BASELINE, lane])
    none = np.zeros(LANES)
    reached = np.zeros(len(levels))
    for size in sizes[BASELINE:]:
        score = bank.score(size, none, slice(None))
        reached += [np.sum(score >= level) for level in levels]
        bank.learn(size, score < GUARD)
    return [float(count) / sizes[BASELINE:].size for count in reached]


@pytest.mark.parametrize("shape", SHAPES)
def test_a_score_of_s_is_reached_by_one_in_ten_to_the_s(shape: str) -> None:
    sizes = np.abs(SHAPES[shape](np.random.default_rng(1)))
    found = shares(sizes, (1.0, 2.0, 3.0, 4.0))
    over = [share * 10.0**level for level, share in enumerate(found, start=1)]
    assert over[0] == pytest.approx(1.0, abs=0.15)
    assert over[1] == pytest.approx(1.0, abs=0.45)
    # Beyond, too few are only careful; too many would be false alarms.
    assert 0.3 <= over[2] <= (2.0 if shape in HEAVY else 1.5)
    assert over[3] <= (3.0 if shape in HEAVY else 1.5)


@given(st.floats(0.0, 30.0))
def test_a_normal_score_is_minus_log10_of_the_two_sided_tail_probability(z: float) -> None:
    assert tail_score(np.array([z]))[0] == pytest.approx(-math.log10(2 * norm.sf(z)), abs=1e-9)


def test_the_worst_of_many_samples_is_less_remarkable_than_a_single_one() -> None:
    one, of_ten = tail_score(np.array([4.0, 4.0]), np.array([1, 10]))
    assert of_ten == pytest.approx(one - 1.0)
    assert tail_score(np.array([0.1]), 10)[0] == 0.0


@given(st.lists(st.floats(0.0, 1e30), min_size=BASELINE, max_size=BASELINE), st.floats(0.0, 1e3))
def test_a_score_grows_with_the_deviation_and_never_ends(baseline: list[float], least_t: float) -> None:
    bank = TailBank(500)
    bank.add(1)
    bank.start(0, np.array(baseline))
    sizes = np.geomspace(1e-6, 1e250, 400)
    scores = np.array([bank.score(np.array([size]), np.array([least_t]), slice(None))[0] for size in sizes])
    assert np.isfinite(scores).all()
    assert (np.diff(scores) >= -1e-9).all()
    assert scores[0] >= 0.0


def test_a_learnt_tail_asks_more_of_heavy_noise_than_of_normal_noise() -> None:
    random = np.random.default_rng(2)
    bank = TailBank(500)
    bank.add(2)
    for _ in range(3000):
        sizes = np.abs([random.standard_normal(), random.standard_t(3)])
        bank.learn(sizes, np.array([True, True]))
    normal, heavy = bank.score(np.array([5.0, 5.0]), np.zeros(2), slice(None))
    assert normal > heavy + 1.0
    assert 4.0 < normal < 7.0
