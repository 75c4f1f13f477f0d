"""What faults do to instruments: laid over the healthy chains, (S, N) each, signals by units."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from schemas.status import Status

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from simulator.physics.state import Floats


@dataclass(slots=True)
class Overlays:
    """All entries neutral at first; `touched` says whether any is not.

    Attributes:
        frozen: the instrument repeats its last reading.
        failed: it knows that it is broken and says so; controllers go on with its last reading.
        bias: added to the reading, in the signal's unit.
        ceiling: the reading never goes above it.
        slower_s: added to the lag.
        later_s: added to the transport delay of a sample line.
        air_share: share of room air that a leaking sample line draws in.
    """

    signals: int
    units: int
    touched: bool = False
    frozen: NDArray[np.bool_] = field(init=False)
    failed: NDArray[np.bool_] = field(init=False)
    bias: Floats = field(init=False)
    ceiling: Floats = field(init=False)
    slower_s: Floats = field(init=False)
    later_s: Floats = field(init=False)
    air_share: Floats = field(init=False)

    def __post_init__(self) -> None:
        shape = (self.signals, self.units)
        self.frozen = np.zeros(shape, np.bool_)
        self.failed = np.zeros(shape, np.bool_)
        self.bias = np.zeros(shape)
        self.ceiling = np.full(shape, np.inf)
        self.slower_s = np.zeros(shape)
        self.later_s = np.zeros(shape)
        self.air_share = np.zeros(shape)

    def clear(self) -> None:
        """Make every instrument healthy again."""
        if self.touched:
            for marks in (self.frozen, self.failed, self.bias, self.slower_s, self.later_s, self.air_share):
                marks.fill(0)
            self.ceiling.fill(np.inf)
            self.touched = False


GOOD = np.uint32(Status.GOOD)
FAILED = np.uint32(Status.BAD_SENSOR_FAILURE)
"""NAMUR NE 107 F: the value is invalid."""
EXCEEDED = np.uint32(Status.UNCERTAIN_ENGINEERING_UNITS_EXCEEDED)
"""NAMUR NE 107 S: out of specification, as at the end of the measuring range."""
