"""What is said of models is said completely: by whom, why, of which model, where."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from schemas.contracts import example
from schemas.errors import ContractError
from schemas.model_event import ModelContext, ModelEvent

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
