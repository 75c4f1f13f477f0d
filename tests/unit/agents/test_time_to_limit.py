"""Time to limit: from the forecast's path and its interval to minutes, earliest and latest."""

from __future__ import annotations

import numpy as np
import pytest

from agents.models.forecasting.time_to_limit import Path, Reaches, time_to_limit, wording

HORIZON_S = np.array([600.0, 1800.0])


def falling(spread: float = 5.0, now: float = 40.0) -> Path:
    value = now - np.array([10.0, 30.0])
    return Path(now, HORIZON_S, value, value - spread, value + spread)


def test_it_tells_when_the_forecast_and_both_ends_of_its_interval_reach_the_limit() -> None:
    reaches = time_to_limit(falling(), 20.0, "low")
    assert reaches is not None
    assert reaches.minutes == pytest.approx(20.0)
    assert reaches.from_minutes == pytest.approx(15.0)
    assert reaches.to_minutes == pytest.approx(25.0)


def test_a_high_limit_is_the_mirror_of_a_low_one() -> None:
    down = falling()
    up = Path(-down.now, HORIZON_S, -down.value, -down.upper, -down.lower)
    assert time_to_limit(up, -20.0, "high") == time_to_limit(down, 20.0, "low")


def test_the_latest_is_open_where_the_far_end_does_not_reach_it_in_time() -> None:
    reaches = time_to_limit(falling(spread=15.0), 20.0, "low")
    assert reaches is not None
    assert reaches.to_minutes is None


def test_there_is_none_where_the_forecast_does_not_reach_it_within_the_longest_horizon() -> None:
    assert time_to_limit(falling(), 5.0, "low") is None
    assert time_to_limit(falling(), 60.0, "high") is None


def test_beyond_the_limit_there_is_no_time_left_to_tell() -> None:
    assert time_to_limit(falling(now=19.0), 20.0, "low") is None


def test_horizons_that_are_not_known_are_left_out() -> None:
    path = falling()
    unknown = np.array([np.nan, 1.0])
    reaches = time_to_limit(
        Path(path.now, HORIZON_S, path.value * unknown, path.lower * unknown, path.upper * unknown),
        20.0,
        "low",
    )
    assert reaches is not None
    assert reaches.minutes == pytest.approx(20.0)
    nothing = np.full(2, np.nan)
    assert time_to_limit(Path(40.0, HORIZON_S, nothing, nothing, nothing), 20.0, "low") is None


def test_the_forecast_lies_between_the_earliest_and_the_latest_whatever_the_interval() -> None:
    random = np.random.default_rng(2)
    found = 0
    for _ in range(300):
        now, limit = random.uniform(20.0, 30.0), 20.0
        value = now + random.standard_normal(3).cumsum() * 5.0
        width = np.abs(random.standard_normal((2, 3))) * 5.0
        path = Path(now, np.array([60.0, 300.0, 900.0]), value, value - width[0], value + width[1])
        reaches = time_to_limit(path, limit, "low")
        if reaches is not None:
            found += 1
            assert 0.0 <= reaches.from_minutes <= reaches.minutes
            assert reaches.to_minutes is None or reaches.to_minutes >= reaches.minutes
    assert found > 50


def test_it_is_worded_for_the_operator() -> None:
    assert wording("DO", "20 %", Reaches(14.2, 9.0, 21.6), 60.0) == "DO reaches 20 % in 14 min (9 to 22)"
    assert (
        wording("DO", "20 %", Reaches(14.2, 9.0, None), 60.0)
        == "DO reaches 20 % in 14 min (9 to more than 60)"
    )
