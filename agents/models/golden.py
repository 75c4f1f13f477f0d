"""The envelope of good batches: where each signal runs along maturity, and how much batches differ there.

Built once from stored reference batches, then frozen. Three kinds of difference are kept apart, because few
batches say little of the first and much of the others: the *level* of a batch against the mean batch (as
many observations as batches), the *change* of that level within a batch (as many as steps), and how long a
signal *stands still* to the last digit.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from agents.models import batch_spread, maturity
from agents.models.maturity import NEEDS, Indicator, available, spans
from agents.models.recipe import Positive, Recipe, Share, Steps
from schemas.signals import spec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray


class EnvelopeRecipe(Recipe):
    """Parameters of the batch envelope; recipes/envelope.yaml says what each does."""

    learning: Literal["frozen", "guarded"]
    indicators: Annotated[tuple[Indicator, ...], Field(min_length=1)]
    least_batches: Annotated[int, Field(ge=2)]
    points_most: Annotated[int, Field(ge=10)]
    slack_points: Annotated[int, Field(ge=0)]
    window_share: Share
    spread_floor: Positive
    spread_noise: Annotated[float, Field(ge=0.0, allow_inf_nan=False)]
    level_steps: Steps
    memory_steps: Annotated[int, Field(ge=2)]
    still_share: Share
    grace_steps: Annotated[int, Field(ge=0)]
    rebaseline_after_s: Positive
    suspect_at: Positive
    clear_below: Positive

    @property
    def rebaseline_steps(self) -> int:
        """Steps of unbroken suspicion after which the batch's own level is taken anew."""
        return max(1, round(self.rebaseline_after_s / self.step_s))

    @property
    def shortage(self) -> str:
        """Why it stays silent, in plain words; empty where it has enough batches."""
        return shortage(0, self.least_batches)

    @model_validator(mode="after")
    def _hysteresis(self) -> Self:
        if self.clear_below > self.suspect_at:
            raise ValueError("clear_below: it must not lie above suspect_at")
        return self


class References(BaseModel):
    """What an envelope was built from. `envelope` is the SHA-256 under which it is kept (kept_envelope.py).

    batches: member/site/unit/batch of each. signals: its columns. indicator: of maturity.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    envelope: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    batches: tuple[str, ...]
    signals: tuple[str, ...]
    indicator: Indicator


class ReferencedRecipe(EnvelopeRecipe):
    """A recipe with the batches that it is to judge by: its digest is that of one envelope."""

    references: References

    @property
    def shortage(self) -> str:
        """Why it stays silent, in plain words; empty where it has enough batches."""
        return shortage(len(self.references.batches), self.least_batches)


def shortage(batches: int, least: int) -> str:
    """What is missing of reference batches, in plain words; empty where nothing is."""
    return "" if batches >= least else f"not enough batches ({batches} of {least})"


@dataclass(frozen=True, slots=True)
class ReferenceBatch:
    """A stored batch that went well: N rows of S signals on the recipe's grid.

    time_s: (N,) since its start, rising. phase: N names, None where it is not known.
    value: (N, S) in the signals' units, NaN where missing.
    """

    name: str
    time_s: NDArray[np.float64]
    phase: tuple[str | None, ...]
    value: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Segment:
    """The envelope of one span, M points of maturity `point` apart, of S signals.

    low, high: (M, S) the mean batch, within the slack of alignment. level_spread, change_spread: (M, S)
    standard deviations of what is scored, >= the floor. batches: (M,) that came so far.
    freedom: (2, M, S) degrees of freedom of the two.
    still: (2, S) usual share of steps without any change: [between, at] the ends of the signal's range;
    longest: (2, S) the longest such run seen. least, most: (S,) the ends of the range.
    """

    point: float
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    level_spread: NDArray[np.float64]
    change_spread: NDArray[np.float64]
    batches: NDArray[np.intp]
    freedom: NDArray[np.float64]
    still: NDArray[np.float64]
    longest: NDArray[np.float64]
    least: NDArray[np.float64]
    most: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Envelope:
    """What is known of good batches. `digest` is the SHA-256 of the recipe's and of all numbers in it.

    indicator: the first of the recipe's that every batch had. segments: by span; those that too few batches
    reached are absent.
    """

    signals: tuple[str, ...]
    indicator: Indicator
    batches: tuple[str, ...]
    least_batches: int
    segments: Mapping[str, Segment]
    digest: str

    @property
    def enough(self) -> bool:
        """Whether there are as many reference batches as the recipe asks for."""
        return len(self.batches) >= self.least_batches

    @property
    def shortage(self) -> str:
        """What is missing, in plain words; empty where nothing is."""
        return shortage(len(self.batches), self.least_batches)


def build(recipe: EnvelopeRecipe, signals: Sequence[str], batches: Sequence[ReferenceBatch]) -> Envelope:
    """Return the envelope of `batches`, whose columns are `signals`; their order does not matter.

    Raises:
        ValueError: a batch whose arrays do not fit each other or the signals.
    """
    # Sums of floats depend on their order, so that is always by name, then by content.
    batches = sorted(batches, key=lambda one: (one.name, one.time_s.tobytes(), one.value.tobytes()))
    for batch in batches:
        if batch.value.shape != (batch.time_s.size, len(signals)) or len(batch.phase) != batch.time_s.size:
            raise ValueError(
                f"the reference batch {batch.name} has {batch.value.shape} values, {batch.time_s.size} times "
                f"and {len(batch.phase)} phases for {len(signals)} signals"
            )
    phases = [batch.phase for batch in batches]
    usable = (one for one in recipe.indicators if available(one, signals, phases))
    indicator: Indicator = next(usable, "batch_age")
    segments = {}
    if len(batches) >= recipe.least_batches:
        rows: list[NDArray[np.str_]] = [np.array(spans(indicator, batch.phase)) for batch in batches]
        for span in sorted({str(name) for names in rows for name in np.unique(names)}):
            made = _segment(recipe, indicator, signals, batches, [names == span for names in rows])
            if made is not None:
                segments[span] = made
    seal = hashlib.sha256(f"{recipe.digest} {indicator} {' '.join(signals)}".encode())
    for name, segment in segments.items():
        seal.update(name.encode())
        for part in (segment.low, segment.high, segment.level_spread, segment.change_spread, segment.still):
            seal.update(np.ascontiguousarray(part, dtype="<f8").tobytes())
    names = tuple(batch.name for batch in batches)
    return Envelope(tuple(signals), indicator, names, recipe.least_batches, segments, seal.hexdigest())


def _segment(
    recipe: EnvelopeRecipe,
    indicator: Indicator,
    signals: Sequence[str],
    batches: Sequence[ReferenceBatch],
    rows: Sequence[NDArray[np.bool_]],
) -> Segment | None:
    needed = NEEDS[indicator]
    column = None if needed is None else list(signals).index(needed)
    runs = []
    for batch, here in zip(batches, rows, strict=True):
        if here.any():
            value = batch.value[here]
            reading = None if column is None else value[:, column]
            runs.append((maturity.maturity(indicator, batch.time_s[here], reading), value))
    # As far as enough batches came; of the others nothing can be said.
    reached = sorted((run[0][-1] for run in runs), reverse=True)
    if len(reached) < recipe.least_batches or not reached[recipe.least_batches - 1] > 0.0:
        return None
    furthest = reached[recipe.least_batches - 1]
    point = furthest / recipe.points_most if needed else recipe.step_s
    point = max(point, furthest / recipe.points_most)
    grid = np.arange(int(furthest / point) + 1) * point
    values = np.stack([_on_grid(grid, *run) for run in runs])
    # What the instruments themselves are not sure of is no difference between batches.
    about = [spec(name) for name in signals]
    noise = recipe.spread_noise * np.array([0.0 if one is None else one.noise for one in about])
    return _spread(recipe, point, values, runs, noise)


def _on_grid(
    grid: NDArray[np.float64], at: NDArray[np.float64], value: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(M, S) the last row at or before each point; NaN beyond the batch's own end."""
    last = np.searchsorted(at, grid * (1.0 + 1e-12) + 1e-9, side="right") - 1
    found: NDArray[np.float64] = value[np.maximum(last, 0)]
    found[grid > at[-1] + 1e-9] = np.nan
    return found


