"""`sparge models envelope`: good batches become what the next ones are compared with."""

from pathlib import Path
from typing import Annotated

import typer
import yaml

from agents.models.contenders import NUMPY, SHIPPED, read
from agents.models.golden import EnvelopeRecipe, ReferencedRecipe, References
from agents.models.kept_envelope import keep
from agents.models.registry import EVERYWHERE, Registry, context_text
from agents.models.river_state import RIVER
from schemas.errors import ModelRefused, QueryRefused
from schemas.model_event import ModelContext
from sparge.envelope_building import NOTHING_CHANGED, Built, built, common, named, sound
from sparge.envelopes import send_envelope
from sparge.model_contexts import names_context
from sparge.model_registry import must_be_signed, recipe_in, registry_of, tell
from sparge.settings import reach
from sparge.terminal import command_name, err, say
from storage.queries import reading

LAYER = "envelope"
ANSWER_WITHIN_S = 600.0

By = Annotated[str, typer.Option(help="Your name.", show_default=False)]
Why = Annotated[str, typer.Option(help="The reason.", show_default=False)]


@names_context
def envelope(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What to call it.", show_default=False)],
    *,
    by: By,
    why: Why,
    batch: Annotated[
        list[str] | None,
        typer.Option(
            help="A good batch; once for each. Without: every ended batch of the context in which no alarm "
            "was called true.",
            show_default=False,
        ),
    ] = None,
    member: Annotated[str | None, typer.Option(help="Whose batches.", show_default=False)] = None,
    context: ModelContext | None,
    signal: Annotated[
        list[str] | None, typer.Option(help="Only these signals.", show_default="all that every batch has")
    ] = None,
    recipe: Annotated[
        Path | None,
        typer.Option(help="Other parameters, YAML, such as another least_batches.", show_default="shipped"),
    ] = None,
) -> None:
    """Build an envelope from good batches, and make it a challenger of the envelope that speaks now.

    It applies where is said; if nothing is, to what all the batches have in common.
    """
    must_be_signed(by, why)
    settings = reach()
    broker = settings.kafka()
    registry_of(broker, announce=True)
    base = _base(recipe)
    if not batch and context is None:
        raise QueryRefused(
            "Which batches?",
            kept=NOTHING_CHANGED,
            next_step="name them with --batch, or a context: --unit, --organism, --process, --scale",
        )
    with reading(
        settings.conninfo(), application="sparge models envelope", answer_within_s=ANSWER_WITHIN_S
    ) as connection:
        if batch:
            batches = named(connection, batch, member)
        else:
            batches, left_out = sound(connection, context or EVERYWHERE, member)
            for one in left_out:
                say(f"left out: {one}")
        where = context or common(batches)
        found = built(connection, base, batches, signal or (), _progress)
    kept = keep(found.envelope)
    # Others may have said something while it was built.
    registry = registry_of(broker)
    made = _recipe(base, name, registry, found, kept.digest)
    send_envelope(broker, kept)
    text = yaml.safe_dump(made.model_dump(mode="json"), sort_keys=False, width=110)
    if read(text, LAYER)[1].digest != made.digest:
        raise ModelRefused("The recipe does not read back as it was written.", kept=NOTHING_CHANGED)
    tell(
        *(broker, registry, "registered"),
        by=by,
        why=why,
        layer=LAYER,
        context=where,
        model=made.ref,
        recipe=text,
        river_version=RIVER,
        numpy_version=NUMPY,
        author=by,
        trained_on=found.trained_on,
        metrics=found.metrics(),
    )
    _tell_of(made, found, kept.size_bytes)
    say(f"{made.name}@{made.version} is a challenger for {LAYER}, {context_text(where)}: {made.digest}")
    say(f"next: {command_name()} models promote {made.name}@{made.version} --by NAME --why REASON")


def _base(file: Path | None) -> EnvelopeRecipe:
    text = SHIPPED[LAYER].text() if file is None else recipe_in(file)
    _, recipe, _ = read(text, LAYER)
    if not isinstance(recipe, EnvelopeRecipe) or isinstance(recipe, ReferencedRecipe):
        raise ModelRefused(
            "That is no recipe of an envelope without its batches.",
            kept=NOTHING_CHANGED,
            next_step="copy agents/models/recipes/envelope.yaml and change it",
        )
    return recipe


def _recipe(
    base: EnvelopeRecipe, name: str, registry: Registry, found: Built, digest: str
) -> ReferencedRecipe:
    """The recipe with its references: the next version of that name."""
    taken = {one.model.version for one in registry.standings() if one.model.name == name}
    version = next(str(number) for number in range(1, len(taken) + 2) if str(number) not in taken)
    return ReferencedRecipe(
        **{
            **base.model_dump(),
            "name": name,
            "version": version,
            "references": References(
                envelope=digest,
                batches=found.envelope.batches,
                signals=found.envelope.signals,
                indicator=found.envelope.indicator,
            ),
        }
    )


def _tell_of(made: ReferencedRecipe, found: Built, size_bytes: int) -> None:
    known = found.envelope
    say(
        f"{len(known.batches)} batches, {len(known.signals)} signals by {known.indicator.replace('_', ' ')}, "
        f"{size_bytes / 1024:,.0f} KiB."
    )
    for one in found.judged:
        share = one.suspected / one.judged if one.judged else 0.0
        say(f"  {one.batch}: {share:.2%} of {one.judged:,} steps suspected by the others' envelope")
    if found.left_out:
        say(f"Not in every batch, or not wanted: {', '.join(found.left_out)}")
    if made.shortage:
        say((f"It stays silent: {made.shortage}.", "yellow"))


def _progress(what: str, done: int, of: int) -> None:
    err.print(f"{what}: {done} of {of}", style="dim")
