"""Random numbers belong to a unit and a purpose, and to nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulator.sensing.draws import Draws, generator


def _steps(draws: Draws, count: int) -> np.ndarray:
    return np.array([draws.step() for _ in range(count)])


@given(block=st.integers(1, 40), width=st.integers(1, 5), seeds=st.lists(st.integers(0, 9), max_size=6))
def test_the_numbers_do_not_depend_on_how_many_are_drawn_ahead(
    block: int, width: int, seeds: list[int]
) -> None:
    small, large = Draws(seeds, "x", width, block=block), Draws(seeds, "x", width, block=64)
    assert _steps(small, 70).tobytes() == _steps(large, 70).tobytes()


def test_a_unit_draws_the_same_alone_and_in_a_fleet() -> None:
    fleet, alone = _steps(Draws([7, 8, 9], "x", 3), 200), _steps(Draws([8], "x", 3), 200)
    assert fleet[:, :, 1].tobytes() == alone[:, :, 0].tobytes()


def test_seeds_and_purposes_differ() -> None:
    numbers = [generator(seed, why).random() for seed in (1, 2) for why in ("noise", "clock")]
    assert len(set(numbers)) == 4
    assert generator(1, "noise").random() == numbers[0]


@pytest.mark.parametrize(("uniform", "mean", "deviation"), [(False, 0.0, 1.0), (True, 0.5, 12.0**-0.5)])
def test_they_are_standard_normal_or_uniform(uniform: bool, mean: float, deviation: float) -> None:  # noqa: FBT001 - a case, not a switch
    drawn = _steps(Draws([1, 2], "x", 10, uniform=uniform), 2000)
    assert abs(drawn.mean() - mean) < 0.02
    assert abs(drawn.std() - deviation) < 0.02
