"""What is said of models takes effect among the frames of a partition where the logs alone put it."""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from agents.model_feed import Said, understood
from agents.models import own_recipe
from agents.partition_watch import PartitionWatch
from schemas.frame import SensorFrame, SignalColumn
from schemas.model_event import ModelContext, ModelEvent
from schemas.score import ModelRef, ScoreMessage
from streams.codec import outgoing
from streams.record import Record
from streams.topics import MODELS_REGISTRY

if TYPE_CHECKING:
    from collections.abc import Sequence

TOPIC, TOPIC_ID, PARTITION = "telemetry.frames", "t0p1c", 3
UNIT = "north/BR-01"
START_US = 1_790_000_000_000_000
FRAMES = 130
FRAME_S = 5
RECIPE = yaml.safe_dump(
    {
        "name": "my-holt",
        "version": "1",
        "about": "Mine.",
        "layer": "own-residual",
        "step_s": 5,
        "settle_steps": 5,
        "baseline_steps": 50,
        "estimator": [{"model": "time_series.HoltWinters", "parameters": {"alpha": 0.3, "beta": 0.05}}],
    }
)
MINE = own_recipe.load(RECIPE).ref


def at_us(seconds: float) -> int:
    return START_US + round(seconds * 1e6)


def frame(number: int) -> Record:
    """Five seconds of two signals, recorded when they are over."""
    seconds = [number * FRAME_S + second for second in range(FRAME_S)]
    body = SensorFrame(
        site="north",
        unit="BR-01",
        device="controller",
        epoch=1,
        sequence=number,
        time_us=[at_us(second) for second in seconds],
        signals={
            "DO": SignalColumn(unit="%", values=[40.0 + 0.3 * math.sin(second) for second in seconds]),
            "pH": SignalColumn(unit="[pH]", values=[7.0 + 0.01 * math.cos(second) for second in seconds]),
        },
    ).encode()
    return Record(TOPIC, PARTITION, number, at_us(seconds[-1] + 0.5), UNIT.encode(), body)


LOG = tuple(frame(number) for number in range(FRAMES))


def said(offset: int, event: str, recorded_s: float, model: ModelRef = MINE, **changes: Any) -> Said:
    fields: dict[str, Any] = {
        "id": f"e{offset}",
        "event": event,
        "time_us": at_us(recorded_s),
        "by": "m.okafor",
        "why": "Measured.",
        "layer": "own-residual",
        "context": ModelContext(unit=UNIT),
        "model": model,
        **({"recipe": RECIPE, "river_version": "0.26.1"} if event == "registered" else {}),
        **changes,
    }
    return Said(offset, at_us(recorded_s), ModelEvent(**fields))


REGISTERED = said(0, "registered", 20.0)
PROMOTED = said(1, "promoted", 400.0)


def watch(events: Sequence[Said]) -> PartitionWatch:
    return PartitionWatch(TOPIC, TOPIC_ID, PARTITION, b"key", model_events=events)


def mine(part: PartitionWatch, records: Sequence[Record] = LOG) -> list[ScoreMessage]:
    """What the registered model said."""
    outputs = part.judge(records).outputs
    return [one for one in outputs if isinstance(one, ScoreMessage) and one.model == MINE and one.scores]


@cache
def without_a_stop() -> tuple[bytes, ...]:
    return tuple(output.encode() for output in watch([REGISTERED, PROMOTED]).judge(LOG).outputs)


def test_a_registered_model_runs_in_the_shadow_and_names_what_was_in_force() -> None:
    found = mine(watch([REGISTERED]))
    assert found
    assert {one.role for one in found} == {"challenger"}
    assert {one.layer for one in found} == {"own-residual"}
    assert {one.side_offsets["models.registry"] for one in found if one.side_offsets} == {1}


def test_nothing_is_said_by_a_model_before_it_was_registered() -> None:
    assert mine(watch([])) == []
    assert mine(watch([said(0, "registered", 10_000.0)])) == []


def test_a_promoted_model_goes_on_as_champion_from_the_promotion_on() -> None:
    roles = [(one.source.offset * FRAME_S, one.role) for one in mine(watch([REGISTERED, PROMOTED]))]
    assert {role for second, role in roles if second < 395} == {"challenger"}
    assert {role for second, role in roles if second > 405} == {"champion"}
    assert any(395 < second < 420 for second, _ in roles)


def test_a_model_for_another_unit_does_not_run_here() -> None:
    assert mine(watch([said(0, "registered", 20.0, context=ModelContext(unit="north/BR-02"))])) == []


@pytest.mark.parametrize("cut", [10, 70, 79, 80, 81, 82, 120])
def test_a_restart_anywhere_says_what_one_that_never_stopped_says(cut: int) -> None:
    first, second = watch([REGISTERED, PROMOTED]), watch([REGISTERED, PROMOTED])
    before = [output.encode() for output in first.judge(LOG[:cut]).outputs]
    assert second.restore(first.state_entries(first.units))
    after = [output.encode() for output in second.judge(LOG[cut:]).outputs]
    assert (*before, *after) == without_a_stop()


def test_a_recipe_that_is_not_what_was_registered_does_not_run_and_the_shipped_models_go_on() -> None:
    other = ModelRef(name="my-holt", version="1", digest="0" * 64)
    part = watch([said(0, "registered", 20.0, other)])
    outputs = part.judge(LOG).outputs
    models = {one.model.name for one in outputs if isinstance(one, ScoreMessage)}
    assert "one-step-residual" in models
    assert "my-holt" not in models


def test_a_record_is_understood_as_the_store_understands_it() -> None:
    assert REGISTERED.event is not None
    key, body, _ = outgoing(REGISTERED.event)
    right = Record(MODELS_REGISTRY.name, 0, 0, at_us(20.0), key, body)
    assert understood(right) == REGISTERED
    wrong = Record(MODELS_REGISTRY.name, 0, 0, at_us(20.0), b"another", body)
    assert understood(wrong).event is None
