"""Which stored signals the samples of frames are of, and in which unit those are kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from schemas.errors import FrameRefused, Reason, UnitIncompatible, UnitUnknown
from schemas.readings import Readings, readings
from schemas.units import conversion
from storage.catalogue import Layout, SignalName
from storage.gathering import Track

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from storage.catalogue import Catalogue, Place, Signal
    from storage.records import StoredFrame


@dataclass(frozen=True, slots=True)
class Ready:
    """A frame whose signals are known; key is its unit's, `site/unit`."""

    stored: StoredFrame
    key: str
    track: Track


def resolve(
    catalogue: Catalogue, frames: Sequence[StoredFrame]
) -> tuple[list[Ready], list[tuple[StoredFrame, FrameRefused]]]:
    """The frames with their signals' numbers, and those that cannot be stored with the reason.

    Signals that are new come into being.
    """
    told = [(stored, stored.frame.key, readings(stored.frame.columns)) for stored in frames]
    # Frames of one layout share its names: to compare those of every frame would cost more than all else.
    places = {(key, id(read.names), id(read.units)): (key, read.names, read.units) for _, key, read in told}
    layouts = _layouts(catalogue, list(places.values()))
    found = {known: layouts[place] for known, place in places.items()}
    ready, refused = [], []
    for stored, key, read in told:
        layout = found[key, id(read.names), id(read.units)]
        if isinstance(layout, Layout):
            ready.append(Ready(stored, key, _track(layout, read)))
        else:
            refused.append((stored, layout))
    return ready, refused


def _layouts(catalogue: Catalogue, places: Sequence[Place]) -> dict[Place, Layout | FrameRefused]:
    """The layout of each place, or why it has none."""
    found: dict[Place, Layout | FrameRefused] = {
        place: catalogue.layouts[place] for place in places if place in catalogue.layouts
    }
    wanted: dict[SignalName, str | None] = {}
    # In the order of the frames: of two units that are sent of a new signal, the first is stored.
    new = list(dict.fromkeys(place for place in places if place not in found))
    for key, names, units in new:
        for name, ucum in zip(names, units, strict=True):
            wanted.setdefault(SignalName(key, name), ucum)
    if new:
        known = catalogue.signals(wanted)
        for place in new:
            try:
                layout = _layout(place, known)
            except FrameRefused as refusal:
                found[place] = refusal
            else:
                found[place] = layout
                catalogue.keep(place, layout)
    return found


def _layout(place: Place, known: Mapping[SignalName, Signal]) -> Layout:
    key, names, units = place
    signals = [known[SignalName(key, name)] for name in names]
    return Layout(
        np.array([signal.signal_id for signal in signals], dtype=np.int32),
        tuple(
            (number, *_conversion(name, unit, signal.ucum))
            for number, (name, unit, signal) in enumerate(zip(names, units, signals, strict=True))
            if signal.ucum not in (unit, None)
        ),
    )


def _conversion(name: str, unit: str, stored: str | None) -> tuple[float, float]:
    # Outside the dictionary, the first unit that was sent is the one that is stored.
    try:
        return conversion(unit, stored or unit)
    except (UnitIncompatible, UnitUnknown) as error:
        raise FrameRefused(
            Reason.UNIT_CONFLICT,
            f"signals.{name}.unit",
            f"{name} was first sent in {stored} and is stored in it; {unit} does not "
            f"convert to it. Send it in a unit of the same quantity, or under another name.",
            detail=error.message,
        ) from error


def _track(layout: Layout, samples: Readings) -> Track:
    values = samples.values
    if layout.conversions:
        values = values.copy()
        counts = samples.counts
        ends = np.cumsum(counts)
        for place, scale, offset in layout.conversions:
            part = slice(ends[place] - counts[place], ends[place])
            values[part] = values[part] * scale + offset
    if samples.shared_us is not None:
        return Track(layout.signal_ids, None, samples.shared_us, values, samples.status)
    return Track(layout.signal_ids, samples.counts, samples.time_us, values, samples.status)
