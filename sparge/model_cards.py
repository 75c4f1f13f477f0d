"""Models in words: a list of who speaks where, a card of one, two beside each other, a replay's outcome."""

from __future__ import annotations

from typing import TYPE_CHECKING

from agents.models.registry import context_text
from sparge.terminal import text_table
from sparge.times import show_time

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from zoneinfo import ZoneInfo

    from agents.models.checks import Finding
    from agents.models.registry import Registry, Standing
    from storage.model_queries import Agreement, Comparison

RANKS = ("champion", "challenger", "former", "retired")
DIGEST_SHOWN = 12


def listing(registry: Registry, standings: Sequence[Standing], zone: ZoneInfo | None) -> str:
    """Return a table of models: layer by layer, the champion of a context before its challengers."""
    rows = []
    order = sorted(
        standings,
        key=lambda one: (one.layer, context_text(one.context), RANKS.index(one.role), one.model.name),
    )
    for one in order:
        verdicts = registry.verdicts(one.model.digest)
        rows.append(
            [
                one.layer,
                context_text(one.context),
                one.role,
                f"{one.model.name}@{one.model.version}",
                one.model.digest[:DIGEST_SHOWN],
                show_time(one.since_us, zone),
                one.by,
                "/".join(str(verdicts[kind]) for kind in ("true", "nuisance", "known_work")),
            ]
        )
    header = ["layer", "context", "role", "model", "digest", "since", "by", "true/nuisance/known work"]
    return text_table(header, rows)


def card(registry: Registry, model: Standing, zone: ZoneInfo | None) -> Iterator[tuple[str, str]]:
    """Yield everything that is known of a model, as (name, text)."""
    registered = model.registered
    yield "model", f"{model.model.name} {model.model.version}"
    yield "digest", model.model.digest
    yield "layer", model.layer
    yield "context", context_text(model.context)
    yield "role", f"{model.role} since {show_time(model.since_us, zone)}, by {model.by}: {model.why}"
    yield "registered", f"{show_time(registered.time_us, zone)}, by {registered.by}: {registered.why}"
    yield "author", registered.author or "not said"
    yield "citation", registered.citation or "none"
    yield "made with", f"River {registered.river_version}, NumPy {registered.numpy_version or 'not said'}"
    for span in registered.trained_on or ():
        yield (
            "trained on",
            f"{span.topic}/{span.partition} from {span.from_offset} up to {span.to_offset} ({span.topic_id})",
        )
    if not registered.trained_on:
        yield "trained on", "nothing before it ran: its first baseline is of what it saw"
    for name, value in sorted(model.metrics.items()):
        yield "metric", f"{name} {value:g}"
    yield "verdicts", verdicts_text(registry, model.model.digest)
    for event in registry.events:
        if event.model == model.model and event.event != "verdict" and event.layer == model.layer:
            void = f" (no effect: {registry.void[event.id]})" if event.id in registry.void else ""
            what = event.event.replace("_", " ")
            yield "history", f"{show_time(event.time_us, zone)} {what} by {event.by}: {event.why}{void}"
    yield "recipe", "\n" + (registered.recipe or "").rstrip()


def verdicts_text(registry: Registry, digest: str) -> str:
    """What people said of a model's alarms, and of those called true or nuisance the share of true ones."""
    said = registry.verdicts(digest)
    judged = said["true"] + said["nuisance"]
    share = f", {said['true'] / judged:.0%} of the judged were true" if judged else ""
    return f"{said['true']} true, {said['nuisance']} nuisance, {said['known_work']} known work{share}"


def comparison(first: str, second: str, found: Comparison) -> Iterator[str]:
    """Yield lines that set two models beside each other on the same stored data."""
    rows = [
        _agreement("samples", found.samples),
        _agreement("steps of units", found.units),
    ]
    header = ["judged by both", "", f"suspects {first}", f"suspects {second}", "both", "agree"]
    yield text_table(header, rows, right=[1, 2, 3, 4, 5])
    if found.forecasts:
        yield ""
        header = [
            "forecasts",
            "came true",
            f"error, {second} over {first}",
            f"held {first}",
            f"held {second}",
        ]
        yield text_table(
            header,
            [
                [
                    f"{one.horizon_s:g} s",
                    str(one.judged),
                    "no error" if one.ratio is None else f"{one.ratio:.3f}",
                    f"{one.first_coverage:.1%}",
                    f"{one.second_coverage:.1%}",
                ]
                for one in found.forecasts
            ],
            right=[1, 2, 3, 4],
        )


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
        if one.ratio is not None:
            told[f"error_ratio_{one.horizon_s:g}s"] = one.ratio
        told[f"challenger_coverage_{one.horizon_s:g}s"] = one.second_coverage
    return told


def findings(found: Sequence[Finding]) -> str:
    """Return a table of checks."""
    return text_table(
        ["check", "", "said"], [[one.check, "passed" if one.passed else "FAILED", one.said] for one in found]
    )


def _agreement(name: str, found: Agreement) -> list[str]:
    alike = f"{found.alike / found.judged:.2%}" if found.judged else ""
    counts = (found.judged, found.first_suspects, found.second_suspects, found.both_suspect)
    return [name, *(f"{count:,}" for count in counts), alike]
