"""Signal health: does a signal behave as a living measurement does?

Range is a limit and is judged with the limits (`plausible`). Here are rate, frozen and stale, for all signals
of a unit at once, on structured arrays with a row a signal: what is declared (RULES) and was seen (MEMORY).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from agents.limits import Band

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

    from agents.samples import Samples
    from schemas.signals import SignalSpec

RULES = np.dtype(
    [
        ("rate_per_s", np.float64),
        ("step_allowed", np.float64),
        ("flat_band", np.float64),
        ("frozen_after_s", np.float64),
        ("stale_after_s", np.float64),
    ]
)
MEMORY = np.dtype(
    [
        ("time_us", np.int64),  # device time of the last judged sample; NEVER_US if the next is news anyhow
        ("seen_us", np.int64),  # log time at which it was judged
        ("value_us", np.int64),  # device time of the last credible sample; NEVER_US before the first
        ("value", np.float64),  # its value
        ("gaps", np.int64),  # gaps between judged frames, in log time: how many,
        ("gap_sum_s", np.float64),  # their sum
        ("gap_max_s", np.float64),  # and the longest
        ("flat_from_us", np.int64),  # the flat stretch under way, in device time
        ("flat_value", np.float64),
        ("flat_count", np.int64),
        ("moves", np.int64),  # flat stretches that ended,
        ("flat_max_s", np.float64),  # and the longest of them
    ]
)

NEVER_US = -1
"""Device times start at 0."""

NOISE_IN_A_STEP = 6.0
"""A difference of two noisy readings has 1.4 times the noise of one; beyond four times that it is a step."""

SHORTEST_STEP_S = 1.0
"""Rates are not judged over less: at ten samples a second the last digit alone would be a rate."""

NOISE_IN_FLAT = 0.05
"""Flat: within a twentieth of the noise of the stretch's first value. Living noise leaves that at once."""

FLAT_COUNT = 10
"""Samples that a flat stretch must have before it says anything."""

LONGER_THAN_SEEN = 3.0
"""A stretch or a regular gap must be this much longer than the longest healthy one before it is a fault."""

LONGER_THAN_SEEN_BY_EXCEPTION = 10.0
"""The same for a signal whose gaps vary, as those of report by exception do."""

GAPS_TO_KNOW = 20
"""Gaps to have seen before one can be called too long."""

NOISE_BEYOND_RANGE = 3.0
"""A reading may lie this many times its noise beyond its plausible range: zero is zero give or take."""

ZERO_ERROR = 0.005
"""A meter's zero may be off by this share of its range, where that grows with a vessel of unknown size."""

FRAME_GAPS = 16
"""Gaps between a unit's frames that are remembered; a rare outage among them leaves their median alone."""


