"""Models in words: who speaks where, what is known of one, and how two compare."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import orjson
import pytest
import yaml

from agents.model_replay import Differences, Key, Said
from agents.models.checks import Finding
from agents.models.envelope import shipped
from agents.models.golden import ReferencedRecipe, References
from agents.models.registry import EVERYWHERE, Registry
from schemas.errors import ModelRefused, QueryRefused
from schemas.model_event import ModelContext, ModelEvent
from schemas.score import ModelRef
from sparge.model_cards import card, comparison, findings, listing, metrics, verdict_metrics, verdicts_text
from sparge.model_json import as_line, card_fields, comparison_fields, outcome_fields, standing_fields
from sparge.model_registry import find, must_be_signed, recipe_in, tell
from sparge.model_replay import Outcome
from storage.model_queries import Agreement, BatchSpan, Comparison, Foreseen, Foresight, OutOfService
from streams.connection import Broker

if TYPE_CHECKING:
    from pathlib import Path

HERE = ModelContext(unit="north/BR-01")
TREES = ModelRef(name="trees", version="1", digest="aa" * 32)
TREES_2 = ModelRef(name="trees", version="2", digest="ab" * 32)
HOLT = ModelRef(name="holt", version="1", digest="cc" * 32)
COMPARED = Comparison(
    Agreement(1000, 20, 10, 5),
    Agreement(0, 0, 0, 0),
    [
        Foreseen(60.0, 50, 3, Foresight(0.8, 2.5, 0.9, 0.4), Foresight(0.5, 2.0, 0.92, 0.0)),
        Foreseen(300.0, 5, 1, Foresight(None, None, 1.0, 1.0), Foresight(None, None, 1.0, 1.0)),
    ],
)


def said(
    number: int, event: str, model: ModelRef, context: ModelContext = EVERYWHERE, **more: Any
) -> ModelEvent:
    registration = {"recipe": "name: x\nversion: 1\n", "river_version": "0.26.1", "author": "M. Okafor"}
    fields: dict[str, Any] = {
        "id": f"e{number}",
        "event": event,
        "time_us": 1_790_000_000_000_000 + number,
        "by": "a.lindqvist",
        "why": f"Reason {number}.",
        "layer": "residual",
        "context": context,
        "model": model,
        **(registration if event == "registered" else {}),
        **more,
    }
    return ModelEvent(**fields)


def judged(number: int, verdict: str, model: ModelRef = HOLT, **place: Any) -> ModelEvent:
    alarm: dict[str, Any] = {"alarm": f"north/BR-01/DO{number}/anomaly", "raised_us": 5, "verdict": verdict}
    return said(number, "verdict", model, **{**alarm, "layer": None, "context": None, **place})


REGISTRY = Registry(
    [
        said(0, "registered", HOLT),
        said(1, "promoted", HOLT),
        said(2, "registered", TREES),
        said(3, "registered", TREES, HERE),
        said(4, "registered", TREES_2, HERE),
        said(5, "promoted", TREES_2, HERE, metrics={"agreement": 0.99}),
        said(6, "promoted", TREES_2, HERE),
        *(judged(number, "true") for number in (7, 8, 9)),
        judged(10, "nuisance"),
        judged(11, "true", TREES, layer="residual", context=HERE),
        judged(12, "nuisance", TREES, layer="residual", context=EVERYWHERE),
        judged(13, "known_work", TREES, layer="residual", context=EVERYWHERE),
    ]
)


def test_champions_stand_before_their_challengers_place_by_place() -> None:
    lines = listing(REGISTRY, REGISTRY.standings(), None).splitlines()[2:-1]
    told = [line.split("  ") for line in lines]
    assert [[cell.strip() for cell in row if cell.strip()][1:4] for row in told] == [
        ["everywhere", "champion", "holt@1"],
        ["everywhere", "challenger", "trees@1"],
        ["north/BR-01", "champion", "trees@2"],
        ["north/BR-01", "challenger", "trees@1"],
    ]
    assert lines[0].endswith("3/1/0")


def test_a_list_names_its_zone_once_and_fits_a_terminal_of_100_columns() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    long = ModelRef(name="one-step-residual", version="2", digest="dd" * 32)
    registry = Registry([said(0, "registered", long, HERE), said(1, "promoted", long, HERE)])
    header, _, line, *_ = listing(registry, registry.standings(), berlin).splitlines()
    assert "since (Europe/Berlin)" in header
    assert "  2026-09-21 16:13  " in line
    assert max(len(header), len(line)) <= 100


def test_a_card_tells_recipe_versions_figures_and_history_with_what_had_no_effect() -> None:
    told = list(card(REGISTRY, find(REGISTRY, "trees@2", None), None))
    fields = dict(told)
    assert fields["model"] == "trees 2"
    assert "by a.lindqvist: Reason 5." in fields["role"]
    assert fields["author"] == "M. Okafor"
    assert fields["made with"] == "River 0.26.1, NumPy not said"
    assert fields["metric"] == "agreement 0.99"
    assert fields["recipe"] == "\nname: x\nversion: 1"
    history = [text for name, text in told if name == "history"]
    assert len(history) == 3
    assert "no effect" in history[-1]


def test_verdicts_tell_what_share_of_the_judged_alarms_was_true() -> None:
    assert verdicts_text(REGISTRY, HOLT.digest) == "3 true, 1 nuisance, 0 known work, precision 75%"
    assert verdicts_text(REGISTRY, TREES_2.digest) == "0 true, 0 nuisance, 0 known work"


def test_verdicts_count_in_the_context_in_which_the_model_spoke() -> None:
    told = [
        text for name, text in card(REGISTRY, find(REGISTRY, "trees@1", HERE), None) if name == "verdicts"
    ]
    assert told == [
        "everywhere: 0 true, 1 nuisance, 1 known work, precision 0%",
        "north/BR-01: 1 true, 0 nuisance, 0 known work, precision 100%",
    ]
    (here,) = [line for line in listing(REGISTRY, REGISTRY.standings(), None).splitlines() if "1/0/0" in line]
    assert "north/BR-01" in here
    assert verdict_metrics(REGISTRY, find(REGISTRY, "trees@1", EVERYWHERE)) == {
        "champion_alarms_judged": 1.0,
        "champion_alarm_precision": 0.0,
    }
    assert verdict_metrics(REGISTRY, find(REGISTRY, "trees@2", HERE)) == {}


@pytest.mark.parametrize(
    ("wanted", "context", "found"),
    [
        ("holt", None, HOLT),
        ("holt@1", EVERYWHERE, HOLT),
        ("trees@2", None, TREES_2),
        ("trees@1", None, TREES),
        ("trees@1", HERE, TREES),
        ("cccccc", None, HOLT),
    ],
)
def test_a_model_is_found_by_name_version_or_digest(
    wanted: str, context: ModelContext | None, found: ModelRef
) -> None:
    assert find(REGISTRY, wanted, context).model == found


@pytest.mark.parametrize(
    ("wanted", "context", "reason"),
    [
        ("nobody", None, "There is no model nobody"),
        ("holt", HERE, "registered for north/BR-01"),
        ("trees", None, "several models: trees@1, trees@2"),
        ("cc", None, "There is no model cc"),
    ],
)
def test_what_is_not_one_model_is_refused(wanted: str, context: ModelContext | None, reason: str) -> None:
    with pytest.raises(QueryRefused, match=reason):
        find(REGISTRY, wanted, context)


@pytest.mark.parametrize(
    ("event", "more", "reason"),
    [
        ("promoted", {"by": "system"}, "is no person"),
        ("promoted", {"by": " System "}, "is no person"),
        ("promoted", {"by": "k.jansen"}, "is the champion for residual, everywhere already"),
    ],
)
def test_nothing_that_breaks_a_rule_is_sent(event: str, more: dict[str, str], reason: str) -> None:
    nowhere = Broker("127.0.0.1:1")
    with pytest.raises(ModelRefused, match=reason):
        tell(nowhere, REGISTRY, event, **more, why="w", layer="residual", context=EVERYWHERE, model=HOLT)


def test_a_comparison_shows_suspicion_agreement_errors_and_coverage() -> None:
    text = "\n".join(comparison("holt", "trees", COMPARED))
    for part in ("1,000", "98.00%", "0.500", "2.000", "92.0%", "40.0%", "nothing moved"):
        assert part in text


def test_a_model_compared_with_itself_has_two_headings() -> None:
    header = next(comparison("holt", "holt", COMPARED)).splitlines()[0]
    assert "suspects holt  suspects holt again" in header


def test_a_card_says_plainly_that_a_model_learns_as_it_runs() -> None:
    fields = dict(card(REGISTRY, find(REGISTRY, "holt", None), None))
    assert fields["trained on"].startswith(
        "nothing before it ran: it learns as it runs, of each unit, since 2026-"
    )
    assert "." not in fields["trained on"]


def test_a_program_reads_what_a_person_does() -> None:
    (champion, *_) = REGISTRY.standings()
    listed = orjson.loads(as_line(standing_fields(REGISTRY, champion)))
    assert (listed["model"], listed["role"], listed["context"]) == ("holt", "champion", {})
    assert listed["verdicts"] == {"true": 3, "nuisance": 1, "known_work": 0, "precision": 0.75}
    shown = orjson.loads(as_line(card_fields(REGISTRY, find(REGISTRY, "trees@2", None))))
    assert shown["metrics"] == {"agreement": 0.99}
    assert [event["void"] is None for event in shown["history"]] == [True, True, False]
    assert shown["recipe"].startswith("name: x")
    both = (champion, find(REGISTRY, "trees@2", None))
    beside = orjson.loads(as_line(comparison_fields(REGISTRY, both, COMPARED, (5, 6))))
    assert (beside["first"]["model"], beside["second"]["model"]) == ("holt", "trees")
    assert beside["samples"]["alike"] == 980
    assert beside["forecasts"][0]["second"]["error"] == 0.5
    assert beside["forecasts"][1]["first"]["error"] is None


def test_a_program_reads_the_first_difference_of_a_replay() -> None:
    key = Key(7, "DO", 5)
    found = Differences(
        identical=3, other=1, first=(key, Said((1.0, 2.0, 3.0), suspect=True, learned=False), None)
    )
    outcome = Outcome(BatchSpan("north/BR-01", "B1", "lab", 0, 9), 4, 4, found, ("a note",))
    told = orjson.loads(as_line(outcome_fields(outcome)))
    assert (told["same"], told["different"], told["notes"]) == (False, 1, ["a note"])
    assert told["first_difference"]["signal"] == "DO"
    assert told["first_difference"]["stored"]["numbers"] == [1.0, 2.0, 3.0]
    assert told["first_difference"]["replayed"] is None


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"why": ""}, "--why is empty: give the reason"),
        ({"why": "  "}, "--why is empty: give the reason"),
        ({"why": "a\nb"}, "--why has characters that cannot be printed"),
        ({"why": "a" * 2001}, "--why has 2,001 characters: write at most 2,000"),
        ({"by": ""}, "--by is empty: give your name"),
        ({"by": "  "}, "--by is empty: give your name"),
        ({"by": "K.\nJansen"}, "--by has characters that cannot be printed"),
    ],
)
def test_what_is_not_signed_is_refused_in_plain_words(wrong: dict[str, str], reason: str) -> None:
    signed = {"by": "k.jansen", "why": "Seen.", **wrong}
    with pytest.raises(ModelRefused) as refused:
        tell(
            Broker("127.0.0.1:1"), REGISTRY, "promoted", **signed, layer="residual", context=HERE, model=TREES
        )
    assert refused.value.message.startswith(reason)
    assert refused.value.kept == "Nothing was changed."


def test_a_verdict_may_go_without_a_reason() -> None:
    must_be_signed("k.jansen", "", reason_needed=False)


def test_what_the_contract_of_events_refuses_is_told_without_its_machinery() -> None:
    with pytest.raises(ModelRefused) as refused:
        tell(
            *(Broker("127.0.0.1:1"), REGISTRY, "registered"),
            by="k.jansen",
            why="Seen.",
            layer="no name",
            context=HERE,
            model=TREES,
            recipe="name: x",
            river_version="0.26",
        )
    assert refused.value.message.startswith("layer: ")
    assert "pydantic" not in refused.value.message + refused.value.detail


@pytest.mark.parametrize(
    ("content", "reason"), [(b"name: \xff", "is not text in UTF-8"), (b" \n", "is empty")]
)
def test_a_file_that_is_no_recipe_is_refused_in_plain_words(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    file = tmp_path / "recipe.yaml"
    file.write_bytes(content)
    with pytest.raises(ModelRefused, match=reason):
        recipe_in(file)


def test_the_figures_of_a_promotion_are_those_of_the_comparison() -> None:
    assert metrics(COMPARED) == {
        "samples_judged": 1000.0,
        "champion_sample_suspect_share": 0.02,
        "challenger_sample_suspect_share": 0.01,
        "sample_agreement": 0.98,
        "champion_error_60s": 0.8,
        "champion_interval_score_60s": 2.5,
        "champion_coverage_60s": 0.9,
        "champion_silent_share_60s": 0.4,
        "challenger_error_60s": 0.5,
        "challenger_interval_score_60s": 2.0,
        "challenger_coverage_60s": 0.92,
        "challenger_silent_share_60s": 0.0,
        "champion_coverage_300s": 1.0,
        "champion_silent_share_300s": 1.0,
        "challenger_coverage_300s": 1.0,
        "challenger_silent_share_300s": 1.0,
    }


WHY = "out of service until the next batch: ZeroDivisionError('injected')"


@pytest.mark.parametrize(
    ("unit", "model", "lines"),
    [
        ("north/BR-01", HOLT, 1),
        # In two contexts, told once; the context of a unit is none of another's.
        ("north/BR-01", TREES, 1),
        ("north/BR-02", TREES_2, 0),
    ],
)
def test_a_model_that_is_out_of_service_is_named_with_its_unit_and_the_reason(
    unit: str, model: ModelRef, lines: int
) -> None:
    fallen = [OutOfService(unit, "residual", model.digest, 1_790_000_000_000_000, WHY)]
    told = listing(REGISTRY, REGISTRY.standings(), ZoneInfo("Europe/Berlin"), fallen).splitlines()
    name = f"{model.name}@{model.version} for residual, {unit}, 2026-09-21 16:13:20+02:00: {WHY}"
    assert [line for line in told if "out of service" in line] == [name] * lines
    standing = find(REGISTRY, f"{model.name}@{model.version}", None)
    on_card = dict(card(REGISTRY, standing, None, fallen)).get("out of service")
    assert on_card == (f"{unit}, 2026-09-21 14:13:20+00:00: {WHY}" if lines else None)


def test_a_program_reads_what_is_out_of_service_and_whether_that_is_known() -> None:
    holt, trees = (find(REGISTRY, name, None) for name in ("holt", "trees@2"))
    fallen = [OutOfService("north/BR-01", "residual", HOLT.digest, 5, WHY)]
    said = {"unit": "north/BR-01", "time_us": 5, "reason": WHY}
    assert standing_fields(REGISTRY, holt, fallen)["out_of_service"] == [said]
    assert card_fields(REGISTRY, trees, fallen)["out_of_service"] == []
    assert standing_fields(REGISTRY, holt)["out_of_service"] is None


def test_a_check_that_is_not_passed_stands_out() -> None:
    text = findings([Finding("a", passed=True), Finding("b", passed=False, said="it raised KeyError")])
    assert [line.split()[1] for line in text.splitlines()[2:]] == ["passed", "FAILED"]


@pytest.mark.parametrize(("batches", "silent"), [(3, "not enough batches (3 of 10)"), (10, "")])
def test_an_envelope_of_too_few_batches_says_so_in_the_list_and_on_its_card(
    batches: int, silent: str
) -> None:
    told = References(
        envelope="a" * 64,
        batches=tuple(f"lab/north/BR-01/B{number}" for number in range(batches)),
        signals=("DO",),
        indicator="phase_time",
    )
    made = ReferencedRecipe.model_validate(
        {**shipped().model_dump(), "name": "mine", "version": "1", "references": told}
    )
    text = yaml.safe_dump(made.model_dump(mode="json"))
    registry = Registry([said(0, "registered", made.ref, layer="envelope", recipe=text)])
    line, _, *notes = listing(registry, registry.standings(), None).splitlines()[2:]
    assert line.endswith("  silent" if silent else "  0/0/0")
    why = "mine@1 for envelope, everywhere is silent: not enough batches (3 of 10)."
    assert notes == ([why] if silent else [])
    assert dict(card(registry, registry.standings()[0], None)).get("silent", "") == silent
