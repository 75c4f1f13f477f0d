"""The models of a unit: whatever frames its samples come in, whoever fails, wherever it is cut."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.context import NO_BATCH, Context
from agents.models import multivariate, residual, scales
from agents.models.lineup import Choice, Lineup, everywhere, ordered
from agents.models.multivariate import MultivariateLayer
from agents.models.recipe import Recipe
from agents.models.residual import ResidualLayer
from agents.models.scales import ScalesLayer
from agents.models.step import SignalScores, UnitScore
from agents.models.unit_models import UnitModels
from agents.samples import Samples
from agents.state_codec import pack, unpack
from schemas.errors import SnapshotRefused
from schemas.signals import spec

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from agents.models.step import Step
    from agents.models.unit_models import Said

NAMES = ("DO", "pH", "temperature", "X1")
LEVELS = np.array([40.0, 7.0, 37.0, 5.0])
NOISE = np.array([0.3, 0.005, 0.02, 0.1])
SECONDS = 3000
VALUES = LEVELS + NOISE * np.random.default_rng(0).standard_normal((SECONDS, len(NAMES)))
AnyRecipe = TypeVar("AnyRecipe", bound=Recipe)
FIT = np.zeros(len(NAMES), dtype=np.bool_)


def varied(recipe: AnyRecipe, **changes: object) -> AnyRecipe:
    """The recipe with other parameters, and so with another digest."""
    return type(recipe).model_validate({**recipe.model_dump(), **changes})


RECIPE = residual.shipped()
QUICK = varied(multivariate.shipped(), baseline_steps=60, calibration_steps=20)
LINEUP = ordered(
    [
        Choice("residual", "champion", RECIPE, lambda: ResidualLayer(RECIPE)),
        Choice("multivariate", "champion", QUICK, lambda: MultivariateLayer(QUICK)),
    ]
)
"""The shipped champions, but with a baseline of the unit that a test can wait for."""


def models(choose: Callable[[Context], Lineup] = lambda _: LINEUP) -> UnitModels:
    made = UnitModels(choose)
    for name in NAMES:
        made.add(name, spec(name))
    return made


def frame(values: NDArray[np.float64], first_s: float) -> Samples:
    """One sample a second of each signal, from `first_s` on; values (T, S)."""
    times, signals = values.shape
    time_us = ((first_s + np.arange(times)) * 1e6).astype(np.int64)
    return Samples(
        np.arange(signals),
        np.full(signals, times),
        np.arange(signals) * times,
        np.tile(time_us, signals),
        values.T.ravel(),
    )


def play(
    it: UnitModels, start: int, stop: int, length: int = 10, values: NDArray[np.float64] = VALUES
) -> list[Said]:
    said = []
    for first in range(start, stop, length):
        part = values[first : min(first + length, stop)]
        said += it.take("d", frame(part, first), FIT, NO_BATCH, first * 1_000_000)
    return said


def plain(said: Sequence[Said]) -> list[Any]:
    """Everything that was said, bit by bit."""
    told = []
    for one in said:
        rows = (
            None
            if one.scores is None
            else [np.asarray(getattr(one.scores, name)).tobytes() for name in one.scores.__slots__]
        )
        units = [
            (end, each.score, each.suspect, each.learned, each.contributions.tobytes(), each.reason)
            for end, each in one.unit
        ]
        told.append((one.choice.name, rows, units))
    return told


def suspects(said: Sequence[Said], kind: str = "residual") -> set[str]:
    found = set()
    for one in said:
        if one.choice.kind == kind and one.scores is not None:
            found |= {NAMES[slot] for slot in one.scores.slots[one.scores.suspect].tolist()}
    return found


def test_every_champion_speaks_once_it_has_its_baseline() -> None:
    said = play(models(), 0, SECONDS)
    assert {one.choice.kind for one in said} >= {"residual", "multivariate"}
    assert said[0].choice.kind == "residual"


@settings(max_examples=10, deadline=None)
@given(st.lists(st.integers(1, 1199), max_size=30))
def test_what_the_models_learn_does_not_depend_on_how_the_samples_are_framed(cuts: list[int]) -> None:
    whole, cut = models(), models()
    play(whole, 0, 1200)
    for start, stop in pairwise([0, *sorted(set(cuts)), 1200]):
        cut.take("d", frame(VALUES[start:stop], start), FIT, NO_BATCH, stop * 1_000_000)
    assert plain(play(whole, 1200, 1230)) == plain(play(cut, 1200, 1230))


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 299), st.data())
def test_models_that_were_stopped_and_taken_up_say_what_those_say_that_never_stopped(
    cut: int, data: st.DataObject
) -> None:
    length = data.draw(st.sampled_from([3, 7, 10]))
    wild = VALUES.copy()
    wild[900:1000, 0] += 20.0
    wild[1500:1520, 1] = 1e300
    whole, first = models(), models()
    told = play(whole, 0, 3000, length, wild)
    stop = cut * 10 // length * length
    before = play(first, 0, stop, length, wild)
    second = models()
    assert second.take_up(unpack(pack(first.state(), b""), b""), NO_BATCH) == {}
    assert plain(before + play(second, stop, 3000, length, wild)) == plain(told)


def test_a_sample_is_suspect_in_the_very_frame_that_brings_it() -> None:
    it = models()
    play(it, 0, 1200)
    wrong = VALUES[1200:1203].copy()
    wrong[1, 0] = 47.0
    (said,) = (
        one for one in it.take("d", frame(wrong, 1200), FIT, NO_BATCH, 0) if one.choice.kind == "residual"
    )
    assert said.scores is not None
    worst = dict(zip(said.scores.slots.tolist(), said.scores.time_us.tolist(), strict=True))
    assert suspects([said]) == {"DO"}
    assert worst[0] == 1201 * 1_000_000


def test_a_layer_that_judges_steps_tells_the_worst_of_a_frame_and_its_moment() -> None:
    recipe = varied(scales.shipped(), step_s=10, baseline_steps=60)
    lineup = ordered([Choice("scales", "champion", recipe, lambda: ScalesLayer(recipe))])
    values = VALUES[:1300].copy()
    values[1215:1225, 0] += 20.0
    by_step, at_once = models(lambda _: lineup), models(lambda _: lineup)
    play(by_step, 0, 1200)
    play(at_once, 0, 1200)
    each = [one.scores for one in play(by_step, 1200, 1240, 10, values) if one.scores is not None]
    (whole,) = play(at_once, 1200, 1240, 40, values)
    assert whole.scores is not None
    assert whole.scores.slots.tolist() == [0, 1, 2, 3]
    assert whole.scores.score.tolist() == np.max([scores.score for scores in each], axis=0).tolist()
    assert (whole.scores.time_us[0], bool(whole.scores.suspect[0])) == (1_220_000_000, True)


def test_healthy_samples_are_rarely_suspect() -> None:
    rows = [one.scores for one in play(models(), 0, SECONDS) if one.scores is not None]
    doubted = sum(int(row.suspect.sum()) for row in rows)
    assert doubted <= 0.002 * sum(row.slots.size for row in rows)


def test_what_no_reading_can_be_is_not_scored() -> None:
    it = models()
    play(it, 0, 1200)
    assert it.take("d", frame(np.full((1, 4), 1.7e308), 1200), FIT, NO_BATCH, 0) == []


class Raising(ResidualLayer):
    """A layer that fails on some values."""

    def take(self, step: Step, doubted: NDArray[np.bool_]) -> SignalScores:
        if step.value[0] > 90.0:
            raise ArithmeticError("injected")
        return super().take(step, doubted)


def with_a_raising(role: str) -> Callable[[Context], Lineup]:
    recipe = varied(RECIPE, version="raising")
    choices = [*LINEUP.choices, Choice("residual", role, recipe, lambda: Raising(recipe))]  # type: ignore[arg-type]  # either role
    lineup = ordered(choices)
    return lambda _: lineup


@pytest.mark.parametrize("role", ["champion", "challenger"])
def test_a_layer_that_raises_is_out_of_service_and_the_others_go_on(role: str) -> None:
    it = models(with_a_raising(role))
    play(it, 0, 1200)
    assert it.faults == {}
    high = VALUES[1200:1220].copy()
    high[:, 0] = 100.0
    play(it, 0, 20, 10, high)
    it.take("d", frame(high, 1200), FIT, NO_BATCH, 0)
    assert [fault for fault in it.faults.values() if "injected" in fault] == list(it.faults.values()) != []
    again = models(with_a_raising(role))
    again.take_up(unpack(pack(it.state(), b""), b""), NO_BATCH)
    assert again.faults == it.faults
    assert {one.choice.kind for one in play(again, 1220, 1300)} >= {"residual"}


class Shy:
    """A layer that says of the unit what is no number."""

    def add(self, name: str, spec: object) -> None: ...

    def take(self, *_: object) -> UnitScore:
        return UnitScore("multivariate", np.nan, suspect=False, learned=True, contributions=np.zeros(4))

    def state(self) -> dict[str, Any]:
        return {}

    def take_up(self, state: Mapping[str, Any]) -> None: ...


def test_a_score_that_is_no_number_is_not_told() -> None:
    lineup = Lineup((Choice("multivariate", "champion", RECIPE, Shy),))
    assert play(models(lambda _: lineup), 0, 100) == []


def test_a_challenger_speaks_beside_the_champion_and_doubts_nothing_for_it() -> None:
    recipe = varied(RECIPE, version="wary", suspect_at=0.5)
    wary = Choice("residual", "challenger", recipe, lambda: ResidualLayer(recipe))
    both_of_them = ordered([*LINEUP.choices, wary])
    alone, watched = models(), models(lambda _: both_of_them)
    mine = play(alone, 0, 1500)
    both = play(watched, 0, 1500)
    assert plain([one for one in both if one.choice.role == "champion"]) == plain(mine)
    assert suspects([one for one in both if one.choice is wary]) == set(NAMES)


def test_another_context_may_have_another_champion_and_what_stays_keeps_what_it_knows() -> None:
    recipe = varied(RECIPE, version="for feeding")
    feeding = ordered(
        [Choice("residual", "champion", recipe, lambda: ResidualLayer(recipe)), LINEUP.choices[1]]
    )
    it = models(lambda context: feeding if context.phase == "feed" else LINEUP)
    play(it, 0, 2000)
    said: list[Said] = []
    for second in range(2000, 2600):
        part = frame(VALUES[second : second + 1], second)
        said += it.take("d", part, FIT, Context(batch="B", phase="feed"), second * 1_000_000)
    versions = {one.choice.recipe.version for one in said if one.choice.kind == "residual"}
    assert versions == {"for feeding"}


def test_a_recipe_off_the_grid_is_refused_with_the_reason() -> None:
    recipe = varied(RECIPE, step_s=7.0)
    lineup = Lineup((Choice("residual", "champion", recipe, lambda: ResidualLayer(recipe)),))
    it = models(lambda _: lineup)
    assert "multiple" in next(iter(it.faults.values()))


def test_a_state_of_other_signals_is_refused() -> None:
    other = UnitModels()
    other.add("DO", spec("DO"))
    with pytest.raises(SnapshotRefused, match="other signals"):
        other.take_up(models().state(), NO_BATCH)


def test_a_memory_of_another_version_of_a_model_is_left_and_the_others_are_taken_up() -> None:
    it = models()
    play(it, 0, 2000)
    kept = it.state()
    name = next(name for name in kept["seats"] if name.startswith("residual"))
    kept["seats"][name]["layer"] = {**kept["seats"][name]["layer"], "names": ["else"]}
    second = models()
    assert list(second.take_up(kept, NO_BATCH)) == [name]
    assert {one.choice.kind for one in play(second, 2000, 2100)} == {"multivariate"}


@given(
    st.lists(
        st.tuples(
            st.sampled_from([0.0, 40.0, 1e9, -1e9, 1e300, 5e-324, -1e30]),
            st.integers(1, 40),
            st.sampled_from([1, 60, 86_400, -4000]),
        ),
        max_size=8,
    )
)
@settings(max_examples=25, deadline=None)
def test_whatever_values_and_times_come_nothing_fails_and_every_score_is_a_number(
    runs: list[tuple[float, int, int]],
) -> None:
    it, at = models(), 100_000
    play(it, 0, 800)
    for value, times, stride in runs:
        for _ in range(times):
            at += stride
            with np.errstate(over="ignore", invalid="ignore"):
                said = it.take("d", frame(np.full((1, 4), value), at), FIT, NO_BATCH, at * 1_000_000)
            for one in said:
                assert one.scores is None or np.isfinite(one.scores.score).all()
                assert all(np.isfinite(each.score) for _, each in one.unit)
    assert it.faults == {}


def test_roles_and_layers_have_their_order() -> None:
    first, second = everywhere(NO_BATCH).choices[:2]
    shadow = replace(first, role="challenger", recipe=varied(RECIPE, version="9"))
    assert [each.kind for each in ordered([second, shadow, first]).choices] == [
        "residual",
        "residual",
        "multivariate",
    ]
    assert ordered([second, shadow, first]).choices[0] is first
