"""`sparge retention`: how long data are kept, and which batches are under legal hold."""

from pathlib import Path
from typing import Annotated

import orjson
import typer

from schemas.errors import QueryRefused
from sparge.settings import reach
from sparge.terminal import say, text_table
from sparge.times import show_time, to_us
from storage import keeping
from storage.maintenance.keeping import LEVELS, Rule

app = typer.Typer(no_args_is_help=True)

Level = Annotated[str, typer.Argument(help=f"One of {', '.join(LEVELS)}.", show_default=False)]
OfClass = Annotated[str | None, typer.Option("--class", help="Only signals of it.", show_default=False)]
OfMember = Annotated[str | None, typer.Option("--member", help="Only batches of it.", show_default=False)]
Unit = Annotated[str, typer.Argument(metavar="SITE/UNIT", help="The bioreactor.", show_default=False)]
Batch = Annotated[str, typer.Argument(help="Name of the batch.", show_default=False)]
Owner = Annotated[
    str | None,
    typer.Option("--member", help="Whose batch, if several have it.", show_default=False),
]
Reason = Annotated[str, typer.Option(help="Why; it stands in the audit.", show_default=False)]
File = Annotated[Path, typer.Argument(help="The file, JSON.", show_default=False)]


@app.callback()
def retention() -> None:
    """Set how long data are kept; without a rule, for ever. Each change is in the audit."""


@app.command("list")
def list_() -> None:
    """Show the rules, those that apply to nothing, and the legal holds."""
    with keeping.keeping(reach().conninfo()) as connection:
        rules, idle, holds = (
            keeping.rules(connection),
            keeping.unmatched(connection),
            keeping.holds(connection),
        )
    if rules:
        rows = [[r.level, r.signal_class or "any", r.member or "any", str(r.keep_days)] for r in rules]
        say(text_table(["level", "class", "member", "days"], rows, right=[3]))
    else:
        say("No rules: everything is kept for ever.")
    for rule in idle:
        say(("applies to nothing yet: ", "yellow"), keeping.described(rule))
    if holds:
        told = [[h.unit, h.batch, h.member, h.reason, show_time(to_us(h.placed_at), None)] for h in holds]
        say(text_table(["held: unit", "batch", "member", "reason", "since"], told))
    else:
        say("No batch is under legal hold.")


@app.command("set")
def set_(
    level: Level,
    days: Annotated[int, typer.Argument(help="Whole days (UTC) to keep it.", show_default=False)],
    *,
    signal_class: OfClass = None,
    member: OfMember = None,
) -> None:
    """Keep a level for so many days; a rule for a member wins over one for a class."""
    rule = Rule(level, signal_class, member, days)
    with keeping.keeping(reach().conninfo()) as connection:
        changed = keeping.set_rule(connection, rule)
        idle = rule in keeping.unmatched(connection)
    say(f"{keeping.described(rule)}: {days} days{'' if changed else ', as before'}.")
    if idle:
        say(("applies to nothing yet: ", "yellow"), "no stored batch or signal is of it")


@app.command()
def unset(level: Level, *, signal_class: OfClass = None, member: OfMember = None) -> None:
    """Take a rule away."""
    with keeping.keeping(reach().conninfo()) as connection:
        keeping.unset_rule(connection, level, signal_class, member)
    say(f"{keeping.described(Rule(level, signal_class, member, 0))}: no rule any more.")


@app.command()
def hold(unit: Unit, batch: Batch, *, reason: Reason, member: Owner = None) -> None:
    """Place a legal hold on a batch: nothing of what it covers is dropped."""
    with keeping.keeping(reach().conninfo()) as connection:
        placed = keeping.place(connection, unit, batch, member, reason)
    say(f"{batch} in {unit} is under legal hold{'' if placed else ', as before'}.")


@app.command()
def release(unit: Unit, batch: Batch, *, reason: Reason, member: Owner = None) -> None:
    """Release a batch from its legal hold: the rules apply to it again."""
    with keeping.keeping(reach().conninfo()) as connection:
        keeping.release(connection, unit, batch, member, reason)
    say(f"{batch} in {unit} is released.")


@app.command()
def save(file: File) -> None:
    """Write rules, holds and audit to a file, by names, for a database that is rebuilt from the log."""
    with keeping.keeping(reach().conninfo()) as connection:
        told = keeping.saved(connection)
    file.write_bytes(orjson.dumps(told, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))
    say(f"{len(told['rules'])} rules, {len(told['holds'])} holds, {len(told['audit'])} audit entries: {file}")


@app.command()
def load(file: File) -> None:
    """Take up what `sparge retention save` wrote, beside what is there; once every batch is known again."""
    try:
        told = orjson.loads(file.read_bytes())
    except orjson.JSONDecodeError as error:
        raise QueryRefused(f"{file} is not JSON.", detail=str(error), kept="Nothing was changed.") from error
    with keeping.keeping(reach().conninfo()) as connection:
        missing = keeping.load(connection, told)
    if missing:
        names = ", ".join(f"{hold.batch} of {hold.member} in {hold.unit}" for hold in missing)
        raise QueryRefused(
            f"Not known here yet, so not held: {names}.",
            kept="The other holds are placed, and no rule is set: nothing is dropped.",
            next_step=f"sparge retention load {file}, once the workers have caught up",
        )
    say(f"{len(told['rules'])} rules and {len(told['holds'])} holds are in force.")
