"""`sparge simulate`: bioreactors to believe in, as devices publish them or as files."""

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from schemas.errors import SettingsError
from simulator.faulting.fault import Fault, parse
from simulator.faulting.plan import read_plan
from simulator.faulting.truth import Truth
from simulator.fleet import SECONDS_PER_H, Fleet, Reactor, ucum
from simulator.recipes.recipe import recipe, recipe_names
from simulator.sensing.style import STYLES, Style, style
from simulator.vessels.vessel import vessel_names
from sparge.commands.publish import tell_trouble
from sparge.interrupts import on_stop
from sparge.live import US_PER_S, Clock, LiveFleet, batch_events
from sparge.recording import Recording
from sparge.settings import reach
from sparge.terminal import command_name, err, say
from sparge.times import parse_span_us, parse_time_us, show_span, show_time
from streams.batch_sender import BatchSender
from streams.fleet_publisher import FleetPublisher

TELL_EVERY_US = 30 * US_PER_S
MOST_UNITS = 1000
USUAL_KIND = "e_coli@2L"
WHOLE = "batch"
FILES_BEGIN = "2026-01-01T00:00:00Z"
"""The same simulation gives the same file, so its times must not be those of the day."""

FASTER = (
    "note: alarms go by the time of the log, not of the device: delays and rates of what is published faster "
    "than real time do not mean what they mean in life."
)

