"""Local times become UTC, and where they cannot, the line is named."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import ImportRefused
from streams.importers.local_time import Stamp, to_utc

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = [
    ZoneInfo(key)
    for key in ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC")
]
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _us(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)


def _recorded(begin: datetime, zone: ZoneInfo, minutes: list[int]) -> tuple[list[Stamp], list[int]]:
    """What a clock in `zone` showed at these minutes after `begin` (UTC), and the truth."""
    moments = [begin + timedelta(minutes=minute) for minute in minutes]
    stamps = [
        Stamp(line, moment.astimezone(zone).replace(tzinfo=None, fold=0), minute * 60_000_000)
        for line, (moment, minute) in enumerate(zip(moments, minutes, strict=True), start=10)
    ]
    return stamps, [_us(moment) for moment in moments]


@given(
    zone=st.sampled_from(ZONES),
    begin=st.datetimes(datetime(2015, 1, 1), datetime(2030, 1, 1)),  # noqa: DTZ001 - made UTC below
    minutes=st.lists(st.integers(0, 60 * 24 * 20), min_size=1, max_size=30),
)
def test_what_a_clock_showed_is_read_back_as_it_was(
    zone: ZoneInfo, begin: datetime, minutes: list[int]
) -> None:
    stamps, truth = _recorded(begin.replace(tzinfo=UTC), zone, sorted(minutes))
    doubtful = [
        stamp.local.replace(tzinfo=zone).utcoffset() != stamp.local.replace(tzinfo=zone, fold=1).utcoffset()
        for stamp in stamps
    ]
    if all(doubtful):
        return
    assert to_utc(stamps, zone) == truth


def test_summer_and_winter_have_their_own_offsets() -> None:
    july, january = datetime(2018, 7, 26, 16, 52, 36), datetime(2018, 1, 26, 16, 52, 36)  # noqa: DTZ001 - local
    assert to_utc([Stamp(1, july)], BERLIN) == [_us(datetime(2018, 7, 26, 14, 52, 36, tzinfo=UTC))]
    assert to_utc([Stamp(1, january)], BERLIN) == [_us(datetime(2018, 1, 26, 15, 52, 36, tzinfo=UTC))]


def test_the_hour_that_comes_twice_is_told_apart_by_elapsed_time() -> None:
    begin = datetime(2024, 10, 26, 22, 0, tzinfo=UTC)
    stamps, truth = _recorded(begin, BERLIN, list(range(0, 300, 10)))
    assert len({stamp.local for stamp in stamps}) < len(stamps)
    assert to_utc(stamps, BERLIN) == truth


def test_a_recording_within_the_double_hour_is_placed_if_the_clock_went_back_in_it() -> None:
    begin = datetime(2024, 10, 27, 0, 30, tzinfo=UTC)
    stamps, truth = _recorded(begin, BERLIN, [0, 15, 30, 45, 60, 75])
    assert to_utc(stamps, BERLIN) == truth


def test_a_recording_that_could_be_either_hour_is_refused_with_an_offset_to_name() -> None:
    stamps, _ = _recorded(datetime(2024, 10, 27, 0, 30, tzinfo=UTC), BERLIN, [0, 10, 20])
    with pytest.raises(
        ImportRefused, match="line 10: 2024-10-27 02:30:00 was twice in Europe/Berlin"
    ) as refused:
        to_utc(stamps, BERLIN)
    assert "--zone Etc/GMT-2" in refused.value.next_step
    assert to_utc(stamps, ZoneInfo("Etc/GMT-2")) == [
        _us(datetime(2024, 10, 27, 0, m, tzinfo=UTC)) for m in (30, 40, 50)
    ]


def test_without_elapsed_time_a_double_hour_is_refused_and_all_else_is_not() -> None:
    twice, once = datetime(2024, 10, 27, 2, 30), datetime(2024, 10, 27, 4, 0)  # noqa: DTZ001 - local
    assert to_utc([Stamp(1, once)], BERLIN) == [_us(datetime(2024, 10, 27, 3, 0, tzinfo=UTC))]
    with pytest.raises(ImportRefused, match="line 2"):
        to_utc([Stamp(1, once), Stamp(2, twice)], BERLIN)


def test_a_time_that_never_was_is_refused_naming_the_line() -> None:
    stamps = [Stamp(41, datetime(2024, 3, 31, 1, 59)), Stamp(42, datetime(2024, 3, 31, 2, 30))]  # noqa: DTZ001 - local
    with pytest.raises(
        ImportRefused, match="line 42: 2024-03-31 02:30:00 never was in Europe/Berlin"
    ) as refused:
        to_utc(stamps, BERLIN)
    assert "--zone" in refused.value.next_step


@pytest.mark.parametrize(
    "change", [datetime(2024, 3, 30, 20, 0, tzinfo=UTC), datetime(2024, 10, 26, 20, 0, tzinfo=UTC)]
)
def test_a_clock_that_did_not_follow_the_zone_is_noticed(change: datetime) -> None:
    steadfast = ZoneInfo("Etc/GMT-1") if change.month == 3 else ZoneInfo("Etc/GMT-2")
    stamps, truth = _recorded(change, steadfast, [0, 60, 900])
    with pytest.raises(ImportRefused, match=r"line 12: .* 60 min (more|less)"):
        to_utc(stamps, BERLIN)
    assert to_utc(stamps, steadfast) == truth


def test_a_clock_that_is_set_right_by_minutes_is_believed() -> None:
    begin = datetime(2024, 5, 6, 8, 0)  # noqa: DTZ001 - local
    stamps = [Stamp(1, begin, 0), Stamp(2, begin + timedelta(minutes=65), 3_600_000_000)]
    first, second = to_utc(stamps, BERLIN)
    assert second - first == 65 * 60_000_000
