"""The worst sample of each signal of a frame: every sample is judged against what its own step was to be.

A layer that judges whole steps, not samples, gives the worst step of each signal instead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from agents.models.step import SignalScores, Step
    from agents.samples import Samples


@runtime_checkable
class Judge(Protocol):
    """A layer that says of each signal what its next samples are expected to be; arrays (S,)."""

    @property
    def expected(self) -> NDArray[np.float64]:
        """What the next samples are judged against."""

    @property
    def spread(self) -> NDArray[np.float64]:
        """The usual size of their deviation from it, > 0."""

    @property
    def ready(self) -> NDArray[np.bool_]:
        """Which signals can be judged."""

    def score_of(
        self,
        value: NDArray[np.float64],
        expected: NDArray[np.float64],
        spread: NDArray[np.float64],
        slots: NDArray[np.intp],
        samples: NDArray[np.intp] | int = 1,
    ) -> NDArray[np.float64]:
        """Score values, each the worst of `samples` of the signal at its slot."""


@dataclass(frozen=True, slots=True)
class Scores:
    """The worst sample, or step, of each scored signal of a frame, arrays of one length."""

    slots: NDArray[np.intp]
    time_us: NDArray[np.int64]
    value: NDArray[np.float64]
    expected: NDArray[np.float64]
    score: NDArray[np.float64]
    suspect: NDArray[np.bool_]
    learned: NDArray[np.bool_]


def of_steps(steps: Sequence[tuple[Step, SignalScores]]) -> Scores | None:
    """Return, for each signal, the worst of the steps that a layer judged; None where it judged nothing."""
    score = np.stack([said.score for _, said in steps])
    slots = np.flatnonzero(np.isfinite(score).any(axis=0))
    if not slots.size:
        return None
    at = np.nan_to_num(score[:, slots], nan=-1.0).argmax(axis=0)

    def of(arrays: list[NDArray[Any]]) -> NDArray[Any]:
        worst: NDArray[Any] = np.stack(arrays)[at, slots]
        return worst

    return Scores(
        slots,
        np.array([step.end_us for step, _ in steps])[at],
        of([step.value for step, _ in steps]),
        of([said.expected for _, said in steps]),
        score[at, slots],
        of([said.suspect for _, said in steps]),
        of([said.learned for _, said in steps]),
    )


class Worst:
    """Keeps the worst sample of each signal over the steps of a frame, and how many were judged.

    slots: (C,) the frame's signals. learned: (C,) whether something of the signal was learnt meanwhile.
    """

    def __init__(self, slots: NDArray[np.intp]) -> None:
        size = slots.size
        self.learned = np.zeros(size, dtype=np.bool_)
        self._slots = slots
        self._row = np.empty(int(slots.max()) + 1, dtype=np.intp)
        self._row[slots] = np.arange(size)
        self._size = np.full(size, -1.0)
        self._counts = np.zeros(size, dtype=np.intp)
        self._time_us = np.zeros(size, dtype=np.int64)
        self._value, self._expected, self._spread = np.zeros(size), np.zeros(size), np.ones(size)

    def see(self, samples: Samples, judge: Judge) -> None:
        """Look at the samples of one step, all of the frame's signals."""
        slots = samples.slots
        ready = judge.ready[slots]
        if not np.count_nonzero(ready):
            return
        expected, spread = judge.expected[slots], judge.spread[slots]
        deviation = np.abs(samples.value - samples.each(expected)) / samples.each(spread)
        most = np.maximum.reduceat(deviation, samples.starts)
        places = (deviation == samples.each(most)).nonzero()[0]
        first = places[places.searchsorted(samples.starts)]
        rows = self._row[slots]
        self._counts[rows] += np.where(ready, samples.counts, 0)
        worse = ready & (most > self._size[rows])
        at, first = rows[worse], first[worse]
        self._size[at] = most[worse]
        self._time_us[at] = samples.time_us[first]
        self._value[at] = samples.value[first]
        self._expected[at] = expected[worse]
        self._spread[at] = spread[worse]

    def scores(self, judge: Judge, suspect_at: float) -> Scores | None:
        """Return the scores of the signals that were judged; None where none was."""
        at = self._counts.nonzero()[0]
        if not at.size:
            return None
        slots = self._slots[at]
        score = judge.score_of(self._value[at], self._expected[at], self._spread[at], slots, self._counts[at])
        return Scores(
            slots,
            self._time_us[at],
            self._value[at],
            self._expected[at],
            score,
            score >= suspect_at,
            self.learned[at],
        )
