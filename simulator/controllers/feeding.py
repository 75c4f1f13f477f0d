"""The feed: exponential, constant or in pulses; it gives way to oxygen, heat, vessel and a lost stirrer."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np

from simulator.controllers.pi import PI
from simulator.controllers.pumps import Pumps
from simulator.controllers.tuning import integrating, settling

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from simulator.controllers.aeration import AerationLoop
    from simulator.controllers.equipment import Equipment
    from simulator.physics.state import Floats
    from simulator.recipes.recipe import Recipe, Trim

    Mask = NDArray[np.bool_]

FULL_BAND = 0.01
"""Feeding, once stopped by a full vessel, goes on when this share of the working volume has become free."""

REST_H = 0.05
"""After a pulse of a DO-stat nothing is judged for so long: the cells eat, and the probe follows."""

STIRRING = 0.5
INTERLOCK_S = 10.0
"""The feed stops when the stirrer has turned at less than that share of what is asked for so long."""
GUARD_SLOWER = 4.0
"""The feed gives way to want of oxygen so many dead times slow: the cascade comes first."""
HEAT_GUARD_C = 0.1
HEAT_C_S = 0.004
"""Warming of a broth that respires 130 mmol/L/h, uncooled: 460 J/mmol over 4180 J/L/K."""
HEAT_DEAD_S = 60.0
TRIM_GAIN = 0.4
TRIM_STEP = (0.6, 1.3)
TRIM_RANGE = (0.2, 3.0)
"""How far operators change a feed after one result, and in all (rule of practice)."""


class Profile(IntEnum):
    """How a feed runs in a phase."""

    NONE = 0
    CONSTANT = 1
    EXPONENTIAL = 2
    DO_STAT = 3


@dataclass(slots=True)
class Orders:
    """What the phase in force orders, (N,) each; rates per litre at inoculation.

    Attributes:
        profile: codes of `Profile`.
        g_l_h: carbon source to begin with (constant, exponential) or within a pulse; NaN: go on as now.
        growth_per_h, most_g_l_h: of an exponential feed.
        above_percent, pulse_h: dissolved oxygen that starts a pulse, and its length.
    """

    profile: NDArray[np.int64]
    g_l_h: Floats
    growth_per_h: Floats
    most_g_l_h: Floats
    above_percent: Floats
    pulse_h: Floats


class Feeding:
    """The feed pumps' controllers, one of each a bioreactor.

    Attributes:
        oxygen_guard: loop that takes feed away where oxygen is low though the cascade is spent.
        heat_guard: loop that takes feed away where the broth stays too warm though the jacket is cold.
        g_l_h: rate in force before guard and stop, per litre at inoculation.
        asked_l_h: what the feed pump was asked for last.
        trims: factors that operators put on feed and co-substrate after assays.
    """

    def __init__(self, recipes: Sequence[Recipe], plant: Equipment, aeration: AerationLoop) -> None:
        controls = [recipe.control.feed for recipe in recipes]
        media = [recipe.medium for recipe in recipes]
        self._inoculated_l = plant.working_l * np.array([medium.volume_share for medium in media])
        self._feed_g_l = np.array([medium.feed_substrate_g_l for medium in media])
        bottle = np.array([medium.cosubstrate_feed_mmol_l for medium in media])
        self._l_mmol = np.where(bottle > 0.0, 1.0 / np.where(bottle > 0.0, bottle, 1.0), 0.0)
        self._plant = plant
        self._full_l = plant.working_l * np.array([control.full_share for control in controls])
        self._guard_percent = np.array([control.guard for control in controls])
        rests = np.zeros_like(self._full_l)
        slope = np.full_like(rests, 100.0)
        tuning = settling(slope, aeration.lag_s, aeration.dead_s, GUARD_SLOWER * aeration.dead_s)
        self.oxygen_guard = PI(tuning.gain, tuning.reset_s, rests.copy(), rests + 1.0, rests + 1.0)
        dead_s = HEAT_DEAD_S + plant.mixing_s
        heat = integrating(rests + HEAT_C_S, dead_s, 2.0 * dead_s)
        self.heat_guard = PI(heat.gain, heat.reset_s, rests.copy(), rests + 1.0, rests + 1.0)
        self.g_l_h = rests.copy()
        self.asked_l_h = rests.copy()
        self.trims = [
            Trimming.of([control.trim for control in controls]),
            Trimming.of([control.cosubstrate_trim for control in controls]),
        ]
        self._feed_pumps = Pumps(plant.feed_full_l_h)
        self._cosubstrate_pumps = Pumps(plant.cosubstrate_full_l_h)
        self._busy_h = rests.copy()
        self._unstirred_s = rests.copy()
        self._full = np.zeros(rests.shape, dtype=bool)

    def begin(self, orders: Orders, units: Sequence[int]) -> None:
        """Take up the orders of a phase that begins in `units`."""
        for unit in units:
            if orders.profile[unit] == Profile.NONE:
                self.g_l_h[unit] = 0.0
            elif not np.isnan(orders.g_l_h[unit]):
                self.g_l_h[unit] = orders.g_l_h[unit]

    def trim(self, readings: Mapping[str, Floats], cosubstrate_mmol_l_h: Floats) -> None:
        """Let operators look at the assays that have come in; what is not fed is not trimmed."""
        for trim, rate in zip(self.trims, (self.g_l_h, cosubstrate_mmol_l_h), strict=True):
            trim.look(readings, rate > 0.0)

    def act(
        self,
        orders: Orders,
        dt_s: float,
        *,
        oxygen: Floats,
        too_warm: Floats,
        volume_l: Floats,
        stirring_share: Floats,
    ) -> Floats:
        """Feed in L/h over this step.

        Args:
            orders: in force.
            dt_s: step.
            oxygen: as it is read, in %.
            volume_l: as it is read.
            stirring_share: speed as it is read over what was asked for; NaN where it is not known.
            too_warm: temperature as it is read, less its set point; NaN while that moves.
        """
        hours = dt_s / 3600.0
        open_share = np.minimum(
            self.oxygen_guard.output(oxygen - self._guard_percent, dt_s),
            self.heat_guard.output(HEAT_GUARD_C - too_warm, dt_s),
        )
        growing = (orders.profile == Profile.EXPONENTIAL) & (open_share >= 1.0)
        grown = np.minimum(self.g_l_h * np.exp(orders.growth_per_h * hours), orders.most_g_l_h)
        self.g_l_h = np.where(growing, grown, self.g_l_h)
        hungry = (oxygen > orders.above_percent) & (self._busy_h <= 0.0)
        self._busy_h = np.where(hungry, orders.pulse_h + REST_H, np.maximum(self._busy_h - hours, 0.0))
        pulsed = np.where(self._busy_h > REST_H, self.g_l_h, 0.0)
        wanted = np.where(orders.profile == Profile.DO_STAT, pulsed, self.g_l_h)
        resume_l = self._full_l - FULL_BAND * self._plant.working_l
        self._full = (volume_l >= self._full_l) | (self._full & (volume_l >= resume_l))
        rate_l_h = wanted * self.trims[0].factor * open_share * self._inoculated_l / self._feed_g_l
        self._unstirred_s = np.where(stirring_share < STIRRING, self._unstirred_s + dt_s, 0.0)
        stopped = self._full | (self._unstirred_s > INTERLOCK_S)
        self.asked_l_h = np.where(stopped, 0.0, np.minimum(rate_l_h, self._plant.feed_full_l_h))
        return self._feed_pumps.deliver(self.asked_l_h / self._plant.feed_full_l_h, dt_s)

    def cosubstrate(self, mmol_l_h: Floats, dt_s: float) -> Floats:
        """Flow from the bottle of the co-substrate in L/h; ordered per litre at inoculation."""
        rate_l_h = mmol_l_h * self.trims[1].factor * self._inoculated_l * self._l_mmol
        return self._cosubstrate_pumps.deliver(rate_l_h / self._plant.cosubstrate_full_l_h, dt_s)


class Trimming:
    """What operators do about a feed when the laboratory finds too much or too little in the broth.

    Attributes:
        factor: (N,) on the recipe's rate.
    """

    def __init__(self, assays: Sequence[str | None], target: Floats) -> None:
        self._assays = tuple(assays)
        self._names = tuple(sorted({name for name in assays if name is not None}))
        self._target = target
        self._last = np.full(target.shape, np.nan)
        self.factor = np.ones_like(target)

    @classmethod
    def of(cls, trims: Sequence[Trim | None]) -> Trimming:
        """One a bioreactor; None: no result changes anything."""
        names = [None if trim is None else trim.assay for trim in trims]
        return cls(names, np.array([1.0 if trim is None else trim.target for trim in trims]))

    def look(self, readings: Mapping[str, Floats], fed: Mask) -> None:
        """Change the factor where a result is new and the mask `fed` is true."""
        for name in self._names:
            if name not in readings:
                continue
            mine = np.array([assay == name for assay in self._assays])
            found = readings[name]
            new = mine & fed & (found != self._last) & ~np.isnan(found)
            if not new.any():
                continue
            lacking = (self._target - found) / self._target
            step = np.minimum(np.maximum(1.0 + TRIM_GAIN * lacking, TRIM_STEP[0]), TRIM_STEP[1])
            factor = np.minimum(np.maximum(self.factor * step, TRIM_RANGE[0]), TRIM_RANGE[1])
            self.factor = np.where(new, factor, self.factor)
            self._last = np.where(new, found, self._last)
