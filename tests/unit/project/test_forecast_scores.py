"""How the benches of forecasts count: Naive2, interval scores, conformal intervals, and their readers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from agents.models.forecasting.recipe import ForecastingRecipe, shipped
from bench.models import diginbio, m4, senck
from bench.models._files import Passed
from bench.models._forecasting import (
    HORIZONS,
    interval_score,
    of_samples,
    score,
    split_conformal,
    with_held,
)

if TYPE_CHECKING:
    from pathlib import Path


def test_naive2_repeats_a_season_that_shows_and_the_last_value_where_it_cannot_show() -> None:
    hours = np.arange(240)
    daily = 100.0 * (1.0 + 0.5 * np.sin(2.0 * np.pi * hours / 24))
    ahead = 100.0 * (1.0 + 0.5 * np.sin(2.0 * np.pi * (240 + np.arange(48)) / 24))
    assert m4.naive2(daily, 48).tolist() == pytest.approx(ahead.tolist(), rel=1e-6)
    short = daily[:60]
    assert m4.naive2(short, 3).tolist() == [short[-1]] * 3


def test_errors_are_the_competition_s() -> None:
    history = {"H1": np.arange(48.0)}
    truth = {"H1": np.array([2.0, 4.0])}
    smape, mase = m4.errors({"H1": np.array([1.0, 4.0])}, history, truth)
    assert smape == pytest.approx((200.0 / 3.0 + 0.0) / 2.0)
    assert mase == pytest.approx(0.5 / 24.0)


def test_an_interval_costs_its_width_and_what_it_misses() -> None:
    cost = interval_score(np.array([5.0, 11.0, -1.0]), np.zeros(3), np.full(3, 10.0), miss=0.1)
    assert cost.tolist() == pytest.approx([10.0, 30.0, 30.0])


def test_split_conformal_intervals_know_only_errors_that_had_come_true() -> None:
    horizon = 10
    errors = np.abs(np.random.default_rng(1).standard_normal((2000, 2)))
    width = split_conformal(errors, horizon, miss=0.1)
    changed = errors.copy()
    changed[500:] = 1e9
    later = split_conformal(changed, horizon, miss=0.1)
    np.testing.assert_array_equal(later[: 500 + horizon], width[: 500 + horizon])
    assert (later[500 + horizon + 1 :] != width[500 + horizon + 1 :]).any()
    known = np.isfinite(width)
    assert (errors <= width)[known].mean() == pytest.approx(0.9, abs=0.02)


def test_a_trend_is_scored_better_than_persistence_and_a_constant_not_at_all() -> None:
    steps = np.arange(300.0)
    rows = np.stack([0.5 * steps, np.full(300, 3.0)], axis=1)
    for scored in score(rows, of_samples()):
        assert scored.mae[0] < 0.65
        assert np.isnan(scored.mae[1])
        assert scored.moving.tolist() == [True, False]
        assert with_held(scored.mae).tolist() == [scored.mae[0], 1.0]


def test_horizons_are_counted_in_samples_and_every_forecast_is_compared() -> None:
    recipe = of_samples()
    assert recipe.horizon_steps == HORIZONS
    assert recipe.strides == (1, 1, 1)
    assert isinstance(m4.recipe_of(48), ForecastingRecipe)
    assert m4.recipe_of(48).season_steps == (24, 168)
    assert m4.recipe_of(48).sharpness == shipped().sharpness


def test_exports_are_read_as_they_are(tmp_path: Path) -> None:
    passed = Passed(tmp_path)
    gas = tmp_path / "CO2_9.dat"
    gas.write_text(
        "Task\nDate;Time [min];Concentration [Vol.%];Pressure [Bar]\n"
        "24.11.2020 10:08:21;0.0; 0.067;;1.0\n24.11.2020 10:09:21;1.0; ;;1.0\n"
    )
    read = senck.read_gas(gas, passed)
    assert read is not None
    assert read[0, 0] == 0.067
    assert np.isnan(read[1, 0])
    online = tmp_path / "online_9.CSV"
    online.write_text(
        "PDatTime;Age;TEMP;pH;SAME;FIX\n;;Value;Value;Value;Value\n;(h);(°C);(pH);(pH);(l)\n"
        "24.11.2020 10:00:00;0;;5,1;5,1;1\n24.11.2020 10:05:00;1;30,5;5,2;5,2;1\n"
        "24.11.2020 10:10:00;2;30,6;5,1;5,1;1\n",
        "latin-1",
    )
    table = senck.read_online(online, passed)
    assert table is not None
    assert table.shape == (3, 2)
    export = tmp_path / "O2.csv"
    export.write_text(
        '"time","data.O2_value","position"\n"2021-09-15T15:24:25.000Z","1.5","0"\n'
        '"2021-09-15T15:24:25.000Z","2.5","1"\n"2021-09-15T15:25:25.000Z","","0"\n'
    )
    (of_o2,) = diginbio.read(export, passed).items()
    assert of_o2[0] == "o2"
    assert of_o2[1][0].tolist() == [1.5, 2.5]
    assert np.isnan(of_o2[1][1]).all()
