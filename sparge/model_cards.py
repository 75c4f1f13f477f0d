"""Models in words: a list of who speaks where, a card of one, two beside each other, a replay's outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.models.contenders import read
from agents.models.registry import context_text
from schemas.errors import ModelRefused
from sparge.terminal import text_table
from sparge.times import show_minute, show_second

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from zoneinfo import ZoneInfo

    from agents.models.checks import Finding
    from agents.models.registry import Place, Registry, Standing
    from schemas.model_event import Verdict
    from storage.model_queries import Agreement, Comparison, Foresight, OutOfService

RANKS = ("champion", "challenger", "former", "retired")
VERDICTS_READ = "verdicts: alarms called true/nuisance/known work"


def in_order(standings: Iterable[Standing]) -> list[Standing]:
    """Layer by layer and context by context, the champion before its challengers."""
    return sorted(
        standings,
        key=lambda one: (one.layer, context_text(one.context), RANKS.index(one.role), one.model.name),
    )


def listing(
    registry: Registry,
    standings: Sequence[Standing],
    zone: ZoneInfo | None,
    fallen: Sequence[OutOfService] = (),
) -> str:
    """Return a table of models, and below it why some of them are silent, or out of service in which unit."""
    rows = []
    order = in_order(standings)
    for one in order:
        verdicts = registry.verdicts(one.model.digest, (one.layer, one.context))
        rows.append(
            [
                one.layer,
                context_text(one.context),
                one.role,
                f"{one.model.name}@{one.model.version}",
                show_minute(one.since_us, zone),
                one.by,
                "silent"
                if silent(one)
                else "/".join(str(verdicts[kind]) for kind in ("true", "nuisance", "known_work")),
            ]
        )
    header = ["layer", "context", "role", "model", f"since ({zone.key if zone else 'UTC'})", "by", "verdicts"]
    notes = [
        f"{one.model.name}@{one.model.version} for {one.layer}, {context_text(one.context)} is silent: {why}."
        for one in order
        if (why := silent(one))
    ]
    # A model may stand in several contexts: it is told once.
    out = {
        f"{one.model.name}@{one.model.version} for {one.layer}, {each.unit}, {fallen_text(each, zone)}": None
        for one in order
        for each in fallen_of(one, fallen)
    }
    return "\n".join([text_table(header, rows), VERDICTS_READ, *notes, *out])


def card(
    registry: Registry, model: Standing, zone: ZoneInfo | None, fallen: Sequence[OutOfService] = ()
) -> Iterator[tuple[str, str]]:
    """Yield everything that is known of a model, as (name, text)."""
    registered = model.registered
    yield "model", f"{model.model.name} {model.model.version}"
    yield "digest", model.model.digest
    yield "layer", model.layer
    yield "context", context_text(model.context)
    if why := silent(model):
        yield "silent", why
    for each in fallen_of(model, fallen):
        yield "out of service", f"{each.unit}, {fallen_text(each, zone)}"
    yield "role", f"{model.role} since {show_second(model.since_us, zone)}, by {model.by}: {model.why}"
    yield "registered", f"{show_second(registered.time_us, zone)}, by {registered.by}: {registered.why}"
    yield "author", registered.author or "not said"
    yield "citation", registered.citation or "none"
    yield "made with", f"River {registered.river_version}, NumPy {registered.numpy_version or 'not said'}"
    for span in registered.trained_on or ():
        yield (
            "trained on",
            f"{span.topic}/{span.partition} from {span.from_offset} up to {span.to_offset} ({span.topic_id})",
        )
    if not registered.trained_on:
        began = show_second(registered.time_us, zone)
        yield (
            "trained on",
            f"nothing before it ran: it learns as it runs, of each unit, since {began} at the earliest",
        )
    for name, value in sorted(model.metrics.items()):
        yield "metric", f"{name} {value:g}"
    for place in registry.places(model.model.digest):
        yield "verdicts", f"{context_text(place[1])}: {verdicts_text(registry, model.model.digest, place)}"
    for event in registry.events:
        if event.model == model.model and event.event != "verdict" and event.layer == model.layer:
            void = f" (no effect: {registry.void[event.id]})" if event.id in registry.void else ""
            what = event.event.replace("_", " ")
            yield "history", f"{show_second(event.time_us, zone)} {what} by {event.by}: {event.why}{void}"
    yield "recipe", "\n" + (registered.recipe or "").rstrip()


def silent(model: Standing) -> str:
    """Why a model says nothing whatever comes, such as an envelope of too few batches; empty where it may."""
    if model.layer != "envelope":
        return ""
    try:
        _, recipe, _ = read(model.registered.recipe or "", model.layer)
    except ModelRefused:
        return "its recipe cannot be read here"
    return str(getattr(recipe, "shortage", ""))


def fallen_of(model: Standing, fallen: Sequence[OutOfService]) -> list[OutOfService]:
    """Of all that is out of service what is this model, in the units that its context allows."""
    return [
        one
        for one in fallen
        if (one.layer, one.digest) == (model.layer, model.model.digest)
        and model.context.unit in {None, one.unit}
    ]


def fallen_text(one: OutOfService, zone: ZoneInfo | None) -> str:
    """Return since when a model is out of service, and why, as it was said."""
    return f"{show_second(one.time_us, zone)}: {one.reason}"


def verdicts_text(registry: Registry, digest: str, place: Place | None = None) -> str:
    """What people said of a model's alarms, and of those called true or nuisance the share of true ones."""
    said = registry.verdicts(digest, place)
    share = precision(said)
    shown = "" if share is None else f", precision {share:.0%}"
    return f"{said['true']} true, {said['nuisance']} nuisance, {said['known_work']} known work{shown}"


