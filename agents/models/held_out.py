"""How an envelope judges the good batches themselves: each by the envelope of the others.

What it suspects there is a false alarm, and batches that it has not seen are what it will meet.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from agents.context import Context
from agents.models.envelope import BatchEnvelope
from agents.models.golden import build
from agents.models.step import Step

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from agents.models.golden import Envelope, EnvelopeRecipe, ReferenceBatch

FEWEST = 3
"""Of two batches the other one alone is no envelope."""


class Judged(NamedTuple):
    """What was said of one batch: steps that were judged, those suspected, and how often suspicion began."""

    batch: str
    judged: int
    suspected: int
    began: int


def held_out(
    recipe: EnvelopeRecipe,
    signals: Sequence[str],
    batches: Sequence[ReferenceBatch],
    told: Callable[[int, int], None] = lambda _done, _all: None,
) -> list[Judged]:
    """Judge each batch by the envelope of the others; empty where they are too few to make one."""
    if len(batches) < FEWEST:
        return []
    found = []
    for place, batch in enumerate(batches):
        others = [*batches[:place], *batches[place + 1 :]]
        least = min(recipe.least_batches, len(others))
        fewer = recipe.model_copy(update={"least_batches": least})
        found.append(judged(fewer, build(fewer, signals, others), batch))
        told(place + 1, len(batches))
    return found


def judged(recipe: EnvelopeRecipe, envelope: Envelope, batch: ReferenceBatch) -> Judged:
    """Run a batch through the layer as if it were under way."""
    layer = BatchEnvelope(recipe, envelope)
    for name in envelope.signals:
        layer.add(name, None)
    doubted = np.zeros(len(envelope.signals), dtype=np.bool_)
    steps = suspected = began = 0
    before = False
    for step in _steps(batch):
        said = layer.take(step, doubted)
        if layer.signals is None:
            before = False
            continue
        suspect = said is not None and said.suspect
        steps += 1
        suspected += suspect
        began += suspect and not before
        before = suspect
    return Judged(batch.name, steps, suspected, began)


def _steps(batch: ReferenceBatch) -> Iterator[Step]:
    since_us = phase_us = round(float(batch.time_s[0]) * 1e6)
    phase: str | None = None
    for time_s, now, value in zip(batch.time_s, batch.phase, batch.value, strict=True):
        end_us = round(float(time_s) * 1e6)
        if now != phase:
            phase, phase_us = now, end_us
        known = np.isfinite(value)
        context = Context(batch=batch.name, phase=now, batch_since_us=since_us, phase_since_us=phase_us)
        yield Step(end_us, value, known, known, context)
