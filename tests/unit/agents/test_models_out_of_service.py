"""A model that fails is out of service, says why, and has another chance with the next batch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import yaml

from agents.context import NO_BATCH, Context
from agents.models import grid
from agents.models.contenders import read
from agents.models.lineup import Choice, ordered
from agents.models.residual import ResidualLayer
from agents.models.unit_models import UnitModels
from agents.state_codec import pack, unpack
from agents.unit_watch import UnitWatch
from schemas.score import ScoreMessage
from schemas.signals import spec
from tests.unit.agents.frames import Player
from tests.unit.agents.test_unit_models import FIT, LINEUP, NAMES, RECIPE, VALUES, frame, models, varied
from tests.unit.agents.test_unit_watch import Raising

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from agents.models.lineup import Lineup
    from agents.models.step import SignalScores, Step, UnitScore
    from agents.models.unit_models import Said

BAD = varied(RECIPE, version="bad")
FIRST, SECOND = Context(batch="B1"), Context(batch="B2")


class Bad(ResidualLayer):
    """A model that fails at the steps of one hour, or knows what no memory can hold."""

    unkeepable = False

    def take(self, step: Step, doubted: NDArray[np.bool_]) -> SignalScores:
        if 1000 <= step.end_us / 1e6 < 2000:
            raise ZeroDivisionError(f"injected {self}")
        return super().take(step, doubted)

    def state(self) -> dict[str, Any]:
        if self.unkeepable:
            raise TypeError("a state cannot hold a file")
        return super().state()


def lineup(role: str) -> Lineup:
    return ordered([*LINEUP.choices, Choice("residual", role, BAD, lambda: Bad(BAD))])  # type: ignore[arg-type]  # either role


def play(it: UnitModels, start: int, stop: int, context: Context = FIRST) -> list[Said]:
    said = []
    for first in range(start, stop, 10):
        said += it.take("d", frame(VALUES[first : first + 10], first), FIT, context, first * 1_000_000)
    return said


def reasons(said: list[Said]) -> list[tuple[str, UnitScore]]:
    return [
        (one.choice.recipe.version, score)
        for one in said
        for _, score in one.unit
        if "out of service" in score.reason
    ]


@pytest.fixture(params=["champion", "challenger"])
def unit(request: pytest.FixtureRequest) -> UnitModels:
    made = lineup(request.param)
    return models(lambda _: made)


def test_a_model_that_fails_says_why_once_and_the_others_go_on(unit: UnitModels) -> None:
    play(unit, 0, 990)
    said = play(unit, 990, 1200)
    ((version, score),) = reasons(said)
    assert version == "bad"
    assert (score.score, score.suspect, score.learned) == (0.0, False, False)
    assert score.reason.startswith("out of service until the next batch: ZeroDivisionError('injected <")
    assert " at 0x" not in score.reason
    others = [one.choice.recipe.version for one in said if one.scores is not None]
    assert others.count(RECIPE.version) == 21


def test_a_model_that_has_failed_is_anew_in_service_with_the_next_batch(unit: UnitModels) -> None:
    play(unit, 0, 1200)
    assert len(unit.faults) == 1
    play(unit, 1200, 2000)
    assert len(unit.faults) == 1
    said = play(unit, 2000, 2900, SECOND)
    assert unit.faults == {}
    assert "bad" in {one.choice.recipe.version for one in said}


def test_what_fails_again_in_the_next_batch_is_out_again_and_says_so_again(unit: UnitModels) -> None:
    play(unit, 0, 1200)
    assert [version for version, _ in reasons(play(unit, 1200, 1300, SECOND))] == ["bad"]


def test_a_model_stays_out_of_service_through_a_restart_and_comes_back_with_the_next_batch(
    unit: UnitModels,
) -> None:
    play(unit, 0, 1200)
    again = UnitModels(unit._choose)
    for name in NAMES:
        again.add(name, spec(name))
    again.take_up(unpack(pack(unit.state(), b""), b""), FIRST)
    assert again.faults == unit.faults
    play(again, 1200, 2000)
    assert len(again.faults) == 1
    play(again, 2000, 2010, SECOND)
    assert again.faults == {}


def test_what_cannot_be_kept_starts_anew_after_a_restart_and_the_reason_is_told(unit: UnitModels) -> None:
    play(unit, 0, 900)
    (bad,) = [seat for seat in unit._seats if seat.choice.recipe is BAD]
    assert isinstance(bad.layer, Bad)
    bad.layer.unkeepable = True
    again = UnitModels(unit._choose)
    for name in NAMES:
        again.add(name, spec(name))
    anew = again.take_up(unpack(pack(unit.state(), b""), b""), FIRST)
    assert list(anew) == [bad.choice.name]
    assert "a state cannot hold a file" in anew[bad.choice.name]
    assert again.faults == {}


@pytest.mark.parametrize("wrong", [{"layer": {}}, {"coarser": {}}, {"whole": [1]}])
def test_a_memory_with_a_part_missing_is_not_taken_up_by_halves(
    unit: UnitModels, wrong: Mapping[str, Any]
) -> None:
    play(unit, 0, 900)
    kept = unit.state()
    name = next(seat.choice.name for seat in unit._seats if seat.choice.recipe is BAD)
    kept["seats"][name] = {**kept["seats"][name], **wrong}
    again = UnitModels(unit._choose)
    for signal in NAMES:
        again.add(signal, spec(signal))
    order = [seat.choice.name for seat in again._seats]
    assert list(again.take_up(kept, FIRST)) == [name]
    assert [seat.choice.name for seat in again._seats] == order
    (anew,) = [seat for seat in again._seats if seat.choice.name == name]
    assert isinstance(anew.layer, Bad)
    assert not anew.layer.ready.any()


@pytest.fixture
def broken_grid(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    broken = [False]
    hear = grid.Grid.hear

    def or_fail(*given: Any) -> Any:
        if broken[0]:
            raise IndexError("no such step")
        return hear(*given)

    monkeypatch.setattr(grid.Grid, "hear", or_fail)
    return broken


def test_a_fault_that_is_of_no_single_model_takes_all_out_until_the_next_batch(
    broken_grid: list[bool],
) -> None:
    it = models()
    play(it, 0, 900)
    broken_grid[0] = True
    assert len(reasons(play(it, 900, 950))) == len(LINEUP.choices)
    broken_grid[0] = False
    assert play(it, 950, 1000) == []
    assert {one.choice.kind for one in play(it, 1000, 2900, SECOND)} == {"residual", "multivariate"}


TREES = """
name: trees
version: "1"
about: "Half-space trees over what the unit measures."
layer: own-anomaly
step_s: 10
suspect_at: 2.0
settle_steps: 120
baseline_steps: 60
estimator:
  - model: anomaly.HalfSpaceTrees
    parameters:
      {n_trees: 25, height: 6, window_size: 60, seed: 42,
       limits: {DO: [30, 50], pH: [6, 8], temperature: [36, 38], X1: [3, 7]}}
