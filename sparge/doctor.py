"""What the doctor finds: parts, verdicts, what to do; and what can be seen without broker or database."""

from __future__ import annotations

import os
import platform
import shutil
from dataclasses import dataclass
from enum import StrEnum
from importlib import metadata
from typing import TYPE_CHECKING

from sparge.home import Home
from sparge.layers import LAYERS
from sparge.terminal import command_name
from sparge.times import show_time

if TYPE_CHECKING:
    from pathlib import Path

    from schemas.errors import SpargeError
    from sparge.home import Running
    from sparge.settings import Settings

ASK_THE_DOCTOR = "sparge doctor"
"""The next step of most errors, of no use to who asked already."""

WANTED_FREE_GB, NEEDED_FREE_GB = 5.0, 0.5


class Verdict(StrEnum):
    """How a part is."""

    OK = "OK"
    OFF = "off"
    WARN = "WARN"
    FAIL = "FAIL"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: what was found, and what to do about it."""

    part: str
    verdict: Verdict
    found: str
    do: str = ""


def failed(part: str, error: SpargeError) -> Finding:
    """Return the finding that an error is."""
    if error.next_step and error.next_step != ASK_THE_DOCTOR:
        return Finding(part, Verdict.FAIL, error.message, error.next_step)
    cause = error.detail.partition("\n")[0]
    found = f"{error.message} ({cause})" if cause else error.message
    return Finding(part, Verdict.FAIL, found, "read its log, start it again, or correct its address")


def environment() -> list[Finding]:
    """Return what can be said of Python and the packages."""
    python = platform.python_version()
    findings = [Finding("sparge", Verdict.OK, f"version {metadata.version('sparge')} on Python {python}")]
    for layer, packages in LAYERS.items():
        versions = {name: _version(name) for name in packages.values()}
        missing = [name for name, found in versions.items() if found is None]
        if missing:
            text = f"not installed: {', '.join(missing)}"
            findings.append(Finding(f"layer {layer}", Verdict.OFF, text, f"pip install 'sparge[{layer}]'"))
        else:
            found = ", ".join(f"{name} {version}" for name, version in versions.items())
            findings.append(Finding(f"layer {layer}", Verdict.OK, found))
    return findings


def _version(distribution: str) -> str | None:
    """Return the installed version; asked of the metadata, for Faust takes its import specification away."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


def data_directory(path: Path) -> list[Finding]:
    """Return whether the data directory can be written to and has room."""
    here = path
    # os.path.exists, for Path.exists raises where a folder above may not be looked into.
    while not os.path.exists(here):  # noqa: PTH110 - as said
        here = here.parent
    if not os.access(here, os.W_OK):
        return [
            Finding("data", Verdict.FAIL, f"{path} cannot be written to", "SPARGE_HOME=/a/directory/of/yours")
        ]
    free_gb = shutil.disk_usage(here).free / 1e9
    found = f"{path}{'' if path.exists() else ' (not made yet)'}, {free_gb:.1f} GB free"
    if free_gb < NEEDED_FREE_GB:
        return [Finding("data", Verdict.FAIL, found, "make room, or SPARGE_HOME=/a/larger/disk")]
    if free_gb < WANTED_FREE_GB:
        return [Finding("data", Verdict.WARN, found, "make room before it runs full")]
    return [Finding("data", Verdict.OK, found)]


def running(settings: Settings) -> list[Finding]:
    """Return what a supervisor keeps running in the data directory, or how to start it."""
    home = Home(settings.home)
    found = home.running() or home.demo.running()
    if found is None and (home.starting() or home.demo.starting()):
        wait = f"wait until it says that Sparge runs, then {command_name()} doctor"
        return [Finding("processes", Verdict.OFF, "Sparge is just starting or stopping", wait)]
    if found is None:
        named = settings.broker is not None or settings.database is not None
        start = (
            f"{command_name()} up" if not named else f"{command_name()} worker ingest (watch, record), or up"
        )
        return [
            Finding("processes", Verdict.OFF, "nothing was started by Sparge in the data directory", start)
        ]
    since = show_time(found.since_us // 1_000_000 * 1_000_000)
    about = f"pid {found.pid}, {command_name()} {found.command}, since {since}"
    return [Finding("processes", Verdict.OK, about), *_parts(found)]


def _parts(found: Running) -> list[Finding]:
    findings = []
    for part in found.parts:
        name = f"process {part.name}"
        if part.pid is None:
            text = f"is down, and is started again (the {part.restarts}. time)"
            findings.append(Finding(name, Verdict.FAIL, text, f"read {part.log}"))
        elif part.restarts:
            times = "once" if part.restarts == 1 else f"{part.restarts} times"
            text = f"pid {part.pid}; it had to be started again {times}"
            findings.append(Finding(name, Verdict.WARN, text, f"read {part.log}"))
        else:
            findings.append(Finding(name, Verdict.OK, f"pid {part.pid}"))
    return findings
