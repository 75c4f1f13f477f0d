"""`sparge batch`: what the operator tells of a batch."""

import time
from collections.abc import Iterator
from typing import Annotated

import orjson
import typer

from agents.batch_words import culture_of, stage_of
from schemas.batch import BatchEvent, canonical_assays
from schemas.errors import ContractError
from schemas.signals import spec
from sparge.batch_story import check_end, events, running
from sparge.commands.publish import pairs
from sparge.sample_lines import parse_pairs
from sparge.settings import reach
from sparge.terminal import command_name, say
from sparge.times import parse_time_us, parse_zone, show_time
from streams.codec import outgoing
from streams.single import send_one
from streams.tail import read_all
from streams.topics import BATCH_EVENTS

app = typer.Typer(no_args_is_help=True)

NOTHING_SENT = "Nothing was sent."

Unit = Annotated[str, typer.Argument(metavar="SITE/UNIT", help="The bioreactor.", show_default=False)]
At = Annotated[str, typer.Option("--time", help="When it happened.")]
Zone = Annotated[str, typer.Option(help="Time zone of a time without an offset.")]
Operator = Annotated[str | None, typer.Option(help="Who reports it.", show_default=False)]
Name = Annotated[
    str | None, typer.Option("--batch", help="Name of the batch (default: the one that runs in the unit).")
]
Member = Annotated[str | None, typer.Option(help="Institution that owns its data (default: likewise).")]


@app.command()
def start(
    unit: Unit,
    batch: Annotated[str, typer.Argument(help="Its name, unique within the member.", show_default=False)],
    *,
    member: Annotated[str, typer.Option(help="Institution that owns its data.", show_default=False)],
    phase: Annotated[str | None, typer.Option(help="The first phase.", show_default=False)] = None,
    organism: Annotated[str | None, typer.Option(help="Such as E. coli BL21.", show_default=False)] = None,
    process: Annotated[str | None, typer.Option(help="Such as the product.", show_default=False)] = None,
    scale_l: Annotated[float | None, typer.Option(help="Working volume, litres.", show_default=False)] = None,
    operator: Operator = None,
    at: At = "now",
    zone: Zone = "",
) -> None:
    """Tell that a batch starts; it ends the one before it in the unit."""
    described = {"phase": phase, "organism": organism, "process": process, "scale_L": scale_l}
    _send(_event("start", _parts(unit), batch, member, (at, zone), operator=operator, **described))


@app.command()
def phase(
    unit: Unit,
    phase: Annotated[str, typer.Argument(help="The phase that begins.", show_default=False)],
    *,
    batch: Name = None,
    member: Member = None,
    operator: Operator = None,
    at: At = "now",
    zone: Zone = "",
) -> None:
    """Tell that a phase of a batch begins."""
    batch, member = _meant(unit, batch, member)
    _send(_event("phase", _parts(unit), batch, member, (at, zone), operator=operator, phase=phase))


@app.command()
def sample(
    unit: Unit,
    results: Annotated[list[str], typer.Argument(help="Such as OD=4.2 glucose=11.5.", show_default=False)],
    *,
    unit_of: Annotated[
        list[str] | None,
        typer.Option(help="UCUM unit of a result: glucose=g.L-1 (default: the dictionary's)."),
    ] = None,
    batch: Name = None,
    member: Member = None,
    operator: Operator = None,
    at: At = "now",
    zone: Zone = "",
) -> None:
    """Tell the results of an offline sample; --time is when it was drawn."""
    assays = _assays(results, pairs(unit_of, "glucose=g.L-1"))
    batch, member = _meant(unit, batch, member)
    _send(_event("sample", _parts(unit), batch, member, (at, zone), operator=operator, assays=assays))


@app.command()
def end(
    unit: Unit,
    *,
    batch: Name = None,
    member: Member = None,
    operator: Operator = None,
    at: At = "now",
    zone: Zone = "",
) -> None:
    """Tell that a batch has ended, not before its start."""
    batch, member = _meant(unit, batch, member)
    event = _event("end", _parts(unit), batch, member, (at, zone), operator=operator)
    check_end(event, events(read_all(reach().kafka(), BATCH_EVENTS.name)))
    _send(event)


def _parts(unit: str) -> tuple[str, str]:
    site, slash, name = unit.partition("/")
    if not slash:
        raise ContractError(f"'{unit}' is no bioreactor: write SITE/UNIT.", kept=NOTHING_SENT)
    return site, name


def _meant(unit: str, batch: str | None, member: str | None) -> tuple[str, str]:
    """Return batch and member as given, or those of the batch that runs in the unit."""
    if batch is not None and member is not None:
        return batch, member
    key = "/".join(_parts(unit))
    found = running(key, events(read_all(reach().kafka(), BATCH_EVENTS.name)))
    return batch or found.batch, member or found.member


def _event(
    kind: str, unit: tuple[str, str], batch: str, member: str, when: tuple[str, str], **said: object
) -> BatchEvent:
    """Return the event; when: the time as it was typed, and the zone of one without an offset."""
    at, zone = when
    time_us = parse_time_us(at, parse_zone(zone) if zone else None, time.time_ns() // 1000)
    body = {
        "schema": "sparge.batch/1",
        "site": unit[0],
        "unit": unit[1],
        "batch": batch,
        "member": member,
        "event": kind,
        "time_us": time_us,
        **{name: value for name, value in said.items() if value is not None},
    }
    return BatchEvent.decode(orjson.dumps(body))


def _assays(results: list[str], units: dict[str, str]) -> dict[str, dict[str, object]]:
    assays: dict[str, dict[str, object]] = {}
    for name, value in parse_pairs(results, None, 0).values.items():
        declared = spec(name)
        unit = units.get(name) or (declared.unit if declared else None)
        if value is None or unit is None:
            what = "needs a value" if value is None else "is not in the dictionary, so its unit must be given"
            raise ContractError(
                f"{name} {what}.", kept=NOTHING_SENT, next_step=f"{name}=4.2 --unit-of {name}=g.L-1"
            )
        assays[name] = {"value": value, "unit": unit}
    return assays


def _send(event: BatchEvent) -> None:
    canonical_assays(event)
    key, body, headers = outgoing(event)
    send_one(reach().kafka(), BATCH_EVENTS.name, key, body, headers)
    told = {"phase": f"phase {event.phase}", "sample": f"sample with {', '.join(event.assays or ())}"}
    say(
        f"{event.batch} of {event.member} in {event.key}: {told.get(event.event, event.event)} "
        f"at {show_time(event.time_us)}, acknowledged by the broker."
    )
    for said in _not_understood(event):
        say(said)
    say(f"next: {command_name()} query {event.key} --last 10min")


def _not_understood(event: BatchEvent) -> Iterator[str]:
    """What limits cannot make out of an event's words."""
    if event.organism and culture_of(event.organism) is None:
        yield f"Limits do not know {event.organism}: those hold that hold outside batches, of bacteria."
    if event.phase and stage_of(event.phase) is None:
        yield f"Limits do not know the phase {event.phase}: those hold that hold in any."
