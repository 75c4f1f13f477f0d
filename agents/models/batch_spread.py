"""How much good batches differ, and how sure that is: spreads and degrees of freedom along maturity.

Deviations are (B, M, S): batches, points of maturity, signals; NaN where a batch did not come so far.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

MOST_FREEDOM = 1000.0
TRANSIENT_POINTS = 5
"""Where set points change, batches differ for a few points far more than elsewhere in the window."""

SMALL_SHARE = 1e-4
"""Deviations of less than a hundredth of the spread say nothing of how often a batch counts."""
KURTOSIS_OF_T = (4.0, 6.0)
"""A Student t of f degrees of freedom has the excess kurtosis 6/(f - 4)."""


def around(mean: NDArray[np.float64], slack: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The least and the greatest of the mean within `slack` points."""
    low, high = mean.copy(), mean.copy()
    for shift in range(1, slack + 1):
        for to, of in ((slice(shift, None), slice(None, -shift)), (slice(None, -shift), slice(shift, None))):
            low[to] = np.fmin(low[to], mean[of])
            high[to] = np.fmax(high[to], mean[of])
    return low, high


def span(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """(S,) how far each signal runs in good batches; its own size where it stands; 1 where it is always 0."""
    flat = values.reshape(-1, values.shape[2])
    held = np.where(np.isfinite(flat), flat, np.nan)
    span = np.zeros(flat.shape[1])
    size = np.zeros(flat.shape[1])
    for column in range(flat.shape[1]):
        seen = held[np.isfinite(held[:, column]), column]
        if seen.size:
            span[column] = np.ptp(np.quantile(seen, (0.01, 0.99)))
            size[column] = np.abs(seen).max()
    return np.where(span > 0.0, span, np.where(size > 0.0, size, 1.0))


def filtered(
    off: NDArray[np.float64], level_steps: int, memory_steps: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(N, S) smoothed deviations of one batch, row by row, and what each leaves of its own slow level."""
    level, change = np.full_like(off, np.nan), np.full_like(off, np.nan)
    quick, slow = np.full(off.shape[1], np.nan), np.full(off.shape[1], np.nan)
    for at, now in enumerate(off):
        here = np.isfinite(now)
        first = np.isnan(slow) & here
        slow, quick = np.where(first, now, slow), np.where(first, now, quick)
        change[at] = now - slow
        quick = np.where(here, quick + (now - quick) / level_steps, quick)
        slow = np.where(here, slow + (now - slow) / memory_steps, slow)
        level[at] = np.where(here, quick, np.nan)
    return level, change


def _mean_square(of: NDArray[np.float64]) -> NDArray[np.float64]:
    known = np.isfinite(of)
    total = np.where(known, of, 0.0)
    found: NDArray[np.float64] = (total * total).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    return found


def variance(of: NDArray[np.float64], half: int) -> NDArray[np.float64]:
    """(M, S) over the window, or over a few points where a transient makes that larger."""
    square = _mean_square(of)
    wide: NDArray[np.float64] = _smoothed(square, half)
    return np.maximum(wide, _smoothed(square, min(TRANSIENT_POINTS, half)))


def _smoothed(of: NDArray[np.float64], half: int) -> NDArray[np.float64]:
    """Mean over the points up to `half` away, fewer at the ends; along axis -2."""
    size = of.shape[-2]
    total = np.concatenate([np.zeros_like(of[..., :1, :]), np.cumsum(of, axis=-2)], axis=-2)
    first = np.maximum(np.arange(size) - half, 0)
    last = np.minimum(np.arange(size) + half + 1, size)
    found: NDArray[np.float64] = (total[..., last, :] - total[..., first, :]) / (last - first)[:, None]
    return found


def freedom(scaled: NDArray[np.float64], half: int, batches: int) -> NDArray[np.float64]:
    """(M, S) degrees of freedom of the Student t that deviations in spreads, (B, M, S), follow.

    A batch counts once if it hardly moves along the window, more often if it does; and tails heavier than
    normal leave fewer.
    """
    known = np.isfinite(scaled)
    filled = np.where(known, scaled, 0.0)
    whole = _smoothed((filled**2).mean(axis=0), half)
    slow = _smoothed((_smoothed(filled, half) ** 2).mean(axis=0), half)
    window = min(2 * half + 1, scaled.shape[1])
    little = SMALL_SHARE / window
    times = np.clip((whole + little * window) / (slow + little), 1.0, window)
    fourth = _smoothed((filled**4).mean(axis=0), half)
    excess = fourth / np.maximum(whole, SMALL_SHARE) ** 2 - 3.0
    least, slope = KURTOSIS_OF_T
    tails = least + slope / np.maximum(excess, 1e-3)
    found: NDArray[np.float64] = np.minimum(np.minimum((batches - 1) * times, tails), MOST_FREEDOM)
    return found


def stillness(
    runs: Sequence[tuple[NDArray[np.float64], NDArray[np.float64]]],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Share of steps without a change and the longest run of them, each between and at the ends; the ends."""
    every = np.concatenate([value for _, value in runs])
    finite = np.isfinite(every)
    least = np.where(finite, every, np.inf).min(axis=0)
    most = np.where(finite, every, -np.inf).max(axis=0)
    steps, stills = np.zeros((2, every.shape[1])), np.zeros((2, every.shape[1]))
    longest = np.zeros((2, every.shape[1]))
    columns = np.arange(every.shape[1])
    for _, value in runs:
        length = np.zeros(every.shape[1])
        for before, now in pairwise(value):
            still = now == before
            end = ((now <= least) | (now >= most)).astype(np.intp)
            length = np.where(still, length + 1.0, 0.0)
            steps[end, columns] += np.isfinite(now)
            stills[end, columns] += still
            longest[end, columns] = np.maximum(longest[end, columns], length)
    return (stills + 1.0) / (steps + 2.0), longest, least, most
