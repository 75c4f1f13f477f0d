"""River's additive `time_series.HoltWinters` over many signals at once, for forecasts of one step.

The recurrences and the start from the first max(2, seasonality) values are River's, its season that starts
from y / level included, so that a bank and River's class say the same of the same values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from agents.models.banks.columns import Columns

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray


class HoltWintersBank:
    """One additive HoltWinters a lane, each at its own pace; parameters as River's, None or 0 for absent."""

    def __init__(
        self, alpha: float, beta: float | None = None, gamma: float | None = None, seasonality: int = 0
    ) -> None:
        if seasonality and not (gamma and beta):
            raise ValueError("HoltWinters with a seasonality needs beta and gamma")
        self._alpha, self._beta, self._gamma = alpha, beta or 0.0, gamma or 0.0
        self._seasonality = seasonality
        self._least = max(2, seasonality)
        self._lanes = Columns(
            {
                "seen": 0,
                "level": 0.0,
                "trend": 0.0,
                "first": np.zeros(self._least),  # the values it starts from, later the seasons' ring
                "place": 0,
            }
        )

    def add(self, lanes: int = 1) -> None:
        """Add fresh lanes."""
        self._lanes.add(lanes)

    def begin(self, where: NDArray[np.bool_]) -> None:
        """Start the lanes in `where` anew."""
        self._lanes.begin(where)

    @property
    def running(self) -> NDArray[np.bool_]:
        """(S,) which lanes have had enough values to forecast."""
        enough: NDArray[np.bool_] = self._lanes["seen"] >= self._least
        return enough

    @property
    def level(self) -> NDArray[np.float64]:
        """(S,) where each lane is, its season left out; 0 in lanes that are not running."""
        return self._lanes["level"]

    @property
    def trend(self) -> NDArray[np.float64]:
        """(S,) how far each lane moves in a step; 0 in lanes that are not running."""
        return self._lanes["trend"]

    def learn(self, value: NDArray[np.float64], where: NDArray[np.bool_]) -> None:
        """Let the lanes in `where` learn their `value` (S,)."""
        seen, level, trend = self._lanes["seen"], self._lanes["level"], self._lanes["trend"]
        running = seen >= self._least
        if np.count_nonzero(running) < running.size:
            starting = where & ~running
            where = where & running
            if starting.any():
                self._start(value, starting)
        taken = value
        if self._seasonality:
            ring, place = self._lanes["first"], self._lanes["place"]
            rows = np.arange(len(self._lanes))
            season = ring[rows, place]
            fresh = self._gamma * (value - level - trend) + (1.0 - self._gamma) * season
            ring[rows[where], place[where]] = fresh[where]
            place[where] = (place[where] + 1) % self._seasonality
            taken = value - season
        risen = self._alpha * taken + (1.0 - self._alpha) * (level + trend)
        if self._beta:
            np.copyto(trend, self._beta * (risen - level) + (1.0 - self._beta) * trend, where=where)
        np.copyto(level, risen, where=where)

    def forecast(self) -> NDArray[np.float64]:
        """(S,) what comes next; without meaning in lanes that are not running."""
        ahead: NDArray[np.float64] = self._lanes["level"] + self._lanes["trend"]
        if self._seasonality:
            ahead = ahead + self._lanes["first"][np.arange(len(self._lanes)), self._lanes["place"]]
        return ahead

    def state(self) -> dict[str, Any]:
        """Everything that it knows."""
        return self._lanes.state()

    def take_up(self, state: Mapping[str, Any]) -> None:
        """Go on from `state`; raises SnapshotRefused where it does not fit."""
        self._lanes.take_up(state)

    def _start(self, value: NDArray[np.float64], where: NDArray[np.bool_]) -> None:
        seen, first = self._lanes["seen"], self._lanes["first"]
        lanes = np.flatnonzero(where)
        first[lanes, seen[lanes]] = value[lanes]
        seen[lanes] += 1
        for lane in lanes[seen[lanes] == self._least].tolist():
            values = first[lane]
            level = float(values.mean())
            self._lanes["level"][lane] = level
            if self._beta:
                self._lanes["trend"][lane] = (values[-1] - values[0]) / (self._least - 1)
            if self._seasonality:
                # River divides, whatever the level; nothing else is known of a season at level zero.
                first[lane] = values / level if level else 0.0
