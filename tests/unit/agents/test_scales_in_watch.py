"""The time scales inside watch: told, never alarmed, and the same after a stop."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from agents.models.scales import shipped
from agents.state_codec import pack, unpack
from agents.unit_watch import UnitWatch
from schemas.alarm import AlarmTransition
from schemas.score import ScoreMessage
from tests.unit.agents.frames import frame, sources, us

if TYPE_CHECKING:
    from collections.abc import Sequence

RECIPE = shipped()
BASELINE_S = round((RECIPE.baseline_steps + 2) * RECIPE.step_s)
EVERY_S = 60
KEY = b"0" * 32


def values(second: int) -> dict[str, float]:
    """DO, much lower for the last of the tests' time, and a temperature."""
    wobble = np.random.default_rng(second).standard_normal(2)
    return {
        "DO": 40.0 + 0.2 * float(wobble[0]) - (12.0 if second >= BASELINE_S else 0.0),
        "temperature": 37.0 + 0.02 * float(wobble[1]),
    }


def play(watch: UnitWatch, start_s: int, stop_s: int) -> list[object]:
    outputs: list[object] = []
    for second in range(start_s, stop_s, EVERY_S):
        outputs += watch.on_frame(frame(values(second), second), us(second), sources(second))
    return outputs


def of_scales(outputs: Sequence[object]) -> list[ScoreMessage]:
    return [one for one in outputs if isinstance(one, ScoreMessage) and one.layer == "scales"]


def test_a_shift_is_told_in_scores_of_each_signal_and_raises_no_alarm_of_its_own() -> None:
    watch = UnitWatch("north", "BR-01")
    assert of_scales(play(watch, 0, BASELINE_S - 3 * round(RECIPE.step_s))) == []
    outputs = play(watch, BASELINE_S - 3 * round(RECIPE.step_s), BASELINE_S + 1200)
    told = of_scales(outputs)
    assert {score.signal for message in told for score in message.scores} == {"DO", "temperature"}
    assert {one.signal for message in told for one in message.scores if one.suspect} == {"DO"}
    assert {message.model.name for message in told} == {RECIPE.name}
    blamed = [one for one in outputs if isinstance(one, AlarmTransition) and one.model is not None]
    assert RECIPE.name not in {one.model.name for one in blamed if one.model is not None}


def test_stopped_before_the_shift_it_says_what_it_would_have_said() -> None:
    watch = UnitWatch("north", "BR-01")
    play(watch, 0, BASELINE_S)
    resumed = UnitWatch.restored("north", "BR-01", unpack(pack(watch.memory(), KEY), KEY))
    went_on, other = (of_scales(play(one, BASELINE_S, BASELINE_S + 1200)) for one in (watch, resumed))
    assert went_on
    assert [one.model_dump_json() for one in went_on] == [one.model_dump_json() for one in other]
