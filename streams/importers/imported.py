"""What an importer gives: the samples of a file by bioreactor, and the frames that carry them.

A frame's identity comes from the file's bytes and from what was made of them (names, units, times), and from
nothing else: the same import done again is known as a repeat, one with another zone or other names is not.
"""

from __future__ import annotations

import hashlib
import heapq
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from schemas.errors import SettingsError
from schemas.wire import NAME_PATTERN
from streams.framing import Framing, samples

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from zoneinfo import ZoneInfo

    from schemas.frame import SensorFrame

TIMES_PER_FRAME = 500
_NAME = re.compile(NAME_PATTERN)


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """How a file is to be understood.

    Attributes:
        site: site of the bioreactors.
        zone: time zone of the clock that wrote the file's local times.
        unit_prefix: put before the number of each bioreactor in the file.
        unit_map: UCUM codes by the file's own spelling of a unit; goes before what the importer knows.
        signal_map: signal names by the file's own name of a track; goes before what the importer knows.
        now_us: if given, all times are moved so that the last one is this (us UTC).

    Raises:
        SettingsError: a site, prefix or signal that cannot be a name.
    """

    site: str
    zone: ZoneInfo
    unit_prefix: str = "unit-"
    unit_map: Mapping[str, str] = field(default_factory=dict)
    signal_map: Mapping[str, str] = field(default_factory=dict)
    now_us: int | None = None

    def __post_init__(self) -> None:
        named = [("site", self.site), ("unit prefix", f"{self.unit_prefix}1")]
        named += [("signal", name) for name in self.signal_map.values()]
        for what, name in named:
            if not _NAME.match(name):
                raise SettingsError(
                    f"The {what} {name!r} is no name: a letter or digit, then at most 63 of these and _ . -"
                )


@dataclass(frozen=True, slots=True)
class UnitSamples:
    """The samples of one bioreactor, in the order of the file.

    Attributes:
        unit: its name.
        units: UCUM code by signal, for every signal that has a value.
        tracks: the file's own name of each signal.
        time_us: when each row was measured, us UTC.
        rows: the values sampled at each of these times, by signal; never empty.
    """

    unit: str
    units: Mapping[str, str]
    tracks: Mapping[str, str]
    time_us: list[int]
    rows: list[dict[str, float]]

    @property
    def total(self) -> int:
        """Number of samples."""
        return sum(map(len, self.rows))


@dataclass(frozen=True, slots=True)
class Import:
    """A whole file, read and checked.

    Attributes:
        source: the file's name.
        title: what kind of file it is, for people.
        site: site of the bioreactors.
        device: the publishing device: the kind of file and the beginning of its SHA-256.
        units: the bioreactors that have samples.
        notes: what a person should know of what was not imported, or may be wrong.
        shift_us: how far the times were moved.
    """

    source: str
    title: str
    site: str
    device: str
    units: tuple[UnitSamples, ...]
    notes: tuple[str, ...] = ()
    shift_us: int = 0

    @property
    def total(self) -> int:
        """Number of samples of all bioreactors."""
        return sum(unit.total for unit in self.units)

    @property
    def first_us(self) -> int:
        """Time of the first sample as it will be published, us UTC."""
        return min(min(unit.time_us) for unit in self.units) + self.shift_us

    @property
    def last_us(self) -> int:
        """Time of the last sample as it will be published, us UTC."""
        return max(max(unit.time_us) for unit in self.units) + self.shift_us

    @property
    def epoch(self) -> int:
        """Stands for the file and all that was made of it; not a time."""
        made = [[unit.unit, dict(unit.units), dict(unit.tracks), unit.time_us] for unit in self.units]
        told = json.dumps([self.device, self.shift_us, TIMES_PER_FRAME, made], sort_keys=True)
        return int.from_bytes(hashlib.sha256(told.encode()).digest()[:8]) >> 1

    def frames(self) -> Iterator[SensorFrame]:
        """The frames of all bioreactors, by their first time; the same at every call."""
        epoch = self.epoch
        by_unit = (self._frames_of(unit, epoch) for unit in self.units)
        return heapq.merge(*by_unit, key=lambda frame: frame.time_us[0])

    def _frames_of(self, unit: UnitSamples, epoch: int) -> Iterator[SensorFrame]:
        framing = Framing(self.site, unit.unit, self.device, epoch)
        for number, (time_us, values) in enumerate(zip(unit.time_us, unit.rows, strict=True), start=1):
            units = {name: unit.units[name] for name in values}
            yield from framing.add(samples(time_us + self.shift_us, values, units))
            if number % TIMES_PER_FRAME == 0:
                yield from filter(None, (framing.take(),))
        yield from filter(None, (framing.take(),))


def digest(body: bytes) -> str:
    """First 12 hexadecimal digits of the SHA-256 of a file."""
    return hashlib.sha256(body).hexdigest()[:12]
