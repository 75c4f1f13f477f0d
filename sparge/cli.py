"""The command line: which commands there are, and how every one of them fails.

A command's module is imported when that command is typed, so `sparge --help` needs none of them.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from importlib import import_module, metadata
from typing import TYPE_CHECKING, Annotated

import typer

from schemas.errors import NotInstalled, SettingsError, SpargeError
from sparge.layers import brings
from sparge.terminal import say, show_error, show_unexpected

if TYPE_CHECKING:
    from collections.abc import Sequence

RUN, SEND, SEE, KEEP = "Run", "Send", "See", "Keep in order"
UNFORESEEN = 70
"""Exit code of a fault of Sparge itself (EX_SOFTWARE of sysexits.h)."""

INTERRUPTED = 130
"""Exit code of what was ended by Ctrl-C, as shells have it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One command: its name, where its function or group of commands is, what it does, and beside what."""

    name: str
    target: str
    about: str
    panel: str


ENTRIES = (
    Entry("up", "up:up", "Start everything on this machine and keep it running.", RUN),
    Entry("demo", "demo:demo", "Two simulated bioreactors, one goes wrong, its alert.", RUN),
    Entry("worker", "worker:worker", "Run one worker: ingest, watch or record.", RUN),
    Entry("publish", "publish:publish", "Publish samples of a bioreactor.", SEND),
    Entry("simulate", "simulate:simulate", "Simulate bioreactors: publish, or write to a file.", SEND),
    Entry("replay", "replay:replay", "Stream a file of recorded data through the topics.", SEND),
    Entry("batch", "batch:app", "Tell of a batch: start, phase, offline sample, end.", SEND),
    Entry("alerts", "alerts:alerts", "Show active alarms and follow them live.", SEE),
    Entry("query", "query:query", "Query samples, scores, forecasts or alarms of a unit.", SEE),
    Entry("models", "models:app", "Champions, challengers, own recipes, verdicts, replay.", SEE),
    Entry("doctor", "doctor:doctor", "Check every part: what is wrong and what to do.", KEEP),
    Entry("deadletters", "deadletters:app", "List, show and replay messages that were refused.", KEEP),
    Entry("topics", "topics:app", "Create, check or adopt the topics of the broker.", KEEP),
    Entry("plant", "plant:app", "Describe units and their vessels from a file.", KEEP),
    Entry("migrate", "migrate:migrate", "Bring the database to the tables of this version.", KEEP),
    Entry("maintain", "maintain:maintain", "Sum up what is stored, so that long spans are quick.", KEEP),
    Entry("retention", "retention:app", "Set how long data are kept, and hold batches.", KEEP),
)


def build(wanted: str | None) -> typer.Typer:
    """Return the command line with the wanted command loaded and the others as names only."""
    app = typer.Typer(
        name="sparge",
        help="Telemetry of bioreactors: streamed, watched, stored.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_global_options)
    for entry in ENTRIES:
        module, _, attribute = entry.target.partition(":")
        target = _stub
        if entry.name == wanted:
            target = getattr(import_module(f"sparge.commands.{module}"), attribute)
        if isinstance(target, typer.Typer):
            app.add_typer(target, name=entry.name, help=entry.about, rich_help_panel=entry.panel)
        else:
            app.command(entry.name, short_help=entry.about, rich_help_panel=entry.panel)(target)
    return app


def _stub() -> None:
    """Stand in for a command that was not asked for."""


def _show_version(wanted: bool) -> None:  # noqa: FBT001 - typer calls it so
    if wanted:
        say(f"sparge {metadata.version('sparge')}")
        raise typer.Exit


def _global_options(
    *,
    debug: Annotated[bool, typer.Option("--debug", help="Show the technical way to an error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None: ...


def main() -> None:
    """Run the command line and exit with its code."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code: 0 done, 1 failed, 2 not understood, 3 already running."""
    debug = "--debug" in arguments or bool(os.environ.get("SPARGE_DEBUG"))
    given = [argument for argument in arguments if argument != "--debug"]
    wanted = next((argument for argument in given if not argument.startswith("-")), None)
    try:
        typer.main.get_command(build(wanted))(given, prog_name="sparge")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    except KeyboardInterrupt:
        # Before the command itself ran: loading it takes a moment.
        return INTERRUPTED
    except SpargeError as error:
        show_error(error, debug=debug)
    except ModuleNotFoundError as error:
        layer = brings((error.name or "").partition(".")[0])
        if layer is None:
            show_unexpected(error, debug=debug)
            return UNFORESEEN
        show_error(NotInstalled(layer, detail=str(error)), debug=debug)
    except OSError as error:
        if error.filename is None:
            show_unexpected(error, debug=debug)
            return UNFORESEEN
        show_error(_unusable(error), debug=debug)
    except Exception as error:  # noqa: BLE001 - the last line of all: said, never swallowed
        show_unexpected(error, debug=debug)
        return UNFORESEEN
    return 1


def _unusable(error: OSError) -> SpargeError:
    """Return what a person is told of a file or folder that cannot be read or written."""
    return SettingsError(
        f"{error.filename} cannot be used: {error.strerror or 'the system refuses it'}.",
        next_step="name one that is there and that you may use, and type the command again",
    )
