"""Reads the CSV export of DASware, the software of DASGIP parallel bioreactors.

The file consists of sections, each begun by its name in brackets on a line of its own. `TrackData`, with or
without a number, is a table: local time, duration in days, then columns headed like "Unit 1.pH1.PV [pH]".
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from schemas.errors import ImportRefused, UnitIncompatible, UnitUnknown
from schemas.signals import spec
from schemas.units import conversion, parse
from streams.importers.dasgip_file import NOTHING_SENT, decode, refused, sections
from streams.importers.dasgip_table import read_table
from streams.importers.dasgip_tracks import UNITS, signal, split
from streams.importers.imported import Import, UnitSamples, digest
from streams.importers.local_time import to_utc

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from streams.importers.dasgip_file import Section
    from streams.importers.dasgip_table import Table
    from streams.importers.imported import ImportOptions

TITLE = "DASware export"
PLANT = "main"
"""Stands for the number of a bioreactor where a track belongs to none."""
_TABLE = re.compile(r"TrackData(?P<number>[0-9]*)")
_HEAD = re.compile(r"(?P<name>.*\S)\s*\[(?P<unit>[^\[\]]*)\]")


@dataclass(frozen=True, slots=True)
class _Track:
    """What becomes of a column: its track's full name, and its bioreactor, signal and UCUM code here."""

    name: str
    unit: str
    signal: str
    ucum: str


@dataclass(slots=True)
class _Gathered:
    tracks: dict[str, _Track]
    times_us: list[int]
    rows: list[dict[str, float]]


def recognises(head: bytes) -> bool:
    """True if a file that begins with these bytes looks like a DASware export."""
    marked = head[:2] in {b"\xff\xfe", b"\xfe\xff"}
    text = head.decode("utf-16" if marked else "latin-1", errors="replace")
    return "[Info]" in text[:20] and ("FngArchiv" in text or "DASGIP" in text)


def read(path: Path, options: ImportOptions) -> Import:
    """All numeric values of a DASware export; nothing is given out before the last row has been checked.

    Raises:
        ImportRefused: the file cannot be read, is cut off or damaged, has a time that cannot be placed, or a
            unit or track that needs a name; says on which line, and what to do.
    """
    try:
        body = path.read_bytes()
    except OSError as wrong:
        raise ImportRefused(f"{path} cannot be read: {wrong.strerror}.", kept=NOTHING_SENT) from wrong
    try:
        return _import(path.name, body, options)
    except ImportRefused as wrong:
        raise ImportRefused(
            f"{path.name}, {wrong.message}", detail=wrong.detail, kept=wrong.kept, next_step=wrong.next_step
        ) from wrong


def _import(source: str, body: bytes, options: ImportOptions) -> Import:
    found = sections(decode(body))
    declared = _declared_units(found)
    gathered: dict[str, _Gathered] = {}
    notes: list[str] = []
    for section in found:
        named = _TABLE.fullmatch(section.name)
        table = read_table(section) if named else None
        if named is None or table is None:
            continue
        tracks = _tracks(table, named["number"], declared, options)
        _gather(gathered, table, tracks, to_utc([row.stamp for row in table.rows], options.zone))
        notes += [
            f"{table.heads[at]}: {count} cells are times or words, which are not imported"
            for at, count in sorted(table.texts.items())
        ]
    if not gathered:
        raise refused(1, "the export has no numbers of any track", "export the run with its track data")
    if not found[-1].name.startswith(("End", "/")):
        notes.append(
            f"The file does not close after [{found[-1].name}]; it may have been cut off between rows."
        )
    units = tuple(
        UnitSamples(
            unit,
            {name: track.ucum for name, track in part.tracks.items()},
            {name: track.name for name, track in part.tracks.items()},
            part.times_us,
            part.rows,
        )
        for unit, part in gathered.items()
    )
    last_us = max(max(unit.time_us) for unit in units)
    shift_us = 0 if options.now_us is None else options.now_us - last_us
    return Import(source, TITLE, options.site, f"dasgip-{digest(body)}", units, tuple(notes), shift_us)


def _declared_units(found: Iterable[Section]) -> dict[str, str]:
    """Unit of each track as TrackInfo has it, for headings without one."""
    declared: dict[str, str] = {}
    for section in found:
        if section.name == "TrackInfo":
            rows = (cells for _, cells in section.rows())
            heads = next(rows, [])
            if "LocNamePar" in heads and "Unit" in heads:
                name, unit = heads.index("LocNamePar"), heads.index("Unit")
                declared.update({cells[name]: cells[unit] for cells in rows if len(cells) > max(name, unit)})
    return declared


def _tracks(
    table: Table, number: str, declared: Mapping[str, str], options: ImportOptions
) -> dict[int, _Track]:
    """What becomes of each column that has numbers, by position; all unknown units in one refusal."""
    known = {**UNITS, **options.unit_map}
    tracks: dict[int, _Track] = {}
    unknown: dict[str, str] = {}
    for at in table.used:
        head = _HEAD.fullmatch(table.heads[at].strip())
        name = head["name"] if head else table.heads[at].strip()
        if not name:
            raise refused(table.line, f"column {at + 1} has numbers but no heading")
        spelt = (head["unit"] if head else declared.get(name, "")).strip().replace("μ", "µ")
        if spelt not in known:
            unknown.setdefault(spelt, name)
            continue
        mine, track = split(name)
        called = options.signal_map.get(name) or options.signal_map.get(track) or signal(track)
        unit = f"{options.unit_prefix}{mine or number or PLANT}"
        tracks[at] = _checked(_Track(name, unit, called, known[spelt]), table.line)
    if unknown:
        listed = ", ".join(f"{name} [{spelt}]" for spelt, name in unknown.items())
        maps = " ".join(f"--unit-of '{spelt}=UCUM'" for spelt in unknown)
        raise refused(
            table.line, f"units that are not known here: {listed}", f"give the UCUM code of each: {maps}"
        )
    return tracks


def _checked(track: _Track, line: int) -> _Track:
    """The track, if its unit is a unit and one of its signal's quantity."""
    declared = spec(track.signal)
    try:
        if declared is None:
            parse(track.ucum)
        else:
            conversion(track.ucum, declared.unit)
    except UnitUnknown as wrong:
        raise refused(
            line, f"{track.name}: {track.ucum} is not a UCUM code", "see ucum.org for the codes"
        ) from wrong
    except UnitIncompatible as wrong:
        raise refused(
            line,
            f"{track.name} would be the signal {track.signal}, but {track.ucum} does not measure that",
            f"give it another name: --name-of '{track.name}=NAME'",
        ) from wrong
    return track


def _gather(
    gathered: dict[str, _Gathered], table: Table, tracks: Mapping[int, _Track], times_us: Iterable[int]
) -> None:
    """Add a table's samples to those of its bioreactors."""
    for track in tracks.values():
        part = gathered.setdefault(track.unit, _Gathered({}, [], []))
        other = part.tracks.setdefault(track.signal, track)
        if (other.name, other.ucum) != (track.name, track.ucum):
            raise refused(
                table.line,
                f"{other.name} and {track.name} would both be the signal {track.signal}",
                f"give one of them another name: --name-of '{track.name}=NAME'",
            )
    for row, time_us in zip(table.rows, times_us, strict=True):
        by_unit: dict[str, dict[str, float]] = defaultdict(dict)
        for at, value in row.values.items():
            by_unit[tracks[at].unit][tracks[at].signal] = value
        for unit, values in by_unit.items():
            gathered[unit].times_us.append(time_us)
            gathered[unit].rows.append(values)
