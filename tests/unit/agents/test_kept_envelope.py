"""Envelopes of reference batches: kept in parts, named by a recipe, seated where the registry says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import yaml

from agents.context import NO_BATCH, Context
from agents.models import kept_envelope
from agents.models.contenders import Contenders, read
from agents.models.envelope import BatchEnvelope
from agents.models.golden import EnvelopeRecipe, ReferenceBatch, ReferencedRecipe, References, build
from agents.models.held_out import held_out
from agents.models.kept_envelope import Envelopes, Kept, keep
from agents.models.registry import Registry
from schemas.errors import ModelRefused
from schemas.model_event import ModelContext, ModelEvent
from tests.unit.agents.test_batch_envelope import (
    NAMES,
    course,
    envelope,
    reference,
    run,
    seconds,
)
from tests.unit.agents.test_batch_envelope import recipe as shipped_with

if TYPE_CHECKING:
    from collections.abc import Iterable

    from agents.models.golden import Envelope
    from agents.models.step import UnitScore

UNIT = "north/BR-01"
E_COLI = ModelContext(organism="E. coli")


def taken(kept: Kept, order: Iterable[int] | None = None) -> Envelopes:
    found = Envelopes()
    for place in order if order is not None else range(len(kept.parts)):
        found.take(*kept.parts[place])
    return found


def small_parts(monkeypatch: pytest.MonkeyPatch, of: Envelope) -> Kept:
    monkeypatch.setattr(kept_envelope, "PART_BYTES", 1000)
    kept = keep(of)
    assert len(kept.parts) > 10
    return kept


def judge(made: EnvelopeRecipe, known: Envelope | None) -> BatchEnvelope:
    layer = BatchEnvelope(made, known)
    for name in NAMES:
        layer.add(name, None)
    return layer


def scores(said: list[UnitScore | None]) -> list[float]:
    return [-1.0 if one is None else one.score for one in said]


def referenced(count: int, digest: str, *, least: int = 4) -> ReferencedRecipe:
    names = tuple(f"lab/{UNIT}/B{number}" for number in range(count))
    told = References(envelope=digest, batches=names, signals=NAMES, indicator="phase_time")
    base = shipped_with(least_batches=least).model_dump() | {"name": "e-coli", "version": "1"}
    return ReferencedRecipe.model_validate({**base, "references": told})


def events(made: ReferencedRecipe) -> list[ModelEvent]:
    """It is registered and promoted for E. coli."""
    told = {"by": "a.lindqvist", "why": "Ten good batches.", "layer": "envelope", "context": E_COLI}
    text = yaml.safe_dump(made.model_dump(mode="json"))
    made_with = {"recipe": text, "river_version": "0.26.1"}
    return [
        ModelEvent(id="e1", event="registered", time_us=1, model=made.ref, **told, **made_with),  # type: ignore[arg-type]
        ModelEvent(id="e2", event="promoted", time_us=2, model=made.ref, **told),  # type: ignore[arg-type]
    ]


def seated(contenders: Contenders, context: Context) -> tuple[str, BatchEnvelope]:
    """The name of the champion for the envelope, and a new layer of it."""
    lineup = contenders.choose(UNIT, context)
    (found,) = [one for one in lineup.choices if (one.kind, one.role) == ("envelope", "champion")]
    layer = found.build()
    assert isinstance(layer, BatchEnvelope)
    for name in NAMES:
        layer.add(name, None)
    return found.recipe.name, layer


def test_in_parts_and_back_it_judges_as_before(monkeypatch: pytest.MonkeyPatch) -> None:
    known = envelope()
    kept = small_parts(monkeypatch, known)
    again = taken(kept, reversed(range(len(kept.parts)))).get(kept.digest)
    assert again.digest == kept.digest
    assert (again.signals, again.batches, again.indicator) == (known.signals, known.batches, known.indicator)
    made = shipped_with()
    before, after = (scores(run(judge(made, one), course(99))) for one in (known, again))
    assert np.allclose(before, after, rtol=0.01, atol=0.01)


def test_the_same_envelope_is_kept_under_the_same_digest() -> None:
    assert keep(envelope(5)) == keep(envelope(5))
    assert keep(envelope(5)).digest != keep(envelope(6)).digest


def test_what_is_torn_changed_or_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    kept = small_parts(monkeypatch, envelope())
    with pytest.raises(ModelRefused, match="is not kept"):
        Envelopes().get(kept.digest)
    with pytest.raises(ModelRefused, match="is torn"):
        taken(kept, range(1, len(kept.parts))).get(kept.digest)
    changed = taken(kept)
    key, value = kept.parts[3]
    changed.take(key, value[:-1] + bytes([value[-1] ^ 1]))
    with pytest.raises(ModelRefused, match="is torn"):
        changed.get(kept.digest)


def test_strange_messages_beside_it_do_no_harm() -> None:
    kept = keep(envelope())
    found = Envelopes()
    for key, value in ((None, b"x"), (b"\xff/0/1", b"x"), (b"", b""), (kept.digest.encode(), None)):
        found.take(key, value)
    found.take(*kept.parts[0])
    assert found.get(kept.digest).batches


def test_one_that_is_too_large_is_refused_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_envelope, "MOST_BYTES", 1000)
    with pytest.raises(ModelRefused, match="4 signals") as refused:
        keep(envelope())
    assert "--signal" in refused.value.next_step


def test_a_promoted_envelope_judges_in_its_context_and_nowhere_else() -> None:
    kept = keep(envelope())
    made = referenced(8, kept.digest)
    contenders = Contenders(Registry(events(made)), taken(kept))
    name, layer = seated(contenders, Context(organism="E. coli BL21"))
    assert name == "e-coli"
    assert layer.standing == ""
    moved = course(99)
    moved[100:, 2] = 38.0
    said = run(layer, moved)
    suspected = [one for one in said if one is not None and one.suspect]
    assert suspected[0].reason.startswith("temperature ")
    assert np.argmax(suspected[0].contributions) == NAMES.index("temperature")
    assert seated(contenders, NO_BATCH)[0] == "batch-envelope"


def test_without_its_envelope_a_model_does_not_run_and_says_why() -> None:
    made = referenced(8, "a" * 64)
    contenders = Contenders(Registry(events(made)))
    name, layer = seated(contenders, Context(organism="E. coli"))
    assert name == "batch-envelope"
    assert layer.standing == "not enough batches (0 of 10)"
    assert "is not kept" in contenders.refused[made.digest]


def test_too_few_batches_are_said_once_a_phase_and_nothing_else() -> None:
    made = shipped_with(least_batches=10)
    few = keep(build(made, NAMES, [reference(seed) for seed in range(3)]))
    named = referenced(3, few.digest, least=10)
    assert named.shortage == "not enough batches (3 of 10)"
    contenders = Contenders(Registry(events(named)), taken(few))
    name, layer = seated(contenders, Context(organism="E. coli"))
    assert name == "e-coli"
    first, *rest = run(layer, course(99))
    assert first is not None
    assert (first.score, first.suspect, first.reason) == (0.0, False, "not enough batches (3 of 10)")
    assert set(rest) == {None}


def test_other_reference_batches_make_another_model() -> None:
    assert referenced(8, "a" * 64).digest != referenced(8, "b" * 64).digest


def test_a_recipe_with_references_reads_back_from_its_registration() -> None:
    made = referenced(8, "a" * 64)
    _, again, _ = read(events(made)[0].recipe or "", "envelope")
    assert isinstance(again, ReferencedRecipe)
    assert again.digest == made.digest


def test_each_good_batch_judged_by_the_others_is_seldom_suspected() -> None:
    batches = [reference(seed) for seed in range(8)]
    found = held_out(shipped_with(), NAMES, batches)
    assert [one.batch for one in found] == [one.name for one in batches]
    assert all(one.judged > 300 for one in found)
    assert sum(one.suspected for one in found) / sum(one.judged for one in found) < 0.01


def test_a_bad_batch_among_the_good_ones_is_the_one_that_the_others_suspect() -> None:
    wrong = course(50)
    wrong[200:, 1] = 1.0
    bad = ReferenceBatch("bad", seconds(400), ("feed",) * 400, wrong)
    found = held_out(shipped_with(), NAMES, [*(reference(seed) for seed in range(8)), bad])
    assert max(found, key=lambda one: one.suspected).batch == "bad"
    assert found[-1].began >= 1


def test_two_batches_are_too_few_to_judge_one_by_the_other() -> None:
    assert held_out(shipped_with(), NAMES, [reference(1), reference(2)]) == []
