"""The multivariate layer on a recording: trained on some rows, then led through others in their order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from agents.context import NO_BATCH
from agents.models.multivariate import MultivariateLayer, MultivariateRecipe, load
from agents.models.step import Step
from agents.models.unit_baseline import EARLY

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

APART_STEPS = 1_000_000
"""So far apart begin two recordings: nothing of the first is recent in the second."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What the layer said of each row, (N,): NaN and False where it was silent."""

    score: NDArray[np.float64]
    suspect: NDArray[np.bool_]


def recipe_for(path: Path, rows: int, training: Path) -> MultivariateRecipe:
    """Read a data set's recipe; baseline and calibration share the `rows` training rows as it has them.

    Raises:
        ValueError: they are too few; the text names where they come from.
    """
    recipe = load(path.read_text("utf-8"))
    named = recipe.baseline_steps + recipe.calibration_steps
    baseline = round(recipe.baseline_steps * rows / named)
    changed = {"baseline_steps": baseline, "calibration_steps": rows - baseline}
    if baseline < EARLY:
        least = -(-EARLY * named // recipe.baseline_steps)
        raise ValueError(f"{training} has {rows} rows to train on; at least {least} are needed")
    return MultivariateRecipe.model_validate(recipe.model_dump() | changed)


def silent(name: str, judged: Judged) -> list[str]:
    """Say how many rows had no verdict; nothing where all had one."""
    rows = int(np.sum(np.isnan(judged.score)))
    told = f"{name}: {rows} of {judged.score.size} rows could not be judged and count as no alarm."
    return [told] if rows else []


class TrainedUnit:
    """A unit's layer that has seen the training rows, (N, S); each recording is judged from there."""

    def __init__(self, recipe: MultivariateRecipe, rows: NDArray[np.float64]) -> None:
        self._recipe = recipe
        self._rows = len(rows)
        layer = _layer(recipe, rows.shape[1])
        _lead(layer, rows, 0)
        self._state = layer.state()

    def judge(self, rows: NDArray[np.float64], *, follows: bool) -> Judged:
        """Lead the layer through a recording, (N, S); follows: it goes on where the training rows end."""
        layer = _layer(self._recipe, rows.shape[1])
        layer.take_up(self._state)
        return _lead(layer, rows, self._rows + (0 if follows else APART_STEPS))


def _layer(recipe: MultivariateRecipe, signals: int) -> MultivariateLayer:
    layer = MultivariateLayer(recipe)
    for number in range(signals):
        layer.add(str(number), None)
    return layer


def _lead(layer: MultivariateLayer, rows: NDArray[np.float64], begin: int) -> Judged:
    score = np.full(len(rows), np.nan)
    suspect = np.zeros(len(rows), dtype=np.bool_)
    nobody = np.zeros(rows.shape[1], dtype=np.bool_)
    for at, row in enumerate(rows):
        there = np.isfinite(row)
        end_us = (begin + at + 1) * layer.recipe.step_us
        told = layer.take(Step(end_us, row, there, there, NO_BATCH), nobody)
        if told is not None:
            score[at], suspect[at] = told.score, told.suspect
    return Judged(score, suspect)
