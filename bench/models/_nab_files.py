"""NAB's files: the streams that the labels name, their rows, and where their anomalies lie."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bench.models._files import files, read_text, refused
from bench.models._table import TIMES, headless, missing, moment_us, read_table

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from bench.models._files import Passed

WINDOWS = "combined_windows.json"
BACK_US = 3_600_000_000
"""How far a clock may be set back, as where summer time ends: recordings of the corpus have it."""


@dataclass(frozen=True, slots=True)
class Window:
    """When an anomaly begins and ends, as the labels say it and in µs."""

    said: str
    first_us: int
    last_us: int


@dataclass(frozen=True, slots=True)
class Stream:
    """One file: device time and value of each row, and the windows of its anomalies as first and last row."""

    time_us: NDArray[np.int64]
    value: NDArray[np.float64]
    windows: list[tuple[int, int]]
    notes: tuple[str, ...] = ()

    @property
    def cadence_us(self) -> int:
        """The usual time between rows."""
        return max(1, int(np.median(np.diff(self.time_us))))


def read(data: Path, passed: Passed) -> dict[str, Stream]:
    """Read the streams that the labels name.

    Raises:
        FileNotFoundError: there are no labels, or none of the streams.
        ValueError: a file cannot be read, or has no row in one of its windows.
    """
    found = files(data, passed, ".csv", ".json")
    labels = [path for path in found if path.name.lower() == WINDOWS]
    for path in found:
        if path.suffix.lower() == ".json" and path not in labels:
            passed.over(path, "not of this format")
    if not labels:
        wrong = f"{data}: {WINDOWS} is not there; it says where each stream's anomalies are"
        raise FileNotFoundError(passed.with_reasons(wrong))
    if len(labels) > 1:
        raise refused(labels[1], None, f"{labels[0]} is there, too", "leave one of them out")
    named = read_windows(labels[0])
    streams = _named([path for path in found if path.suffix.lower() == ".csv"], named, passed)
    if not streams:
        wrong = f"{data}: none of the files that {WINDOWS} names is there with rows"
        raise FileNotFoundError(passed.with_reasons(wrong))
    for name in sorted(named.keys() - streams.keys()):
        passed.over(data / name, f"named in {WINDOWS} and not there, or too short")
    return streams


def _named(paths: list[Path], named: dict[str, list[Window]], passed: Passed) -> dict[str, Stream]:
    """Read the streams among the files that the labels name."""
    own = {name.lower(): name for name in named}
    streams: dict[str, Stream] = {}
    for path in paths:
        name = own.get(f"{path.parent.name}/{path.name}".lower())
        if name is None:
            passed.over(path, f"not named in {WINDOWS} by folder and file")
        elif name in streams:
            raise refused(path, None, f"{name} is there twice", "leave one of them out")
        elif (stream := read_stream(path, named[name])) is None:
            passed.over(path, "too short (fewer than two rows)")
        else:
            streams[name] = stream
    return streams


def read_windows(path: Path) -> dict[str, list[Window]]:
    """Read each stream's windows, in order; raises ValueError where one is none, or two overlap."""
    try:
        told = json.loads(read_text(path))
    except json.JSONDecodeError as wrong:
        raise refused(path, wrong.lineno, f"it is no JSON ({wrong.msg})", "take NAB's own") from wrong
    if not isinstance(told, dict):
        raise refused(path, None, "it is no JSON object", "name each stream, and a list of its windows")
    found = {}
    for name, windows in told.items():
        if not isinstance(windows, list):
            raise refused(path, None, f"{name}: {windows!r} is no list", "write a list of windows")
        found[name] = sorted((_window(path, name, each) for each in windows), key=lambda one: one.first_us)
        for before, after in zip(found[name], found[name][1:], strict=False):
            if after.first_us <= before.last_us:
                both = f"{name}: {before.said} and {after.said} overlap"
                raise refused(path, None, both, "write them as one window")
    return found


def read_stream(path: Path, windows: list[Window]) -> Stream | None:
    """Read a stream; None where it has fewer than two rows.

    Raises:
        ValueError: it has no header, a cell is no time or no number, the times go back by more than an hour
            or do not rise, or none of the rows lies in one of the windows.
    """
    table = read_table(path)
    time = table.name(*TIMES)
    others = [name for name in table.cells if name != time]
    value = table.name("value") or (others[0] if len(others) == 1 else None)
    if headless(table) or time is None or value is None:
        lacks = "it has no header that names its times and its values"
        raise refused(path, table.first_line, lacks, "put timestamp,value first")
    if len(table) < 2:
        return None
    time_us = table.times_us(time, least_us=-BACK_US)
    values = table.numbers([value])[:, 0]
    step_us = np.diff(time_us)
    if np.median(step_us) <= 0:
        raise refused(path, None, "most rows have the time of the row before", "write each row's own time")
    notes = []
    if again := int(np.sum(step_us <= 0)):
        notes.append(f"{path.name}: {again} rows have the time of the row before, or an earlier one.")
    if few := missing(values):
        notes.append(f"{path.name}: {few}.")
    places = []
    for window in windows:
        if not ((time_us >= window.first_us) & (time_us <= window.last_us)).any():
            empty = f"none of its rows lies in its window {window.said} of {WINDOWS}"
            raise refused(path, None, empty, f"add these rows, or take the window out of {WINDOWS}")
        if window.first_us < time_us.min() or window.last_us > time_us.max():
            notes.append(f"{path.name}: the window {window.said} is there in part, and counts so.")
        first = int(np.argmax(time_us >= window.first_us))
        places.append((first, int(np.flatnonzero(time_us <= window.last_us)[-1])))
    return Stream(time_us, values, sorted(places), tuple(notes))


def _window(path: Path, name: str, told: object) -> Window:
    match told:
        case [str(first), str(last)]:
            said = f"{first} to {last}"
        case _:
            raise refused(path, None, f"{name}: {told!r} is no window", "write [first time, last time]")
    try:
        window = Window(said, moment_us(first), moment_us(last))
    except ValueError as wrong:
        raise refused(path, None, f"{name}: {said} are no times", "write them as ISO 8601") from wrong
    if window.last_us < window.first_us:
        raise refused(path, None, f"{name}: {said} ends before it begins", "write the first time first")
    return window
