"""Forecasts on the M4 competition's hourly series, scored as the competition does: OWA against its Naive2.

DIR holds Hourly-train.csv and Hourly-test.csv, one row a series. Series of one length are the signals of one
unit and stream through the layer; the forecast after the last training hour is scored against the test row.
Series that cannot be scored are left out and named, and so is what is 0/0: the MASE of a series that repeats
each day, the sMAPE of an hour that is 0 and is forecast as 0.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from math import isfinite, nan
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from agents.models.forecasting.recipe import ForecastingRecipe, shipped
from bench._report import Figure, Report
from bench.models._files import Passed
from bench.models._forecasting import lead, led
from bench.models._hourly import HOURS, find, read, scorable
from schemas.signals import read_yaml

if TYPE_CHECKING:
    from numpy.typing import NDArray

WEEK = 168
SIGNIFICANT = 1.645
"""Normal quantile at which the competition tests for a season, two-sided at 90 %."""

TARGET = 0.6

PUBLISHED = (
    "published, all 414 series: best .410, Smyl .440, seasonal naive .627; naive River SNARIMAX seasonal "
    ".730, HoltWinters .82"
)


@dataclass(frozen=True, slots=True)
class Answers:
    """Forecasts by series, and what their intervals held while they streamed, in all and by the last hour.

    silent: share of the forecasts; unmade: how many the layer could not make, so that the last value answers.
    """

    value: dict[str, NDArray[np.float64]]
    unmade: int
    silent: float
    coverage: float
    scored_coverage: float


def naive2(history: NDArray[np.float64], hours: int) -> NDArray[np.float64]:
    """The competition's Naive2: the last value, seasonally adjusted as a product, where a season shows."""
    ahead = len(history) + np.arange(hours)
    season = np.ones(HOURS)
    if _seasonal(history):
        weight = np.r_[0.5, np.ones(HOURS - 1), 0.5] / HOURS
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = history[HOURS // 2 : -(HOURS // 2)] / np.convolve(history, weight, "valid")
            hour = (np.arange(ratio.size) + HOURS // 2) % HOURS
            season = np.array([ratio[hour == each].mean() for each in range(HOURS)])
            season = season / season.mean()
        if not np.isfinite(season).all() or (season == 0.0).any():  # a product knows no hour that is 0
            season = np.ones(HOURS)
    adjusted: NDArray[np.float64] = history[-1] / season[(len(history) - 1) % HOURS] * season[ahead % HOURS]
    return adjusted


def errors(
    forecasts: dict[str, NDArray[np.float64]],
    history: dict[str, NDArray[np.float64]],
    truth: dict[str, NDArray[np.float64]],
) -> tuple[float, float]:
    """Mean sMAPE in percent and mean MASE over the series; NaN where each is 0/0."""
    smape, mase = [], []
    for name, said in forecasts.items():
        off = np.abs(said - truth[name])
        size = np.abs(said) + np.abs(truth[name])
        told = size > 0.0
        if told.any():
            smape.append(np.mean(200.0 * off[told] / size[told]))
        if (scale := daily(history[name])) > 0.0:
            mase.append(off.mean() / scale)
    return float(np.mean(smape)) if smape else nan, float(np.mean(mase)) if mase else nan


def daily(history: NDArray[np.float64]) -> float:
    """How much a training series differs from itself a day before: what MASE is measured in."""
    return float(np.abs(history[HOURS:] - history[:-HOURS]).mean())


def recipe_of(hours: int) -> ForecastingRecipe:
    """The shipped recipe, with a day and a week, and a horizon for each hour."""
    changes = read_yaml(Path(__file__).with_suffix(".yaml").read_text("utf-8"))
    horizons_s = tuple(changes["step_s"] * (hour + 1.0) for hour in range(hours))
    return ForecastingRecipe.model_validate(shipped().model_dump() | changes | {"horizons_s": horizons_s})


def answer(
    history: dict[str, NDArray[np.float64]], truth: dict[str, NDArray[np.float64]], hours: int
) -> Answers:
    """Stream every series through the layer and take its last forecasts."""
    by_length = defaultdict(list)
    for name, values in history.items():
        by_length[len(values)].append(name)
    value: dict[str, NDArray[np.float64]] = {}
    silent, unmade, held, within, known, bounded = 0, 0, 0.0, 0, 0, 0
    for names in by_length.values():
        rows = np.stack([history[name] for name in names], axis=1)
        layer = led(recipe_of(hours), len(names))
        for at, row in enumerate(rows):
            lead(layer, at, row)
        said = layer.outlook()
        made = np.isfinite(said.value)
        for place, name in enumerate(names):
            value[name] = np.where(made[place], said.value[place], history[name][-1])
            within += int(np.sum((truth[name] >= said.lower[place]) & (truth[name] <= said.upper[place])))
        silent += int(np.sum(said.silent | said.fallback | ~made))
        unmade += int(np.sum(~made))
        held += float(np.nansum(said.reached))
        known += int(np.isfinite(said.reached).sum())
        bounded += int(np.isfinite(said.lower).sum())
    count = hours * len(history)
    return Answers(
        value, unmade, silent / count, held / known if known else nan, within / bounded if bounded else nan
    )


def measure(data: Path) -> Report:
    """Score the series in `data`; raises ValueError where none can be scored or a file cannot be read."""
    passed = Passed(data)
    train, test = find(data, passed)
    history, truth = read(train), read(test)
    names, out = scorable(history, truth)
    left_out = [f"Left out, {why}: {', '.join(which)}." for why, which in out.items()]
    if not names:
        wrong = f"{data} has no series of which both training and test hours are there"
        raise ValueError(passed.with_reasons(" ".join([f"{wrong}.", *left_out])))
    history = {name: history[name] for name in names}
    hours = len(truth[names[0]])
    ours = answer(history, truth, hours)
    repeat = np.arange(hours)
    base = {name: naive2(history[name], hours) for name in names}
    season = {name: history[name][-HOURS:][repeat % HOURS] for name in names}
    week = {name: history[name][-WEEK:][repeat % WEEK] for name in names if len(history[name]) >= WEEK}
    (smape, mase), (base_smape, base_mase) = (errors(said, history, truth) for said in (ours.value, base))

    def owa(forecasts: dict[str, NDArray[np.float64]]) -> float:
        own = errors(forecasts, history, truth)
        theirs = errors({name: base[name] for name in forecasts}, history, truth)
        return (_over(own[0], theirs[0]) + _over(own[1], theirs[1])) / 2.0

    own = owa(ours.value)
    nominal = shipped().coverage
    figures = [
        Figure("M4 hourly OWA", own, "of Naive2", own / TARGET, f"the target, {TARGET:g}"),
        Figure("M4 hourly sMAPE", smape, "%", _over(smape, base_smape), "Naive2"),
        Figure("M4 hourly MASE", mase, "", _over(mase, base_mase), "Naive2"),
        Figure("M4 hourly OWA of the last day repeated", owa(season), "of Naive2"),
        Figure("M4 hourly OWA of the last week repeated", owa(week), "of Naive2"),
        Figure("M4 hourly silent", 100.0 * ours.silent, "% of forecasts: the last day or week answers"),
        Figure(
            "M4 hourly coverage",
            100.0 * ours.coverage,
            "%",
            ours.coverage / nominal,
            f"nominal {nominal:.0%}",
        ),
        Figure("M4 hourly coverage of the scored hours", 100.0 * ours.scored_coverage, "%"),
    ]
    about = [
        f"{len(names)} series, {hours} hours; the shipped recipe with seasons of a day and of a week",
        PUBLISHED,
    ]
    if ours.unmade:
        about.append(
            f"{ours.unmade} of {hours * len(names)} forecasts could not be made of what was there: the last "
            f"value is scored for them."
        )
    if repeated := [name for name in names if daily(history[name]) == 0.0]:
        about.append(f"Without a MASE (0/0, each day repeats the one before): {', '.join(repeated)}.")
    if zero := [
        n for n in names if any(((said[n] == 0.0) & (truth[n] == 0.0)).any() for said in (ours.value, base))
    ]:
        about.append(f"Hours that are 0 and forecast as 0 have no sMAPE (0/0): {', '.join(zero)}.")
    if short := [name for name in names if name not in week]:
        about.append(
            f"Shorter than a week, which the last week repeated is not scored on: {', '.join(short)}."
        )
    kept, without = _told(figures)
    return Report("m4", kept, (*about, *without, *left_out, *passed.told))


def _told(figures: list[Figure]) -> tuple[tuple[Figure, ...], list[str]]:
    """Return the figures that there are, and a sentence that names the others: what they need is 0/0."""
    without = [one.name for one in figures if np.isnan(one.value)]
    kept = tuple(
        one if one.ratio is None or not np.isnan(one.ratio) else Figure(one.name, one.value, one.unit)
        for one in figures
        if not np.isnan(one.value)
    )
    told = "No figure, as nothing is there to measure it on or by (0/0)"
    return kept, [f"{told}: {'; '.join(without)}."] if without else []


def _over(ours: float, theirs: float) -> float:
    return ours / theirs if theirs > 0.0 and isfinite(theirs) else nan


def _seasonal(history: NDArray[np.float64]) -> bool:
    """Whether the autocorrelation at a season is beyond what noise has, by Bartlett's formula."""
    if len(history) < 3 * HOURS:
        return False
    centred = history - history.mean()
    if not centred.any():
        return False
    lags = np.array([centred[lag:] @ centred[: len(centred) - lag] for lag in range(1, HOURS + 1)])
    lags = lags / (centred @ centred)
    limit = SIGNIFICANT * np.sqrt((1.0 + 2.0 * np.sum(lags[:-1] ** 2)) / len(history))
    return bool(abs(lags[-1]) > limit)
