"""The models of a unit on their grid, whatever frames the samples come in."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from river import time_series

from agents.models.bank import ModelBank, Scores
from agents.models.recipe import shipped
from agents.samples import Samples, usable
from schemas.signals import spec
from tests.unit.agents.frames import column

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest

SECONDS = 600
VALUES = (40.0 + 0.3 * np.random.default_rng(0).standard_normal(SECONDS)).tolist()


def samples(values: Sequence[float], time_s: Sequence[float]) -> Samples:
    return usable([column("DO", values, time_s)], np.array([0]))


def bank() -> ModelBank:
    made = ModelBank(shipped())
    made.add("DO", spec("DO"))
    return made


def play(cuts: Sequence[int]) -> tuple[ModelBank, list[Scores]]:
    """All seconds, in frames that end at the cuts."""
    models, found = bank(), []
    edges = [0, *sorted(set(cuts)), SECONDS]
    for start, stop in pairwise(edges):
        if start < stop:
            scores = models.take(samples(VALUES[start:stop], range(start, stop)))
            if scores is not None:
                found.append(scores)
    return models, found


@settings(max_examples=20)
@given(st.lists(st.integers(1, SECONDS - 1), max_size=30))
def test_what_the_models_learn_does_not_depend_on_how_the_samples_are_framed(cuts: list[int]) -> None:
    whole, _ = play([])
    cut, _ = play(cuts)
    probe = samples([41.0], [SECONDS + 5.0])
    one, other = whole.take(probe), cut.take(probe)
    assert one is not None
    assert other is not None
    assert one.expected.tolist() == other.expected.tolist()
    assert one.score.tolist() == other.score.tolist()


def test_a_long_frame_is_scored_step_by_step_as_its_models_move_on() -> None:
    models, found = play([400])
    assert len(found) == 2
    assert not found[-1].suspect.any()
    assert found[-1].learned.all()
    assert models.faults == {}


def test_a_gap_is_filled_with_the_held_value_and_costs_no_more_than_the_recipe_allows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    learned = []
    learn = time_series.HoltWinters.learn_one

    def counted(model: time_series.HoltWinters, y: float, x: dict[str, float] | None = None) -> None:
        learned.append(y)
        learn(model, y, x)  # type: ignore[no-untyped-call]  # river's is not annotated

    models, _ = play([])
    monkeypatch.setattr(time_series.HoltWinters, "learn_one", counted)
    models.take(samples([40.0], [SECONDS + 86_400.0]))
    assert set(learned) == {VALUES[-1]}
    assert len(learned) <= 2 * (shipped().anomaly.hold_steps + 1)


def test_a_clock_that_is_set_back_starts_no_grid_backwards() -> None:
    models, _ = play([])
    for second in range(100):
        scores = models.take(samples([40.0], [second - 5000.0]))
        assert scores is not None
        assert np.isfinite(scores.score).all()


def test_what_no_reading_can_be_is_not_scored() -> None:
    models, _ = play([])
    assert models.take(samples([1.7e308], [SECONDS + 1.0])) is None
