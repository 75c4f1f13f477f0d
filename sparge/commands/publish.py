"""`sparge publish`: samples from the command line, a file or another program."""

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, TextIO
from zoneinfo import ZoneInfo

import typer

from schemas.aliases import canonical
from schemas.errors import BrokerError, ContractError, SpargeError
from schemas.frame import MAX_AHEAD_US, SensorFrame
from schemas.signals import DICTIONARY, spec
from sparge.interrupts import on_stop
from sparge.sample_lines import SampleLine, parse_line, parse_pairs
from sparge.settings import reach
from sparge.terminal import command_name, err, say
from sparge.times import parse_zone, show_span, show_time
from streams.publisher import Publisher
from streams.topics import FRAMES, HISTORY

NOTHING_OF_IT = "Nothing of it was sent."
ALIKE = 0.5
"""Two names as alike as this may be meant for each other: D0 and DO, temp and temperature."""

SHOWN_US = 600_000_000
"""The command to type next shows the last 10 minutes; what is older is asked for by its time."""


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
        typer.Option(help="UCUM unit of a signal outside the dictionary: xylose=g/L.", show_default=False),
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
    units = pairs(unit_of, "xylose=g/L")
    topic = HISTORY if history else FRAMES
    sent = _Sent()
    broker = reach().kafka()
    with Publisher(broker, site, unit, device, topic=topic, on_error=tell_trouble) as publisher:
        if samples:
            one = parse_pairs(samples, asked_zone, time.time_ns() // 1000)
            _refuse_without_value(units, one)
            _send(publisher, one, units, sent)
        elif file is not None:
            # A byte that is no UTF-8 is no sample either: the line that it stands in is named.
            with file.open(encoding="utf-8", errors="replace") as lines:
                _send_lines(publisher, lines, units, asked_zone, sent)
        else:
            _send_lines(publisher, sys.stdin, units, asked_zone, sent)
    # Leaving the block has waited for the broker: what it had not acknowledged would have been an error.
    noun, were = ("sample", "was") if sent.count == 1 else ("samples", "were")
    say(f"{sent.count} {noun} of {site}/{unit} {were} acknowledged by the broker, in {topic.name}.")
    say(f"next: {command_name()} query {site}/{unit} {sent.span(time.time_ns() // 1000)}")


@dataclass(slots=True)
class _Sent:
    """How many samples were handed over, and the span of their times, microseconds UTC."""

    count: int = 0
    times_us: list[int] = field(default_factory=list)

    def note(self, count: int, times_us: Sequence[int]) -> None:
        self.count += count
        if known := [*self.times_us, *times_us]:
            self.times_us = [min(known), max(known)]

    def span(self, now_us: int) -> str:
        """Return the options with which a query shows them."""
        if not self.times_us or self.times_us[0] > now_us - SHOWN_US:
            return "--last 10min"
        first, end = (show_time(edge).replace(" ", "T") for edge in (self.times_us[0], self.times_us[1] + 1))
        return f"--from {first} --to {end}"


def _send(publisher: Publisher, said: SampleLine | SensorFrame, units: dict[str, str], sent: _Sent) -> None:
    if isinstance(said, SensorFrame):
        publisher.send(said)
        sent.note(sum(len(column.values) for column in said.signals.values()), said.time_us)
        return
    given = {name: units[name] for name in said.values if name in units}
    unknown = [name for name in said.values if name not in given and spec(name) is None]
    if unknown:
        meant = _meant(unknown[0])
        raise ContractError(
            f"{', '.join(unknown)}: not in the dictionary of signals, so its unit must be given."
            + (f" Did you mean {' or '.join(meant)}?" if meant else ""),
            kept=NOTHING_OF_IT,
            next_step=f"correct the name, or say its UCUM unit: --unit-of {unknown[0]}=g/L",
        )
    _refuse_ahead(said.time_us, time.time_ns() // 1000)
    publisher.add(said.time_us, said.values, given)
    sent.note(len(said.values), [said.time_us])


def _meant(name: str) -> list[str]:
    """The signals that somebody may mean: what vendors and people call so, else those of a similar name."""
    alias = canonical(name)
    if alias is not None:
        return [alias.signal]
    near = get_close_matches(name.casefold(), list(map(str.casefold, DICTIONARY)), 2, ALIKE)
    return [known for known in DICTIONARY if known.casefold() in near]


def _refuse_without_value(units: dict[str, str], said: SampleLine) -> None:
    for name in units:
        if name not in said.values:
            raise ContractError(
                f"--unit-of names {name}, which has no value here.",
                kept=NOTHING_OF_IT,
                next_step=f"name one of {', '.join(said.values)}; capital letters count",
            )


def _refuse_ahead(time_us: int, now_us: int) -> None:
    """Refuse now what the broker's clock would make a dead letter a moment later."""
    if time_us - now_us > MAX_AHEAD_US:
        raise ContractError(
            f"The time {show_time(time_us)} is {show_span(time_us - now_us)} ahead; 24 h are allowed.",
            kept=NOTHING_OF_IT,
            next_step="correct the time, or this machine's clock",
        )


class _Ended(Exception):
    """Somebody wishes the reading to end."""


def _end() -> None:
    raise _Ended


def _send_lines(
    publisher: Publisher, lines: TextIO, units: dict[str, str], zone: ZoneInfo | None, sent: _Sent
) -> None:
    number = 0
    try:
        with on_stop(_end):
            for line in lines:
                number += 1
                said = parse_line(line, zone, time.time_ns() // 1000)
                if said is not None:
                    _send(publisher, said, units, sent)
    except _Ended:
        return
    except SpargeError as error:
        error.message = f"line {number}: {error.message}"
        error.kept = f"The {sent.count} samples of the lines before it were published."
        raise


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
