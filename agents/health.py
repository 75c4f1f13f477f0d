"""Signal health: does a signal behave as a living measurement does?

Range is a limit and is judged with the limits (`plausible`). The others are judged for all signals of a unit
at once, on structured arrays with a row a signal: what is declared (RULES) and was seen (MEMORY). Here is
stale; leaps (rate, spike) and stands (frozen, clipping) have modules of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from agents import health_leaps, health_stands
from agents.health_stands import LONGER_THAN_SEEN
from agents.limits import Band

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

    from agents.health_leaps import Leaps
    from agents.health_stands import Stands
    from agents.samples import Samples
    from schemas.signals import SignalSpec

RULES = np.dtype(
    [
        ("rate_per_s", np.float64),
        ("step_allowed", np.float64),
        ("flat_band", np.float64),  # negative where a signal may stand
        ("frozen_after_s", np.float64),
        ("stale_after_s", np.float64),
        ("leap", np.float64),  # the least leap that can be a spike
        ("usual_least", np.float64),  # between these the usual step is kept
        ("usual_most", np.float64),
        ("near_s", np.float64),  # over a longer gap nothing leaps
        ("away", np.float64),  # so far from its stand a signal moves
        ("end_low", np.float64),  # the ends of its range, at which it can be clipped
        ("end_high", np.float64),
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
        ("usual_step", np.float64),  # running median of the differences between readings
        ("off", np.int64),  # readings of a leap that has not come back yet,
        ("base", np.float64),  # the value before it,
        ("leap_us", np.int64),  # its device time,
        ("leap_rate", np.float64),  # and its rate per minute where that is not believable
        ("spikes", np.float64),  # leaps that came back, those forgotten not counted,
        ("spiked_us", np.int64),  # as of this device time
        ("unsettled_us", np.int64),  # until then (device time) changes are on purpose
        ("stand_value", np.float64),  # where it stood last for long,
        ("stands", np.int64),  # how many times,
        ("stand_s", np.float64),  # the longest of them,
        ("elsewhere_s", np.float64),  # the longest stretch at another value,
        ("sides", np.int64),  # and on which sides of it the signal has moved
        ("out", np.int64),  # 1: out of service, as its device says
        ("shown", np.int64),  # what its health was seen to be last: a bit for each of health_verdict.Health
    ]
)

NEVER_US = -1
"""Device times start at 0."""

NOISE_IN_A_STEP = 6.0
"""A difference of two noisy readings has 1.4 times the noise of one; beyond four times that it is a step."""

NOISE_IN_FLAT = 0.05
"""Flat: within a twentieth of the noise of the stretch's first value. Living noise leaves that at once."""

NOISE_IN_A_LEAP = 6.0
"""A leap of a quiet signal must be so many times its noise to be a spike."""

NOISE_AWAY = 10.0
"""So many times its noise from where it stood a signal has moved away."""

SETTLE_S = 600.0
"""For so long after a set point was changed, its signal moves and leaps on purpose."""

SETTLE_PHASE_S = 120.0
"""For so long after a change of phase, any signal may."""

NEAR_S = 60.0
"""Over a longer gap between two readings, or five times the usual one, nothing leaps."""

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
    """Return a row of RULES for a signal; one outside the dictionary has rules that never speak.

    Only a living measurement spikes and is clipped: what is held, counted or switched may leap and stand.
    """
    if spec is None:
        return (np.inf, np.inf, -1.0, np.inf, np.inf, *_NO_LEAPS, *_NO_ENDS)
    rate, noise = spec.max_rate_per_min, spec.noise
    leaps: tuple[float, ...] = _NO_LEAPS
    if spec.reading == "continuous" and (rate is not None or spec.frozen_after_s is not None):
        near_s = max(NEAR_S, 5.0 * (spec.sampling_s or 0.0))
        leaps = (NOISE_IN_A_LEAP * noise, 1e-3 * noise, 1e3 * noise, near_s)
    ends: tuple[float, ...] = _NO_ENDS
    if spec.frozen_after_s is not None:
        low, high = spec.plausible
        # Many signals are at zero in health.
        ends = (NOISE_AWAY * noise, low or -np.inf, high)
    return (
        np.inf if rate is None else rate / 60.0,
        NOISE_IN_A_STEP * noise,
        -1.0 if spec.frozen_after_s is None else NOISE_IN_FLAT * noise,
        np.inf if spec.frozen_after_s is None else spec.frozen_after_s,
        np.inf if spec.stale_after_s is None else spec.stale_after_s,
        *leaps,
        *ends,
    )


