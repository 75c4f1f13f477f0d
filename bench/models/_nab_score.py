"""NAB's own score of a stream's alarms, profile standard: early hits count most, false alarms cost a little.

After the benchmark's published rules (Lavin and Ahmad 2015, version 1.1): the first 15 % of a stream, at most
750 rows, count for nothing; an alarm in a window of an anomaly earns up to 1, by how early it comes; a window
without one costs 1; an alarm outside costs up to 0.11, less shortly after a window. A corpus scores 0 for the
detector that never alarms, and 100 for one that alarms as each window begins and nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

PROBATION = 0.15
PROBATION_ROWS = 750
FALSE_ALARM = 0.11
FAR_BEHIND = 3.0
"""Widths of a window behind it from which a false alarm costs in full."""


@dataclass(frozen=True, slots=True)
class Weights:
    """By row (N,): what an alarm is worth, in which window it lies (-1: none), whether it is counted."""

    worth: NDArray[np.float64]
    window: NDArray[np.intp]
    windows: int
    counted: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The raw score of alarms; windows that there are, and were hit; false alarms, and healthy rows."""

    raw: float = 0.0
    windows: int = 0
    hits: int = 0
    false_alarms: int = 0
    healthy_rows: int = 0

    @property
    def normalised(self) -> float:
        """0 for never alarming, 100 for perfection."""
        return 100.0 * (self.raw + self.windows) / (2.0 * self.windows) if self.windows else 0.0

    @property
    def far(self) -> float:
        """Share of the healthy rows with an alarm."""
        return self.false_alarms / self.healthy_rows if self.healthy_rows else 0.0

    def __add__(self, other: Outcome) -> Outcome:
        return Outcome(
            self.raw + other.raw,
            self.windows + other.windows,
            self.hits + other.hits,
            self.false_alarms + other.false_alarms,
            self.healthy_rows + other.healthy_rows,
        )


def weigh(rows: int, windows: list[tuple[int, int]]) -> Weights:
    """Weigh the rows of a stream; windows are its first and last rows, in order."""
    at = np.arange(rows)
    worth = np.full(rows, -FALSE_ALARM)
    inside = np.full(rows, -1, dtype=np.intp)
    for number, (first, last) in enumerate(windows):
        width = last - first + 1
        behind = at > last
        past = (at[behind] - last) / max(width - 1, 1)
        worth[behind] = FALSE_ALARM * np.where(past > FAR_BEHIND, -1.0, _sigmoid(np.minimum(past, 100.0)))
        within = (at >= first) & (at <= last)
        worth[within] = _sigmoid(-(last - at[within] + 1) / width) / _sigmoid(np.array(-1.0))
        inside[within] = number
    probation = min(int(PROBATION * rows), PROBATION_ROWS)
    return Weights(worth, inside, len(windows), at >= probation)


def outcome(weights: Weights, alarm: NDArray[np.bool_]) -> Outcome:
    """Score the alarms (N,) of one stream."""
    told = alarm & weights.counted
    outside = weights.window < 0
    raw = float(weights.worth[told & outside].sum())
    hits = 0
    for number in range(weights.windows):
        found = weights.worth[told & (weights.window == number)]
        hits += found.size > 0
        raw += float(found.max()) if found.size else -1.0
    return Outcome(
        raw, weights.windows, hits, int(np.sum(told & outside)), int(np.sum(weights.counted & outside))
    )


def corpus(weights: Mapping[str, Weights], alarms: Mapping[str, NDArray[np.bool_]]) -> Outcome:
    """Score the alarms of all streams."""
    return sum((outcome(weights[name], alarms[name]) for name in weights), Outcome())


def told(score: NDArray[np.float64], threshold: float, again_steps: int) -> NDArray[np.bool_]:
    """(N,) where a score at or above the threshold is told: at once, and again only after `again_steps`."""
    alarm = np.zeros(score.size, dtype=np.bool_)
    silent_until = 0
    for row in np.flatnonzero(score >= threshold).tolist():
        if row >= silent_until:
            alarm[row] = True
            silent_until = row + again_steps
    return alarm


def _sigmoid(position: NDArray[np.float64]) -> NDArray[np.float64]:
    scaled: NDArray[np.float64] = 2.0 / (1.0 + np.exp(5.0 * position)) - 1.0
    return scaled
