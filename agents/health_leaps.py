"""Leaps of a reading: one that comes back is a spike, one that stays is a jump, which may be too fast.

A step is measured by what steps this signal usually makes: the running median of their sizes, which a few
spikes do not move (the spread of differences by their median, as in Hampel's filter, but recursive).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from agents.samples import Samples

SHORTEST_STEP_S = 1.0
"""Rates are not judged over less: at ten samples a second the last digit alone would be a rate."""

USUAL_TIMES = 10.0
"""A leap is so many times the usual step: 6.7 standard deviations of the difference of two noisy readings."""

MOST_OFF = 3
"""Readings after which a leap that has not come back is a step of the signal."""

GAIN = 0.05
"""Share by which the usual step follows one reading: its median is that of the last some twenty readings."""

LARGEST = 1e300
"""What is remembered has to be a number."""

SPIKES_FORGOTTEN_S = 600.0
"""Time in which a spike is forgotten to a third."""

SPIKES_ALLOWED = 5.0
"""More spikes than this, those forgotten not counted, are an alarm: something is loose."""


@dataclass(frozen=True, slots=True)
class Leaps:
    """What the runs of one frame show, (C,) each.

    leapt: some reading has left its neighbours and not yet been taken for a step. jumped: a step was faster
    than the signal can move; rate_per_min: the fastest such step, 0 where none; jumped_us: its device time.
    """

    leapt: NDArray[np.bool_]
    jumped: NDArray[np.bool_]
    rate_per_min: NDArray[np.float64]
    jumped_us: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Steps:
    """Of each sample (N,): how far from the one before, in which time, and whether faster than believable."""

    size: NDArray[np.float64]
    span_s: NDArray[np.float64]
    over: NDArray[np.bool_]


def judge(samples: Samples, seen: NDArray[np.void], rules: NDArray[np.void]) -> Leaps:
    """Judge the steps of a frame's samples; `seen` (C,) rows of health.MEMORY, changed in place."""
    first, last = samples.starts, samples.ends
    size = _sizes(samples, seen)
    usual = seen["usual_step"]
    larger = np.add.reduceat(size > samples.each(usual), first) / samples.counts
    most = np.maximum(rules["leap"], USUAL_TIMES * usual)
    off = seen["off"] > 0
    largest = np.maximum.reduceat(size, first)
    jumped_us = samples.time_us[last]
    # A set point that has just changed, or a phase, moves things on purpose.
    calm = jumped_us >= seen["unsettled_us"]
    leapt = ((largest > most) | off) & calm
    growth = GAIN * np.minimum(samples.counts, 20) * (2.0 * larger - 1.0)
    seen["usual_step"] = np.clip(usual * np.exp(growth), rules["usual_least"], rules["usual_most"])

    jumped, rate = np.zeros(first.size, dtype=np.bool_), np.zeros(first.size)
    # Most frames have no step that could be too fast: then its time does not matter.
    if np.count_nonzero(leapt | (largest > rules["step_allowed"])):
        steps = _timed(samples, size, seen, rules)
        jumped = np.logical_or.reduceat(steps.over, first)
        if jumped.any():
            rate = np.maximum.reduceat(np.where(steps.over, size / steps.span_s * 60.0, 0.0), first)
        for row in np.flatnonzero(leapt).tolist():
            bounds = (float(most[row]), float(rules["near_s"][row]))
            found = _follow(samples, steps, seen, row, bounds)
            leapt[row], jumped[row], rate[row], jumped_us[row] = found
    if np.count_nonzero(off):
        seen["off"][~leapt] = 0
    jumped &= calm
    return Leaps(leapt, jumped, np.where(jumped, rate, 0.0), jumped_us)


def recent(seen: NDArray[np.void], now_us: NDArray[np.int64]) -> NDArray[np.float64]:
    """Spikes that are not forgotten at device times `now_us`, (C,)."""
    since_s = np.maximum(now_us - seen["spiked_us"], 0) / 1e6
    counted: NDArray[np.float64] = seen["spikes"] * np.exp(-since_s / SPIKES_FORGOTTEN_S)
    return counted


def _sizes(samples: Samples, seen: NDArray[np.void]) -> NDArray[np.float64]:
    """(N,) how far each sample is from the one before."""
    first = samples.starts
    before = np.empty_like(samples.value)
    before[1:] = samples.value[:-1]
    before[first] = np.where(seen["value_us"] >= 0, seen["value"], samples.value[first])
    return np.abs(samples.value - before)


def _timed(
    samples: Samples, size: NDArray[np.float64], seen: NDArray[np.void], rules: NDArray[np.void]
) -> _Steps:
    then_us = np.empty_like(samples.time_us)
    then_us[1:] = samples.time_us[:-1]
    then_us[samples.starts] = seen["value_us"]
    span_s = np.maximum((samples.time_us - then_us) / 1e6, SHORTEST_STEP_S)
    over = size > samples.each(rules["rate_per_s"]) * span_s + samples.each(rules["step_allowed"])
    return _Steps(size, span_s, over)


def _follow(
    samples: Samples, steps: _Steps, seen: NDArray[np.void], row: int, bounds: tuple[float, float]
) -> tuple[bool, bool, float, int]:
    """Follow the readings of one run one by one; returns leapt, jumped, rate and time of the jump.

    bounds: the least leap, and over how many seconds nothing leaps.
    """
    run, (most, near_s) = samples.run(row), bounds
    base, off = float(seen["base"][row]), int(seen["off"][row])
    leap_rate, leap_us = float(seen["leap_rate"][row]), int(seen["leap_us"][row])
    before = float(seen["value"][row])
    leapt, jumped, rate, jumped_us = off > 0, False, 0.0, leap_us
    numbers = (samples.value, samples.time_us, steps.size, steps.span_s, steps.over)
    for value, at_us, size, span_s, over in zip(*(one[run].tolist() for one in numbers), strict=True):
        if span_s > near_s:
            off = 0  # over a gap nothing leaps
        elif off and abs(value - base) <= most:
            spikes = recent(seen[row : row + 1], np.array([at_us]))[0]
            seen["spikes"][row], seen["spiked_us"][row] = spikes + 1.0, at_us
            off = 0
        elif off >= MOST_OFF:
            off = 0
            if leap_rate:
                jumped, rate, jumped_us = True, max(rate, leap_rate), leap_us
        elif off:
            off += 1
        elif size > most:
            leapt, off, base, leap_us = True, 1, before, at_us
            leap_rate = min(size / span_s * 60.0, LARGEST) if over else 0.0
        elif over:
            jumped, rate, jumped_us = True, max(rate, size / span_s * 60.0), at_us
        before = value
    seen["base"][row], seen["off"][row] = base, off
    seen["leap_rate"][row], seen["leap_us"][row] = leap_rate, leap_us
    return leapt, jumped, rate, jumped_us
