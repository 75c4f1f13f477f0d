"""What a person sees: plain lines, errors in two layers, tables that survive a pipe."""

from __future__ import annotations

import shlex
import shutil
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from schemas.errors import SpargeError

# No markup: units such as [pH] are text. No wrapping: a line that is piped or copied stays one line.
out = Console(markup=False, highlight=False, soft_wrap=True)
err = Console(markup=False, highlight=False, soft_wrap=True, stderr=True)

_COMMON_UNITS = {"1": "", "[pH]": "pH", "Cel": "°C", "{#}.min-1": "rpm"}


def say(*parts: str | tuple[str, str]) -> None:
    """Print one line on standard output; a part may be a (text, style) pair."""
    out.print(Text.assemble(*parts))


def show_error(error: SpargeError, *, debug: bool) -> None:
    """Print an error in two layers: cause, what was not lost, what to do; then the detail, dimmed."""
    err.print(Text.assemble(("error: ", "bold red"), error.message))
    if error.kept:
        err.print(Text.assemble(("not lost: ", "green"), error.kept))
    if error.next_step:
        err.print(Text.assemble(("next: ", "bold"), error.next_step))
    if error.detail:
        err.print(f"detail: {error.detail}", style="dim")
    if debug:
        err.print("".join(traceback.format_exception(error)), style="dim")


def show_unexpected(error: BaseException, *, debug: bool) -> None:
    """Print an error that nobody foresaw: a fault of Sparge itself."""
    last = "".join(traceback.format_exception_only(error)).strip()
    err.print(Text.assemble(("error: ", "bold red"), f"Sparge itself failed: {last}"))
    if debug:
        err.print("".join(traceback.format_exception(error)), style="dim")
    else:
        err.print(Text.assemble(("next: ", "bold"), "add --debug after sparge to see where, and report it"))


def command_name() -> str:
    """Return how this command line was reached, so that a printed command can be typed as it stands."""
    path = command_path()
    here = str(Path.cwd()) + "/"
    return path.removeprefix(here)


def command_path() -> str:
    """Return this command line as it can be typed in any directory: `sparge`, or its whole path."""
    called = Path(sys.argv[0])
    if called.name == "__main__.py":
        return f"{shlex.quote(sys.executable)} -m sparge"
    if called.name != "sparge":
        return "sparge"
    found = shutil.which("sparge")
    if found and Path(found).resolve() == called.resolve():
        return "sparge"
    return shlex.quote(str(called.absolute()))


def text_table(header: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> str:
    """Return rows aligned under their header; columns whose index is in `right` end flush."""
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]

    def line(cells: Sequence[str]) -> str:
        return "  ".join(
            cell.rjust(width) if index in right else cell.ljust(width)
            for index, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ).rstrip()

    return "\n".join([line(header), line(["-" * width for width in widths]), *map(line, rows)])


def show_value(value: float | None, unit: str = "") -> str:
    """Return a value to read, up to 7 significant digits, with its unit; `no value` where it is missing."""
    if value is None or value != value:  # noqa: PLR0124 - NaN is the only value that differs from itself
        return "no value"
    return f"{value:.7g} {show_unit(unit)}".rstrip()


def show_unit(ucum: str) -> str:
    """Return a UCUM unit as people write it; those without a common name stay UCUM."""
    return _COMMON_UNITS.get(ucum, ucum)