def _spread(
    recipe: EnvelopeRecipe,
    point: float,
    values: NDArray[np.float64],
    runs: Sequence[tuple[NDArray[np.float64], NDArray[np.float64]]],
    noise: NDArray[np.float64],
) -> Segment:
    """Values are (B, M, S), noise (S,)."""
    known = np.isfinite(values)
    count = known.sum(axis=0)
    mean = np.where(known, values, 0.0).sum(axis=0) / np.maximum(count, 1)
    mean = np.where(count >= recipe.least_batches, mean, np.nan)
    low, high = batch_spread.around(mean, recipe.slack_points)
    floor = np.maximum(recipe.spread_floor * batch_spread.span(values), noise)
    followed = [_followed(recipe, point, (low, high), *run) for run in runs]
    level, change = (np.stack([one[part] for one in followed]) for part in (0, 1))

    # A batch differs from a mean that holds it less than a new one will, by this much in variance.
    some = np.maximum(count, 2).astype(float)
    ahead = (some + 1.0) / (some - 1.0)
    half = max(1, round(recipe.window_share * values.shape[1] / 2.0))
    level_variance = batch_spread.variance(level, half) * ahead
    change_variance = batch_spread.variance(change, half) * ahead
    level_spread, change_spread = np.sqrt(level_variance + floor**2), np.sqrt(change_variance + floor**2)
    batches = known.any(axis=2).sum(axis=0)
    return Segment(
        point,
        low,
        high,
        level_spread,
        change_spread,
        batches,
        np.stack(
            [
                batch_spread.freedom(level / level_spread, half, len(runs)),
                batch_spread.freedom(change / change_spread, half, len(runs)),
            ]
        ),
        *batch_spread.stillness(runs),
    )


def _followed(
    recipe: EnvelopeRecipe,
    point: float,
    course: tuple[NDArray[np.float64], NDArray[np.float64]],
    at: NDArray[np.float64],
    value: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(M, S) each: level and change of a batch at the points, followed step by step as the layer will."""
    low, high = course
    last = low.shape[0] - 1
    here = np.minimum((at / point + 1e-9).astype(np.intp), last)
    off = value - np.clip(value, low[here], high[here])
    level, change = batch_spread.filtered(off, recipe.level_steps, recipe.memory_steps)
    grid = np.arange(last + 1) * point
    return _on_grid(grid, at, level), _on_grid(grid, at, change)
