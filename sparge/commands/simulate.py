"""`sparge simulate`: bioreactors to believe in, in real time."""

import threading
import time
from contextlib import ExitStack
from typing import Annotated

import typer

from schemas.errors import SettingsError
from simulator.faults import Truth, parse
from simulator.run import Run
from sparge.commands.publish import tell_trouble
from sparge.interrupts import on_stop
from sparge.live import DEVICE, US_PER_S, Clock, LiveUnit, next_due_us
from sparge.settings import reach
from sparge.terminal import command_name, say
from sparge.times import parse_span_us, show_span, show_time
from streams.publisher import Publisher

TELL_EVERY_US = 30 * US_PER_S


def simulate(
    *,
    units: Annotated[int, typer.Option(min=1, max=200, help="How many: BR-01, BR-02, ...")] = 1,
    site: Annotated[str, typer.Option(help="Where they stand.")] = "north",
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same cultures and noise.")] = 1,
    start_h: Annotated[float, typer.Option(min=0.0, help="Culture hour at which they begin.")] = 8.0,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            help="kind[:signal]@second[-second], such as lost_stirrer@20, frozen_probe:DO@30, "
            "lost_device@60-90; may be given several times.",
            show_default=False,
        ),
    ] = None,
    fault_unit: Annotated[str, typer.Option(help="The unit that it happens to.")] = "BR-01",
    duration: Annotated[
        str, typer.Option(help="Simulated span, such as 10min.", show_default="until Ctrl-C")
    ] = "",
    speed: Annotated[
        float, typer.Option(min=0.01, help="Simulated seconds in a real one; above 1 it starts in the past.")
    ] = 1.0,
) -> None:
    """Publish simulated bioreactors in real time.

    One sample a second of every signal of a 2 L fed-batch of E. coli. The true start of a fault is told, to
    judge alarms by.
    """
    duration_s = parse_span_us(duration) / US_PER_S if duration else None
    if speed > 1.0 and duration_s is None:
        raise SettingsError(
            "A simulation faster than real time needs a --duration: it starts that far in the past."
        )
    names = [f"BR-{number:02d}" for number in range(1, units + 1)]
    faults = [parse(text) for text in fault or ()]
    if faults and fault_unit not in names:
        raise SettingsError(f"There is no unit {fault_unit} among {', '.join(names)}.")
    broker = reach().kafka()
    runs = {
        name: Run(seed + number, start_h, faults if name == fault_unit else ())
        for number, name in enumerate(names)
    }
    clock = Clock.ending_now(time.time_ns() // 1000, speed, duration_s)
    ended = threading.Event()
    with on_stop(ended.set), ExitStack() as publishers:
        live = []
        for name, run in runs.items():
            publisher = Publisher(broker, site, name, DEVICE, on_error=tell_trouble)
            live.append(LiveUnit(f"{site}/{name}", run, publishers.enter_context(publisher), clock))
        say(f"Publishing {', '.join(unit.key for unit in live)} to {broker.bootstrap}; Ctrl-C ends.")
        for unit in live:
            for truth in unit.run.truths(clock.origin_us):
                say(("truth: ", "bold"), tell_truth(truth, unit.key))
        _publish(live, clock, duration_s, ended)
    # Leaving the block has waited for the broker: what it had not acknowledged would have been an error.
    say(f"{sum(unit.samples for unit in live)} samples were acknowledged by the broker.")
    say(f"next: {command_name()} query {live[0].key} --last 10min")


def _publish(live: list[LiveUnit], clock: Clock, duration_s: float | None, ended: threading.Event) -> None:
    told_us = began_us = time.time_ns() // 1000
    end_us = None if duration_s is None else clock.real_us(duration_s)
    while not ended.is_set():
        now_us = time.time_ns() // 1000
        for unit in live:
            unit.advance(now_us if end_us is None else min(now_us, end_us))
        if end_us is not None and now_us >= end_us:
            return
        if now_us - told_us >= TELL_EVERY_US:
            told_us = now_us
            samples = sum(unit.samples for unit in live)
            say((f"{samples} samples in {show_span(now_us - began_us)}", "dim"))
        ended.wait(max(0.0, (next_due_us(live, clock) - time.time_ns() // 1000) / US_PER_S))


def tell_truth(truth: Truth, key: str) -> str:
    """Return what really happens to a unit, and exactly when, in words."""
    start = "" if truth.start_us is None else show_time(truth.start_us)
    end = "" if truth.end_us is None else f" to {show_time(truth.end_us)}"
    shown = "the whole unit" if len(truth.signals) > 3 else ", ".join(truth.signals)
    return f"{truth.kind} of {key} from {start}{end} (second {truth.start_s:g}); it shows in {shown}"
