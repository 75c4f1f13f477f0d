"""How good the models are on public recordings: `python -m bench.models [DATASET ...] [--data DIR] [--json]`.

A data set is one module of this package with `measure(data: Path) -> Report`; DIR holds files of its
format, whichever they are; one that makes its own says `NEEDS_DATA = False`. Without `--data` the files of
SPARGE_DATA (or ../shared/data) are taken; data sets that are absent are named and passed over. Thresholds
come from training rows, one configuration serves a whole data set, and rows are taken in their order. What
is passed over is named; a file that cannot be read is an error that names it, told beside the figures of the
other data sets, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import os
import pkgutil
import sys
import traceback
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from bench._report import Report

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bench._report import Figure

_HERE = Path(__file__).resolve().parent
DATA = Path(os.environ.get("SPARGE_DATA", _HERE.parents[2] / "shared" / "data"))


class Absent(FileNotFoundError):
    """The folder of a data set is not there."""


def datasets() -> list[str]:
    """Return the names of all data sets, in order."""
    return sorted(module.name for module in pkgutil.iter_modules([str(_HERE)]) if module.name[0] != "_")


def measure(name: str, data: Path | None) -> Report:
    """Run the models over one data set.

    Raises:
        Absent: its folder is not there.
        OSError, ValueError: its files cannot be read, or a figure is no finite number.
    """
    module = import_module(f"bench.models.{name}")
    folder = data or DATA / name
    if getattr(module, "NEEDS_DATA", True) and not folder.is_dir():
        raise Absent(
            f"{name}: there is no folder {folder}; name the one with its files: --data DIR, or SPARGE_DATA "
            f"for the folder above all of them"
        )
    measured: Report = module.measure(folder)
    return measured.check()


def main(argv: Sequence[str]) -> int:
    """Measure what argv names, or every data set that is there; returns 1 if one of these could not be."""
    parser = argparse.ArgumentParser(prog="python -m bench.models", description=__doc__)
    parser.add_argument("datasets", nargs="*", metavar="DATASET", help=f"of: {', '.join(datasets())}")
    parser.add_argument("--data", type=Path, help="the folder with the files of the one data set named")
    parser.add_argument("--json", action="store_true", help="print one JSON object of all figures")
    arguments = parser.parse_args(argv)
    if unknown := set(arguments.datasets) - set(datasets()):
        parser.error(f"no such data set: {', '.join(sorted(unknown))}; there are {', '.join(datasets())}")
    if arguments.data and len(arguments.datasets) != 1:
        parser.error("--data is the folder of one data set: name that one")
    figures: list[Figure] = []
    observations: list[str] = []
    failed = False
    for name in arguments.datasets or datasets():
        try:
            report = measure(name, arguments.data)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told and the exit code is 1
            wrong = f"{name} was not measured: {_words(error)}"
            print(wrong, file=sys.stderr)
            observations.append(wrong)
            failed |= bool(arguments.datasets) or not isinstance(error, Absent)
            continue
        figures += report.figures
        observations += report.observations
        if not arguments.json:
            print(report.as_table(), flush=True)
    if arguments.json:
        print(Report("models", tuple(figures), tuple(observations)).as_json())
    return 1 if failed else 0


def _words(error: Exception) -> str:
    """What went wrong, in one line; where it is a fault of the benchmark and not of the files, its place."""
    if isinstance(error, OSError | ValueError):
        return " ".join(str(error).split())
    place = traceback.extract_tb(error.__traceback__)[-1]
    return (
        f"{type(error).__name__} ({error}) at {Path(place.filename).name}:{place.lineno}, a fault of the "
        f"benchmark; it did not foresee these files"
    )
