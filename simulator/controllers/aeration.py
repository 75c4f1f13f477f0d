"""Dissolved oxygen by one output from 0 to 1, handed on to nitrogen, stirrer, gas and oxygen in turn.

Each actuator has its range of the output and moves geometrically in it: oxygen transfer goes with powers of
speed and flow, so equal steps of the output change it by equal shares, and one gain serves the whole range.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from analysis.gas_balance import DRY_AIR_O2
from simulator.controllers.pi import PI
from simulator.controllers.tuning import settling

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulator.controllers.equipment import Equipment
    from simulator.physics.state import Floats
    from simulator.recipes.recipe import Range, Recipe

PROBE_S = 30.0
"""Usual lag of an oxygen probe (63 %)."""
STEP_S = 5.0
"""Dead time that comes from the controller's own step, at its longest."""
STIRRER_EXPONENT = 2.1
"""Transfer goes with power to the 0.7, power with the cube of speed (van 't Riet 1979)."""
GAS_EXPONENT = 0.4
ABSENT = 2.0
"""A range that the output never reaches."""


@dataclass(frozen=True, slots=True)
class Span:
    """Where in the output one actuator moves: at its least below `begins`, at its most above `ends`."""

    begins: Floats
    ends: Floats

    @classmethod
    def of(cls, ranges: Sequence[Range | None]) -> Self:
        """One a bioreactor; None: it stays at its least."""
        ends = [(ABSENT, ABSENT + 1.0) if it is None else (it.begins, it.ends) for it in ranges]
        begins, full = np.array(ends).T
        return cls(begins, np.maximum(full, begins + 1e-6))

    def gone(self, output: Floats) -> Floats:
        """How far the actuator has gone, 0 to 1."""
        return np.minimum(np.maximum((output - self.begins) / (self.ends - self.begins), 0.0), 1.0)

    def slope(self, span: Floats) -> Floats:
        """Of what changes by `span` over the range, per unit of output."""
        return np.where(self.begins < ABSENT, span / (self.ends - self.begins), 0.0)


@dataclass(frozen=True, slots=True)
class Aeration:
    """What is asked for: the stirrer per minute, gas in standard L/min; (N,) each."""

    speed_per_min: Floats
    gas_l_min: Floats
    o2_l_min: Floats
    n2_l_min: Floats


@dataclass(slots=True)
class AerationLoop:
    """One loop and one cascade a bioreactor.

    Attributes:
        lag_s, dead_s: of dissolved oxygen as the probe shows it, as the loop is tuned for.
        fastest_per_min, gas_most_l_min, o2_most, n2_most: where the ranges end.
    """

    loop: PI
    plant: Equipment
    nitrogen: Span
    stirrer: Span
    gas: Span
    oxygen: Span
    fastest_per_min: Floats
    gas_most_l_min: Floats
    o2_most: Floats
    n2_most: Floats
    lag_s: Floats
    dead_s: Floats

    @classmethod
    def of(cls, recipes: Sequence[Recipe], plant: Equipment, setpoint: Floats) -> Self:
        """Tuned for the recipes' transfer in these vessels."""
        controls = [recipe.control.oxygen for recipe in recipes]
        stirrer, gas = Span.of([it.stirrer for it in controls]), Span.of([it.gas for it in controls])
        oxygen = Span.of([it.oxygen for it in controls])
        fastest = plant.fastest_per_min * np.array([it.stirrer_most for it in controls])
        vvm_most = np.array([it.vvm_most for it in controls])
        o2_most = np.array([max(it.o2_most, DRY_AIR_O2) for it in controls])
        slowest = [phase.set.stirrer_share or 0.0 for phase in (recipe.phases[0] for recipe in recipes)]
        least = np.maximum(np.array(slowest) * plant.fastest_per_min, plant.slowest_per_min)
        vvm_least = np.array([recipe.phases[0].set.vvm or 1.0 for recipe in recipes])
        slope = np.maximum(
            stirrer.slope(STIRRER_EXPONENT * np.log(np.maximum(fastest / least, 1.01))),
            gas.slope(GAS_EXPONENT * np.log(np.maximum(vvm_most / vvm_least, 1.01))),
        )
        slope = np.maximum(slope, oxygen.slope(np.log(o2_most / DRY_AIR_O2)))
        transfer_s = 3600.0 / np.array([it.kla_per_h for it in controls])
        slow_s, quick_s = np.maximum(transfer_s, PROBE_S), np.minimum(transfer_s, PROBE_S)
        lag_s, dead_s = slow_s + 0.5 * quick_s, 0.5 * quick_s + 0.5 * plant.mixing_s + plant.drive_s + STEP_S
        tuning = settling(slope * (100.0 - setpoint), lag_s, dead_s, dead_s)
        return cls(
            loop=PI(tuning.gain, tuning.reset_s, 0.0 * slope, 0.0 * slope + 1.0, 0.0 * slope),
            plant=plant,
            nitrogen=Span.of([it.nitrogen for it in controls]),
            stirrer=stirrer,
            gas=gas,
            oxygen=oxygen,
            fastest_per_min=fastest,
            gas_most_l_min=np.minimum(vvm_most * plant.working_l, plant.gas_full_l_min),
            o2_most=o2_most,
            n2_most=np.array([it.n2_most if it.nitrogen else 0.0 for it in controls]),
            lag_s=lag_s,
            dead_s=dead_s,
        )

    def act(
        self, setpoint: Floats, oxygen: Floats, dt_s: float, *, stirrer_share: Floats, vvm: Floats
    ) -> Aeration:
        """What the probe's reading (%) asks for; `stirrer_share` and `vvm` are the least allowed."""
        return self.split(self.loop.output(setpoint - oxygen, dt_s), stirrer_share=stirrer_share, vvm=vvm)

    def split(self, output: Floats, *, stirrer_share: Floats, vvm: Floats) -> Aeration:
        """Stirrer, gas flow and its mixture at an output."""
        plant = self.plant
        slowest = np.maximum(stirrer_share * plant.fastest_per_min, plant.slowest_per_min)
        flow = _between(
            np.minimum(vvm * plant.working_l, plant.gas_full_l_min),
            self.gas_most_l_min,
            self.gas.gone(output),
        )
        fraction = DRY_AIR_O2 * np.exp(self.oxygen.gone(output) * np.log(self.o2_most / DRY_AIR_O2))
        pure = flow * (fraction - DRY_AIR_O2) / (1.0 - DRY_AIR_O2)
        inert = flow * self.n2_most * (1.0 - self.nitrogen.gone(output))
        return Aeration(
            speed_per_min=_between(slowest, self.fastest_per_min, self.stirrer.gone(output)),
            gas_l_min=flow,
            o2_l_min=np.minimum(pure, plant.o2_full_l_min),
            n2_l_min=np.minimum(inert, plant.n2_full_l_min),
        )


def _between(low: Floats, high: Floats, gone: Floats) -> Floats:
    """From `low` to `high` in equal ratios; `low` where that is the higher one."""
    return low * np.exp(gone * np.log(np.maximum(high, low) / low))
