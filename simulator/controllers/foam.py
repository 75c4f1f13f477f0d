"""Antifoam in shots: one when the foam stands high, then patience."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulator.controllers.equipment import Equipment
    from simulator.physics.state import Floats
    from simulator.recipes.recipe import Recipe


@dataclass(slots=True)
class FoamLoop:
    """A switch with a timer a bioreactor.

    Attributes:
        high_cm: foam that gets a shot.
        full_l_h: flow of the pump, which runs or rests.
        shot_l: given at a time.
        wait_s: from the beginning of a shot to the next.
    """

    high_cm: Floats
    full_l_h: Floats
    shot_l: Floats
    wait_s: Floats
    _left_l: Floats = field(init=False)
    _waiting_s: Floats = field(init=False)

    def __post_init__(self) -> None:
        self._left_l = np.zeros_like(self.high_cm)
        self._waiting_s = np.zeros_like(self.high_cm)

    @classmethod
    def of(cls, recipes: Sequence[Recipe], plant: Equipment) -> Self:
        """As the recipes want it in these vessels."""
        foams = [recipe.control.foam for recipe in recipes]
        return cls(
            high_cm=np.array([foam.high_share for foam in foams]) * plant.free_height_cm,
            full_l_h=plant.antifoam_full_l_h,
            shot_l=np.array([foam.shot_ml_l for foam in foams]) * plant.working_l / 1000.0,
            wait_s=np.array([foam.wait_min for foam in foams]) * 60.0,
        )

    def act(self, foam_cm: Floats, dt_s: float) -> Floats:
        """Antifoam in L/h over this step."""
        self._waiting_s = np.maximum(self._waiting_s - dt_s, 0.0)
        due = (foam_cm > self.high_cm) & (self._waiting_s <= 0.0)
        self._waiting_s = np.where(due, self.wait_s, self._waiting_s)
        self._left_l = np.where(due, self.shot_l, self._left_l)
        rate_l_h = np.minimum(self.full_l_h, self._left_l / (dt_s / 3600.0))
        self._left_l = self._left_l - rate_l_h * (dt_s / 3600.0)
        return rate_l_h
