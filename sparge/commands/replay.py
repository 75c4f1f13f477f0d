"""`sparge replay`: recorded data through the topics."""

import heapq
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace as changed
from math import inf
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from schemas.errors import SettingsError
from sparge.commands.publish import pairs, tell_trouble
from sparge.interrupts import on_stop
from sparge.settings import reach
from sparge.terminal import command_name, err, say
from sparge.times import US_PER_S, parse_zone, show_time
from streams.connection import Broker
from streams.importers import Import, ImportOptions, UnitSamples, read
from streams.publisher import Publisher
from streams.sender import FrameSender
from streams.topics import FRAMES, HISTORY, Topic

FLUSH_WITHIN_S = 60.0


def replay(
    file: Annotated[Path, typer.Argument(help="The export of another system.")],
    *,
    zone: Annotated[
        str, typer.Option(help="Where the recorder's clock hung: Europe/Berlin.", show_default=False)
    ] = "",
    site: Annotated[str, typer.Option(help="Site of the bioreactors.")] = "north",
    unit_prefix: Annotated[str, typer.Option(help="Put before each bioreactor's number.")] = "unit-",
    unit_of: Annotated[
        list[str] | None,
        typer.Option(help="UCUM code of a unit as the file spells it: sL/h=L/h.", show_default=False),
    ] = None,
    name_of: Annotated[
        list[str] | None, typer.Option(help="Signal name of a track: FB.PV=feed_rate.", show_default=False)
    ] = None,
    kind: Annotated[str, typer.Option("--format", help="Kind of file, if it is not recognised.")] = "",
    as_live: Annotated[
        bool, typer.Option("--as-live", help="Move the times to now and let it be watched.")
    ] = False,
    speed: Annotated[
        str, typer.Option(help="Recorded seconds in a real one, or max: as fast as the broker takes it.")
    ] = "max",
) -> None:
    """Stream a file of recorded data through the topics.

    It is stored as history, which raises no alarm; --as-live is for looking at it as if it happened now. The
    whole file is checked before anything is sent. The same file replayed again adds nothing.
    """
    if not zone:
        raise SettingsError(
            "The file holds local times, and nothing says of which place.",
            kept="Nothing was sent.",
            next_step=f"{command_name()} replay {file} --zone Europe/Berlin",
        )
    pace = _speed(speed)
    where = parse_zone(zone)
    broker = reach().kafka()
    units, names = pairs(unit_of, "sL/h=L/h"), pairs(name_of, "FB.PV=feed_rate")
    options = ImportOptions(site, where, unit_prefix, unit_map=units, signal_map=names)
    found = read(file, options, kind or None)
    if as_live:
        span_us = found.last_us - found.first_us
        end_us = time.time_ns() // 1000 + (0 if pace is None else round(span_us / pace))
        found = changed(found, shift_us=end_us - found.last_us)
    say(f"{found.source} ({found.title}): {found.total} samples of {len(found.units)} bioreactors,")
    say(f"  {show_time(found.first_us, where)} to {show_time(found.last_us, where)}")
    for note in found.notes:
        say(("  note: ", "bold"), note)
    topic = FRAMES if as_live else HISTORY
    began_s = time.monotonic()
    sent = _send(found, broker, topic, pace)
    rate = sent / max(time.monotonic() - began_s, 1e-3)
    say(f"{sent} samples were acknowledged by the broker, in {topic.name} ({rate:,.0f} samples/s).")
    if sent < found.total:
        say(f"{found.total - sent} samples were not sent: it was ended early. Replay it again for the rest.")
    unit = found.units[0]
    start, end = (show_time(edge, where).replace(" ", "T") for edge in (found.first_us, found.last_us + 1))
    signal = next(iter(unit.units))
    say(f"next: {command_name()} query {site}/{unit.unit} {signal} --from {start} --to {end} --zone {zone}")


def _send(found: Import, broker: Broker, topic: Topic, pace: float | None) -> int:
    """Send everything with progress; returns how many samples the broker has acknowledged."""
    sent = 0
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[shown]}"),
    )
    with Progress(*columns, console=err, refresh_per_second=5) as progress:
        task = progress.add_task(f"to {topic.name}", total=found.total, shown="")
        began_s = time.monotonic()

        def count(samples: int) -> None:
            nonlocal sent
            sent += samples
            rate = sent / max(time.monotonic() - began_s, 1e-3)
            progress.update(
                task, completed=sent, shown=f"{sent} of {found.total} samples, {rate:,.0f} samples/s"
            )

        if pace is None:
            _at_once(found, broker, topic, count)
        else:
            _paced(found, broker, topic, pace, count)
    return sent


def _at_once(found: Import, broker: Broker, topic: Topic, count: Callable[[int], None]) -> None:
    with FrameSender(broker, topic, on_error=tell_trouble) as sender:
        for frame in found.frames():
            sender.send(frame)
            count(sum(len(column.values) for column in frame.signals.values()))
        sender.flush(FLUSH_WITHIN_S)


def _paced(found: Import, broker: Broker, topic: Topic, pace: float, count: Callable[[int], None]) -> None:
    """Send each row when its time has come; ends early, and in order, when somebody wishes it to."""
    ended = threading.Event()
    began_us = time.time_ns() // 1000
    with on_stop(ended.set), ExitStack() as publishers:
        by_unit = {
            unit.unit: publishers.enter_context(
                Publisher(broker, found.site, unit.unit, found.device, epoch=found.epoch, topic=topic)
            )
            for unit in found.units
        }
        for time_us, unit, values in heapq.merge(*map(_rows, found.units), key=lambda row: row[0]):
            due_us = began_us + (time_us + found.shift_us - found.first_us) / pace
            if ended.wait(max(0.0, (due_us - time.time_ns() // 1000) / US_PER_S)):
                return
            units = {name: unit.units[name] for name in values}
            by_unit[unit.unit].add(time_us + found.shift_us, values, units)
            count(len(values))


def _rows(unit: UnitSamples) -> Iterator[tuple[int, UnitSamples, dict[str, float]]]:
    return ((time_us, unit, values) for time_us, values in zip(unit.time_us, unit.rows, strict=True))


def _speed(text: str) -> float | None:
    if text == "max":
        return None
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0.0 < speed < inf:
        raise SettingsError(
            f"'{text}' is no speed.", next_step="--speed max, or recorded seconds in a real one"
        )
    return speed
