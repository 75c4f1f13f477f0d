"""`sparge demo`: the whole path, from two bioreactors to an operator's alert and an analyst's query."""

import threading
import time
from concurrent.futures import Future
from concurrent.futures import wait as wait_for
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from schemas.alarm import AlarmTransition
from schemas.errors import AlreadyRunning, DatabaseRefused, LogMismatch, PartFailed, SettingsError
from schemas.signals import spec
from simulator.faulting.fault import Fault, parse
from simulator.faulting.kinds import FaultKind
from simulator.faulting.truth import Truth
from sparge.alarm_board import lines
from sparge.background import in_background
from sparge.bringup import PARTS, System
from sparge.commands.simulate import tell_truth
from sparge.commands.up import ALREADY_RUNNING, reaching, show_already_running
from sparge.demo import FAULTED, Scenario, cultures
from sparge.home import Home
from sparge.interrupts import on_stop
from sparge.screen import Lines, show_running
from sparge.settings import Settings, load
from sparge.terminal import command_name, say
from storage import throwaway
from streams.admin import LogIdentity

if TYPE_CHECKING:
    from simulator.fleet import Fleet

INTERRUPTED = 130
"""Exit code of what was ended by Ctrl-C, as shells have it."""

MADE_DATABASE = "demo-database"
"""File with the name of the database that the demonstration made beside the named one."""

STARTED_WITHIN_S = 120.0
"""More than everything takes from its start until both bioreactors were well for a while."""

ALARMED = (FaultKind.LOST_STIRRER, FaultKind.FROZEN_PROBE, FaultKind.LOST_DEVICE)
"""Faults whose alarm comes for certain, in any culture."""

LAST_SAMPLES_S = 3.0
"""The simulation gets so long to hand over its last samples before the broker is stopped."""


def demo(
    *,
    until_alert: Annotated[
        bool, typer.Option("--until-alert", help="End with 0 when the alert is stored and read back.")
    ] = False,
    fresh: Annotated[
        bool, typer.Option("--fresh/--keep", help="Start anew, or go on with the demonstration before.")
    ] = True,
    fault: Annotated[
        str, typer.Option(help="What goes wrong: lost_stirrer, frozen_probe:DO or lost_device.")
    ] = "lost_stirrer",
    timeout: Annotated[
        float, typer.Option(min=1.0, help="Seconds until the alert must be there; downloads do not count.")
    ] = 180.0,
    data_dir: Annotated[
        Path | None, typer.Option(help="Where data live.", show_default="demo in the data directory")
    ] = None,
) -> None:
    """Two simulated bioreactors, one goes wrong, its alert.

    Starts everything as `up` does, in a data directory of its own. Ctrl-C stops everything.
    """
    asked = parse(f"{fault}@1")
    _refuse_without_alarm(asked)
    _refuse_if_too_short(asked, timeout)
    given = load()
    home = Home(data_dir.absolute()) if data_dir is not None else Home(given.home).demo
    settings = given.named({"SPARGE_HOME": str(home.path)})
    try:
        with home.claim():
            _prepare(settings, home, fresh=fresh)
            Demonstration(settings, fault, timeout, until_alert=until_alert).run()
    except AlreadyRunning:
        show_already_running(home)
        raise typer.Exit(ALREADY_RUNNING) from None


def _refuse_without_alarm(fault: Fault) -> None:
    if fault.kind not in ALARMED:
        raise SettingsError(
            f"The demonstration waits for an alarm; none is sure to come for {fault.kind} within minutes.",
            next_step=f"one of {', '.join(ALARMED)}; any other: {command_name()} up, and in another terminal "
            f"{command_name()} simulate --fault {fault.kind}@60",
        )


def _refuse_if_too_short(fault: Fault, timeout_s: float) -> None:
    known = spec(fault.signal) if fault.signal is not None else None
    if known is None or known.frozen_after_s is None:
        return
    needed_s = known.frozen_after_s + STARTED_WITHIN_S
    if timeout_s < needed_s:
        raise SettingsError(
            f"A frozen {known.name} probe is told from a steady one after {known.frozen_after_s:g} s.",
            next_step=f"give it that time: {command_name()} demo --fault {fault.kind}:{known.name} "
            f"--timeout {needed_s:g}",
        )


