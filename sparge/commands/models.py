"""`sparge models`: who speaks where, why, and what people think of it."""

import time
from pathlib import Path
from typing import Annotated

import typer

from agents.models.contenders import NUMPY, read
from agents.models.own_recipe import OwnRecipe
from agents.models.registry import EVERYWHERE, context_text
from agents.models.river_state import RIVER
from schemas.errors import ModelRefused, QueryRefused, StorageError
from schemas.model_event import ModelContext
from sparge.commands.envelope import envelope
from sparge.model_cards import card, comparison, listing, metrics, verdict_metrics, verdicts_text
from sparge.model_check import must_pass
from sparge.model_contexts import names_context
from sparge.model_registry import NOTHING_CHANGED, find, find_anywhere, registry_of, tell
from sparge.model_replay import replay as run_replay
from sparge.model_replay import told
from sparge.model_verdicts import VERDICTS, refuse_repeat, to_judge
from sparge.settings import reach
from sparge.terminal import command_name, err, say
from sparge.times import parse_span_us, parse_time_us, parse_zone, show_time
from storage.model_queries import compare as compare_stored
from storage.queries import reading

app = typer.Typer(no_args_is_help=True)
app.command()(envelope)

Model = Annotated[
    str, typer.Argument(metavar="MODEL", help="Its name, name@version, or the start of its digest.")
]
File = Annotated[Path, typer.Argument(metavar="FILE", help="The recipe, YAML.", show_default=False)]
By = Annotated[str, typer.Option(help="Your name.", show_default=False)]
Why = Annotated[str, typer.Option(help="The reason.", show_default=False)]
LayerOf = Annotated[str | None, typer.Option("--layer", help="Which layer.", show_default=False)]
Unit = Annotated[str | None, typer.Option(help="One bioreactor, SITE/UNIT.", show_default=False)]
Zone = Annotated[str, typer.Option(help="Time zone shown.", show_default="this machine's")]


@app.command("list")
def list_(
    *,
    unit: Unit = None,
    every: Annotated[bool, typer.Option("--all", help="Former and retired models, too.")] = False,
    zone: Zone = "",
) -> None:
    """List champions and challengers by layer and context."""
    registry = registry_of(reach().kafka())
    shown = [
        one
        for one in registry.standings()
        if (every or one.role in {"champion", "challenger"})
        and (unit is None or one.context.unit in {None, unit})
    ]
    say(listing(registry, shown, parse_zone(zone) if zone else None))
    if registry.void:
        say(f"{len(registry.void)} events had no effect: {command_name()} models show MODEL says why.")
    say(f"next: {command_name()} models show {shown[0].model.name}" if shown else "No model is registered.")


@app.command()
@names_context
def show(
    model: Model,
    *,
    layer: LayerOf = None,
    context: ModelContext | None,
    zone: Zone = "",
) -> None:
    """Show a model's card: recipe, versions, training, figures, verdicts, history."""
    registry = registry_of(reach().kafka())
    found = find(registry, model, context, layer)
    for name, text in card(registry, found, parse_zone(zone) if zone else None):
        say((f"{name}: ", "bold"), text)


@app.command()
def compare(
    first: Annotated[str, typer.Argument(help="The champion.", show_default=False)],
    second: Annotated[str, typer.Argument(help="The challenger.", show_default=False)],
    *,
    unit: Unit = None,
    last: Annotated[str, typer.Option(help="The span, such as 1d or 4w.")] = "7d",
) -> None:
    """Set two models beside each other on the same stored data."""
    settings = reach()
    registry = registry_of(settings.kafka())
    digests = find(registry, first, None).model.digest, find(registry, second, None).model.digest
    now_us = time.time_ns() // 1000
    with reading(settings.conninfo(), application="sparge models") as connection:
        found = compare_stored(connection, unit, digests, now_us - parse_span_us(last), now_us + 1)
    for line in comparison(first, second, found):
        say(line)
    for name, digest in zip((first, second), digests, strict=True):
        say(f"verdicts on {name}: {verdicts_text(registry, digest)}")
    if not found.samples.judged and not found.units.judged and not found.forecasts:
        err.print(
            "They have judged nothing in common there: a challenger runs from its registration on.",
            style="yellow",
        )


