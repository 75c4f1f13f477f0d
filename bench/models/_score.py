"""How detectors are scored on labelled rows, and what says nothing: alarming always, or at random."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Confusion:
    """Rows by truth and alarm; shares are 0 where there is nothing to share."""

    hits: int
    misses: int
    false_alarms: int
    rejections: int

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and detection rate."""
        return _share(2 * self.hits, 2 * self.hits + self.misses + self.false_alarms)

    @property
    def far(self) -> float:
        """False-alarm rate: share of the normal rows with an alarm."""
        return _share(self.false_alarms, self.false_alarms + self.rejections)

    @property
    def mar(self) -> float:
        """Missed-alarm rate: share of the anomalous rows without one."""
        return _share(self.misses, self.hits + self.misses)

    def __add__(self, other: Confusion) -> Confusion:
        return Confusion(
            self.hits + other.hits,
            self.misses + other.misses,
            self.false_alarms + other.false_alarms,
            self.rejections + other.rejections,
        )


def confusion(truth: NDArray[np.bool_], alarm: NDArray[np.bool_]) -> Confusion:
    """Count rows; truth and alarm are (N,)."""
    return Confusion(
        int(np.sum(truth & alarm)),
        int(np.sum(truth & ~alarm)),
        int(np.sum(~truth & alarm)),
        int(np.sum(~truth & ~alarm)),
    )


def always(truth: NDArray[np.bool_]) -> Confusion:
    """The detector that alarms on every row."""
    return confusion(truth, np.ones_like(truth))


def at_random(truth: NDArray[np.bool_], far: float, seed: int = 20_261) -> Confusion:
    """A detector that alarms on each row with probability `far`, whatever the row says."""
    return confusion(truth, np.random.default_rng(seed).random(truth.size) < far)


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0
