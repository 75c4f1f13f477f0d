"""Stretches in which a reading stands: a living one never does; one at the end of its range is clipped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from agents.samples import Samples

FLAT_COUNT = 10
"""Samples that a flat stretch must have before it says anything."""

LONGER_THAN_SEEN = 3.0
"""A stretch must be this much longer than the longest healthy one before it is a fault."""

STAND_S = 30.0
"""So long a reading must stand at the end of its range, or at a ceiling, to be clipped there."""

_ABOVE, _BELOW = 1, 2


@dataclass(frozen=True, slots=True)
class Stands:
    """What the runs of one frame show, (C,) each.

    frozen: the signal stands still. frozen_after_s: after how long that is called frozen. clipped: it stands
    at the end of what it can read, or where it has stood before and on one side of which alone it moves.
    """

    frozen: NDArray[np.bool_]
    frozen_after_s: NDArray[np.float64]
    clipped: NDArray[np.bool_]


def judge(
    samples: Samples, leapt: NDArray[np.bool_], seen: NDArray[np.void], rules: NDArray[np.void]
) -> Stands:
    """Judge how a frame's samples stand; `seen` (C,) rows of health.MEMORY, changed in place.

    leapt: (C,) runs in which single readings lie far off; they do not say where the signal moves.
    """
    first, last = samples.starts, samples.ends
    known = seen["value_us"] >= 0
    low, high = samples.lowest, samples.highest
    flat_value, band = seen["flat_value"], rules["flat_band"]
    level = known & (high - flat_value <= band) & (flat_value - low <= band)
    moved = known & ~level
    stretch_s = (seen["value_us"] - seen["flat_from_us"]) / 1e6
    stood = moved & (stretch_s > 0.0)
    after_s = np.where(
        seen["moves"] > 0,
        np.maximum(rules["frozen_after_s"], LONGER_THAN_SEEN * seen["flat_max_s"]),
        LONGER_THAN_SEEN * rules["frozen_after_s"],
    )
    if np.count_nonzero(stood):
        _remember(seen, band, stood, stretch_s, after_s)
    if np.count_nonzero(seen["stands"]):
        _look_around(seen, rules["away"], np.where(leapt, np.nan, low), np.where(leapt, np.nan, high))
    seen["moves"] += moved
    if not np.count_nonzero(level):
        seen["flat_from_us"], seen["flat_value"] = samples.time_us[last], samples.value[last]
        seen["flat_count"] = 1
        return Stands(level, after_s, level)
    # A long pause is no evidence of standing still: report by exception is silent while nothing changes.
    pause_s = (samples.time_us[first] - seen["value_us"]) / 1e6
    going_on = level & (pause_s <= rules["frozen_after_s"] / 4) & (pause_s >= 0)
    seen["flat_from_us"] = np.where(going_on, seen["flat_from_us"], samples.time_us[last])
    seen["flat_value"] = np.where(going_on, flat_value, samples.value[last])
    seen["flat_count"] = np.where(going_on, seen["flat_count"] + samples.counts, 1)
    stretch_s = (samples.time_us[last] - seen["flat_from_us"]) / 1e6
    long_enough = going_on & (seen["flat_count"] >= FLAT_COUNT)
    frozen = long_enough & (stretch_s >= after_s)
    stands = long_enough & (stretch_s >= np.maximum(STAND_S, LONGER_THAN_SEEN * seen["elsewhere_s"]))
    clipped = stands & (_at_end(seen["flat_value"], rules) | _at_ceiling(seen, band))
    return Stands(frozen & ~clipped, after_s, clipped)


def _remember(
    seen: NDArray[np.void],
    band: NDArray[np.float64],
    moved: NDArray[np.bool_],
    stretch_s: NDArray[np.float64],
    after_s: NDArray[np.float64],
) -> None:
    """Note stretches that have ended: the longest that was healthy; and where it was long, the stand."""
    healthy = moved & (stretch_s < after_s)
    seen["flat_max_s"] = np.where(healthy, np.maximum(seen["flat_max_s"], stretch_s), seen["flat_max_s"])
    at_stand = (seen["stands"] > 0) & (np.abs(seen["flat_value"] - seen["stand_value"]) <= band)
    long = moved & (stretch_s >= STAND_S) & (seen["flat_count"] >= FLAT_COUNT)
    another = long & ~at_stand
    elsewhere_s = np.where(moved & ~at_stand & ~long, stretch_s, 0.0)
    elsewhere_s = np.maximum(elsewhere_s, np.where(another, seen["stand_s"], 0.0))
    seen["elsewhere_s"] = np.maximum(seen["elsewhere_s"], elsewhere_s)
    seen["stand_s"] = np.where(
        another, stretch_s, np.where(long, np.maximum(seen["stand_s"], stretch_s), seen["stand_s"])
    )
    seen["stand_value"] = np.where(another, seen["flat_value"], seen["stand_value"])
    seen["stands"] = np.where(another, 1, seen["stands"] + long)
    seen["sides"] = np.where(another, 0, seen["sides"])


def _look_around(
    seen: NDArray[np.void], away: NDArray[np.float64], low: NDArray[np.float64], high: NDArray[np.float64]
) -> None:
    """Note on which sides of its stand a signal moves."""
    above = (seen["stands"] > 0) & (high > seen["stand_value"] + away)
    below = (seen["stands"] > 0) & (low < seen["stand_value"] - away)
    seen["sides"] |= np.where(above, _ABOVE, 0) | np.where(below, _BELOW, 0)


def _at_end(value: NDArray[np.float64], rules: NDArray[np.void]) -> NDArray[np.bool_]:
    band = rules["flat_band"]
    ends: NDArray[np.bool_] = (value <= rules["end_low"] + band) | (value >= rules["end_high"] - band)
    return ends


def _at_ceiling(seen: NDArray[np.void], band: NDArray[np.float64]) -> NDArray[np.bool_]:
    one_side = (seen["sides"] == _ABOVE) | (seen["sides"] == _BELOW)
    there: NDArray[np.bool_] = (
        (seen["stands"] > 0) & one_side & (np.abs(seen["flat_value"] - seen["stand_value"]) <= band)
    )
    return there
