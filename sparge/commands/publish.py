"""`sparge publish`: samples from the command line, a file or another program."""

import sys
import time
from pathlib import Path
from typing import Annotated, TextIO
from zoneinfo import ZoneInfo

import typer

from schemas.errors import BrokerError, ContractError, SpargeError
from schemas.frame import SensorFrame
from schemas.signals import spec
from sparge.interrupts import on_stop
from sparge.sample_lines import SampleLine, parse_line, parse_pairs
from sparge.settings import reach
from sparge.terminal import command_name, err, say
from sparge.times import parse_zone
from streams.publisher import Publisher
from streams.topics import FRAMES, HISTORY


def publish(
    samples: Annotated[
        list[str] | None,
        typer.Argument(help="DO=39.8 pH=7.01 [time=...]; without any, lines are read.", show_default=False),
    ] = None,
    *,
    site: Annotated[str, typer.Option(help="Where the bioreactor is.")],
    unit: Annotated[str, typer.Option(help="The bioreactor.")],
    device: Annotated[str, typer.Option(help="The device that measured.")] = "sparge-publish",
    unit_of: Annotated[
        list[str] | None,
        typer.Option(help="UCUM unit of a signal outside the dictionary: glucose=g/L.", show_default=False),
    ] = None,
    file: Annotated[
        Path | None, typer.Option(help="File with a line a moment.", show_default="standard input")
    ] = None,
    zone: Annotated[str, typer.Option(help="Time zone of times without an offset.")] = "",
    history: Annotated[
        bool, typer.Option("--history", help="Backfill: store it, and do not watch it as live.")
    ] = False,
) -> None:
    """Publish samples of a bioreactor.

    A line is `DO=39.8 pH=7.01 time=2026-03-01T14:30:00Z`, a JSON object such as {"time": "...", "DO": 39.8},
    or a whole frame. Without a time, now is meant. Done means: acknowledged by the broker.
    """
    asked_zone = parse_zone(zone) if zone else None
    units = pairs(unit_of, "glucose=g/L")
    topic = HISTORY if history else FRAMES
    count = 0
    broker = reach().kafka()
    with Publisher(broker, site, unit, device, topic=topic, on_error=tell_trouble) as publisher:
        if samples:
            count = _send(publisher, parse_pairs(samples, asked_zone, time.time_ns() // 1000), units)
        elif file is not None:
            with file.open(encoding="utf-8") as lines:
                count = _send_lines(publisher, lines, units, asked_zone)
        else:
            count = _send_lines(publisher, sys.stdin, units, asked_zone)
    # Leaving the block has waited for the broker: what it had not acknowledged would have been an error.
    say(f"{count} samples of {site}/{unit} were acknowledged by the broker, in {topic.name}.")
    say(f"next: {command_name()} query {site}/{unit} --last 10min")


def _send(publisher: Publisher, said: SampleLine | SensorFrame, units: dict[str, str]) -> int:
    if isinstance(said, SensorFrame):
        publisher.send(said)
        return sum(len(column.values) for column in said.signals.values())
    given = {name: units[name] for name in said.values if name in units}
    unknown = [name for name in said.values if name not in given and spec(name) is None]
    if unknown:
        raise ContractError(
            f"{', '.join(unknown)}: not in the dictionary of signals, so its unit must be given.",
            next_step=f"--unit-of {unknown[0]}=g/L",
        )
    publisher.add(said.time_us, said.values, given)
    return len(said.values)


class _Ended(Exception):
    """Somebody wishes the reading to end."""


def _end() -> None:
    raise _Ended


def _send_lines(publisher: Publisher, lines: TextIO, units: dict[str, str], zone: ZoneInfo | None) -> int:
    count = number = 0
    try:
        with on_stop(_end):
            for line in lines:
                number += 1
                said = parse_line(line, zone, time.time_ns() // 1000)
                count += _send(publisher, said, units) if said is not None else 0
    except _Ended:
        return count
    except SpargeError as error:
        error.message = f"line {number}: {error.message}"
        error.kept = f"The {count} samples of the lines before it were published."
        raise
    return count


def pairs(texts: list[str] | None, example: str) -> dict[str, str]:
    """Return what `name=value` texts say; raises ContractError showing the example."""
    said = {}
    for text in texts or ():
        name, equals, value = text.partition("=")
        if not equals or not name or not value:
            raise ContractError(f"'{text}' is not of the form {example}.")
        said[name] = value
    return said


def tell_trouble(error: BrokerError) -> None:
    """Say what a publisher's thread noticed, while it goes on."""
    err.print(f"{error.message} {error.detail}", style="yellow")
