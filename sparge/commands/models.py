"""`sparge models`: who speaks where, why, and what people think of it."""

import shlex
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
from sparge.commands.models_known import LayerOf, Model, Zone, compare, compared, list_, replay, show
from sparge.model_cards import metrics, verdict_metrics
from sparge.model_check import must_pass
from sparge.model_contexts import names_context, typed
from sparge.model_registry import (
    NOTHING_CHANGED,
    find,
    must_be_signed,
    recipe_in,
    registry_of,
    tell,
)
from sparge.model_verdicts import VERDICTS, refuse_repeat, to_judge
from sparge.settings import reach
from sparge.terminal import command_name, err, say
from sparge.times import US_PER_S, parse_span_us, parse_time_us, parse_zone, show_second, show_span

app = typer.Typer(no_args_is_help=True)
app.command()(envelope)
app.command("list")(list_)
app.command()(show)
app.command()(compare)
app.command()(replay)

File = Annotated[Path, typer.Argument(metavar="FILE", help="The recipe, YAML.", show_default=False)]
By = Annotated[str, typer.Option(help="Your name.", show_default=False)]
Why = Annotated[str, typer.Option(help="The reason.", show_default=False)]


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
    must_be_signed(by, why)
    broker = reach().kafka()
    registry = registry_of(broker, announce=True)
    text = recipe_in(file)
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
    if own is not None:
        say(f"In each unit it learns first, and speaks after {_first_words(own)}.")
    say(f"next: {command_name()} models show {recipe.name}@{recipe.version}{typed(context)}")


def _first_words(recipe: OwnRecipe) -> str:
    steps = recipe.settle_steps + recipe.baseline_steps
    span = show_span(round(steps * recipe.step_s * US_PER_S))
    return f"{span} of samples ({recipe.settle_steps} + {recipe.baseline_steps} steps of {recipe.step_s:g} s)"


@app.command()
def check(
    file: File,
    *,
    layer: Annotated[str | None, typer.Option(help="The shipped layer whose parameters these are.")] = None,
    full: Annotated[bool, typer.Option("--full", help="A million samples, however long they take.")] = False,
) -> None:
    """Check a recipe: bad input, snapshot and resume, many samples, cost."""
    must_pass(recipe_in(file), layer, full=full)
    say("Every check is passed.")
    of_layer = f" --layer {shlex.quote(layer)}" if layer else ""
    say(f"next: {command_name()} models register {shlex.quote(str(file))}{of_layer} --by NAME --why REASON")


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
    zone: Zone = "",
) -> None:
    """Make a challenger the champion of its context; the figures that justify it are recorded."""
    must_be_signed(by, why)
    settings = reach()
    broker = settings.kafka()
    registry = registry_of(broker, announce=True)
    found = find(registry, model, context, layer)
    shown = parse_zone(zone) if zone else None
    champion = registry.at(found.layer, found.context) or registry.at(found.layer, EVERYWHERE)
    figures: dict[str, float] = {}
    without = "it has judged nothing beside a champion"
    if champion is not None:
        figures |= verdict_metrics(registry, champion)
        now_us = time.time_ns() // 1000
        span_us = now_us - parse_span_us(last), now_us + 1
        try:
            figures |= metrics(compared(settings, found.context.unit, (champion, found), span_us))
        except (StorageError, QueryRefused) as error:
            without = f"they could not be had. {error.message}"
            err.print(f"Without a comparison: {error.message}", style="yellow")
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
    say(f"{model} is the champion for {place}, since {show_second(told.time_us, shown)}.")
    for name, value in figures.items():
        say(f"  {name} {value:g}")
    if not figures:
        say(f"No figures justify it: {without}{'' if without.endswith('.') else '.'}")
    where = typed(found.context)
    say(f"undo: {command_name()} models rollback {found.layer}{where} --by NAME --why REASON")


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
    must_be_signed(by, why)
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
    model = f"{champion.model.name}@{champion.model.version} --layer {layer}{typed(context)}"
    say(f"undo: {command_name()} models promote {model} --by NAME --why REASON")


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
    must_be_signed(by, why, reason_needed=False)
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
