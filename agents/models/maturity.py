"""How far a batch has come: the clock by which batches of different length are compared.

Batches do not run alike in time; what they have been fed or have breathed says better where they stand
(Nomikos and MacGregor 1995 call it an indicator variable). Each indicator only grows within its span.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from agents.context import Context

Indicator = Literal["phase_time", "volume_fed", "oxygen_used", "carbon_dioxide_made", "batch_age"]

NEEDS: Mapping[Indicator, str | None] = {
    "phase_time": None,
    "volume_fed": "feed_total",
    "oxygen_used": "OUR",
    "carbon_dioxide_made": "CER",
    "batch_age": None,
}
"""The signal that an indicator is made from; those of None are seconds of time."""

RATES = frozenset({"oxygen_used", "carbon_dioxide_made"})
WHOLE_BATCH = ""
"""The one span of batches that are compared by age, whatever their phases."""

LATE_STEPS = 10
"""Who comes so many steps after a span began does not know what was fed or breathed before."""


def spans(indicator: Indicator, phase: Sequence[str | None]) -> list[str]:
    """Name the span that each row belongs to: its phase, or the whole batch."""
    return [WHOLE_BATCH if indicator == "batch_age" or name is None else name for name in phase]


def available(indicator: Indicator, signals: Sequence[str], phases: Sequence[Sequence[str | None]]) -> bool:
    """Whether the indicator can be had from these signals and the phases of every batch."""
    needed = NEEDS[indicator]
    known = all(name is not None for phase in phases for name in phase)
    return (needed is None or needed in signals) and (indicator == "batch_age" or known)


def maturity(
    indicator: Indicator, time_s: NDArray[np.float64], reading: NDArray[np.float64] | None
) -> NDArray[np.float64]:
    """(N,) how far each row of one span has come, 0 at its first; in s, L, or mmol/L.

    time_s: (N,) rising. reading: (N,) of the signal that the indicator needs, in the dictionary's unit
    (rates an hour); what is missing adds nothing.
    """
    if reading is None:
        since: NDArray[np.float64] = time_s - time_s[0]
        return since
    known = np.where(np.isfinite(reading), reading, 0.0)
    if indicator in RATES:
        hours = np.diff(time_s, prepend=time_s[0]) / 3600.0
        return np.cumsum(np.maximum(known, 0.0) * hours)
    grown = np.maximum(np.diff(known, prepend=known[0]), 0.0)
    grown[~np.isfinite(reading)] = 0.0
    return np.cumsum(grown)


class MaturityClock:
    """The same of a batch under way, a step of the grid at a time.

    Attributes:
        span: under way; None outside batches.
        reached: maturity within it.
        late: it came too late to know that.
    """

    def __init__(self, indicator: Indicator, step_s: float) -> None:
        self.span: str | None = None
        self.reached = 0.0
        self.late = False
        self._indicator = indicator
        self._step_h = step_s / 3600.0
        self._batch: str | None = None
        self._last = float("nan")

    def move(self, end_us: int, context: Context, reading: float) -> bool:
        """Take a step's end and its reading (NaN where there is none); say whether a new span has begun."""
        span = None
        if context.batch is not None:
            span = spans(self._indicator, (context.phase,))[0]
        new = span != self.span or context.batch != self._batch
        if new:
            self.span, self._batch = span, context.batch
            self.reached, self._last, self.late = 0.0, float("nan"), False
        if span is None:
            return new
        by_age = self._indicator == "batch_age"
        since_us = context.batch_since_us if by_age else context.phase_since_us
        since_s = max(0.0, (end_us - (end_us if since_us is None else since_us)) / 1e6)
        if NEEDS[self._indicator] is None:
            self.reached = since_s
            return new
        if new:
            self.late = since_s > LATE_STEPS * self._step_h * 3600.0
        if np.isfinite(reading):
            if self._indicator in RATES:
                self.reached += max(reading, 0.0) * self._step_h
            elif np.isfinite(self._last):
                self.reached += max(reading - self._last, 0.0)
            self._last = reading
        return new

    def state(self) -> dict[str, Any]:
        """Everything that it knows."""
        return {
            "span": self.span,
            "reached": self.reached,
            "late": self.late,
            "batch": self._batch,
            "last": self._last,
        }

    def take_up(self, state: Mapping[str, Any]) -> None:
        """Go on from `state`."""
        self.span, self.reached = state["span"], float(state["reached"])
        self._batch, self._last = state["batch"], float(state["last"])
        # Earlier versions did not keep it.
        self.late = bool(state.get("late", False))
