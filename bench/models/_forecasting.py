"""How forecasts are scored on recordings: against persistence, with its own conformal intervals beside ours.

The series of one recording are the signals of one unit and run through the shipped layer in their order,
one sample a step; horizons count samples. Nothing is fitted beforehand: a forecast knows what came before it.
Where the layer is silent, persistence is scored.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from agents.context import NO_BATCH
from agents.models.forecasting.layer import LARGEST, ForecastLayer
from agents.models.forecasting.recipe import ForecastingRecipe, shipped
from agents.models.step import Step
from bench._report import Figure, Report

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from bench.models._files import Passed

HORIZONS = (1, 10, 30)
LEAST_SAMPLES = 100
LEAST_MOVING = 0.1
"""Share of samples that differ from the one before, below which a series is held rather than measured."""

WORST = 1.1
WINDOW = 300
"""Past errors that persistence's split conformal interval is made of, as the textbooks have it,"""

LEAST_ERRORS = 20
"""and how many it needs."""


@dataclass(frozen=True, slots=True)
class Walk:
    """What the layer said at every sample: (N, H, S); NaN before a horizon is known."""

    value: NDArray[np.float64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    silent: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Scored:
    """One horizon of one recording, arrays (S,): NaN where persistence makes no error at all.

    mae: ours over persistence's. silent: share of samples. coverage: share of true values held. score: the
    interval score over that of persistence with the same adaptive intervals; split: over that of persistence
    with split conformal intervals.
    """

    mae: NDArray[np.float64]
    silent: NDArray[np.float64]
    coverage: NDArray[np.float64]
    score: NDArray[np.float64]
    split: NDArray[np.float64]
    moving: NDArray[np.bool_]


def of_samples(recipe: ForecastingRecipe | None = None) -> ForecastingRecipe:
    """Return the shipped recipe with HORIZONS in samples; every forecast is compared, not only some."""
    base = (recipe or shipped()).model_dump()
    horizons_s = tuple(base["step_s"] * horizon for horizon in HORIZONS)
    return ForecastingRecipe.model_validate(
        base | {"horizons_s": horizons_s, "awaited": HORIZONS[-1], "compared_every": 1}
    )


def led(recipe: ForecastingRecipe, signals: int) -> ForecastLayer:
    """Return a layer of so many signals, none of which is in the dictionary."""
    layer = ForecastLayer(recipe)
    for number in range(signals):
        layer.add(f"{number}", None)
    return layer


def lead(layer: ForecastLayer, at: int, row: NDArray[np.float64]) -> None:
    """Let the layer have the row (S,) of step `at`; NaN where there is no sample."""
    there = np.isfinite(row)
    step = Step((at + 1) * layer.recipe.step_us, row, there, there, NO_BATCH)
    layer.take(step, np.zeros(row.size, dtype=np.bool_))


def walk(rows: NDArray[np.float64], recipe: ForecastingRecipe) -> Walk:
    """Lead the layer through a recording (N, S); NaN where there is no sample."""
    count, signals = rows.shape
    layer = led(recipe, signals)
    shape = (count, len(recipe.horizons_s), signals)
    said = Walk(
        np.full(shape, np.nan), np.full(shape, np.nan), np.full(shape, np.nan), np.ones(shape, np.bool_)
    )
    for at, row in enumerate(rows):
        lead(layer, at, row)
        outlooks = layer.outlook()
        said.value[at], said.lower[at], said.upper[at] = outlooks.value.T, outlooks.lower.T, outlooks.upper.T
        said.silent[at] = (outlooks.silent | outlooks.fallback | ~np.isfinite(outlooks.value)).T
    return said


def score(rows: NDArray[np.float64], recipe: ForecastingRecipe) -> list[Scored]:
    """Score a recording (N, S) at each horizon."""
    miss = 1.0 - recipe.coverage
    ours = walk(rows, recipe)
    naive = walk(rows, recipe.model_copy(update={"speak_below": 1e-9}))
    held = _held(rows)
    differs = np.diff(held, axis=0) != 0.0
    moving = differs.mean(axis=0) >= LEAST_MOVING
    found = []
    for place, horizon in enumerate(HORIZONS):
        truth, now = rows[horizon:], held[:-horizon]
        silent = ours.silent[:-horizon, place]
        answer = np.where(silent, now, ours.value[:-horizon, place])
        there = np.isfinite(truth) & np.isfinite(now)
        own = np.where(there, np.abs(truth - answer), 0.0).sum(axis=0)
        persistence = np.where(there, np.abs(truth - now), 0.0).sum(axis=0)
        low, high = ours.lower[:-horizon, place], ours.upper[:-horizon, place]
        told = there & np.isfinite(low)
        inside = np.where(told, (truth >= low) & (truth <= high), 0.0).sum(axis=0)
        cost = interval_score(truth, low, high, miss)
        same = interval_score(truth, naive.lower[:-horizon, place], naive.upper[:-horizon, place], miss)
        width = split_conformal(np.abs(truth - now), horizon, miss)
        split = interval_score(truth, now - width, now + width, miss)
        varies = persistence > 0.0
        found.append(
            Scored(
                mae=_share(own, persistence, varies),
                silent=silent.mean(axis=0),
                coverage=_share(inside, told.sum(axis=0), varies & told.any(axis=0)),
                score=_ratio(cost, same, varies),
                split=_ratio(cost, split, varies),
                moving=moving & varies,
            )
        )
    return found


def interval_score(
    truth: NDArray[np.float64], low: NDArray[np.float64], high: NDArray[np.float64], miss: float
) -> NDArray[np.float64]:
    """The width, and 2/miss for each unit that the truth is outside (Gneiting, Raftery 2007); NaN stays."""
    beyond = np.maximum(low - truth, 0.0) + np.maximum(truth - high, 0.0)
    cost: NDArray[np.float64] = high - low + 2.0 / miss * beyond
    return cost


def split_conformal(errors: NDArray[np.float64], horizon: int, miss: float) -> NDArray[np.float64]:
    """Half-width of persistence's interval at each sample, (N, S), from the WINDOW errors known by then."""
    width = np.full_like(errors, np.nan)
    for at in range(horizon + LEAST_ERRORS, len(errors)):
        known = errors[max(0, at - horizon + 1 - WINDOW) : at - horizon + 1]
        place = min(int(np.ceil((1.0 - miss) * (len(known) + 1))), len(known)) - 1
        width[at] = np.sort(np.nan_to_num(known), axis=0)[place]
    return width


def report(
    name: str,
    recordings: Mapping[str, NDArray[np.float64]],
    kind_of: Callable[[str], str],
    passed: Passed,
    notes: Sequence[str] = (),
) -> Report:
    """Score recordings (N, S); kind_of: which of them are told together, beside all.

    Raises:
        FileNotFoundError: none is long enough.
        ValueError: none of their series moves, or a value is beyond all readings.
    """
    recipe = of_samples()
    about = list(notes)
    scored = _scored(recordings, recipe, about)
    if not scored:
        wrong = f"{name}: no recording of {LEAST_SAMPLES} samples or more is there"
        raise FileNotFoundError(passed.with_reasons(". ".join([wrong, *(one.rstrip(".") for one in about)])))
    figures: list[Figure] = []
    for place, horizon in enumerate(HORIZONS):
        of = _together([each[place] for each in scored.values()])
        if not of.moving.any():
            wrong = f"{name}: no series moves by {horizon} samples, so there is nothing to forecast"
            raise ValueError(passed.with_reasons(wrong))
        figures += _figures(f"{name} at {horizon}", of, recipe.coverage)
    for kind in dict.fromkeys(kind_of(each) for each in scored):
        for place, horizon in enumerate(HORIZONS):
            of = _together([each[place] for key, each in scored.items() if kind_of(key) == kind])
            if not of.moving.any():
                about.append(f"No series of {kind} moves by {horizon} samples: it has no figure of its own.")
                continue
            figures.append(
                Figure(
                    f"{name} {kind} at {horizon}: MAE, median", _median(of.mae[of.moving]), "x persistence"
                )
            )
    every = _together([each[-1] for each in scored.values()])
    held = int(np.sum(~every.moving))
    left_out = (
        f"{len(scored)} recordings, {int(every.moving.sum())} series that move; {held} that are held (fewer "
        f"than {LEAST_MOVING:.0%} of their samples differ from the one before: set points) count only "
        "with all series, as 1 where persistence never errs, for there nobody can do better"
    )
    how = (
        "the shipped recipe for all of them, one sample a step, from the first sample on; silence is scored "
        "as persistence"
    )
    intervals = (
        "interval score over persistence with the same adaptive intervals; split: over persistence with "
        f"split conformal intervals of the last {WINDOW} errors"
    )
    published = (
        "published: naive SNARIMAX(12,1,3) on diginbio DO .72/1.09/.99, pH .51/.94/.94 of persistence at "
        "1/10/30, on senck worse than persistence almost everywhere (up to 1692 x)"
    )
    return Report(name, tuple(figures), (left_out, how, intervals, published, *about, *passed.told))


def _scored(
    recordings: Mapping[str, NDArray[np.float64]], recipe: ForecastingRecipe, about: list[str]
) -> dict[str, list[Scored]]:
    """Score what is long enough; what is left out is written into `about`."""
    scored = {}
    for each, rows in recordings.items():
        if (np.abs(rows) > LARGEST).any():
            raise ValueError(f"{each}: a value is beyond {LARGEST:g}, which no reading is; take it out")
        enough = np.isfinite(rows).sum(axis=0) >= LEAST_SAMPLES
        if not enough.all() or not enough.size:
            few = "all its" if not enough.any() else f"{int(np.sum(~enough))} of {enough.size}"
            about.append(f"{each}: {few} series have fewer than {LEAST_SAMPLES} values and are left out.")
        if enough.any():
            scored[each] = score(np.ascontiguousarray(rows[:, enough]), recipe)
    return scored


def with_held(mae: NDArray[np.float64]) -> NDArray[np.float64]:
    """(S,) the ratios of all series: 1 where persistence makes no error, and silence is right."""
    return np.where(np.isfinite(mae), mae, 1.0)


def _figures(name: str, of: Scored, coverage: float) -> list[Figure]:
    moving = of.moving
    mae, reached = of.mae[moving], float(np.nanmean(of.coverage[moving]))
    return [
        Figure(f"{name}: MAE, median", _median(mae), "x persistence", _median(mae), "persistence"),
        Figure(
            f"{name}: MAE, worst", float(mae.max()), "x persistence", float(mae.max()) / WORST, f"{WORST:g}"
        ),
        Figure(f"{name}: MAE, median of all series", _median(with_held(of.mae)), "x persistence"),
        Figure(f"{name}: series above {WORST:g}", float(np.sum(mae > WORST)), f"of {mae.size}"),
        Figure(f"{name}: silent", 100.0 * float(of.silent[moving].mean()), "% of samples"),
        Figure(f"{name}: coverage", 100.0 * reached, "%", reached / coverage, f"nominal {coverage:.0%}"),
        Figure(f"{name}: interval score, median", _median(of.score[moving]), "x persistence's"),
        Figure(f"{name}: interval score, split, median", _median(of.split[moving]), "x persistence's"),
    ]


def _together(parts: list[Scored]) -> Scored:
    return Scored(
        *(
            np.concatenate([getattr(part, field) for part in parts])
            for field in ("mae", "silent", "coverage", "score", "split", "moving")
        )
    )


def _held(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """The last value at each sample; NaN before the first."""
    last = np.where(np.isfinite(rows), np.arange(len(rows))[:, None], -1)
    last = np.maximum.accumulate(last, axis=0)
    held: NDArray[np.float64] = np.where(
        last >= 0, np.take_along_axis(rows, np.maximum(last, 0), axis=0), np.nan
    )
    return held


def _ratio(
    ours: NDArray[np.float64], theirs: NDArray[np.float64], where: NDArray[np.bool_]
) -> NDArray[np.float64]:
    both = np.isfinite(ours) & np.isfinite(theirs)
    above, below = np.where(both, ours, 0.0).sum(axis=0), np.where(both, theirs, 0.0).sum(axis=0)
    return _share(above, below, where & (below > 0.0))


def _share(
    part: NDArray[np.float64], whole: NDArray[np.float64] | NDArray[np.int64], where: NDArray[np.bool_]
) -> NDArray[np.float64]:
    return np.where(where, part / np.where(where, whole, 1.0), np.nan)


def _median(values: NDArray[np.float64]) -> float:
    known = values[np.isfinite(values)]
    return float(np.median(known)) if known.size else float("nan")
