"""Champions and challengers follow from what was said, whatever came first and however often."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.context import NO_BATCH, Context
from agents.models.registry import EVERYWHERE, Registry, announcements, context_text, next_us
from schemas.model_event import ModelContext, ModelEvent
from schemas.score import ModelRef

if TYPE_CHECKING:
    import random

UNIT = "north/BR-01"
SHIPPED, TREES, HOLT = (
    ModelRef(name=name, version="1", digest=name * 4) for name in ("ship", "tree", "holt")
)
E_COLI = ModelContext(organism="E. coli")
RUNNING = Context(batch="B1", organism="E. coli BL21", process="GFP", scale_l=2.0, phase="feed")
LAYER = "residual"


def said(event: str, model: ModelRef | None, number: int, **changes: Any) -> ModelEvent:
    fields: dict[str, Any] = {
        "id": f"e{number:04d}",
        "event": event,
        "time_us": number,
        "by": "m.okafor",
        "why": "Measured.",
        "layer": LAYER,
        "context": EVERYWHERE,
        "model": model,
        **({"recipe": "name: x", "river_version": "0.26.1"} if event == "registered" else {}),
        **changes,
    }
    return ModelEvent(**fields)


def shipped(model: ModelRef = SHIPPED) -> ModelEvent:
    return said("registered", model, 0, by="system", why="It comes with Sparge.")


def begun() -> list[ModelEvent]:
    """The shipped champion everywhere, and a challenger."""
    return [
        *announcements(Registry(), [shipped()], 10),
        said("registered", TREES, 20),
    ]


def champion(registry: Registry, context: Context = NO_BATCH, unit: str = UNIT) -> str | None:
    found = registry.champion(LAYER, unit, context)
    return found.model.name if found else None


def test_a_registry_of_which_nothing_was_said_has_no_champion() -> None:
    assert Registry().champion(LAYER, UNIT, NO_BATCH) is None
    assert Registry().challengers(LAYER, UNIT, NO_BATCH) == ()


def test_a_shipped_model_is_promoted_everywhere_by_the_system() -> None:
    registry = Registry(begun())
    found = registry.champion(LAYER, UNIT, RUNNING)
    assert found is not None
    assert (found.model, found.by, found.why) == (SHIPPED, "system", "It comes with Sparge.")
    assert [one.model for one in registry.challengers(LAYER, UNIT, RUNNING)] == [TREES]


def test_what_was_announced_is_not_announced_again() -> None:
    assert announcements(Registry(begun()), [shipped()], 99) == []


def test_a_new_version_of_sparge_promotes_its_model_over_its_former_one() -> None:
    registry = Registry([*begun(), *announcements(Registry(begun()), [shipped(HOLT)], 30)])
    assert champion(registry) == "holt"
    back = Registry([*registry.events, *announcements(registry, [shipped()], 40)])
    assert champion(back) == "ship"


def test_the_system_never_replaces_what_a_person_has_chosen() -> None:
    registry = Registry([*begun(), said("promoted", TREES, 30)])
    told = announcements(registry, [shipped(HOLT)], 40)
    assert [event.event for event in told] == ["registered"]
    assert champion(Registry([*registry.events, *told])) == "tree"
    forced = Registry([*registry.events, said("promoted", SHIPPED, 50, by="system")])
    assert champion(forced) == "tree"
    assert "only a person" in forced.void["e0050"]


def test_a_promotion_makes_the_challenger_champion_and_keeps_the_former() -> None:
    registry = Registry([*begun(), said("promoted", TREES, 30, metrics={"agreement": 0.99})])
    found = registry.champion(LAYER, UNIT, NO_BATCH)
    assert found is not None
    assert (found.model, found.since_us, found.by, found.metrics) == (
        TREES,
        30,
        "m.okafor",
        {"agreement": 0.99},
    )
    former = registry.former(LAYER, EVERYWHERE)
    assert former is not None
    assert (former.model, former.role) == (SHIPPED, "former")
    assert registry.challengers(LAYER, UNIT, NO_BATCH) == ()


def test_a_roll_back_returns_to_the_former_and_can_itself_be_undone() -> None:
    events = [*begun(), said("promoted", TREES, 30), said("rolled_back", TREES, 40)]
    registry = Registry(events)
    assert champion(registry) == "ship"
    assert [one.model for one in registry.challengers(LAYER, UNIT, NO_BATCH)] == [TREES]
    assert champion(Registry([*events, said("promoted", TREES, 50)])) == "tree"


def test_a_roll_back_of_the_only_model_of_a_context_returns_to_the_wider_one() -> None:
    events = [
        *begun(),
        said("registered", TREES, 30, context=E_COLI),
        said("promoted", TREES, 40, context=E_COLI),
    ]
    assert champion(Registry(events), RUNNING) == "tree"
    back = Registry([*events, said("rolled_back", TREES, 50, context=E_COLI)])
    assert champion(back, RUNNING) == "ship"


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (said("promoted", HOLT, 30), "is not registered"),
        (said("promoted", TREES, 30, context=E_COLI), "is not registered for residual, E. coli"),
        (said("promoted", TREES, 30, layer="forecast"), "is not registered for forecast"),
        (said("promoted", SHIPPED, 30), "is the champion for residual, everywhere already"),
        (said("rolled_back", TREES, 30), "is not the champion"),
        (said("rolled_back", SHIPPED, 30), "there is none to return to"),
        (said("retired", SHIPPED, 30), "roll it back first"),
        (said("registered", TREES, 30), "registered for residual, everywhere already"),
        (
            said("registered", ModelRef(name="tree", version="1", digest="other" * 3), 30),
            "another recipe, treetreetree: give the changed recipe a new version",
        ),
    ],
)
def test_what_breaks_a_rule_is_refused_with_the_reason_and_has_no_effect(
    event: ModelEvent, reason: str
) -> None:
    before = Registry(begun())
    assert reason in before.refusal(event)
    after = Registry([*begun(), event])
    assert reason in after.void[event.id]
    assert after.standings() == before.standings()


def test_a_retired_model_neither_runs_nor_is_returned_to_until_it_is_registered_anew() -> None:
    events = [
        *begun(),
        said("promoted", TREES, 30),
        said("registered", HOLT, 40),
        said("promoted", HOLT, 50),
        said("retired", TREES, 60),
    ]
    registry = Registry(events)
    assert registry.challengers(LAYER, UNIT, NO_BATCH) == ()
    assert champion(Registry([*events, said("rolled_back", HOLT, 70)])) == "ship"
    assert "is not registered" in registry.refusal(said("promoted", TREES, 70))
    anew = Registry([*events, said("registered", TREES, 70)])
    assert [one.model for one in anew.challengers(LAYER, UNIT, NO_BATCH)] == [TREES]


NEARER = [
    ModelContext(),
    ModelContext(phase="Feed"),
    ModelContext(scale_from_L=1.0, scale_to_L=5.0),
    ModelContext(scale_from_L=1.5, scale_to_L=2.5),
    ModelContext(process="gfp"),
    ModelContext(organism="E. coli"),
    ModelContext(organism="e. coli bl21"),
    ModelContext(organism="E. coli", phase="feed"),
    ModelContext(organism="E. coli", process="GFP"),
    ModelContext(organism="E. coli", process="GFP", scale_from_L=1.0, scale_to_L=5.0, phase="feed"),
    ModelContext(unit=UNIT),
    ModelContext(unit=UNIT, phase="feed"),
]
"""Each is nearer to the running batch than the one before."""


@pytest.mark.parametrize("count", range(1, len(NEARER) + 1))
def test_the_champion_of_the_nearest_context_speaks(count: int) -> None:
    events = []
    for number, context in enumerate(NEARER[:count]):
        model = ModelRef(name=f"m{number}", version="1", digest=f"d{number}")
        events += [
            said("registered", model, 2 * number, context=context),
            said("promoted", model, 2 * number + 1, context=context),
        ]
    assert champion(Registry(events), RUNNING) == f"m{count - 1}"


@pytest.mark.parametrize(
    "context",
    [
        ModelContext(unit="north/BR-02"),
        ModelContext(organism="S. cerevisiae"),
        ModelContext(organism="E. coli BL21 DE3"),
        ModelContext(process="mAb"),
        ModelContext(scale_from_L=3.0, scale_to_L=5.0),
        ModelContext(phase="harvest"),
    ],
)
def test_a_context_that_does_not_fit_has_no_say(context: ModelContext) -> None:
    events = [
        *begun(),
        said("registered", HOLT, 30, context=context),
        said("registered", TREES, 31, context=context),
        said("promoted", HOLT, 32, context=context),
    ]
    registry = Registry(events)
    assert champion(registry, RUNNING) == "ship"
    assert [one.context for one in registry.challengers(LAYER, UNIT, RUNNING)] == [EVERYWHERE]


def test_outside_batches_only_contexts_without_a_batch_fit() -> None:
    events = [
        *begun(),
        said("registered", HOLT, 30, context=E_COLI),
        said("promoted", HOLT, 31, context=E_COLI),
    ]
    assert champion(Registry(events), NO_BATCH) == "ship"


def test_different_models_speak_in_different_units_at_once() -> None:
    here = ModelContext(unit=UNIT)
    events = [*begun(), said("registered", HOLT, 30, context=here), said("promoted", HOLT, 31, context=here)]
    registry = Registry(events)
    assert (champion(registry), champion(registry, unit="north/BR-02")) == ("holt", "ship")


def verdict(number: int, alarm: str, kind: str, model: ModelRef | None = TREES) -> ModelEvent:
    return said(
        *("verdict", model, number),
        layer=None,
        context=None,
        alarm=alarm,
        raised_us=7,
        verdict=kind,
        why="",
    )


def test_of_the_verdicts_on_an_alarm_the_latest_counts() -> None:
    registry = Registry(
        [
            verdict(1, f"{UNIT}/DO/anomaly", "nuisance"),
            verdict(2, f"{UNIT}/DO/anomaly", "true"),
            verdict(3, f"{UNIT}/pH/anomaly", "known_work"),
            verdict(4, f"{UNIT}/pH/low", "true", None),
        ]
    )
    assert registry.verdicts(TREES.digest) == {"true": 1, "nuisance": 0, "known_work": 1}
    assert registry.verdicts(HOLT.digest) == {"true": 0, "nuisance": 0, "known_work": 0}


def test_a_model_spoke_from_the_nearest_place_in_which_it_is_registered() -> None:
    registry = Registry(
        [
            *begun(),
            said("registered", TREES, 30, context=E_COLI),
            said("retired", TREES, 40, context=E_COLI),
        ]
    )
    found = [registry.spoke(TREES.digest, UNIT, context) for context in (RUNNING, NO_BATCH)]
    assert [one.context for one in found if one] == [E_COLI, EVERYWHERE]
    assert registry.spoke("nobody", UNIT, RUNNING) is None
    assert registry.places(TREES.digest) == [(LAYER, E_COLI), (LAYER, EVERYWHERE)]


def test_a_verdict_counts_where_the_model_spoke_and_without_a_place_everywhere() -> None:
    there = verdict(1, "DO", "true").model_copy(update={"layer": LAYER, "context": E_COLI})
    nowhere = verdict(2, "pH", "nuisance")
    registry = Registry([*begun(), there, nowhere])
    counted = [registry.verdicts(TREES.digest, (LAYER, context)) for context in (E_COLI, EVERYWHERE)]
    assert [(one["true"], one["nuisance"]) for one in counted] == [(1, 1), (0, 1)]
    assert registry.verdict_on(there.alarm or "", there.raised_us or 0) == there
    assert registry.verdict_on(there.alarm or "", 8) is None


KINDS = st.sampled_from(["registered", "promoted", "rolled_back", "retired"])
TALE = st.lists(
    st.tuples(KINDS, st.sampled_from([SHIPPED, TREES, HOLT]), st.sampled_from([EVERYWHERE, E_COLI])),
    max_size=25,
)


@given(TALE, st.randoms(use_true_random=False))
def test_neither_order_of_arrival_nor_repeats_matter(
    tale: list[tuple[str, ModelRef, ModelContext]], dice: random.Random
) -> None:
    events = [
        said(kind, model, number, context=context) for number, (kind, model, context) in enumerate(tale)
    ]
    shuffled = [*events, *events[::2]]
    dice.shuffle(shuffled)
    registry, again = Registry(events), Registry(shuffled)
    assert (again.events, again.void, again.standings()) == (
        registry.events,
        registry.void,
        registry.standings(),
    )


@given(TALE)
def test_a_context_never_has_two_champions_and_a_void_event_changes_nothing(
    tale: list[tuple[str, ModelRef, ModelContext]],
) -> None:
    events = [
        said(kind, model, number, context=context) for number, (kind, model, context) in enumerate(tale)
    ]
    registry = Registry(events)
    for context in (EVERYWHERE, E_COLI):
        leading = [one for one in registry.standings() if one.context == context and one.role == "champion"]
        assert len(leading) <= 1
        assert registry.at(LAYER, context) == (leading[0] if leading else None)
    heard = [event for event in events if event.id not in registry.void]
    assert Registry(heard).standings() == registry.standings()


def test_an_event_said_now_is_later_than_all_that_is_known() -> None:
    assert next_us(Registry(), 5) == 5
    assert next_us(Registry(begun()), 5) == 21


def test_a_context_is_told_in_words() -> None:
    assert context_text(EVERYWHERE) == "everywhere"
    assert context_text(NEARER[9]) == "E. coli, GFP, 1 to 5 L, phase feed"