_NO_LEAPS = (np.inf, 0.0, 1.0, 0.0)
_NO_ENDS = (np.inf, -np.inf, np.inf)


def no_rules(spec: SignalSpec | None) -> tuple[float, ...]:
    """Return a row of RULES by which only stale is judged, as while a vessel is cleaned."""
    stale_after_s = spec.stale_after_s if spec else None
    return (*rules(None)[:4], np.inf if stale_after_s is None else stale_after_s, *_NO_LEAPS, *_NO_ENDS)


def plausible(spec: SignalSpec) -> Band:
    """Return where a reading can be believed, in the signal's unit."""
    low, high = spec.plausible
    margin = NOISE_BEYOND_RANGE * spec.noise
    if spec.per_litre is not None:
        # The noise is that of a bench vessel: the empty scale of a large one is off by more than that.
        margin = max(margin, ZERO_ERROR * (high - low))
    return Band(low - margin, high + margin)


def note(seen: NDArray[np.void], rules: NDArray[np.void], now_us: int, resumed_us: int) -> None:
    """Note that signals gave samples at `now_us`, log time.

    seen: (C,) rows of MEMORY, changed in place. rules: (C,) rows of RULES.
    resumed_us: log time at which the unit last came back from silence; a gap across it is the device's.
    """
    gap_s = (now_us - seen["seen_us"]) / 1e6
    least_s = np.maximum(rules["stale_after_s"], LONGER_THAN_SEEN * seen["gap_max_s"])
    usual = (seen["gaps"] < GAPS_TO_KNOW) | (gap_s <= least_s)
    if not usual.all():
        usual |= gap_s <= _allowed_gap(seen, rules)
    healthy = (seen["value_us"] >= 0) & (seen["seen_us"] >= resumed_us) & (gap_s >= 0) & usual
    seen["gaps"] += healthy
    seen["gap_sum_s"] += np.where(healthy, gap_s, 0.0)
    seen["gap_max_s"] = np.where(healthy, np.maximum(seen["gap_max_s"], gap_s), seen["gap_max_s"])
    seen["seen_us"] = now_us


def observe(samples: Samples, seen: NDArray[np.void], rules: NDArray[np.void]) -> tuple[Leaps, Stands]:
    """Judge the credible samples of a frame, and bring what is remembered of them up to date.

    seen: (C,) rows of MEMORY, changed in place. rules: (C,) rows of RULES.
    """
    leaps = health_leaps.judge(samples, seen, rules)
    stands = health_stands.judge(samples, leaps.leapt, seen, rules)
    last = samples.ends
    seen["value_us"] = samples.time_us[last]
    seen["value"] = samples.value[last]
    return leaps, stands


def stale(
    seen: NDArray[np.void], rules: NDArray[np.void], now_us: int, resumed_us: int
) -> tuple[NDArray[np.bool_], NDArray[np.float64], NDArray[np.float64]]:
    """Which signals of a unit have stopped while the device goes on; all rows, (S,) each.

    Returns:
        Whether the signal is stale, for how many seconds of log time it gave nothing, and how many it may.
    """
    since_us = np.maximum(seen["seen_us"], resumed_us)
    missing_s = (now_us - since_us) / 1e6
    late = missing_s > rules["stale_after_s"]
    if not np.count_nonzero(late):
        return late, missing_s, rules["stale_after_s"]
    allowed_s = _allowed_gap(seen, rules)
    in_service = seen["out"] == 0
    return in_service & (seen["gaps"] >= GAPS_TO_KNOW) & (missing_s > allowed_s), missing_s, allowed_s


def _allowed_gap(seen: NDArray[np.void], rules: NDArray[np.void]) -> NDArray[np.float64]:
    mean_s = seen["gap_sum_s"] / np.maximum(seen["gaps"], 1)
    regular = seen["gap_max_s"] <= 2.0 * mean_s
    longer = np.where(regular, LONGER_THAN_SEEN, LONGER_THAN_SEEN_BY_EXCEPTION)
    allowed: NDArray[np.float64] = np.maximum(rules["stale_after_s"], longer * seen["gap_max_s"])
    return allowed
