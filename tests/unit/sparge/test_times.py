from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import QueryRefused, SettingsError
from sparge.times import parse_span_us, parse_time_us, parse_zone, show_span, show_time, to_datetime, to_us

BERLIN = ZoneInfo("Europe/Berlin")
S = 1_000_000


def test_a_time_with_an_offset_needs_no_zone() -> None:
    assert parse_time_us("2018-07-26T16:52:36+02:00", None, 0) == parse_time_us(
        "2018-07-26T14:52:36Z", None, 0
    )


def test_a_local_time_is_that_of_its_zone() -> None:
    expected = to_us(datetime(2018, 7, 26, 14, 52, 36, tzinfo=UTC))
    assert parse_time_us("2018-07-26 16:52:36", BERLIN, 0) == expected


def test_an_offset_in_the_text_wins_over_the_zone() -> None:
    assert parse_time_us("2018-07-26 16:52:36Z", BERLIN, 0) == parse_time_us("2018-07-26 16:52:36Z", None, 0)


def test_a_local_time_without_a_zone_is_refused_and_says_so() -> None:
    with pytest.raises(QueryRefused, match="local time") as refused:
        parse_time_us("2018-07-26 16:52:36", None, 0)
    assert "--zone" in refused.value.next_step


@pytest.mark.parametrize(
    ("text", "how"), [("2025-10-26 02:30:00", "twice"), ("2025-03-30 02:30:00", "never")]
)
def test_a_local_time_that_clocks_showed_twice_or_never_is_refused(text: str, how: str) -> None:
    with pytest.raises(QueryRefused, match=how) as refused:
        parse_time_us(text, BERLIN, 0)
    assert "+02:00" in refused.value.next_step
    assert "+01:00" in refused.value.next_step


def test_now_and_a_span_ago_are_times() -> None:
    assert parse_time_us("now", None, 7) == 7
    assert parse_time_us("90s ago", None, 100 * S) == 10 * S


@pytest.mark.parametrize("text", ["yesterday", "26.07.2018", "", "12"])
def test_what_is_not_a_time_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(QueryRefused):
        parse_time_us(text, BERLIN, 0)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("15min", 900),
        ("15 m", 900),
        ("1h30m", 5400),
        ("2d", 172_800),
        ("1w", 604_800),
        ("0.5h", 1800),
    ],
)
def test_spans_are_read_as_people_write_them(text: str, seconds: int) -> None:
    assert parse_span_us(text) == seconds * S


@pytest.mark.parametrize("text", ["", "h", "5", "5 hours", "1h-3m", "0s", "3 x"])
def test_what_is_not_a_span_is_refused(text: str) -> None:
    with pytest.raises(QueryRefused):
        parse_span_us(text)


@pytest.mark.parametrize("name", ["Europe/Atlantis", "Europe", "/etc/passwd", ""])
def test_what_is_not_a_zone_is_refused(name: str) -> None:
    with pytest.raises(SettingsError):
        parse_zone(name)


@given(st.integers(min_value=0, max_value=4_000_000_000_000_000), st.sampled_from([None, BERLIN]))
def test_a_time_that_is_shown_is_read_back_to_the_microsecond(time_us: int, zone: ZoneInfo | None) -> None:
    assert parse_time_us(show_time(time_us, zone), None, 0) == time_us
    assert to_us(to_datetime(time_us, zone)) == time_us


@given(st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2037, 1, 1)))  # noqa: DTZ001 - a wall's
def test_a_local_time_is_refused_or_comes_back_as_it_was(wall: datetime) -> None:
    try:
        time_us = parse_time_us(wall.isoformat(), BERLIN, 0)
    except QueryRefused:
        day = timedelta(days=1)
        offsets = {(wall + shift).replace(tzinfo=BERLIN).utcoffset() for shift in (-day, day)}
        assert len(offsets) == 2
    else:
        assert to_datetime(time_us, BERLIN).replace(tzinfo=None) == wall


@pytest.mark.parametrize(
    ("span_us", "shown"),
    [
        (300_000, "0.3 s"),
        (14 * S, "14 s"),
        (845 * S, "14 min 5 s"),
        (3600 * S, "1 h"),
        (183_600 * S, "2 d 3 h"),
        (-845 * S, "-14 min 5 s"),
    ],
)
def test_spans_are_shown_in_their_two_largest_units(span_us: int, shown: str) -> None:
    assert show_span(span_us) == shown