_KIND = re.compile(r"(?P<recipe>[a-z0-9_]+)@(?P<vessel>[A-Za-z0-9_]+)(?:=(?P<count>[0-9]+))?")


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is to be simulated."""

    reactors: tuple[Reactor, ...]
    site: str
    member: str
    start_h: float
    faults: tuple[Fault, ...]
    style: Style
    step_s: float
    duration_s: float | None

    def fleet(self) -> Fleet:
        with _progress("growing the cultures", self.start_h > 0.0) as told:
            return Fleet(
                self.reactors,
                start_h=self.start_h,
                faults=self.faults,
                style=self.style,
                step_s=self.step_s,
                told=told,
            )

    def about(self) -> dict[str, Any]:
        return {
            "site": self.site,
            "member": self.member,
            "reactors": [asdict(one) for one in self.reactors],
            "start_h": self.start_h,
            "style": self.style.name,
            "step_s": self.step_s,
            "duration_s": self.duration_s,
        }


def simulate(
    *,
    units: Annotated[
        int,
        typer.Option(
            min=1, max=MOST_UNITS, help="How many of each kind that has no COUNT: BR-01, BR-02, ..."
        ),
    ] = 1,
    kind: Annotated[
        list[str] | None,
        typer.Option(
            help=f"RECIPE@VESSEL[=COUNT], may be given several times. Recipes: {', '.join(recipe_names())}; "
            f"vessels: {', '.join(vessel_names())}.",
            show_default=USUAL_KIND,
        ),
    ] = None,
    site: Annotated[str, typer.Option(help="Where they stand.")] = "north",
    member: Annotated[str, typer.Option(help="Who owns their batches.", show_default="the site")] = "",
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same cultures and noise.")] = 1,
    start_h: Annotated[float, typer.Option(min=0.0, help="Culture hour at which they begin.")] = 8.0,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            help="kind[:signal]@start[-end], such as lost_stirrer@20, biased_probe:pH@2h-3h; may be given "
            "several times. The kinds stand in docs/reference/faults.md.",
            show_default=False,
        ),
    ] = None,
    fault_unit: Annotated[str, typer.Option(help="The unit that --fault happens to.")] = "BR-01",
    faults: Annotated[Path | None, typer.Option(help="A plan of faults in YAML.", show_default=False)] = None,
    devices: Annotated[str, typer.Option(help=f"How faithfully they report: {', '.join(STYLES)}.")] = "plant",
    step: Annotated[float, typer.Option(min=1.0, max=10.0, help="Seconds between two readings.")] = 1.0,
    duration: Annotated[
        str,
        typer.Option(
            help=f"Simulated span, such as 10min, or {WHOLE}: until all are harvested.",
            show_default="until Ctrl-C",
        ),
    ] = "",
    speed: Annotated[
        str,
        typer.Option(help="Simulated seconds in a real one, or max; above 1 it starts in the past."),
    ] = "1",
    to: Annotated[
        Path | None,
        typer.Option(help="Write to this Parquet file, the truth beside it, instead of publishing."),
    ] = None,
    begin: Annotated[str, typer.Option(help="Time of the first second in the file.")] = FILES_BEGIN,
) -> None:
    """Simulate bioreactors: publish, or write to a file.

    Every culture has its process, instruments, controllers and operators. The truth about a fault is told,
    to judge alarms by. A file comes with the true values (.truth.parquet) and with the faults and batches
    (.truth.json) beside it.
    """
    reactors = _reactors(kind or [], units, seed)
    named = [one.name for one in reactors]
    asked = _Asked(
        reactors=reactors,
        site=site,
        member=member or site,
        start_h=start_h,
        faults=_faults(fault or [], fault_unit, faults, named, seed),
        style=style(devices),
        step_s=step,
        duration_s=_duration(duration, reactors, start_h),
    )
    _refuse_what_never_happens(asked)
    if to is not None:
        Recording.check(to)
        if asked.duration_s is None:
            raise SettingsError(
                "A file needs an end.", next_step=f"--duration 12h, or --duration {WHOLE} for whole batches"
            )
        _record(asked, to, parse_time_us(begin, None, time.time_ns() // 1000))
    else:
        _publish(asked, _speed(speed, asked.duration_s))


def _publish(asked: _Asked, speed: float | None) -> None:
    broker = reach().kafka()
    fleet = asked.fleet()
    began_us = time.time_ns() // 1000
    span_us = round((asked.duration_s or 0.0) * US_PER_S)
    clock = (
        Clock(began_us, began_us - span_us)
        if speed is None
        else Clock.ending_now(began_us, speed, asked.duration_s)
    )
    ended = threading.Event()
    with (
        on_stop(ended.set),
        FleetPublisher(broker, on_error=tell_trouble) as publisher,
        BatchSender(broker) as events,
    ):
        live = LiveFleet(fleet, publisher, events, clock, site=asked.site, member=asked.member)
        shown = ", ".join(live.keys[:5]) + (f" and {len(live.keys) - 5} more" if live.keys[5:] else "")
        say(f"Publishing {shown} to {broker.bootstrap}; Ctrl-C ends.")
        if speed is None or speed > 1.0:
            say((FASTER, "yellow"))
        for truth in fleet.truths(clock.origin_us):
            say(("truth: ", "bold"), tell_truth(truth, f"{asked.site}/{truth.unit}"))
        if speed is None:
            _rush(live, publisher, float(asked.duration_s or 0.0), ended)
        else:
            _keep_pace(live, asked.duration_s, ended)
        live.tell_the_rest()
    # Leaving the block has waited for the broker: what it had not acknowledged would have been an error.
    say(f"{live.samples} samples were acknowledged by the broker.")
    say(f"next: {command_name()} query {live.keys[0]} --last 10min")


def _keep_pace(live: LiveFleet, duration_s: float | None, ended: threading.Event) -> None:
    told_us = began_us = time.time_ns() // 1000
    end_us = None if duration_s is None else live.clock.real_us(duration_s)
    while not ended.is_set():
        now_us = time.time_ns() // 1000
        live.advance(now_us if end_us is None else min(now_us, end_us))
        if live.fleet.over or (end_us is not None and now_us >= end_us):
            return
        if now_us - told_us >= TELL_EVERY_US:
            told_us = now_us
            say((f"{live.samples} samples in {show_span(now_us - began_us)}", "dim"))
        ended.wait(max(0.0, (live.next_due_us() - time.time_ns() // 1000) / US_PER_S))


def _rush(live: LiveFleet, publisher: FleetPublisher, duration_s: float, ended: threading.Event) -> None:
    fleet = live.fleet
    with _progress("publishing", shown=True) as told:
        while fleet.time_s < duration_s and not fleet.over and not ended.is_set():
            live.step()
            if round(fleet.time_s / fleet.step_s) % 10 == 0:
                publisher.post()
                told(fleet.time_s / duration_s)


def _record(asked: _Asked, path: Path, origin_us: int) -> None:
    fleet = asked.fleet()
    duration_s = float(asked.duration_s or 0.0)
    names = [one.name for one in fleet.reactors]
    measured = [fleet.measured(unit) for unit in range(len(names))]
    hidden = [*fleet.hidden()]
    events: list[dict[str, Any]] = []
    ended = threading.Event()
    with (
        on_stop(ended.set),
        Recording(path, asked.site, ucum([*fleet.signals, *hidden]), asked.about()) as recording,
        _progress("simulating", shown=True) as told,
    ):
        while fleet.time_s < duration_s and not fleet.over and not ended.is_set():
            for row in fleet.step().rows():
                time_us = origin_us + round(row.time_s * US_PER_S)
                recording.add(names[row.unit], time_us, row.values, row.statuses)
            now_us = origin_us + round(fleet.time_s * US_PER_S)
            lists = {signal: values.tolist() for signal, values in {**fleet.truth, **fleet.hidden()}.items()}
            for unit, name in enumerate(names):
                recording.add_truth(
                    name, now_us, {signal: lists[signal][unit] for signal in (*measured[unit], *hidden)}
                )
            told(fleet.time_s / duration_s)
            events += _told(fleet, asked, origin_us)
        events += _told(fleet, asked, origin_us, to_come=True)
        recording.close({"faults": [asdict(truth) for truth in fleet.truths(origin_us)], "batches": events})
    say(f"{recording.samples} samples of {show_span(round(fleet.time_s * US_PER_S))} in {recording.path};")
    say(f"  true values in {recording.truth_path}, faults and batches in {recording.story_path}.")
    if fleet.time_s < duration_s and not fleet.over:
        say(f"It was ended after {fleet.time_s / SECONDS_PER_H:.2f} of {duration_s / SECONDS_PER_H:.2f} h.")


def _told(fleet: Fleet, asked: _Asked, origin_us: int, *, to_come: bool = False) -> list[dict[str, Any]]:
    events = batch_events(fleet, origin_us, site=asked.site, member=asked.member, to_come=to_come)
    return [event.model_dump(mode="json", by_alias=True, exclude_none=True) for event in events]


def _refuse_what_never_happens(asked: _Asked) -> None:
    over_h = max(recipe(one.recipe).longest_h for one in asked.reactors)
    if asked.start_h >= over_h:
        raise SettingsError(
            f"These batches are over after {over_h:g} h at the latest, before --start-h {asked.start_h:g}."
        )
    for fault in asked.faults:
        if asked.duration_s is not None and fault.start_s >= asked.duration_s:
            raise SettingsError(
                f"The fault {fault} would begin after the end of the simulation ({asked.duration_s:g} s).",
                next_step="a longer --duration, or an earlier fault",
            )


def _reactors(kinds: list[str], units: int, seed: int) -> tuple[Reactor, ...]:
    """Return the bioreactors of all kinds, numbered through; each has a seed of its own."""
    asked: list[tuple[str, str]] = []
    for text in kinds or [USUAL_KIND]:
        found = _KIND.fullmatch(text)
        if found is None:
            raise SettingsError(
                f"'{text}' is not a kind of bioreactor.", next_step="RECIPE@VESSEL[=COUNT]: cho@2L_cell=4"
            )
        if found["vessel"] not in vessel_names():
            raise SettingsError(
                f"There is no vessel {found['vessel']!r}; there are {', '.join(vessel_names())}."
            )
        recipe(found["recipe"])
        count = int(found["count"]) if found["count"] else units
        asked += [(found["recipe"], found["vessel"])] * count
    if not 1 <= len(asked) <= MOST_UNITS:
        raise SettingsError(f"One simulation has 1 to {MOST_UNITS} bioreactors, not {len(asked)}.")
    digits = max(2, len(str(len(asked))))
    return tuple(
        Reactor(f"BR-{number:0{digits}d}", made, hull, seed + number - 1)
        for number, (made, hull) in enumerate(asked, start=1)
    )


def _faults(texts: list[str], unit: str, plan: Path | None, names: list[str], seed: int) -> tuple[Fault, ...]:
    if texts and unit not in names:
        raise SettingsError(f"There is no unit {unit} among {', '.join(names)}.")
    found = [parse(text if "/" in text else f"{unit}/{text}") for text in texts]
    if plan is not None:
        try:
            found += read_plan(plan.read_text(encoding="utf-8"), names, seed)
        except OSError as wrong:
            raise SettingsError(f"The plan of faults {plan} cannot be read: {wrong.strerror}.") from wrong
        except UnicodeDecodeError as wrong:
            raise SettingsError(f"The plan of faults {plan} is not text in UTF-8.") from wrong
    return tuple(found)


def _duration(text: str, reactors: tuple[Reactor, ...], start_h: float) -> float | None:
    if not text:
        return None
    if text == WHOLE:
        longest_h = max(recipe(one.recipe).longest_h for one in reactors)
        return max(longest_h - start_h, 0.0) * SECONDS_PER_H
    return parse_span_us(text) / US_PER_S


def _speed(text: str, duration_s: float | None) -> float | None:
    """Return simulated seconds in a real one; None: as fast as it goes."""
    if text == "max":
        speed = None
    else:
        try:
            speed = float(text)
        except ValueError:
            speed = 0.0
        if not 0.01 <= speed <= 1e6:
            raise SettingsError(f"'{text}' is not a speed.", next_step="--speed 1, --speed 60 or --speed max")
    if (speed is None or speed > 1.0) and duration_s is None:
        raise SettingsError(
            "A simulation faster than real time needs a --duration: it starts that far in the past."
        )
    return speed


@contextmanager
def _progress(what: str, shown: bool) -> Iterator[Any]:  # noqa: FBT001 - whether there is anything to show
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn())
    with Progress(*columns, console=err, refresh_per_second=5, disable=not shown, transient=True) as progress:
        task = progress.add_task(what, total=1.0)

        def told(share: float) -> None:
            progress.update(task, completed=share)

        yield told


def tell_truth(truth: Truth, key: str) -> str:
    """Return what really happens to a unit, and exactly when, in words."""
    start = "" if truth.start_us is None else show_time(truth.start_us)
    end = "" if truth.end_us is None else f" to {show_time(truth.end_us)}"
    shown = "the whole unit" if len(truth.signals) > 6 else ", ".join(truth.signals)
    return f"{truth.kind} of {key} from {start}{end} (second {truth.start_s:g}); it shows in {shown}"
