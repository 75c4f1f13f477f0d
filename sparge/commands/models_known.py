"""What is known of models, for `sparge models`: list, card, two beside each other, a batch judged again."""

import time
from typing import Annotated

import typer

from agents.models.registry import Standing
from schemas.errors import QueryRefused, SettingsError, StorageError
from schemas.model_event import ModelContext
from sparge.model_cards import card, comparison, in_order, listing, verdicts_text
from sparge.model_contexts import must_be_unit, names_context
from sparge.model_json import as_line, card_fields, comparison_fields, outcome_fields, standing_fields
from sparge.model_registry import find, find_anywhere, registry_of
from sparge.model_replay import replay as run_replay
from sparge.model_replay import told
from sparge.progress import Progress
from sparge.settings import Settings, reach
from sparge.terminal import command_name, err, out, say
from sparge.times import parse_span_us, parse_zone, show_second
from storage.model_queries import Comparison, OutOfService, out_of_service
from storage.model_queries import compare as compare_stored
from storage.queries import find_unit, reading

Model = Annotated[
    str, typer.Argument(metavar="MODEL", help="Its name, name@version, or the start of its digest.")
]
LayerOf = Annotated[str | None, typer.Option("--layer", help="Which layer.", show_default=False)]
Unit = Annotated[str | None, typer.Option(help="One bioreactor, SITE/UNIT.", show_default=False)]
Zone = Annotated[str, typer.Option(help="Time zone shown.", show_default="UTC")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object a line, for programs.")]
ANSWER_WITHIN_S = 600.0
"""A comparison of weeks may take that long; it can be ended with Ctrl-C."""
LIST_WITHIN_S = 10.0
"""A list does not wait longer for what only the database knows."""


def list_(
    *,
    unit: Unit = None,
    every: Annotated[bool, typer.Option("--all", help="Former and retired models, too.")] = False,
    zone: Zone = "",
    as_json: Json = False,
) -> None:
    """List champions and challengers by layer and context."""
    settings = reach()
    if unit is not None:
        unit = _known(settings, unit)
    registry = registry_of(settings.kafka())
    shown = [
        one
        for one in in_order(registry.standings())
        if (every or one.role in {"champion", "challenger"})
        and (unit is None or one.context.unit in {None, unit})
    ]
    fallen = _fallen(settings, unit)
    if as_json:
        for one in shown:
            out.print(as_line(standing_fields(registry, one, fallen)))
        return
    say(listing(registry, shown, parse_zone(zone) if zone else None, fallen or ()))
    if registry.void:
        say(f"{len(registry.void)} events had no effect: {command_name()} models show MODEL says why.")
    say(f"next: {command_name()} models show {shown[0].model.name}" if shown else "No model is registered.")


def _known(settings: Settings, unit: str) -> str:
    """The unit as site/unit, if the database has it; it is taken as it is where there is no database."""
    try:
        with reading(settings.conninfo(), application="sparge models") as connection:
            return "/".join(find_unit(connection, unit))
    except (StorageError, SettingsError):
        must_be_unit(unit)
        return unit


def _fallen(settings: Settings, unit: str | None = None) -> list[OutOfService] | None:
    """The models that are out of service, in one unit or in any; None, and said, where nobody knows."""
    try:
        with reading(
            settings.conninfo(), application="sparge models", answer_within_s=LIST_WITHIN_S
        ) as connection:
            found = out_of_service(connection)
    except (StorageError, SettingsError, QueryRefused) as error:
        err.print(f"What is out of service is not known: {error.message}", style="yellow")
        return None
    return [one for one in found if unit in {None, one.unit}]


@names_context
def show(
    model: Model,
    *,
    layer: LayerOf = None,
    context: ModelContext | None,
    zone: Zone = "",
    as_json: Json = False,
) -> None:
    """Show a model's card: recipe, versions, training, figures, verdicts, history."""
    settings = reach()
    registry = registry_of(settings.kafka())
    found = find(registry, model, context, layer)
    fallen = _fallen(settings)
    if as_json:
        out.print(as_line(card_fields(registry, found, fallen)))
        return
    for name, text in card(registry, found, parse_zone(zone) if zone else None, fallen or ()):
        say((f"{name}: ", "bold"), text)


def compare(
    first: Annotated[str, typer.Argument(help="The champion.", show_default=False)],
    second: Annotated[str, typer.Argument(help="The challenger.", show_default=False)],
    *,
    unit: Unit = None,
    last: Annotated[str, typer.Option(help="The span, such as 1d or 4w.")] = "7d",
    zone: Zone = "",
    as_json: Json = False,
) -> None:
    """Set two models beside each other on the same stored data."""
    settings = reach()
    registry = registry_of(settings.kafka())
    models = find_anywhere(registry, first), find_anywhere(registry, second)
    now_us = time.time_ns() // 1000
    span_us = now_us - parse_span_us(last), now_us + 1
    shown = parse_zone(zone) if zone else None
    found = compared(settings, unit, models, span_us)
    if as_json:
        out.print(as_line(comparison_fields(registry, models, found, span_us)))
        return
    from_to = " to ".join(show_second(edge_us, shown) for edge_us in span_us)
    say((f"{unit or 'every unit'} from {from_to}", "bold"))
    for line in comparison(first, second, found):
        say(line)
    for name, one in dict(zip((first, second), models, strict=True)).items():
        say(f"verdicts on {name}: {verdicts_text(registry, one.model.digest)}")
    if not found.samples.judged and not found.units.judged and not found.forecasts:
        err.print(
            "They have judged nothing in common there: a challenger runs from its registration on.",
            style="yellow",
        )


def compared(
    settings: Settings, unit: str | None, models: tuple[Standing, Standing], span_us: tuple[int, int]
) -> Comparison:
    """Ask the database how two models compare in a unit, or in all, over a span."""
    first, second = (one.model.digest for one in models)
    with reading(
        settings.conninfo(), application="sparge models", answer_within_s=ANSWER_WITHIN_S
    ) as connection:
        where = None if unit is None else "/".join(find_unit(connection, unit))
        return compare_stored(connection, where, (first, second), *span_us)


def replay(
    *,
    batch: Annotated[str, typer.Option(help="Name of the batch.", show_default=False)],
    model: Annotated[str, typer.Option(help="Name, name@version or digest.", show_default=False)],
    member: Annotated[str | None, typer.Option(help="Whose batch it is.", show_default=False)] = None,
    layer: LayerOf = None,
    near: Annotated[
        bool, typer.Option("--near", help="Let 1e-9 relatively be the same: another platform or library.")
    ] = False,
    zone: Zone = "",
    as_json: Json = False,
) -> None:
    """Judge a batch again from the log, and compare every score with what is stored, bit by bit."""
    settings = reach()
    broker = settings.kafka()
    registry = registry_of(broker)
    found = find_anywhere(registry, model, layer)
    shown = parse_zone(zone) if zone else None
    progress = Progress(lambda text: err.print(text, style="dim"))
    outcome = run_replay(
        *(broker, settings.conninfo(), found, batch), member=member, zone=shown, progress=progress
    )
    same = outcome.differences.small if near else outcome.differences.none
    if as_json:
        out.print(as_line(outcome_fields(outcome)))
    else:
        for line in told(outcome, shown):
            say(line)
        if near and same and not outcome.differences.none:
            say("The same within 1e-9.")
    if not same:
        raise typer.Exit(1)