@app.command()
@names_context
def register(
    file: File,
    *,
    by: By,
    why: Why,
    layer: Annotated[
        str | None,
        typer.Option(help="The shipped layer whose parameters these are; a recipe of River's says its own."),
    ] = None,
    context: ModelContext | None,
    author: Annotated[str, typer.Option(help="Who made the recipe.", show_default="as the recipe says")] = "",
    citation: Annotated[str, typer.Option(help="What to cite.", show_default="as the recipe says")] = "",
) -> None:
    """Check a recipe and make it a challenger: it runs in the shadow and never alarms."""
    broker = reach().kafka()
    registry = registry_of(broker, announce=True)
    text = file.read_text(encoding="utf-8")
    kind, recipe, _ = read(text, layer)
    must_pass(text, layer)
    own = recipe if isinstance(recipe, OwnRecipe) else None
    context = context or (own.context if own else EVERYWHERE)
    tell(
        *(broker, registry, "registered"),
        by=by,
        why=why,
        layer=kind,
        context=context,
        model=recipe.ref,
        recipe=text,
        river_version=RIVER,
        numpy_version=NUMPY,
        author=author or (own.author if own else "") or by,
        citation=citation or (own.citation if own else "") or None,
    )
    say(
        f"{recipe.name}@{recipe.version} is a challenger for {kind}, {context_text(context)}: {recipe.digest}"
    )
    say(f"next: {command_name()} models show {recipe.name}@{recipe.version}")


@app.command()
def check(
    file: File,
    *,
    layer: Annotated[str | None, typer.Option(help="The shipped layer whose parameters these are.")] = None,
    full: Annotated[bool, typer.Option("--full", help="A million samples, however long they take.")] = False,
) -> None:
    """Check a recipe: bad input, snapshot and resume, many samples, cost."""
    must_pass(file.read_text(encoding="utf-8"), layer, full=full)
    say("Every check is passed.")
    say(f"next: {command_name()} models register {file} --by NAME --why REASON")


@app.command()
@names_context
def promote(
    model: Model,
    *,
    by: By,
    why: Why,
    layer: LayerOf = None,
    context: ModelContext | None,
    last: Annotated[str, typer.Option(help="The span whose figures are recorded with it.")] = "7d",
) -> None:
    """Make a challenger the champion of its context; the figures that justify it are recorded."""
    settings = reach()
    broker = settings.kafka()
    registry = registry_of(broker, announce=True)
    found = find(registry, model, context, layer)
    champion = registry.at(found.layer, found.context) or registry.at(found.layer, EVERYWHERE)
    figures: dict[str, float] = {}
    if champion is not None:
        figures |= verdict_metrics(registry, champion)
        try:
            now_us = time.time_ns() // 1000
            with reading(settings.conninfo(), application="sparge models") as connection:
                digests = (champion.model.digest, found.model.digest)
                figures |= metrics(
                    compare_stored(
                        connection, found.context.unit, digests, now_us - parse_span_us(last), now_us + 1
                    )
                )
        except StorageError as error:
            err.print(f"Without figures: {error.message}", style="yellow")
    told = tell(
        *(broker, registry, "promoted"),
        by=by,
        why=why,
        layer=found.layer,
        context=found.context,
        model=found.model,
        metrics=figures or None,
    )
    place = f"{found.layer}, {context_text(found.context)}"
    say(f"{model} is the champion for {place}, since {show_time(told.time_us)}.")
    for name, value in figures.items():
        say(f"  {name} {value:g}")
    if not figures:
        say("No figures justify it: it has judged nothing beside the champion.")
    say(f"undo: {command_name()} models rollback {found.layer} --by NAME --why REASON")


