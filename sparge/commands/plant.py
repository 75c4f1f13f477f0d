"""`sparge plant`: units, areas and vessels from a file into the database."""

from pathlib import Path
from typing import Annotated

import typer

from schemas.plant import parse_plant
from sparge.settings import reach
from sparge.terminal import say
from storage.plant import apply_plant

app = typer.Typer(no_args_is_help=True)


@app.callback()
def plant() -> None:
    """Describe units and their vessels from a file."""


@app.command()
def apply(
    file: Annotated[Path, typer.Argument(help="The plant file, YAML.", show_default=False)],
) -> None:
    """Make the units in the database as the file says; units that it does not name stay as they are."""
    described = parse_plant(file.read_text(encoding="utf-8"))
    changed = apply_plant(reach().conninfo(), described)
    say(f"{len(described.units())} units in {file}: {len(changed)} changed.")
    for key in changed:
        say(f"  {key}")