"""
LODA = TREES.replace("trees", "loda").split("estimator:")[0] + yaml.safe_dump(
    {
        "estimator": [
            {"model": "preprocessing.StandardScaler"},
            {"model": "anomaly.LODA", "parameters": {"seed": 1}},
        ]
    }
)


@pytest.mark.parametrize("text", [TREES, LODA])
def test_one_estimator_over_all_signals_of_a_unit_judges_in_the_shadow(text: str) -> None:
    kind, recipe, make = read(text)
    shadow = ordered([*LINEUP.choices, Choice(kind, "challenger", recipe, make)])
    it = models(lambda _: shadow)
    play(it, 0, 2000)
    high = VALUES.copy()
    high[2000:2100, 1] += 3.0
    said = []
    for first in range(2000, 2100, 10):
        said += it.take("d", frame(high[first : first + 10], first), FIT, FIRST, first * 1_000_000)
    told = [score for one in said if one.choice.kind == kind for _, score in one.unit]
    assert any(score.suspect and NAMES[int(np.argmax(score.contributions))] == "pH" for score in told)
    assert it.faults == {}
    assert all(seat.choice.role == "champion" for seat in it.champions())
    again = models(lambda _: shadow)
    assert again.take_up(unpack(pack(it.state(), b""), b""), FIRST) == {}
    assert [one.choice.kind for one in play(again, 2100, 2200)] == [
        one.choice.kind for one in play(it, 2100, 2200)
    ]


def test_outside_batches_nothing_comes_back(unit: UnitModels) -> None:
    play(unit, 0, 1200, NO_BATCH)
    play(unit, 2000, 2100, NO_BATCH)
    assert len(unit.faults) == 1


def test_what_failed_is_told_in_a_score_message_and_stored_like_any_other() -> None:
    role = ordered([Choice("residual", "challenger", BAD, lambda: Raising(BAD))])
    player = Player(UnitWatch("north", "BR-01", choose=lambda _: role))
    player.run(100, lambda _: {"DO": 40.0})
    player.run(20, lambda _: {"DO": 100.0})
    told = [one for one in player.outputs if isinstance(one, ScoreMessage) and one.unit_scores]
    ((message, score),) = [(one, score) for one in told for score in one.unit_scores or ()]
    assert (message.model, message.role, message.scores) == (BAD.ref, "challenger", [])
    assert score.reason == "out of service until the next batch: ArithmeticError('injected')"
    assert (score.score, score.suspect) == (0.0, False)
