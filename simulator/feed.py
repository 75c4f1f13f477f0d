"""The feed profile: exponential from the end of the batch phase, then constant, off when full."""

from dataclasses import dataclass
from math import exp

from simulator.culture import Strain
from simulator.process import State


@dataclass(slots=True)
class Feed:
    """A feed that lets the cells grow at `growth_per_h` until the pump is at `most_l_h`.

    Attributes:
        feed_g_l: glucose in the feed.
        depleted_g_l: glucose in the broth at which the batch phase is over.
        full_l: volume at which feeding stops.
    """

    feed_g_l: float = 500.0
    growth_per_h: float = 0.15
    most_l_h: float = 0.020
    depleted_g_l: float = 0.1
    full_l: float = 1.9
    _started_h: float | None = None
    _first_l_h: float = 0.0

    @property
    def started(self) -> bool:
        """True once the batch phase is over."""
        return self._started_h is not None

    def rate(self, strain: Strain, state: State) -> float:
        """Feed in L/h now."""
        if self._started_h is None:
            if state.glucose_g_l > self.depleted_g_l:
                return 0.0
            need = self.growth_per_h / strain.yield_oxidative + strain.maintenance
            self._first_l_h = need * state.biomass_g_l * state.volume_l / self.feed_g_l
            self._started_h = state.hours
        if state.volume_l >= self.full_l:
            return 0.0
        grown = exp(min(50.0, self.growth_per_h * (state.hours - self._started_h)))
        return min(self._first_l_h * grown, self.most_l_h)