class Demonstration:
    """One run of the demonstration, from the first process to the last."""

    def __init__(self, settings: Settings, fault: str, timeout_s: float, *, until_alert: bool) -> None:
        self._fault = fault
        self._timeout_s = timeout_s
        self._until_alert = until_alert
        self._screen = Lines()
        self._system = System(settings, self._screen, "demo", _own_database)
        self._began_s = time.monotonic()
        self._ended = threading.Event()
        self._fleet: Future[Fleet] = in_background(cultures)
        self._scenario: Scenario | None = None
        self._alert: AlarmTransition | None = None
        self._late = False

    def run(self) -> None:
        """Play it, and stop everything.

        Raises:
            SpargeError: a part failed, or the alert did not come in time; says why.
            typer.Exit: it was ended before the alert.
        """
        supervisor = self._system.supervisor
        streaming: list[Future[None]] = []
        with on_stop(supervisor.ask_to_stop):
            try:
                self._screen.tell("Starting. Ctrl-C stops everything.")
                in_background(self._watch_the_time)
                if self._system.bring_up():
                    self._play(streaming)
            finally:
                self._screen.tell("Stopping.")
                self._ended.set()
                wait_for(streaming, LAST_SAMPLES_S)
                self._system.stop()
                self._screen.tell(f"Stopped; no process is left. Data are kept in {self._system.home.path}.")
        if self._late:
            waited = self._scenario.waits_for if self._scenario else "broker and database"
            raise PartFailed(
                f"The alert was not there after {self._timeout_s:g} s (downloads not counted).",
                detail=f"still waiting for {waited}",
                next_step=f"read the logs in {self._system.home.logs}",
            )
        if self._until_alert and self._alert is None:
            raise typer.Exit(INTERRUPTED)

    def _play(self, streaming: list[Future[None]]) -> None:
        supervisor = self._system.supervisor
        running = self._system.home.running()
        if running is not None:
            show_running(running)
        scenario = self._scenario = Scenario(
            self._system.settings,
            self._fault,
            self._fleet,
            tell=self._screen.tell,
            show=_show,
            ended=self._ended,
        )
        streaming.append(in_background(scenario.stream))
        listening = in_background(scenario.listen)
        story = in_background(lambda: scenario.play(on_fault=self._tell_fault))

        def broken() -> bool:
            """Raise what went wrong in a worker or a thread."""
            for name in PARTS:
                supervisor.refuse_if_failing(name)
            for task in (*streaming, listening):
                if task.done():
                    task.result()
            return False

        supervisor.run(until=lambda: broken() or story.done())
        if not story.done():
            return
        alert = self._alert = story.result()
        self._screen.tell(
            f"The alert {alert.alarm_id} is stored and was read back; the other bioreactor has none. "
            f"({time.monotonic() - self._began_s - self._system.download_s:.0f} s after the start)"
        )
        if not self._until_alert:
            self._screen.tell("It goes on until Ctrl-C.")
            supervisor.run(until=broken)

    def _tell_fault(self, truth: Truth) -> None:
        say(("truth: ", "bold"), tell_truth(truth, FAULTED))
        signals = " ".join(truth.signals) if len(truth.signals) <= 3 else ""
        query = f"{reaching(self._system.settings)} query {FAULTED} {signals} --last 5min".replace("  ", " ")
        say(("query it in another terminal: ", "bold"), query)

    def _watch_the_time(self) -> None:
        while not self._ended.wait(0.5) and self._alert is None:
            if time.monotonic() - self._began_s - self._system.download_s > self._timeout_s:
                if self._until_alert:
                    self._late = True
                    self._system.supervisor.ask_to_stop()
                else:
                    self._screen.tell(f"No alert after {self._timeout_s:g} s; see {self._system.home.logs}.")
                return


def _show(transition: AlarmTransition) -> None:
    for line in lines(transition, None):
        say(*line)


def _prepare(settings: Settings, home: Home, *, fresh: bool) -> None:
    if not fresh:
        return
    home.wipe()
    made = home.path / MADE_DATABASE
    if made.exists():
        if settings.database is not None:
            throwaway.drop(settings.conninfo(), made.read_text(encoding="utf-8"))
        made.unlink()


def _own_database(settings: Settings, identity: LogIdentity, mismatch: LogMismatch) -> str:
    """Return a database of the demonstration's own: the named one goes on with somebody's log."""
    name = throwaway.name_for(identity.cluster_id)
    try:
        conninfo = throwaway.create(settings.conninfo(), name)
    except DatabaseRefused as error:
        raise DatabaseRefused(
            "The named database goes on with another log, and a database of the demonstration's own "
            "could not be made beside it.",
            detail=f"{mismatch.message} {error.detail}",
            kept="The named database is as it was.",
            next_step="name another one, or none: SPARGE_DATABASE= sparge demo",
        ) from error
    (settings.home / MADE_DATABASE).write_text(name, encoding="utf-8")
    return conninfo
