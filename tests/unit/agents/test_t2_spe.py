"""T² and SPE, and the tails that they are judged by."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from agents.models.f_tail import critical_ratio, tail_score
from agents.models.subspace import Subspace
from agents.models.wandering import Wandering


def subspace(rows: np.ndarray, components: float = 1.0) -> Subspace:
    return Subspace.from_covariance(
        np.ones(rows.shape[1], dtype=np.bool_),
        rows.mean(axis=0),
        np.cov(rows.T),
        observations=len(rows),
        components=components,
    )


@pytest.mark.parametrize(("above", "below"), [(1, 2), (5, 50), (30, 3), (40, 4000)])
@pytest.mark.parametrize("ratio", [0.1, 1.0, 2.0, 10.0])
def test_the_tail_score_is_that_of_the_f_distribution(ratio: float, above: float, below: float) -> None:
    assert tail_score(ratio, above, below) == pytest.approx(
        -stats.f.logsf(ratio, above, below) / np.log(10.0), rel=1e-8, abs=1e-12
    )


@pytest.mark.parametrize(("above", "below"), [(1, 2), (5, 50), (40, 4000)])
def test_the_tail_score_never_saturates(above: float, below: float) -> None:
    scores = [tail_score(10.0**power, above, below) for power in range(-3, 301, 3)]
    assert np.isfinite(scores).all()
    assert (np.diff(scores) > 0.0).all()


def test_the_tail_score_goes_on_smoothly_where_the_probability_underflows() -> None:
    ratios = np.linspace(3.0, 12.0, 400)
    rises = np.diff([tail_score(ratio, 60.0, 900.0) for ratio in ratios.tolist()])
    assert np.abs(np.diff(rises)).max() < 0.05 * rises.max()


def test_the_critical_ratio_has_the_score_asked_for() -> None:
    assert tail_score(critical_ratio(3.0, 5.0, 50.0), 5.0, 50.0) == pytest.approx(3.0)


def test_t2_of_a_new_observation_follows_hotellings_distribution() -> None:
    draw = np.random.default_rng(4)
    scores = []
    for _ in range(400):
        rows = draw.normal(size=(40, 4)) @ np.array(
            [[1, 0.9, 0, 0], [0, 0.3, 0, 0], [0, 0, 5, 1], [0, 0, 0, 2.0]]
        )
        within = subspace(rows[:-1]).within(np.ones(4, dtype=np.bool_))
        assert within is not None
        scores.append(within.scores(within.distance(rows[-1]), 1.0, 1.0)[0])
    assert stats.kstest(10.0 ** -np.array(scores), "uniform").pvalue > 0.001


def test_t2_is_the_mahalanobis_distance_and_its_parts_add_up_to_it() -> None:
    draw = np.random.default_rng(1)
    rows = draw.normal(size=(200, 3)) @ draw.normal(size=(3, 3))
    within = subspace(rows).within(np.ones(3, dtype=np.bool_))
    assert within is not None
    far = np.array([3.0, -2.0, 1.0])
    found = within.distance(far)
    apart = far - rows.mean(axis=0)
    mahalanobis = apart @ np.linalg.inv(np.cov(rows.T)) @ apart
    assert found.by_level.sum() == pytest.approx(mahalanobis)
    assert found.level == pytest.approx(mahalanobis * 200 * 197 / (3 * (200**2 - 1)))


def test_signals_that_come_apart_show_in_spe_and_are_named() -> None:
    draw = np.random.default_rng(2)
    common = draw.normal(size=(500, 1))
    rows = common + 0.1 * draw.normal(size=(500, 4))
    within = subspace(rows, components=0.9).within(np.ones(4, dtype=np.bool_))
    assert within is not None
    together = within.distance(np.full(4, 2.0))
    torn = within.distance(np.array([1.0, 1.0, 1.0, -1.0]))
    level, apart = within.scores(torn, 1.0, 1.0)
    assert apart > 10.0
    assert max(within.scores(together, 1.0, 1.0)) < 3.0
    assert apart > level
    assert int(np.argmax(torn.by_apart)) == 3


def test_what_is_missing_is_left_out_and_not_filled_in() -> None:
    draw = np.random.default_rng(3)
    rows = draw.normal(size=(300, 3)) @ draw.normal(size=(3, 3))
    some = np.array([True, False, True])
    whole, part = subspace(rows).within(some), subspace(rows[:, some]).within(np.ones(2, dtype=np.bool_))
    assert whole is not None
    assert part is not None
    assert whole.distance(np.array([1.0, np.nan, 2.0])).level == pytest.approx(
        part.distance(np.array([1.0, 2.0])).level
    )


def test_a_signal_that_repeats_another_adds_no_certainty() -> None:
    draw = np.random.default_rng(5)
    rows = draw.normal(size=(300, 2))
    twice = np.column_stack([rows, rows[:, 0]])
    within = subspace(twice).within(np.ones(3, dtype=np.bool_))
    assert within is not None
    assert within.level_freedom[0] == 2.0


def test_drift_lies_between_blocks_and_noise_within_them() -> None:
    draw = np.random.default_rng(6)
    wandering = Wandering(40)
    for _ in range(3):
        wandering.add()
    steps = np.arange(400)
    rows = np.column_stack(
        [draw.normal(size=400), steps * 0.05 + draw.normal(size=400), np.cumsum(draw.normal(size=400))]
    )
    for row in rows:
        wandering.learn(row, np.ones(3, dtype=np.bool_))
    noise, drift, walk = wandering.share().tolist()
    assert noise < 0.05
    assert drift > 0.9
    assert walk > 0.5
