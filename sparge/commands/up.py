"""`sparge up`: everything on this machine."""

import os
import shlex
from pathlib import Path
from typing import Annotated

import typer

from schemas.errors import AlreadyRunning, LogMismatch
from sparge.bringup import System
from sparge.home import Home
from sparge.interrupts import on_stop
from sparge.screen import Lines, show_next_steps, show_running
from sparge.settings import Settings, load
from sparge.terminal import command_name, command_path, say
from storage.store import Store
from streams.admin import LogIdentity

ALREADY_RUNNING = 3
"""Exit code when there was nothing to do."""


def up(
    *,
    fresh: Annotated[
        bool, typer.Option(help="Delete what the embedded parts stored and start anew.")
    ] = False,
    data_dir: Annotated[
        Path | None, typer.Option(help="Where data live (default: SPARGE_HOME, or the user's).")
    ] = None,
    adopt: Annotated[
        bool, typer.Option(help="Go on with this log though the named database knows another.")
    ] = False,
) -> None:
    """Start everything on this machine and keep it running.

    Uses the broker and the database that SPARGE_BROKER and SPARGE_DATABASE name; what is not named it starts
    embedded: one machine, no replication. A part that dies is started again. Ctrl-C stops everything.
    """
    settings = load()
    if data_dir is not None:
        settings = settings.named({"SPARGE_HOME": str(data_dir.absolute())})
    home = Home(settings.home)
    try:
        with home.claim():
            _run(settings, home, fresh=fresh, adopt=adopt)
    except AlreadyRunning:
        show_already_running(home)
        raise typer.Exit(ALREADY_RUNNING) from None


def show_already_running(home: Home) -> None:
    """Say what runs in a data directory that is taken."""
    running = home.running()
    if running is None:
        say(f"Sparge is just starting or stopping in {home.path}.")
        return
    show_running(running)
    say(f"It runs in {home.path} as pid {running.pid} (sparge {running.command}); nothing was started.")
    sparge = reaching(load().named({"SPARGE_HOME": str(home.path), **running.environment}))
    say(f"next: {sparge} alerts; to stop it, Ctrl-C in its terminal or kill {running.pid}")


def reaching(settings: Settings) -> str:
    """Return the command line with what another terminal needs in front of it to reach what runs here."""
    words = [command_path()]
    if settings.home != Settings.model_fields["home"].get_default(call_default_factory=True):
        words.insert(0, f"SPARGE_HOME={shlex.quote(str(settings.home))}")
    named = os.environ.get("SPARGE_DATABASE")
    if named and settings.database is not None and named != settings.conninfo():
        # Empty counts as not set: the data directory then says which database it is.
        words.insert(0, "SPARGE_DATABASE=")
    return " ".join(words)


def start_anew(settings: Settings, home: Home, screen: Lines) -> None:
    """Delete what the embedded parts stored; what a person named is not ours to delete."""
    screen.tell(f"Deleted {', '.join(home.wipe()) or 'nothing, for nothing was there,'} in {home.path}.")
    if settings.broker is not None or settings.database is not None:
        screen.tell("What SPARGE_BROKER and SPARGE_DATABASE name is kept as it is.")


def _adopt(settings: Settings, identity: LogIdentity, _mismatch: LogMismatch) -> str:
    with Store(settings.conninfo(), application="sparge up --adopt") as store:
        for line in store.adopt_log(identity.cluster_id, identity.topics):
            say(line)
    return settings.conninfo()


def _run(settings: Settings, home: Home, *, fresh: bool, adopt: bool) -> None:
    screen = Lines()
    system = System(settings, screen, "up", _adopt if adopt else None)
    with on_stop(system.supervisor.ask_to_stop):
        try:
            if fresh:
                start_anew(settings, home, screen)
            screen.tell(f"Starting. Data live in {home.path}; Ctrl-C stops everything.")
            if system.bring_up():
                running = home.running()
                if running is not None:
                    show_running(running)
                show_next_steps("north/BR-01", reaching(system.settings))
                system.supervisor.run()
        except LogMismatch as mismatch:
            sparge = command_name()
            mismatch.next_step = f"{sparge} up --adopt to go on with this log, or another SPARGE_DATABASE"
            raise
        finally:
            screen.tell("Stopping.")
            system.stop()
            screen.tell("Stopped; no process is left. Data are kept.")