def precision(said: Mapping[Verdict, int]) -> float | None:
    """Of the alarms called true or nuisance the share of true ones; None where none was."""
    judged = said["true"] + said["nuisance"]
    return said["true"] / judged if judged else None


def comparison(first: str, second: str, found: Comparison) -> Iterator[str]:
    """Yield lines that set two models beside each other on the same stored data."""
    second = f"{second} again" if second == first else second
    rows = [
        _agreement("samples", found.samples),
        _agreement("steps of units", found.units),
    ]
    header = ["judged by both", "", f"suspects {first}", f"suspects {second}", "both", "agree"]
    yield text_table(header, rows, right=[1, 2, 3, 4, 5])
    if found.forecasts:
        yield ""
        header = ["forecasts", "came true", "signals", "model", "error", "interval score", "held", "silent"]
        rows = [
            [f"{one.horizon_s:g} s", f"{one.judged:,}", str(one.signals), name, *_foresight(how)]
            for one in found.forecasts
            for name, how in ((first, one.first), (second, one.second))
        ]
        yield text_table(header, rows, right=[1, 2, 4, 5, 6, 7])
        yield "error and interval score: in mean absolute errors of persistence, median over signals"


def metrics(found: Comparison) -> dict[str, float]:
    """The figures of a comparison that a promotion records: champion first, challenger second."""
    told: dict[str, float] = {}
    for name, agreement in (("sample", found.samples), ("unit", found.units)):
        if agreement.judged:
            told[f"{name}s_judged"] = float(agreement.judged)
            told[f"champion_{name}_suspect_share"] = agreement.first_suspects / agreement.judged
            told[f"challenger_{name}_suspect_share"] = agreement.second_suspects / agreement.judged
            told[f"{name}_agreement"] = agreement.alike / agreement.judged
    for one in found.forecasts:
        for name, how in (("champion", one.first), ("challenger", one.second)):
            figures = {
                "error": how.error,
                "interval_score": how.interval_score,
                "coverage": how.coverage,
                "silent_share": how.silent,
            }
            for what, value in figures.items():
                if value is not None:
                    told[f"{name}_{what}_{one.horizon_s:g}s"] = value
    return told


def verdict_metrics(registry: Registry, model: Standing) -> dict[str, float]:
    """What people said of the alarms of a champion, as figures that a promotion records."""
    said = registry.verdicts(model.model.digest, (model.layer, model.context))
    share = precision(said)
    if share is None:
        return {}
    judged = float(said["true"] + said["nuisance"])
    return {"champion_alarms_judged": judged, "champion_alarm_precision": share}


def findings(found: Sequence[Finding]) -> str:
    """Return a table of checks."""
    return text_table(
        ["check", "", "said"], [[one.check, "passed" if one.passed else "FAILED", one.said] for one in found]
    )


def _foresight(found: Foresight) -> list[str]:
    ratios = ["nothing moved" if one is None else f"{one:.3f}" for one in (found.error, found.interval_score)]
    return [*ratios, f"{found.coverage:.1%}", f"{found.silent:.1%}"]


def _agreement(name: str, found: Agreement) -> list[str]:
    alike = f"{found.alike / found.judged:.2%}" if found.judged else ""
    counts = (found.judged, found.first_suspects, found.second_suspects, found.both_suspect)
    return [name, *(f"{count:,}" for count in counts), alike]