@app.command()
@names_context
def rollback(
    layer: Annotated[str, typer.Argument(help="Such as residual.", show_default=False)],
    *,
    by: By,
    why: Why,
    context: ModelContext | None,
) -> None:
    """Return a context to its former champion, or to that of the next wider context."""
    broker = reach().kafka()
    registry = registry_of(broker, announce=True)
    context = context or EVERYWHERE
    champion = registry.at(layer, context)
    if champion is None:
        raise ModelRefused(
            f"No model is champion for {layer}, {context_text(context)}.",
            kept=NOTHING_CHANGED,
            next_step=f"{command_name()} models list",
        )
    former = registry.former(layer, context)
    tell(
        *(broker, registry, "rolled_back"), by=by, why=why, layer=layer, context=context, model=champion.model
    )
    now = former.model.name if former else "the champion of the next wider context"
    say(f"{champion.model.name} is a challenger again; {now} speaks for {layer}, {context_text(context)}.")
    say(f"undo: {command_name()} models promote {champion.model.name} --by NAME --why REASON")


@app.command()
@names_context
def retire(
    model: Model,
    *,
    by: By,
    why: Why,
    layer: LayerOf = None,
    context: ModelContext | None,
) -> None:
    """Let a challenger run no more; what it said stays."""
    broker = reach().kafka()
    registry = registry_of(broker, announce=True)
    found = find(registry, model, context, layer)
    tell(
        *(broker, registry, "retired"),
        by=by,
        why=why,
        layer=found.layer,
        context=found.context,
        model=found.model,
    )
    say(f"{model} is retired for {found.layer}, {context_text(found.context)}.")


@app.command()
def verdict(
    alarm: Annotated[
        str, typer.Argument(metavar="ALARM", help="SITE/UNIT/SIGNAL/CONDITION.", show_default=False)
    ],
    said: Annotated[str, typer.Argument(metavar="VERDICT", help="true, nuisance or known-work.")],
    *,
    by: By,
    why: Annotated[str, typer.Option(help="What you saw.", show_default=False)] = "",
    raised: Annotated[str, typer.Option(help="When it was raised.", show_default="the last time")] = "",
    zone: Zone = "",
) -> None:
    """Say whether an alarm was true: there was something to do; the model that raised it is judged by it."""
    if said not in VERDICTS:
        raise QueryRefused(f"'{said}' is no verdict: write {', '.join(VERDICTS)}.", kept=NOTHING_CHANGED)
    broker = reach().kafka()
    registry = registry_of(broker, announce=True)
    shown = parse_zone(zone) if zone else None
    raised_us = parse_time_us(raised, shown, time.time_ns() // 1000) if raised else None
    judged = to_judge(broker, registry, alarm, raised_us)
    refuse_repeat(judged, VERDICTS[said], by)
    standing = judged.model
    tell(
        *(broker, registry, "verdict"),
        by=by,
        why=why,
        layer=standing and standing.layer,
        context=standing and standing.context,
        model=judged.raised.model,
        alarm=alarm,
        raised_us=judged.raised.since_us,
        verdict=VERDICTS[said],
    )
    say(judged.told(said, shown))


@app.command()
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
) -> None:
    """Judge a batch again from the log, and compare every score with what is stored, bit by bit."""
    settings = reach()
    broker = settings.kafka()
    registry = registry_of(broker)
    found = find_anywhere(registry, model, layer)
    shown = parse_zone(zone) if zone else None

    def progress(done: int, total: int) -> None:
        err.print(f"{done:,} of {total:,} records", style="dim")

    outcome = run_replay(
        *(broker, settings.conninfo(), found, batch), member=member, zone=shown, progress=progress
    )
    for line in told(outcome, shown):
        say(line)
    same = outcome.differences.small if near else outcome.differences.none
    if near and same and not outcome.differences.none:
        say("The same within 1e-9.")
    if not same:
        raise typer.Exit(1)