def silence_allowed_s(gaps_us: Collection[int], least_s: float) -> float:
    """For how long a unit may be silent: `least_s`, or longer where its last gaps (log time) were long.

    A device that reports once a minute is not silent after 15 s.
    """
    if not gaps_us:
        return least_s
    ordered = sorted(gaps_us)
    usual_us = ordered[(len(ordered) - 1) // 2]
    regular = ordered[-1] <= 2 * usual_us
    longer = LONGER_THAN_SEEN if regular else LONGER_THAN_SEEN_BY_EXCEPTION
    return max(least_s, longer * usual_us / 1e6)


def rules(spec: SignalSpec | None) -> tuple[float, ...]:
    """Return a row of RULES for a signal; one outside the dictionary has rules that never speak."""
    if spec is None:
        return (np.inf, np.inf, -1.0, np.inf, np.inf)
    rate = spec.max_rate_per_min
    return (
        np.inf if rate is None else rate / 60.0,
        NOISE_IN_A_STEP * spec.noise,
        NOISE_IN_FLAT * spec.noise,
        np.inf if spec.frozen_after_s is None else spec.frozen_after_s,
        np.inf if spec.stale_after_s is None else spec.stale_after_s,
    )


def plausible(spec: SignalSpec) -> Band:
    """Return where a reading can be believed, in the signal's unit."""
    low, high = spec.plausible
    margin = NOISE_BEYOND_RANGE * spec.noise
    if spec.per_litre is not None:
        # The noise is that of a bench vessel: the empty scale of a large one is off by more than that.
        margin = max(margin, ZERO_ERROR * (high - low))
    return Band(low - margin, high + margin)


@dataclass(frozen=True, slots=True)
class Findings:
    """What the runs of one frame show, (C,) each.

    jumped: some sample moved faster than it can. rate_per_min: the fastest such move, 0 where none.
    frozen: the signal stands still. frozen_after_s: after how long that is called frozen.
    """

    jumped: NDArray[np.bool_]
    rate_per_min: NDArray[np.float64]
    frozen: NDArray[np.bool_]
    frozen_after_s: NDArray[np.float64]


def note(seen: NDArray[np.void], rules: NDArray[np.void], now_us: int, resumed_us: int) -> None:
    """Note that signals gave samples at `now_us`, log time.

    seen: (C,) rows of MEMORY, changed in place. rules: (C,) rows of RULES.
    resumed_us: log time at which the unit last came back from silence; a gap across it is the device's.
    """
    gap_s = (now_us - seen["seen_us"]) / 1e6
    usual = (seen["gaps"] < GAPS_TO_KNOW) | (gap_s <= _allowed_gap(seen, rules))
    healthy = (seen["value_us"] >= 0) & (seen["seen_us"] >= resumed_us) & (gap_s >= 0) & usual
    seen["gaps"] += healthy
    seen["gap_sum_s"] += np.where(healthy, gap_s, 0.0)
    seen["gap_max_s"] = np.where(healthy, np.maximum(seen["gap_max_s"], gap_s), seen["gap_max_s"])
    seen["seen_us"] = now_us


def observe(samples: Samples, seen: NDArray[np.void], rules: NDArray[np.void]) -> Findings:
    """Judge the credible samples of a frame, and bring what is remembered of them up to date.

    seen: (C,) rows of MEMORY, changed in place. rules: (C,) rows of RULES.
    """
    first, last = samples.starts, samples.ends
    known = seen["value_us"] >= 0
    jumped, rate = _rate(samples, seen, rules, known)

    low = np.minimum.reduceat(samples.value, first)
    high = np.maximum.reduceat(samples.value, first)
    pause_s = (samples.time_us[first] - seen["value_us"]) / 1e6
    flat_value = seen["flat_value"]
    level = known & (high - flat_value <= rules["flat_band"]) & (flat_value - low <= rules["flat_band"])
    # A long pause is no evidence of standing still: report by exception is silent while nothing changes.
    going_on = level & (pause_s <= rules["frozen_after_s"] / 4) & (pause_s >= 0)
    stretch_s = (seen["value_us"] - seen["flat_from_us"]) / 1e6
    after_s = np.where(
        seen["moves"] > 0,
        np.maximum(rules["frozen_after_s"], LONGER_THAN_SEEN * seen["flat_max_s"]),
        LONGER_THAN_SEEN * rules["frozen_after_s"],
    )
    moved = known & ~level
    healthy = moved & (stretch_s < after_s)
    seen["flat_max_s"] = np.where(healthy, np.maximum(seen["flat_max_s"], stretch_s), seen["flat_max_s"])
    seen["moves"] += moved
    seen["flat_from_us"] = np.where(going_on, seen["flat_from_us"], samples.time_us[last])
    seen["flat_value"] = np.where(going_on, flat_value, samples.value[last])
    seen["flat_count"] = np.where(going_on, seen["flat_count"] + samples.counts, 1)
    stretch_s = (samples.time_us[last] - seen["flat_from_us"]) / 1e6
    frozen = going_on & (stretch_s >= after_s) & (seen["flat_count"] >= FLAT_COUNT)

    seen["value_us"] = samples.time_us[last]
    seen["value"] = samples.value[last]
    return Findings(jumped, rate, frozen, after_s)


def stale(
    seen: NDArray[np.void], rules: NDArray[np.void], now_us: int, resumed_us: int
) -> tuple[NDArray[np.bool_], NDArray[np.float64], NDArray[np.float64]]:
    """Which signals of a unit have stopped while the device goes on; all rows, (S,) each.

    Returns:
        Whether the signal is stale, for how many seconds of log time it gave nothing, and how many it may.
    """
    since_us = np.maximum(seen["seen_us"], resumed_us)
    missing_s = (now_us - since_us) / 1e6
    allowed_s = _allowed_gap(seen, rules)
    return (seen["gaps"] >= GAPS_TO_KNOW) & (missing_s > allowed_s), missing_s, allowed_s


def _rate(
    samples: Samples, seen: NDArray[np.void], rules: NDArray[np.void], known: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    first = samples.starts
    before = np.empty_like(samples.value)
    before[1:] = samples.value[:-1]
    before[first] = np.where(known, seen["value"], samples.value[first])
    then_us = np.empty_like(samples.time_us)
    then_us[1:] = samples.time_us[:-1]
    then_us[first] = seen["value_us"]
    span_s = np.maximum((samples.time_us - then_us) / 1e6, SHORTEST_STEP_S)
    step = np.abs(samples.value - before)
    over = step > samples.each(rules["rate_per_s"]) * span_s + samples.each(rules["step_allowed"])
    if not over.any():
        none = np.zeros(first.size)
        return none.astype(np.bool_), none
    rate = np.where(over, step / span_s * 60.0, 0.0)
    return np.logical_or.reduceat(over, first), np.maximum.reduceat(rate, first)


def _allowed_gap(seen: NDArray[np.void], rules: NDArray[np.void]) -> NDArray[np.float64]:
    mean_s = seen["gap_sum_s"] / np.maximum(seen["gaps"], 1)
    regular = seen["gap_max_s"] <= 2.0 * mean_s
    longer = np.where(regular, LONGER_THAN_SEEN, LONGER_THAN_SEEN_BY_EXCEPTION)
    allowed: NDArray[np.float64] = np.maximum(rules["stale_after_s"], longer * seen["gap_max_s"])
    return allowed
