"""Models as programs read them: what `--json` prints, one JSON object a line, times in microseconds UTC."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from agents.models.registry import context_text
from sparge.model_cards import fallen_of, precision, silent

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agents.model_replay import Said
    from agents.models.registry import Place, Registry, Standing
    from sparge.model_replay import Outcome
    from storage.model_queries import Agreement, Comparison, OutOfService


def as_line(fields: Mapping[str, Any]) -> str:
    """Return an object as one line of JSON."""
    return orjson.dumps(fields).decode()


def standing_fields(
    registry: Registry, one: Standing, fallen: Sequence[OutOfService] | None = None
) -> dict[str, Any]:
    """A model in one layer and context, as `models list` has it; fallen None: not known."""
    return {
        "layer": one.layer,
        "context": one.context.model_dump(exclude_none=True),
        **_named(one),
        "role": one.role,
        "since_us": one.since_us,
        "by": one.by,
        "why": one.why,
        "silent": silent(one) or None,
        "out_of_service": _out_of_service(one, fallen),
        "verdicts": _verdicts(registry, one, (one.layer, one.context)),
    }


def card_fields(
    registry: Registry, one: Standing, fallen: Sequence[OutOfService] | None = None
) -> dict[str, Any]:
    """Everything that is known of a model, as `models show` has it."""
    said = one.registered
    return {
        **standing_fields(registry, one, fallen),
        "registered_us": said.time_us,
        "registered_by": said.by,
        "registered_why": said.why,
        "author": said.author,
        "citation": said.citation,
        "river_version": said.river_version,
        "numpy_version": said.numpy_version,
        "trained_on": [span.model_dump() for span in said.trained_on or ()],
        "metrics": dict(one.metrics),
        "verdicts_by_place": [
            {"layer": place[0], "context": context_text(place[1]), **_verdicts(registry, one, place)}
            for place in registry.places(one.model.digest)
        ],
        "history": [
            {
                "event": event.event,
                "time_us": event.time_us,
                "by": event.by,
                "why": event.why,
                "void": registry.void.get(event.id),
            }
            for event in registry.events
            if (event.model, event.layer) == (one.model, one.layer) and event.event != "verdict"
        ],
        "recipe": said.recipe,
    }


def comparison_fields(
    registry: Registry, models: tuple[Standing, Standing], found: Comparison, span_us: tuple[int, int]
) -> dict[str, Any]:
    """Two models beside each other over a span, in the order in which they were named."""
    first, second = ({**_named(one), "verdicts": _verdicts(registry, one, None)} for one in models)
    return {
        "first": first,
        "second": second,
        "start_us": span_us[0],
        "end_us": span_us[1],
        "samples": _agreement(found.samples),
        "unit_steps": _agreement(found.units),
        "forecasts": [
            {
                "horizon_s": one.horizon_s,
                "judged": one.judged,
                "signals": one.signals,
                "first": one.first._asdict(),
                "second": one.second._asdict(),
            }
            for one in found.forecasts
        ],
    }


def outcome_fields(outcome: Outcome) -> dict[str, Any]:
    """What a replay found, as `models replay` has it."""
    found = outcome.differences
    first = None
    if found.first is not None:
        key, before, now = found.first
        first = {**key._asdict(), "stored": _said(before), "replayed": _said(now)}
    return {
        "unit": outcome.batch.unit,
        "batch": outcome.batch.batch,
        "member": outcome.batch.member,
        "frames": outcome.frames,
        "stored": outcome.stored,
        "same": found.none,
        "same_within_1e_9": found.small,
        "identical": found.identical,
        "near": found.near,
        "different": found.other,
        "only_stored": found.missing,
        "only_replayed": found.added,
        "dropped": found.dropped,
        "first_difference": first,
        "remarks": outcome.remarks,
        "notes": outcome.notes,
    }


def _named(one: Standing) -> dict[str, str]:
    return {"model": one.model.name, "version": one.model.version, "digest": one.model.digest}


def _out_of_service(
    one: Standing, fallen: Sequence[OutOfService] | None
) -> list[dict[str, str | int]] | None:
    if fallen is None:
        return None
    return [
        {"unit": each.unit, "time_us": each.time_us, "reason": each.reason} for each in fallen_of(one, fallen)
    ]


def _verdicts(registry: Registry, one: Standing, place: Place | None) -> dict[str, Any]:
    said = registry.verdicts(one.model.digest, place)
    counts = {kind: said[kind] for kind in ("true", "nuisance", "known_work")}
    return {**counts, "precision": precision(said)}


def _agreement(found: Agreement) -> dict[str, int]:
    return {**found._asdict(), "alike": found.alike}


def _said(said: Said | None) -> dict[str, Any] | None:
    return None if said is None else said._asdict()
