"""Forecasts on the M4 competition's hourly series, scored as the competition does: OWA against its Naive2.

DIR holds Hourly-train.csv and Hourly-test.csv, one row a series. Series of one length are the signals of one
unit and stream through the layer; the forecast after the last training hour is scored against the test row.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from agents.models.forecasting.recipe import ForecastingRecipe, shipped
from bench._report import Figure, Report
from bench.models._forecasting import lead, led
from schemas.signals import read_yaml

if TYPE_CHECKING:
    from numpy.typing import NDArray

HOURS = 24
SIGNIFICANT = 1.645
"""Normal quantile at which the competition tests for a season, two-sided at 90 %."""

TARGET = 0.6

PUBLISHED = (
    "published, all 414 series: best .410, Smyl .440, seasonal naive .627; naive River SNARIMAX seasonal "
    ".730, HoltWinters .82"
)


@dataclass(frozen=True, slots=True)
class Answers:
    """Forecasts by series, and what their intervals held while they streamed, in all and by the last hour."""

    value: dict[str, NDArray[np.float64]]
    silent: float
    coverage: float
    scored_coverage: float


def read(path: Path) -> dict[str, NDArray[np.float64]]:
    """Read the series of one file."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.reader(file)
        next(rows)
        return {row[0]: np.array([float(value) for value in row[1:] if value]) for row in rows}


def naive2(history: NDArray[np.float64], hours: int) -> NDArray[np.float64]:
    """The competition's Naive2: the last value, seasonally adjusted as a product, where a season shows."""
    ahead = len(history) + np.arange(hours)
    season = np.ones(HOURS)
    if _seasonal(history):
        weight = np.r_[0.5, np.ones(HOURS - 1), 0.5] / HOURS
        ratio = history[HOURS // 2 : -(HOURS // 2)] / np.convolve(history, weight, "valid")
        hour = (np.arange(ratio.size) + HOURS // 2) % HOURS
        season = np.array([ratio[hour == each].mean() for each in range(HOURS)])
        season = season / season.mean()
    adjusted: NDArray[np.float64] = history[-1] / season[(len(history) - 1) % HOURS] * season[ahead % HOURS]
    return adjusted


def errors(
    forecasts: dict[str, NDArray[np.float64]],
    history: dict[str, NDArray[np.float64]],
    truth: dict[str, NDArray[np.float64]],
) -> tuple[float, float]:
    """Mean sMAPE in percent and mean MASE over the series."""
    smape, mase = [], []
    for name, said in forecasts.items():
        off = np.abs(said - truth[name])
        smape.append(np.mean(200.0 * off / (np.abs(said) + np.abs(truth[name]))))
        mase.append(off.mean() / np.abs(history[name][HOURS:] - history[name][:-HOURS]).mean())
    return float(np.mean(smape)), float(np.mean(mase))


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
    silent, held, within = 0, 0.0, 0
    for names in by_length.values():
        rows = np.stack([history[name] for name in names], axis=1)
        layer = led(recipe_of(hours), len(names))
        for at, row in enumerate(rows):
            lead(layer, at, row)
        said = layer.outlook()
        for place, name in enumerate(names):
            value[name] = said.value[place]
            within += int(np.sum((truth[name] >= said.lower[place]) & (truth[name] <= said.upper[place])))
        silent += int(np.sum(said.silent | said.fallback))
        held += float(said.reached.sum())
    count = hours * len(history)
    return Answers(value, silent / count, held / count, within / count)


def measure(data: Path) -> Report:
    """Score the series in `data`."""
    history, truth = read(data / "Hourly-train.csv"), read(data / "Hourly-test.csv")
    names = [name for name in history if name in truth]
    history = {name: history[name] for name in names}
    hours = len(truth[names[0]])
    ours = answer(history, truth, hours)
    repeat = np.arange(hours)
    season = {name: history[name][-HOURS:][repeat % HOURS] for name in names}
    week = {name: history[name][-7 * HOURS :][repeat % (7 * HOURS)] for name in names}
    base = errors({name: naive2(history[name], hours) for name in names}, history, truth)
    smape, mase = errors(ours.value, history, truth)

    def owa(forecasts: dict[str, NDArray[np.float64]]) -> float:
        own = errors(forecasts, history, truth)
        return (own[0] / base[0] + own[1] / base[1]) / 2.0

    own = owa(ours.value)
    nominal = shipped().coverage
    return Report(
        "m4",
        (
            Figure("M4 hourly OWA", own, "of Naive2", own / TARGET, f"the target, {TARGET:g}"),
            Figure("M4 hourly sMAPE", smape, "%", smape / base[0], "Naive2"),
            Figure("M4 hourly MASE", mase, "", mase / base[1], "Naive2"),
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
        ),
        (
            f"{len(names)} series, {hours} hours; the shipped recipe with seasons of a day and of a week",
            PUBLISHED,
        ),
    )


def _seasonal(history: NDArray[np.float64]) -> bool:
    """Whether the autocorrelation at a season is beyond what noise has, by Bartlett's formula."""
    if len(history) < 3 * HOURS:
        return False
    centred = history - history.mean()
    lags = np.array([centred[lag:] @ centred[: len(centred) - lag] for lag in range(1, HOURS + 1)])
    lags = lags / (centred @ centred)
    limit = SIGNIFICANT * np.sqrt((1.0 + 2.0 * np.sum(lags[:-1] ** 2)) / len(history))
    return bool(abs(lags[-1]) > limit)
