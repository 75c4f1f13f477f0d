"""Covariances over all features at once are River's own, whatever is missing."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from river import covariance, stats

from agents.models.banks.covariance import EmpiricalCovarianceBank, EwaCovarianceBank


def observations(seed: int, missing: float) -> tuple[np.ndarray, np.ndarray]:
    """Rows of features of very different sizes, and which of them are there."""
    draw = np.random.default_rng(seed)
    features = int(draw.integers(1, 6))
    mixing = draw.normal(size=(features, features))
    rows = draw.normal(size=(60, features)) @ mixing * 10.0 ** draw.integers(-2, 3, features)
    rows += draw.normal(size=features) * 100.0
    return rows, np.asarray(draw.random(rows.shape) >= missing)


@given(st.integers(0, 2**32), st.sampled_from([0.0, 0.2, 0.8]))
def test_the_empirical_bank_is_rivers_empirical_covariance(seed: int, missing: float) -> None:
    rows, there = observations(seed, missing)
    bank = EmpiricalCovarianceBank()
    bank.grow(rows.shape[1])
    river: Any = covariance.EmpiricalCovariance(ddof=1)  # type: ignore[no-untyped-call]
    for row, has in zip(rows, there, strict=True):
        bank.learn(row, has)
        present = {i: float(row[i]) for i in np.flatnonzero(has).tolist()}
        if present:
            river.update(present)
    for (i, j), one in river._cov.items():
        scale = float(np.sqrt(abs(bank.cov[i, i] * bank.cov[j, j]))) or 1.0
        assert bank.cov[i, j] == pytest.approx(one.get(), rel=1e-9, abs=1e-9 * scale)
        assert bank.cov[j, i] == pytest.approx(one.get(), rel=1e-9, abs=1e-9 * scale)


@given(st.integers(0, 2**32))
def test_the_fading_bank_is_rivers_ewa_covariance(seed: int) -> None:
    rows, there = observations(seed, 0.0)
    bank = EwaCovarianceBank(0.05)
    bank.grow(rows.shape[1])
    river = covariance.EwaCovariance(0.05)
    for row, has in zip(rows, there, strict=True):
        bank.learn(row, has)
        river.update(dict(enumerate(row.tolist())))
    size = float(np.abs(bank.second).max())
    for (i, j), value in river.matrix.items():
        assert bank.cov[i, j] == pytest.approx(value, rel=1e-9, abs=1e-9 * size)


@given(st.integers(0, 2**32), st.sampled_from([0.2, 0.8]))
def test_where_values_are_missing_each_signal_fades_as_a_river_object_of_its_own(
    seed: int, missing: float
) -> None:
    rows, there = observations(seed, missing)
    features = rows.shape[1]
    bank = EwaCovarianceBank(0.05)
    bank.grow(features)
    means = [stats.EWMean(0.05) for _ in range(features)]
    pairs = {pair: covariance.EwaCovariance(0.05) for pair in combinations(range(features), 2)}
    for row, has in zip(rows, there, strict=True):
        bank.learn(row, has)
        for i in np.flatnonzero(has).tolist():
            means[i].update(float(row[i]))
        for (i, j), river in pairs.items():
            if has[i] and has[j]:
                river.update({i: float(row[i]), j: float(row[j])})
    size = float(np.abs(bank.second).max())
    for i in range(features):
        assert bank.mean[i] == pytest.approx(means[i].get(), rel=1e-9, abs=1e-9)
    for (i, j), river in pairs.items():
        if river._n:
            assert bank.second[i, j] == pytest.approx(river._M2[0, 1], rel=1e-9, abs=1e-9 * size)


@given(st.integers(0, 2**32), st.sampled_from([0.05, 0.2, 0.8]))
def test_missing_values_leave_the_covariance_of_a_pair_to_the_rows_that_have_both(
    seed: int, missing: float
) -> None:
    rows, there = observations(seed, missing)
    bank = EwaCovarianceBank(0.05)
    bank.grow(rows.shape[1])
    bank.begin_with(rows[:10].mean(axis=0), np.cov(rows[:10].T).reshape(rows.shape[1], -1))
    alone = {}
    for i, j in combinations(range(rows.shape[1]), 2):
        alone[i, j] = EwaCovarianceBank(0.05)
        alone[i, j].grow(2)
        alone[i, j].begin_with(bank.mean[[i, j]], bank.cov[np.ix_([i, j], [i, j])])
    for row, has in zip(rows, there, strict=True):
        bank.learn(row, has)
        for (i, j), pair in alone.items():
            if has[i] and has[j]:
                pair.learn(row[[i, j]], np.ones(2, dtype=np.bool_))
    resumed = EwaCovarianceBank(0.05)
    resumed.take_up(bank.state())
    size = float(np.abs(bank.second).max())
    for (i, j), pair in alone.items():
        assert bank.cov[i, j] == pytest.approx(pair.cov[0, 1], rel=1e-9, abs=1e-9 * size)
        assert resumed.cov[i, j] == bank.cov[i, j] == bank.cov[j, i]


def test_a_feature_that_appears_late_starts_as_rivers_does() -> None:
    bank, river = EwaCovarianceBank(0.1), covariance.EwaCovariance(0.1)
    bank.grow(1)
    for value in (1.0, 2.0, 4.0):
        bank.learn(np.array([value]), np.array([True]))
        river.update({0: value})
    bank.grow(2)
    for values in ((3.0, 7.0), (5.0, -2.0), (4.0, 1.0)):
        bank.learn(np.array(values), np.array([True, True]))
        river.update({0: values[0], 1: values[1]})
    for (i, j), value in river.matrix.items():
        assert bank.cov[i, j] == pytest.approx(value, rel=1e-9)
