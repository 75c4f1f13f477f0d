"""What is said of models takes effect among the frames of a partition where the logs alone put it."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from agents.batch_context import Told
from agents.model_feed import Said, understood
from agents.models import own_recipe
from agents.models.contenders import SHIPPED, read
from agents.partition_watch import PartitionWatch
from schemas.batch import BatchEvent
from schemas.errors import ModelRefused
from schemas.forecast import ForecastMessage
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
LONG = tuple(frame(number) for number in range(3 * FRAMES))
"""Long enough for the shipped forecasts to know how far off they are."""


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


def for_context(number: int, context: ModelContext) -> tuple[str, list[Said]]:
    """A model of its own name, champion of `context` from the start."""
    name = f"model-{number}"
    text = RECIPE.replace("name: my-holt", f"name: {name}")
    words: dict[str, Any] = {"model": own_recipe.load(text).ref, "context": context}
    registered = said(2 * number, "registered", 1.0 + number, **words, recipe=text)
    return name, [registered, said(2 * number + 1, "promoted", 1.5 + number, **words)]


NEARER = [
    ModelContext(),
    ModelContext(organism="E. coli"),
    ModelContext(organism="E. coli", scale_from_L=1.0, scale_to_L=5.0),
    ModelContext(organism="E. coli", scale_from_L=50.0, scale_to_L=500.0),
    ModelContext(organism="S. cerevisiae"),
]


@pytest.mark.parametrize(
    ("organism", "scale_l", "nearest"),
    [
        ("E. coli BL21", 2.0, "model-2"),
        ("E. coli BL21", 10.0, "model-1"),
        ("S. cerevisiae", 2.0, "model-4"),
        ("P. chrysogenum", 2.0, "model-0"),
        (None, None, "model-0"),
    ],
)
def test_a_unit_that_nobody_has_seen_starts_from_the_champion_of_the_nearest_context(
    organism: str | None, scale_l: float | None, nearest: str
) -> None:
    words = [word for number, context in enumerate(NEARER) for word in for_context(number, context)[1]]
    start = BatchEvent(
        event="start",
        time_us=START_US,
        site="north",
        unit="BR-01",
        batch="B1",
        member="institute",
        organism=organism,
        scale_L=scale_l,
    )
    begun = [Told(0, START_US, start)] if organism else []
    new = PartitionWatch(TOPIC, TOPIC_ID, PARTITION, b"key", begun, model_events=words)
    late = [replace(one, recorded_us=one.recorded_us + 60_000_000) for one in LOG]
    outputs = [one for one in new.judge(late).outputs if isinstance(one, ScoreMessage)]
    assert {(one.model.name, one.role) for one in outputs if one.layer == "own-residual"} == {
        (nearest, "champion")
    }


FORECASTS = (
    SHIPPED["forecast"]
    .text()
    .replace("name: direct-forecast", "name: quick-forecast")
    .replace("step_s: 30 ", "step_s: 5 ")
    .replace("[60, 300, 900, 3600]", "[10, 60]")
)
QUICK = read(FORECASTS, "forecast")[1].ref


def forecasts_of(
    part: PartitionWatch, log: Sequence[Record]
) -> list[tuple[float, str | None, ForecastMessage]]:
    """Second, role and message of what QUICK forecasts."""
    found = [one for one in part.judge(log).outputs if isinstance(one, ForecastMessage)]
    return [(one.source.offset * FRAME_S, one.role, one) for one in found if one.model == QUICK]


def test_a_challenger_forecasts_in_the_shadow_of_the_champion_and_then_in_its_place() -> None:
    words: dict[str, Any] = {"model": QUICK, "layer": "forecast", "context": ModelContext()}
    registered = said(0, "registered", 20.0, **words, recipe=FORECASTS)
    promoted = said(1, "promoted", 500.0, **words)
    told = forecasts_of(watch([registered, promoted]), LOG)
    assert {role for second, role, _ in told if second < 495} == {"challenger"}
    assert {role for second, role, _ in told if second > 505} == {"champion"}
    shadow = [one for second, _, one in told if second < 495]
    assert {one.layer for one in shadow} == {"forecast"}
    # Its own step is 5 s, the champion's 30 s: it speaks after each of its own.
    assert len({one.made_us for one in shadow}) == len(shadow) > 495 / 30
    assert not any(each.time_to_limit for one in shadow for each in one.forecasts)


def test_a_challenger_changes_nothing_of_what_the_champion_forecasts() -> None:
    registered = said(
        0, "registered", 20.0, QUICK, layer="forecast", context=ModelContext(), recipe=FORECASTS
    )
    alone, beside = (
        [
            (one.made_us, one.forecasts)
            for one in watch(events).judge(LONG).outputs
            if isinstance(one, ForecastMessage) and one.role == "champion"
        ]
        for events in ([], [registered])
    )
    assert alone
    assert beside == alone


def test_a_recipe_of_rivers_cannot_take_the_place_of_the_forecasts() -> None:
    wrong = yaml.safe_dump({**yaml.safe_load(RECIPE), "layer": "forecast"})
    with pytest.raises(ModelRefused, match="forecast"):
        read(wrong)


def test_a_record_is_understood_as_the_store_understands_it() -> None:
    assert REGISTERED.event is not None
    key, body, _ = outgoing(REGISTERED.event)
    right = Record(MODELS_REGISTRY.name, 0, 0, at_us(20.0), key, body)
    assert understood(right) == REGISTERED
    wrong = Record(MODELS_REGISTRY.name, 0, 0, at_us(20.0), b"another", body)
    assert understood(wrong).event is None
