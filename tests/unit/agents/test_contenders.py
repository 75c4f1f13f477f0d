"""What is registered is what runs, and what cannot run leaves its place to the shipped model."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from agents.context import NO_BATCH, Context
from agents.models.contenders import SHIPPED, Contenders, read, registrations
from agents.models.lineup import shipped
from agents.models.registry import EVERYWHERE, Registry, announcements
from schemas.errors import ModelRefused
from schemas.model_event import ModelContext, ModelEvent
from schemas.score import ModelRef

UNIT = "north/BR-01"
OWN = {
    "name": "mine",
    "version": "1",
    "about": "Mine.",
    "layer": "own",
    "step_s": 10,
    "estimator": [{"model": "time_series.HoltWinters", "parameters": {"alpha": 0.3}}],
}


def registered(text: str, layer: str | None = None, **changes: Any) -> ModelEvent:
    kind, recipe, _ = read(text, layer)
    fields: dict[str, Any] = {
        "id": "e1",
        "event": "registered",
        "time_us": 100,
        "by": "m.okafor",
        "why": "Measured.",
        "layer": kind,
        "context": EVERYWHERE,
        "model": recipe.ref,
        "recipe": text,
        "river_version": "0.26.1",
        **changes,
    }
    return ModelEvent(**fields)


def promoted(event: ModelEvent) -> ModelEvent:
    changes = {"id": "e2", "event": "promoted", "time_us": 200, "recipe": None, "river_version": None}
    return ModelEvent.model_validate({**event.model_dump(by_alias=False), **changes}, by_name=True)


def running(*events: ModelEvent, context: Context = NO_BATCH) -> set[tuple[str, str, str]]:
    """Layer, role and name of what runs."""
    chosen = Contenders(Registry(events)).choose(UNIT, context).choices
    return {(one.kind, one.role, one.recipe.name) for one in chosen}


def test_without_a_word_the_shipped_models_run() -> None:
    assert running() == {(one.kind, one.role, one.recipe.name) for one in shipped().choices}


def test_announced_or_not_the_same_models_run() -> None:
    assert running(*announcements(Registry(), registrations(), 5)) == running()


@pytest.mark.parametrize("layer", SHIPPED)
def test_a_shipped_recipe_reads_back_from_its_registration(layer: str) -> None:
    (event,) = [one for one in registrations() if one.layer == layer]
    kind, recipe, make = read(event.recipe or "", layer)
    assert (kind, recipe.ref) == (layer, event.model)
    assert make() is not None


def test_a_challenger_of_ones_own_runs_beside_the_champions() -> None:
    assert running(registered(yaml.safe_dump(OWN))) - running() == {("own", "challenger", "mine")}


def test_other_parameters_of_a_shipped_layer_take_its_place_when_they_are_promoted() -> None:
    text = (
        SHIPPED["residual"]
        .text()
        .replace("one-step-residual", "mine")
        .replace("suspect_at: 5.0", "suspect_at: 6.0")
    )
    event = registered(text, "residual", context=ModelContext(organism="E. coli"))
    assert running(event, promoted(event)) == running()
    here = running(event, promoted(event), context=Context(organism="E. coli K12"))
    assert {one for one in here if one[0] == "residual"} == {("residual", "champion", "mine")}


def test_a_recipe_that_reads_otherwise_than_it_was_registered_does_not_run() -> None:
    event = registered(yaml.safe_dump(OWN), model=ModelRef(name="mine", version="1", digest="0" * 64))
    contenders = Contenders(Registry([event]))
    assert {one.kind for one in contenders.choose(UNIT, NO_BATCH).choices} == {
        one.kind for one in shipped().choices
    }
    assert "was registered as 000000000000" in contenders.refused["0" * 64]


def test_a_champion_for_another_river_leaves_its_place_to_the_shipped_model() -> None:
    wrong = yaml.safe_dump({**OWN, "layer": "residual", "river": "0.1"})
    event = ModelEvent(
        id="e1",
        event="registered",
        time_us=1,
        by="m",
        why="w",
        layer="residual",
        context=EVERYWHERE,
        model=ModelRef(name="mine", version="1", digest="ab" * 32),
        recipe=wrong,
        river_version="0.1",
    )
    contenders = Contenders(Registry([event, promoted(event)]))
    residuals = [one for one in contenders.choose(UNIT, NO_BATCH).choices if one.kind == "residual"]
    assert [(one.role, one.recipe.name) for one in residuals] == [("champion", "one-step-residual")]
    assert "made for River 0.1" in contenders.refused["ab" * 32]


@pytest.mark.parametrize(
    ("text", "layer", "reason"),
    [
        ("step_s: 5", "residual", "name: Field required"),
        ("[", "residual", "not YAML"),
        (yaml.safe_dump({**OWN, "step_s": 7}), None, "not a multiple of 5"),
        (yaml.safe_dump({**OWN, "step_s": 7}), "residual", "not a multiple of 5"),
    ],
)
def test_a_recipe_that_is_wrong_is_refused(text: str, layer: str | None, reason: str) -> None:
    with pytest.raises(ModelRefused, match=reason):
        read(text, layer)


@pytest.mark.parametrize(
    ("text", "layer", "reason"),
    [
        ("", None, "it has no lines such as `name: value`"),
        ("- a", "residual", "it has no lines such as `name: value`"),
        ("name: x", None, "version: Field required"),
        ("name: x", "residual", "version: Field required"),
    ],
)
def test_what_is_no_recipe_is_refused_without_the_words_of_the_library(
    text: str, layer: str | None, reason: str
) -> None:
    with pytest.raises(ModelRefused, match=reason) as refused:
        read(text, layer)
    assert "pydantic" not in refused.value.detail
    assert "OwnRecipe" not in refused.value.message
