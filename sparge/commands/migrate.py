"""`sparge migrate`: the tables of this version."""

from sparge.settings import reach
from sparge.terminal import command_name, say
from storage.connection import address
from storage.migrate import migrate as bring_up_to_date


def migrate() -> None:
    """Bring the database to the tables of this version.

    Safe to run twice and from several places at once; a database of a later version is refused.
    """
    conninfo = reach().conninfo()
    report = bring_up_to_date(conninfo)
    for name in report.applied:
        say(f"applied {name}")
    done = f"brought from version {report.before} to" if report.applied else "already at"
    say(f"{address(conninfo)} ({report.database}) is {done} version {report.after}.")
    for note in report.notes:
        say(("note: ", "bold"), note)
    say(f"next: {command_name()} doctor")
