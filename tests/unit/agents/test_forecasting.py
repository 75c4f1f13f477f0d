"""Forecasts that say when they know better, with intervals that hold what they promise."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.context import NO_BATCH, Context
from agents.models.forecasting.layer import ForecastLayer, Outlooks
from agents.models.forecasting.recipe import ForecastingRecipe, shipped
from agents.models.forecasting.time_to_limit import Path, time_to_limit
from agents.models.recipe import RiverModel
from agents.models.step import Step
from agents.state_codec import pack, unpack
from schemas.errors import SnapshotRefused
from schemas.signals import spec

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

RECIPE = shipped()
STEP_US = RECIPE.step_us
KEY = b"0" * 32


@dataclass
class Player:
    """A layer that is led step by step; every signal gets the same value unless a row is given."""

    layer: ForecastLayer
    at: int = 0
    said: list[Outlooks] = field(default_factory=list)

    def play(
        self,
        values: Iterable[Any],
        *,
        doubted: bool = False,
        fit: bool = True,
        context: Context = NO_BATCH,
        watch: bool = False,
    ) -> Player:
        signals = len(self.layer.value)
        for value in values:
            row = np.broadcast_to(np.asarray(value, dtype=np.float64), signals).copy()
            there = np.isfinite(row)
            step = Step((self.at + 1) * STEP_US, row, there, there & fit, context)
            self.layer.take(step, np.full(signals, doubted))
            self.at += 1
            if watch:
                self.said.append(self.layer.outlook())
        return self


def led(signals: int = 1, of: str | None = None, **changed: Any) -> Player:
    recipe = ForecastingRecipe.model_validate(RECIPE.model_dump() | changed)
    layer = ForecastLayer(recipe)
    for number in range(signals):
        layer.add(f"x{number}", spec(of) if of else None)
    return Player(layer)


def noise(steps: int, seed: int = 0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).standard_normal(steps)


def ramp(steps: int = 900) -> NDArray[np.float64]:
    return 90.0 - 0.02 * np.arange(steps) + 0.01 * noise(steps)


def test_it_says_nothing_of_a_horizon_before_it_has_seen_how_wrong_it_is() -> None:
    player = led().play(ramp(RECIPE.horizon_steps[0] + RECIPE.known_after - 1))
    assert np.isnan(player.layer.outlook().value).all()
    player.play([90.0])
    assert np.isfinite(player.layer.outlook().value[0]).tolist() == [True, False, False, False]


def test_it_carries_a_trend_forward_and_is_not_silent_about_it() -> None:
    values = ramp()
    outlook = led().play(values).layer.outlook()
    assert not outlook.silent.any()
    assert not outlook.fallback.any()
    for place, steps in enumerate(RECIPE.horizon_steps):
        true = 90.0 - 0.02 * (len(values) - 1 + steps)
        assert outlook.value[0, place] == pytest.approx(true, abs=0.15)
        assert outlook.lower[0, place] <= outlook.value[0, place] <= outlook.upper[0, place]


def test_a_falling_signal_is_told_when_it_reaches_its_limit() -> None:
    layer = led().play(ramp()).layer
    outlook = layer.outlook()
    path = Path(
        float(layer.value[0]), outlook.horizon_s, outlook.value[0], outlook.lower[0], outlook.upper[0]
    )
    reaches = time_to_limit(path, float(layer.value[0]) - 1.2, "low")
    assert reaches is not None
    assert reaches.minutes == pytest.approx(30.0, abs=3.0)
    assert reaches.from_minutes <= reaches.minutes <= (reaches.to_minutes or 60.0)


def test_where_the_future_cannot_be_known_it_is_silent_or_no_worse_than_persistence() -> None:
    rows = np.random.default_rng(7).standard_normal((2000, 8)).cumsum(axis=0)
    player = led(8).play(rows, watch=True)
    steps = RECIPE.horizon_steps[1]
    said = np.stack([outlook.value[:, 1] for outlook in player.said[:-steps]])
    silent = np.stack([outlook.silent[:, 1] for outlook in player.said[:-steps]])
    known = np.isfinite(said)
    ours = np.abs(said - rows[steps:])[known].mean()
    persistence = np.abs(rows[:-steps] - rows[steps:])[known].mean()
    assert silent[known].mean() > 0.6
    assert ours < 1.05 * persistence


@pytest.mark.parametrize("believed", [1, 5, 10])
def test_a_trend_that_turns_as_soon_as_it_is_believed_costs_little_more_than_persistence(
    believed: int,
) -> None:
    ahead = 10
    horizons = (RECIPE.step_s, ahead * RECIPE.step_s)
    player = led(horizons_s=horizons, awaited=ahead, compared_every=1)
    random = np.random.default_rng(0)
    values, said, value = [], [], 50.0
    spoken: list[float] = []
    while len(spoken) <= believed + 2 * ahead:
        player.play([value], watch=True)
        outlook = player.said[-1]
        answer = float(outlook.value[0, 1])
        values.append(value)
        said.append(answer if np.isfinite(answer) else value)
        if spoken or not outlook.silent[0, 1]:
            spoken.append(answer)
        value += (0.1 if len(spoken) < believed else -0.1) * (1.0 + 0.1 * random.standard_normal())
    truth, now, forecast = np.array(values[ahead:]), np.array(values[:-ahead]), np.array(said[:-ahead])
    ours, persistence = np.abs(forecast - truth).sum(), np.abs(now - truth).sum()
    assert persistence < ours <= (1.0 + RECIPE.most_worse) * persistence * (1.0 + 1e-6)


def test_where_it_is_silent_the_last_value_is_its_forecast() -> None:
    player = led().play(noise(400).cumsum(), watch=True)
    for outlook, value in zip(player.said[-100:], noise(400).cumsum()[-100:], strict=True):
        quiet = outlook.silent[0] & np.isfinite(outlook.value[0])
        assert outlook.value[0, quiet].tolist() == pytest.approx([value] * int(quiet.sum()), abs=1e-6)


def test_intervals_hold_the_share_that_they_promise_and_know_it() -> None:
    random = np.random.default_rng(3)
    sizes = np.where(np.arange(3000) % 1000 < 500, 1.0, 4.0)[:, None]
    rows = (sizes * random.standard_t(3, (3000, 6))).cumsum(axis=0)
    player = led(6).play(rows, watch=True)
    for place in (0, 1):
        steps = RECIPE.horizon_steps[place]
        low = np.stack([outlook.lower[:, place] for outlook in player.said[:-steps]])
        high = np.stack([outlook.upper[:, place] for outlook in player.said[:-steps]])
        known = np.isfinite(low)
        held = ((rows[steps:] >= low) & (rows[steps:] <= high))[known].mean()
        assert held == pytest.approx(RECIPE.coverage, abs=0.02)
        assert player.said[-1].reached[:, place].mean() == pytest.approx(held, abs=0.02)


def test_a_season_that_is_declared_is_foreseen() -> None:
    steps = 2000
    values = 20.0 + np.sin(2.0 * np.pi * np.arange(steps) / 100) + 0.02 * noise(steps)
    with_season = led(seasons_s=(100 * RECIPE.step_s,)).play(values).layer.outlook()
    ahead = 20.0 + np.sin(2.0 * np.pi * (steps - 1 + np.array(RECIPE.horizon_steps)) / 100)
    assert with_season.value[0].tolist() == pytest.approx(ahead.tolist(), abs=0.1)


def test_a_constant_signal_is_forecast_constant() -> None:
    outlook = led().play([7.0] * 600).layer.outlook()
    assert (outlook.value == 7.0).all()
    assert (outlook.lower == 7.0).all()
    assert (outlook.upper == 7.0).all()


def test_nothing_implausible_is_forecast() -> None:
    values = np.maximum(45.0 - 0.05 * np.arange(890), 0.6) + 0.001 * noise(890)
    outlook = led(of="DO").play(values).layer.outlook()
    low, high = spec("DO").plausible  # type: ignore[union-attr]  # it is in the dictionary
    assert np.nanmin(outlook.lower) >= low
    assert np.nanmax(outlook.upper) <= high


def test_a_short_doubt_does_not_move_it() -> None:
    calm, jolted = led().play(ramp()), led().play(ramp())
    jolted.play([1e6] * RECIPE.follow_after_steps, doubted=True)
    assert jolted.layer.outlook().value.tolist() == calm.layer.outlook().value.tolist()
    assert jolted.layer.rebaselines[0] == 0


def test_a_lasting_change_is_followed_without_throwing_the_trend() -> None:
    player = led().play(ramp()).play([90.0] * 60, doubted=True)
    assert np.abs(player.layer.outlook().value - 90.0).max() < 1.0
    assert player.layer.rebaselines[0] == 1


def test_values_that_are_not_fit_are_never_learnt() -> None:
    calm, fed = led().play(ramp()), led().play(ramp())
    fed.play([5.0, np.nan, 1e300, np.inf], fit=False)
    assert fed.layer.outlook().value.tolist() == calm.layer.outlook().value.tolist()
    assert fed.layer.value[0] == calm.layer.value[0]


def test_a_signal_that_stays_away_too_long_has_no_forecast_until_it_is_back() -> None:
    player = led().play(ramp()).play([np.nan] * (RECIPE.hold_steps + 1))
    assert np.isnan(player.layer.outlook().value).all()
    player.play([60.0])
    assert player.layer.outlook().value.tolist() == [[60.0] * 4]


def test_a_new_batch_or_phase_starts_levels_and_trends_anew_and_is_counted() -> None:
    player = led().play(ramp()).play([20.0], context=Context(batch="B2"))
    assert player.layer.rebaselines[0] == 1
    assert np.abs(player.layer.outlook().value - 20.0).max() < 2.0
    player.play([20.0], context=Context(batch="B2", phase="feed"))
    assert player.layer.rebaselines[0] == 2


def test_a_slow_signal_is_compared_at_the_long_horizons() -> None:
    values = np.full(1500, np.nan)
    values[::10] = 50.0 + 0.01 * np.arange(150)
    outlook = led(horizons_s=(900.0, 3600.0)).play(values).layer.outlook()
    assert np.isfinite(outlook.value[0]).all()
    assert outlook.value[0, 1] > values[-10]


def test_frozen_it_goes_on_forecasting_but_learns_no_more() -> None:
    frozen = led(learning="frozen", baseline_steps=100).play(ramp(300))
    before = frozen.layer.state()["experts"]["regressions"]["natural"].copy()
    frozen.play(50.0 + noise(100))
    after = frozen.layer.state()["experts"]["regressions"]["natural"]
    place = 0
    assert after[0, place].tolist() == before[0, place].tolist()
    assert frozen.layer.value[0] != pytest.approx(84.0, abs=1.0)


def test_any_forecaster_of_river_s_can_be_an_expert() -> None:
    river = RiverModel(model="SNARIMAX", parameters={"p": 2, "d": 1, "q": 1})
    player = led(2, river=river.model_dump()).play(ramp(300))
    other = led(2, river=river.model_dump())
    other.layer.take_up(unpack(pack(player.layer.state(), KEY), KEY))
    other.at = player.at
    for each in (player, other):
        each.play(ramp(340)[300:])
    assert np.isfinite(player.layer.outlook().value[0, 0])
    assert other.layer.outlook().value.tolist() == player.layer.outlook().value.tolist()


@settings(deadline=None, max_examples=6)
@given(st.integers(0, 2**32 - 1), st.integers(0, 250))
def test_stopped_at_any_step_it_goes_on_bit_for_bit(seed: int, stop: int) -> None:
    random = np.random.default_rng(seed)
    rows = random.standard_normal((300, 3)).cumsum(axis=0)
    rows[random.random(rows.shape) < 0.2] = np.nan
    doubts = random.random(300) < 0.05
    went_on, resumed = led(3, seasons_s=(600.0,)), led(3, seasons_s=(600.0,))
    for at, row in enumerate(rows):
        went_on.play([row], doubted=bool(doubts[at]), watch=at > stop)
        if at == stop:
            resumed.layer.take_up(unpack(pack(went_on.layer.state(), KEY), KEY))
            resumed.at = went_on.at
        elif at > stop:
            resumed.play([row], doubted=bool(doubts[at]), watch=True)
    for one, other in zip(went_on.said, resumed.said, strict=True):
        for name in ("value", "lower", "upper", "silent", "fallback", "reached"):
            assert getattr(one, name).tobytes() == getattr(other, name).tobytes()


def test_a_state_of_other_signals_or_horizons_is_refused() -> None:
    state = led(2).play(ramp(50)).layer.state()
    for other in (led(3), led(2, horizons_s=(60.0, 300.0)), led(2, means=(5.0, 15.0))):
        with pytest.raises(SnapshotRefused):
            other.layer.take_up(state)
    with pytest.raises(SnapshotRefused):
        led(2).layer.take_up({"index": 1})


def test_its_state_is_three_kilobytes_a_signal_at_most() -> None:
    few, many = (len(pack(led(count).play(ramp(200)).layer.state(), KEY)) for count in (10, 40))
    assert (many - few) / 30 <= 3 * 1024


@settings(deadline=None, max_examples=25)
@given(
    st.lists(
        st.tuples(
            st.one_of(
                st.floats(-1e30, 1e30),
                st.sampled_from([0.0, 1e9, -1e9, 1e-300, 1e300, -1e308, float("nan"), float("inf")]),
            ),
            st.booleans(),
            st.integers(1, 40),
            st.integers(-50, 50),
        ),
        max_size=10,
    )
)
def test_whatever_it_is_given_it_says_numbers_within_their_interval_or_nothing(
    runs: list[tuple[float, bool, int, int]],
) -> None:
    player = led(2, horizons_s=(60.0, 300.0))
    for value, doubted, times, leap in runs:
        player.at = max(0, player.at + leap)
        player.play([value] * times, doubted=doubted)
        outlook = player.layer.outlook()
        known = np.isfinite(outlook.value)
        assert (known == np.isfinite(outlook.lower)).all()
        assert (known == np.isfinite(outlook.upper)).all()
        assert (outlook.lower[known] <= outlook.value[known]).all()
        assert (outlook.value[known] <= outlook.upper[known]).all()


def test_signals_that_appear_late_take_their_place() -> None:
    player = led(1).play(ramp(100))
    player.layer.add("late", None)
    player.play(ramp(400))
    outlook = player.layer.outlook()
    assert np.isfinite(outlook.value).tolist() == [[True] * 4] * 2


def test_a_recipe_says_what_is_wrong_with_it() -> None:
    for wrong, why in (
        ({"horizons_s": (45.0,)}, "multiple of step_s"),
        ({"horizons_s": (300.0, 60.0)}, "rising order"),
        ({"levels": (4.0,)}, "one of means"),
    ):
        with pytest.raises(ValueError, match=why):
            ForecastingRecipe.model_validate(RECIPE.model_dump() | wrong)
