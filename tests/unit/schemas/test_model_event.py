"""What is said of models is said completely: by whom, why, of which model, where."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from schemas.contracts import example
from schemas.errors import ContractError, FrameRefused
from schemas.model_event import ModelContext, ModelEvent, refuse_misplaced

PROMOTED = "model-event.v1.promoted.json"
REGISTERED = "model-event.v1.registered.json"
VERDICT = "model-event.v1.verdict.json"


def changed(name: str, **fields: Any) -> bytes:
    return orjson.dumps({**orjson.loads(example(name)), **fields})


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        (changed(PROMOTED, by=""), "by"),
        (changed(PROMOTED, by="  "), "give the name"),
        (changed(PROMOTED, why=" "), "give the reason"),
        (changed(PROMOTED, model=None), "promoted needs model"),
        (changed(PROMOTED, context=None), "promoted needs context"),
        (changed(REGISTERED, recipe=None, river_version=None), "registered needs recipe, river_version"),
        (changed(VERDICT, verdict=None), "verdict needs verdict"),
        (changed(VERDICT, verdict="maybe"), "verdict"),
        (changed(PROMOTED, by="a\x1b[2J"), "cannot be printed"),
        (changed(PROMOTED, id="a b"), "id"),
        (changed(PROMOTED, context={"unit": "BR-01"}), "context.unit"),
        (changed(PROMOTED, context={"scale_from_L": 1.0}), "two ends"),
        (changed(PROMOTED, context={"scale_from_L": 2.0, "scale_to_L": 1.0}), "above"),
        (changed(PROMOTED, context={"organism": "E.\ncoli"}), "cannot be printed"),
        (changed(REGISTERED, recipe="a\x00"), "recipe"),
        (changed(PROMOTED, model={"name": "a\x00", "version": "1", "digest": "d"}), "name: it has"),
        (
            changed(
                REGISTERED,
                trained_on=[
                    {"topic_id": "\n", "topic": "t", "partition": 0, "from_offset": 0, "to_offset": 1}
                ],
            ),
            "topic_id: it has",
        ),
    ],
)
def test_an_event_that_does_not_say_who_why_what_or_where_is_refused(body: bytes, wrong: str) -> None:
    with pytest.raises(ContractError, match=wrong):
        ModelEvent.decode(body)


def test_a_verdict_may_go_without_a_reason_and_without_a_model() -> None:
    event = ModelEvent.decode(changed(VERDICT, why="", model=None))
    assert (event.why, event.model) == ("", None)


def test_a_recipe_comes_back_character_by_character() -> None:
    recipe = "name: über\n# 50 % of it\nversion: '1'\n"
    event = ModelEvent.decode(changed(REGISTERED, recipe=recipe))
    assert ModelEvent.decode(event.encode()).recipe == recipe


def test_a_context_that_names_nothing_is_everywhere() -> None:
    assert ModelContext().model_dump(exclude_none=True) == {}


@pytest.mark.parametrize(
    ("key", "recorded_us", "reason"),
    [(b"another", 10**15, "key_mismatch"), (None, 10**15, "key_mismatch"), (b"mine", 0, "time_ahead")],
)
def test_an_event_under_another_key_or_from_the_future_is_refused(
    key: bytes | None, recorded_us: int, reason: str
) -> None:
    event = ModelEvent.decode(changed(VERDICT, id="mine", time_us=10**15))
    with pytest.raises(FrameRefused) as refused:
        refuse_misplaced(event, key, recorded_us)
    assert refused.value.reason == reason


def test_an_event_in_its_place_is_taken() -> None:
    refuse_misplaced(ModelEvent.decode(changed(VERDICT, id="mine")), b"mine", 1_790_090_000_000_000)
