"""Each bank says what River's own class says of the same values, one River object a signal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from river import stats

from agents.models.banks.gaussian import FadingBank, GaussianBank
from agents.models.banks.holt_winters import HoltWintersBank
from agents.models.banks.of_recipe import forecasters, spreads
from agents.models.recipe import RIVER, RiverModel
from agents.state_codec import pack, unpack
from schemas.errors import SnapshotRefused

if TYPE_CHECKING:
    from numpy.typing import NDArray

LANES = 4
STEPS = 80

seeds = st.integers(0, 2**32 - 1)
scales = st.sampled_from([1e-6, 1.0, 1e6])


def uneven(seed: int, scale: float) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Values of LANES signals over STEPS steps, and where each has one; the rest is NaN."""
    random = np.random.default_rng(seed)
    there = random.random((STEPS, LANES)) < random.random(LANES)
    values = scale * (50.0 + random.standard_normal((STEPS, LANES)).cumsum(axis=0))
    return np.where(there, values, np.nan), there


@settings(deadline=None, max_examples=25)
@given(seeds, scales, st.sampled_from([(None, None, 0), (0.1, None, 0), (0.1, 0.3, 5)]))
def test_the_bank_forecasts_as_river_s_holt_winters(
    seed: int, scale: float, parameters: tuple[float | None, float | None, int]
) -> None:
    beta, gamma, seasonality = parameters
    bank = HoltWintersBank(0.3, beta, gamma, seasonality)
    bank.add(LANES)
    rivers = [RIVER["HoltWinters"](0.3, beta, gamma, seasonality) for _ in range(LANES)]
    counts = np.zeros(LANES, dtype=int)
    for values, there in zip(*uneven(seed, scale), strict=True):
        bank.learn(values, there)
        for lane in np.flatnonzero(there).tolist():
            rivers[lane].learn_one(values[lane])
        counts += there
        assert bank.running.tolist() == (counts >= max(2, seasonality)).tolist()
        ahead = bank.forecast()
        for lane in np.flatnonzero(bank.running).tolist():
            assert ahead[lane] == pytest.approx(rivers[lane].forecast(1)[0], rel=1e-9)


@settings(deadline=None, max_examples=25)
@given(seeds, scales, st.sampled_from([0, 1, 2, 10]))
def test_the_bank_has_the_distribution_of_river_s_gaussian_scorer(
    seed: int, scale: float, window: int
) -> None:
    bank = GaussianBank(window)
    bank.add(LANES)
    rivers = [RIVER["GaussianScorer"](window_size=window or None) for _ in range(LANES)]
    for values, there in zip(*uneven(seed, scale), strict=True):
        bank.learn(values, there)
        for lane in np.flatnonzero(there).tolist():
            rivers[lane].learn_one(None, values[lane])
            gaussian = rivers[lane].gaussian
            assert bank.mean()[lane] == pytest.approx(gaussian.mu, rel=1e-9)
            # A root of rounding is left where the variance is nil; River's can be that of a negative one.
            assert bank.sigma()[lane] == pytest.approx(
                abs(complex(gaussian.sigma)), rel=1e-9, abs=1e-6 * scale
            )


@settings(deadline=None, max_examples=25)
@given(seeds, scales)
def test_the_fading_bank_has_river_s_faded_mean_and_variance(seed: int, scale: float) -> None:
    bank = FadingBank(0.1)
    bank.add(LANES)
    means = [stats.EWMean(0.1) for _ in range(LANES)]
    variances = [stats.EWVar(0.1) for _ in range(LANES)]
    for values, there in zip(*uneven(seed, scale), strict=True):
        bank.learn(values, there)
        for lane in np.flatnonzero(there).tolist():
            means[lane].update(values[lane])
            variances[lane].update(values[lane])
            assert bank.mean()[lane] == pytest.approx(means[lane].get(), rel=1e-9)
            variance = bank.sigma()[lane] ** 2
            assert variance == pytest.approx(variances[lane].get(), rel=1e-9, abs=1e-9 * scale**2)


def test_a_lane_begun_anew_is_as_if_just_added() -> None:
    used, fresh = HoltWintersBank(0.3, 0.1, 0.2, 3), HoltWintersBank(0.3, 0.1, 0.2, 3)
    everywhere = np.ones(2, dtype=np.bool_)
    for bank in (used, fresh):
        bank.add(2)
    for number in range(7):
        used.learn(np.full(2, float(number)), everywhere)
    used.begin(everywhere)
    for value in (3.0, 1.0, 2.0, 4.0, 2.0):
        for bank in (used, fresh):
            bank.learn(np.full(2, value), everywhere)
    assert used.forecast().tolist() == fresh.forecast().tolist()


RIVERS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("HoltWinters", {"alpha": 0.3, "beta": 0.1, "multiplicative": True}),
    ("HoltWinters", {"alpha": 0.3, "beta": 0.1, "gamma": 0.2, "seasonality": 6}),
    ("SNARIMAX", {"p": 3, "d": 1, "q": 1}),
)


@pytest.mark.parametrize(("model", "parameters"), RIVERS)
def test_a_forecaster_goes_on_from_its_state_as_if_it_had_never_stopped(
    model: str, parameters: dict[str, Any]
) -> None:
    recipe = RiverModel(model=model, parameters=parameters)
    bank = forecasters(recipe)
    bank.add(LANES)
    values, there = uneven(3, 1.0)
    for step in range(STEPS // 2):
        bank.learn(values[step], there[step])
        bank.forecast()
    resumed = forecasters(recipe)
    resumed.take_up(unpack(pack(bank.state(), b"key"), b"key"))
    for step in range(STEPS // 2, STEPS):
        for each in (bank, resumed):
            each.learn(values[step], there[step])
        assert bank.forecast().tolist() == resumed.forecast().tolist()


def test_a_recipe_may_name_any_forecaster_but_only_what_tells_a_spread() -> None:
    assert isinstance(
        forecasters(RiverModel(model="HoltWinters", parameters={"alpha": 0.1})), HoltWintersBank
    )
    assert not isinstance(
        forecasters(RiverModel(model="SNARIMAX", parameters={"p": 1, "d": 0, "q": 0})), HoltWintersBank
    )
    assert isinstance(spreads(RiverModel(model="EWVar", parameters={"fading_factor": 0.1})), FadingBank)
    with pytest.raises(ValueError, match="no spread"):
        spreads(RiverModel(model="HoltWinters", parameters={"alpha": 0.1}))


def test_a_state_of_another_shape_is_refused() -> None:
    one, other = GaussianBank(10), GaussianBank(20)
    one.add(1)
    with pytest.raises(SnapshotRefused, match="ring"):
        other.take_up(one.state())
