"""River as it comes, doing what the layers of watch do: one Python object a signal, one call a value.

For each signal `time_series.HoltWinters` one step ahead with `anomaly.GaussianScorer` of its residual on the
5 s grid, every sample scored; for the unit `covariance.EwaCovariance` with T² and `anomaly.HalfSpaceTrees` on
the 10 s grid; and every 30 s the path of a second `HoltWinters` to each signal's farthest horizon. No health,
no alarms, no intervals, no memory: what is left out speaks for River.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from river import anomaly, covariance, time_series

STEP_S, UNIT_STEP_S, FORECAST_S = 5, 10, 30
STEPS_AHEAD = 120
"""An hour in steps of 30 s."""


_HoltWinters: Any = time_series.HoltWinters
_GaussianScorer: Any = anomaly.GaussianScorer


class PlainRiver:
    """The same layers of one unit with River's own classes."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self._names = names
        self._next: dict[str, Any] = {name: _HoltWinters(alpha=0.3, beta=0.05) for name in names}
        self._ahead: dict[str, Any] = {name: _HoltWinters(alpha=0.1, beta=0.02) for name in names}
        self._scorers: dict[str, Any] = {name: _GaussianScorer(window_size=720) for name in names}
        self._expected = dict.fromkeys(names, 0.0)
        self._covariance: Any = covariance.EwaCovariance(0.01)
        self._trees: Any = anomaly.HalfSpaceTrees(
            n_trees=10, height=8, window_size=250, seed=1, limits=dict.fromkeys(names, (0.0, 1000.0))
        )
        self.scores = 0

    def take(self, second: int, row: dict[str, float]) -> None:
        """Score the values of one second; learn those that end a step."""
        for name, value in row.items():
            self._scorers[name].score_one(None, value - self._expected[name])
            self.scores += 1
        if second % STEP_S == STEP_S - 1:
            for name, value in row.items():
                self._learn(name, value)
        if second % UNIT_STEP_S == UNIT_STEP_S - 1:
            self._trees.score_one(row)
            self._trees.learn_one(row)
            self._covariance.update(row)
            self._t2(row)
        if second % FORECAST_S == FORECAST_S - 1:
            for name, value in row.items():
                self._ahead[name].learn_one(value)
                if second >= 10 * FORECAST_S:
                    self._ahead[name].forecast(STEPS_AHEAD)

    def _learn(self, name: str, value: float) -> None:
        residual = value - self._expected[name]
        self._scorers[name].learn_one(None, residual)
        self._next[name].learn_one(value)
        try:
            self._expected[name] = self._next[name].forecast(1)[0]
        except (TypeError, ZeroDivisionError, IndexError):
            self._expected[name] = value  # River answers from the third value on

    def _t2(self, row: dict[str, float]) -> float:
        names = self._names
        matrix = np.array([[self._covariance[one, other] for other in names] for one in names])
        x = np.array([row[name] for name in names])
        return float(x @ np.linalg.pinv(matrix) @ x)
