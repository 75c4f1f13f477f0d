"""What each kind of recipe is shown when it is checked: signals that it can speak of, and for how long."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from agents.models import golden
from agents.models.check_unit import LEVELS, NOISE, PHASE, STEPS, Subject
from agents.models.drift import DriftRecipe
from agents.models.envelope import BatchEnvelope
from agents.models.golden import EnvelopeRecipe, ReferenceBatch
from agents.models.own_recipe import OwnRecipe

if TYPE_CHECKING:
    from collections.abc import Callable

    from agents.models.recipe import Recipe
    from agents.models.step import Layer

MOST_SUSPECTED = 0.01
"""Of steady noise no more than this may be suspected, or twice what the recipe's own threshold means."""

SHIPPED_BYTES = 8 * 1024
"""What a shipped layer may know of a signal;"""
OWN_BYTES = 16 * 1024
"""one of River's, an object a signal;"""
DETECTOR_BYTES = 256 * 1024
"""and one that sees the whole unit, whose memory may take 4 MiB."""

PAIRS = {
    "DO": 40.0,
    "DO_2": 40.0,
    "pH": 7.0,
    "pH_2": 7.0,
    "weight": 2.0,
    "volume": 2.0,
    "agitation": 600.0,
    "agitation_setpoint": 600.0,
}
"""Signals that have to do with each other."""


def subject(kind: str, recipe: Recipe, make: Callable[[], Layer], steps: int | None = None) -> Subject:
    """Return what is checked of a recipe for the layer `kind`.

    steps: how long a check is; as long as the recipe's baseline needs if not given.
    """
    levels, most_bytes, judges_stillness = dict(LEVELS), SHIPPED_BYTES * len(LEVELS), False
    least = STEPS
    if isinstance(recipe, OwnRecipe):
        levels = {name: LEVELS.get(name, 3.0) for name in recipe.signals} or levels
        of_a_signal = recipe.kind() != "detector"
        most_bytes = OWN_BYTES * len(levels) if of_a_signal else DETECTOR_BYTES
        least = max(1000, 2 * (recipe.settle_steps + recipe.baseline_steps))
    elif isinstance(recipe, DriftRecipe):
        least = 2 * recipe.mean_steps * recipe.baseline_means
    elif isinstance(recipe, EnvelopeRecipe):
        make, judges_stillness = _envelope(recipe, steps or least), True
    elif kind == "attribution":
        levels, most_bytes = dict(PAIRS), SHIPPED_BYTES * len(PAIRS)
    most = max(MOST_SUSPECTED, 2.0 * 10.0 ** -float(getattr(recipe, "suspect_at", np.inf)))
    return Subject(make, recipe, kind, levels, steps or least, most, most_bytes, judges_stillness)


def _envelope(recipe: EnvelopeRecipe, steps: int) -> Callable[[], Layer]:
    """Return how to make an envelope's layer, with reference batches as steady as what it is shown."""
    noise = np.random.default_rng(0)
    level = np.array(list(LEVELS.values()))
    time_s = np.arange(4 * steps, dtype=np.float64) * np.float64(recipe.step_s)
    batches = [
        ReferenceBatch(
            f"R{number}",
            time_s,
            (PHASE,) * time_s.size,
            level * noise.normal(1.0, NOISE, (time_s.size, level.size)),
        )
        for number in range(max(12, recipe.least_batches))
    ]
    envelope = golden.build(recipe, list(LEVELS), batches)
    return lambda: BatchEnvelope(recipe, envelope)
