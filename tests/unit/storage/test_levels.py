from __future__ import annotations

from dataclasses import fields
from math import isnan, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.levels import LEVELS_US, RAW, Buckets, choose, rebin, singles

MINUTE_US = 60_000_000
HOUR_US = 3_600_000_000


@pytest.mark.parametrize(
    ("span_us", "width", "level", "bin_us"),
    [
        (24 * HOUR_US, 1440, "1m", MINUTE_US),
        (24 * HOUR_US, 1200, "1m", MINUTE_US),
        (7 * 24 * HOUR_US, 1200, "1m", 8 * MINUTE_US),
        (90 * 24 * HOUR_US, 1200, "1h", HOUR_US),
        (HOUR_US, 1200, "1s", 3_000_000),
        (HOUR_US, 100, "1m", MINUTE_US),
        (5 * MINUTE_US, 1200, RAW, 0),
        (1, 1, RAW, 0),
    ],
)
def test_the_level_follows_from_span_and_width(span_us: int, width: int, level: str, bin_us: int) -> None:
    choice = choose(7, 7 + span_us, width)
    assert (choice.level, choice.bin_us) == (level, bin_us)


@given(st.integers(1, 10**17), st.integers(1, 10_000))
def test_a_chart_gets_between_half_of_and_twice_the_rows_it_has_pixels(span_us: int, width: int) -> None:
    choice = choose(0, span_us, width)
    if choice.level != RAW:
        assert choice.bin_us % LEVELS_US[choice.level] == 0
        assert width / 2 <= span_us / choice.bin_us < 2 * width
    else:
        assert span_us / width < LEVELS_US["1s"] / 2


def buckets(*rows: tuple[float, ...]) -> Buckets:
    """Rows of signal_id, time_us, min, max, first, last, mean, known_s, count, bad_count."""
    names = [field.name for field in fields(Buckets)]
    return Buckets.of({name: np.array(c) for name, c in zip(names, zip(*rows, strict=True), strict=True)})


def test_rows_are_merged_within_a_bin_of_one_signal_and_never_across() -> None:
    merged = rebin(
        buckets(
            (2, 0, 5, 5, 5, 5, 5, 60, 1, 0),
            (1, 0, 1, 3, 3, 1, 2, 60, 4, 0),
            (1, 60, -2, 9, 0, 9, 4, 20, 2, 1),
            (1, 120, 7, 7, 7, 7, 7, 60, 1, 0),
        ),
        120,
    )
    assert merged.signal_id.tolist() == [1, 1, 2]
    assert merged.time_us.tolist() == [0, 120, 0]
    assert (merged.min[0], merged.max[0], merged.first[0], merged.last[0]) == (-2, 9, 3, 9)
    assert merged.mean[0] == pytest.approx((2 * 60 + 4 * 20) / 80)
    assert (merged.count[0], merged.bad_count[0]) == (6, 1)


def test_a_row_without_a_usable_sample_says_nothing_beside_others_and_nan_alone() -> None:
    bad = (nan, nan, nan, nan, nan, 0, 0, 3)
    merged = rebin(buckets((1, 0, *bad), (1, 60, 2, 4, 2, 4, 3, 60, 2, 0), (1, 120, *bad)), 120)
    assert (merged.min[0], merged.max[0], merged.first[0], merged.last[0], merged.mean[0]) == (2, 4, 2, 4, 3)
    assert all(
        isnan(column[1]) for column in (merged.min, merged.max, merged.first, merged.last, merged.mean)
    )
    assert merged.bad_count.tolist() == [3, 3]


VALUES = st.lists(st.one_of(st.just(nan), st.floats(-1e6, 1e6)), min_size=1, max_size=50)


@given(VALUES, st.integers(1, 60))
def test_no_excursion_vanishes_however_wide_the_bins_are(values: list[float], bin_us: int) -> None:
    value = np.array(values)
    rows = singles(
        np.ones(len(values), dtype=np.int64),
        np.arange(len(values), dtype=np.int64),
        value,
        np.zeros(len(values), dtype=np.uint32),
    )
    merged = rebin(rows, bin_us)
    usable = [v for v in values if not isnan(v)]
    if usable:
        assert np.nanmin(merged.min) == min(usable)
        assert np.nanmax(merged.max) == max(usable)
    assert merged.count.sum() == len(usable)
    assert merged.bad_count.sum() == len(values) - len(usable)


def test_a_sample_of_bad_quality_has_no_value_and_an_uncertain_one_has() -> None:
    one = np.ones(3, dtype=np.int64)
    rows = singles(
        one, np.arange(3), np.array([1.0, 2.0, 3.0]), np.array([0, 1 << 30, 1 << 31], dtype=np.uint32)
    )
    assert rows.min.tolist()[:2] == [1.0, 2.0]
    assert isnan(rows.min[2])
    assert (rows.count.tolist(), rows.bad_count.tolist()) == ([1, 1, 0], [0, 0, 1])


def test_nothing_merged_is_nothing() -> None:
    none = np.empty(0)
    assert len(rebin(singles(none.astype(int), none.astype(int), none, none.astype(np.uint32)), 60)) == 0
