"""What was said of models is in the database with all that follows from it, the same after a rebuild."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from agents import record
from agents.models.registry import Registry
from schemas.model_event import ModelContext, ModelEvent
from schemas.score import ModelRef
from storage.migrate import migrate
from storage.store import Store
from streams.codec import outgoing
from streams.record import Record
from streams.topics import MODELS_REGISTRY

if TYPE_CHECKING:
    from collections.abc import Sequence

TP = (MODELS_REGISTRY.name, 0)
T0_US = 1_790_000_000_000_000
SHIPPED, TREES = (ModelRef(name=name, version="1", digest=name * 8) for name in ("residual", "trees"))
UNIT = "north/BR-01"
VIEWS = {
    "models": "SELECT to_jsonb(m) FROM sparge.models AS m ORDER BY layer, context, model",
    "verdicts": "SELECT to_jsonb(v) FROM sparge.verdicts AS v ORDER BY alarm_id, raised_at",
    "model_events": "SELECT to_jsonb(e) - 'recorded_at' FROM sparge.model_events AS e ORDER BY event_id",
}


def said(event: str, model: ModelRef | None, number: int, **changes: Any) -> ModelEvent:
    fields: dict[str, Any] = {
        "id": f"e{number}",
        "event": event,
        "time_us": T0_US + number,
        "by": "m.okafor",
        "why": "Measured.",
        "layer": "residual",
        "context": ModelContext(organism="E. coli", scale_from_L=1.0, scale_to_L=5.0),
        "model": model,
        **changes,
    }
    return ModelEvent(**fields)


def registered(model: ModelRef, number: int) -> ModelEvent:
    return said(
        *("registered", model, number),
        recipe=f"name: {model.name}\n",
        river_version="0.26.1",
        numpy_version="2.3.5",
        author="M. Okafor",
        citation="Tan et al. 2011",
        metrics={"false_alarm_share": 0.004},
    )


def verdict(number: int, raised: int, kind: str, model: ModelRef | None = TREES) -> ModelEvent:
    return said(
        *("verdict", model, number),
        layer=None,
        context=None,
        alarm=f"{UNIT}/DO/anomaly",
        raised_us=T0_US + raised,
        verdict=kind,
    )


STORY = [
    registered(SHIPPED, 0),
    said("promoted", SHIPPED, 1),
    registered(TREES, 2),
    said("promoted", TREES, 3, metrics={"agreement": 0.99}, by="a.lindqvist"),
    said("promoted", TREES, 4),
    verdict(5, 1, "nuisance"),
    verdict(6, 1, "true"),
    verdict(7, 2, "known_work"),
    verdict(8, 3, "nuisance", None),
]


def write(database: str, events: Sequence[ModelEvent], offset: int = 0) -> None:
    """Let the record sink write events as they would come out of the log."""
    with Store(database, application="test") as store:
        store.register_log(
            "record", "cluster", {MODELS_REGISTRY.name: "registry-id"}, {MODELS_REGISTRY.name: 1}
        )
        for number, event in enumerate(events, start=offset):
            key, value, headers = outgoing(event)
            message = record.decode(Record(*TP, number, T0_US + 10**9, key, value, headers))
            with store.transaction("record", [TP]) as tx:
                record.write(tx, [message])


def shown(database: str) -> dict[str, list[Any]]:
    with psycopg.connect(database) as connection:
        connection.execute("SET TimeZone TO 'UTC'")
        return {name: connection.execute(query.encode()).fetchall() for name, query in VIEWS.items()}


@pytest.fixture
def store_of_each(each_database: str) -> str:
    migrate(each_database)
    return each_database


def test_champion_former_recipe_and_verdicts_stand_in_the_views(store_of_each: str) -> None:
    write(store_of_each, STORY)
    views = shown(store_of_each)
    former, champion = (row for (row,) in views["models"])
    assert (former["model"], former["role"]) == ("residual", "former")
    assert {
        name: champion[name] for name in ("model", "model_version", "role", "who", "organism", "phase")
    } == {
        "model": "trees",
        "model_version": "1",
        "role": "champion",
        "who": "a.lindqvist",
        "organism": "E. coli",
        "phase": None,
    }
    assert champion["metrics"] == {"agreement": 0.99}
    assert champion["recipe"] == "name: trees\n"
    assert (champion["river_version"], champion["author"]) == ("0.26.1", "M. Okafor")
    assert [champion[f"{name}_alarms"] for name in ("true", "nuisance", "known_work")] == [1, 0, 1]
    assert [(row["verdict"], row["model"]) for (row,) in views["verdicts"]] == [
        ("true", "trees"),
        ("known_work", "trees"),
        ("nuisance", None),
    ]


def test_what_had_no_effect_is_kept_with_the_reason(store_of_each: str) -> None:
    write(store_of_each, STORY)
    void = {row["event_id"]: row["void"] for (row,) in shown(store_of_each)["model_events"]}
    assert "already" in void.pop("e4")
    assert set(void.values()) == {""}


def test_the_registry_read_back_is_the_one_that_was_said(store_of_each: str) -> None:
    write(store_of_each, STORY)
    with Store(store_of_each, application="test") as store:
        store.register_log(
            "record", "cluster", {MODELS_REGISTRY.name: "registry-id"}, {MODELS_REGISTRY.name: 1}
        )
        with store.transaction("record", [TP]) as tx:
            assert Registry(tx.model_events()).standings() == Registry(STORY).standings()


def test_a_rebuild_in_any_order_and_with_repeats_gives_the_same_rows(
    store_of_each: str, database: str
) -> None:
    write(store_of_each, STORY)
    again = [*STORY, *STORY[::2]]
    random.Random(6).shuffle(again)
    migrate(database)
    write(database, again)
    assert shown(database) == shown(store_of_each)
