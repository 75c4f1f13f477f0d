"""Samples become frames: none lost, none reordered, none too large, only what a frame can carry."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.decoding import decode_frame
from schemas.errors import ContractError, UnitIncompatible, UnitUnknown
from schemas.frame import MAX_FRAME_BYTES, SensorFrame
from schemas.status import Status
from streams.framing import Framing, Sample, samples

RECORDED_US = 2**62
SIGNALS = ("DO", "pH", "temperature", "x", "a-signal.with_a-name-of-some-length")
UNITS = {"DO": ["%"], "pH": ["[pH]"], "temperature": ["Cel", "K"], "x": ["1", "mV"], SIGNALS[-1]: ["1"]}


@st.composite
def any_sample(draw: st.DrawFn) -> Sample:
    signal = draw(st.sampled_from(SIGNALS))
    value = draw(st.none() | st.floats(allow_nan=False, allow_infinity=False))
    bad = st.sampled_from([int(Status.BAD), int(Status.BAD_SENSOR_FAILURE), 0xFFFFFFFF])
    codes = bad if value is None else st.sampled_from([0, 0, 0, 0x40000000, 0x80000000])
    time_us = draw(st.integers(0, 20) | st.integers(0, 2**62))
    return Sample(time_us, signal, draw(st.sampled_from(UNITS[signal])), value, draw(codes))


def framing(max_bytes: int = MAX_FRAME_BYTES) -> Framing:
    return Framing("north", "BR-01", "ctl", epoch=3, max_bytes=max_bytes)


def frames_of(new: list[Sample], max_bytes: int = MAX_FRAME_BYTES) -> list[SensorFrame]:
    gathered = framing(max_bytes)
    frames = list(gathered.add(new))
    last = gathered.take()
    return frames if last is None else [*frames, last]


def content(frame: SensorFrame) -> list[tuple[int, str, str, float | None, int]]:
    """Every sample of a frame, read off the model without the code under test."""
    found: list[tuple[int, str, str, float | None, int]] = []
    for name, column in frame.signals.items():
        at = column.at if column.at is not None else range(len(frame.time_us))
        codes = dict(zip(column.status.at, column.status.codes, strict=True)) if column.status else {}
        found += [
            (frame.time_us[place], name, column.unit, value, codes.get(position, 0))
            for position, (place, value) in enumerate(zip(at, column.values, strict=True))
        ]
    return found


def as_content(new: list[Sample]) -> list[tuple[int, str, str, float | None, int]]:
    return [(sample.time_us, sample.signal, sample.unit, sample.value, sample.code) for sample in new]


@given(st.lists(any_sample(), max_size=60), st.sampled_from([1_200, 2_000, MAX_FRAME_BYTES]))
def test_every_sample_is_in_exactly_one_frame_and_frames_keep_the_order_of_samples(
    new: list[Sample], max_bytes: int
) -> None:
    frames = frames_of(new, max_bytes)
    left = as_content(new)
    for frame in frames:
        held = content(frame)
        given_, left = left[: len(held)], left[len(held) :]
        assert sorted(map(repr, held)) == sorted(map(repr, given_))
    assert left == []
    assert [frame.sequence for frame in frames] == list(range(len(frames)))
    assert {(frame.site, frame.unit, frame.device, frame.epoch) for frame in frames} <= {
        ("north", "BR-01", "ctl", 3)
    }


@given(st.lists(any_sample(), max_size=60), st.sampled_from([1_200, 2_000, MAX_FRAME_BYTES]))
def test_every_frame_is_within_the_limit_and_is_accepted_by_the_decoder(
    new: list[Sample], max_bytes: int
) -> None:
    for frame in frames_of([sample for sample in new if sample.time_us], max_bytes):
        body = frame.encode()
        assert len(body) <= max_bytes
        decoded = decode_frame(body, b"north/BR-01", RECORDED_US)
        assert decoded.sample_count == len(content(frame))


@given(st.lists(any_sample(), max_size=40), st.integers(0, 40))
def test_how_samples_are_handed_over_changes_nothing_but_where_frames_are_cut(
    new: list[Sample], cut: int
) -> None:
    at_once = [entry for frame in frames_of(new) for entry in sorted(content(frame), key=repr)]
    gathered = framing()
    piecewise = [
        *gathered.add(new[:cut]),
        *filter(None, [gathered.take()]),
        *gathered.add(new[cut:]),
        *filter(None, [gathered.take()]),
    ]
    held = [entry for frame in piecewise for entry in sorted(content(frame), key=repr)]
    assert sorted(map(repr, held)) == sorted(map(repr, at_once))
    assert len(gathered) == 0


def test_a_long_run_fills_frames_close_to_the_limit_and_never_above() -> None:
    new = [
        Sample(1_790_000_000_000_000 + i * 10, name, "1", -1.0 / (3 + i) * 1e-300, 0x80000000)
        for i in range(8_000)
        for name in ("a", "b")
    ]
    frames = frames_of(new)
    sizes = [len(frame.encode()) for frame in frames]
    assert max(sizes) <= MAX_FRAME_BYTES
    assert min(sizes[:-1]) > MAX_FRAME_BYTES / 2


def test_signals_of_one_moment_share_a_time_and_need_no_positions() -> None:
    (frame,) = frames_of(samples(5, {"DO": 40.0, "pH": 7.0}) + samples(6, {"DO": 41.0, "pH": 7.1}))
    assert frame.time_us == [5, 6]
    assert frame.signals["DO"].at is None
    assert frame.signals["DO"].unit == "%"
    assert frame.signals["pH"].values == [7.0, 7.1]


def test_a_signal_that_reports_by_exception_says_at_which_times() -> None:
    new = samples(5, {"DO": 40.0}) + samples(6, {"DO": 41.0, "pH": 7.0}) + samples(7, {"DO": 42.0})
    (frame,) = frames_of(new)
    assert frame.signals["DO"].at is None
    assert frame.signals["pH"].at == [1]


@pytest.mark.parametrize(
    "second",
    [
        samples(4, {"DO": 2.0}),
        samples(5, {"DO": 2.0}),
        samples(6, {"temperature": 300.0}, units={"temperature": "K"}),
    ],
    ids=["an earlier time", "a second value at the same time", "another unit"],
)
def test_a_sample_that_does_not_fit_starts_the_next_frame(second: list[Sample]) -> None:
    frames = frames_of(samples(5, {"DO": 1.0, "temperature": 37.0}) + second)
    assert [frame.sequence for frame in frames] == [0, 1]
    assert content(frames[1]) == as_content(second)


def test_a_missing_value_is_bad_and_keeps_the_code_that_says_why() -> None:
    (frame,) = frames_of(samples(5, {"DO": math.nan, "pH": None}, status={"pH": Status.BAD_NOT_CONNECTED}))
    assert content(frame) == [
        (5, "DO", "%", None, Status.BAD),
        (5, "pH", "[pH]", None, Status.BAD_NOT_CONNECTED),
    ]


def test_numpy_numbers_are_numbers() -> None:
    time_us: Any = np.int64(5)
    (sample,) = samples(time_us, {"DO": np.float32(0.5)})  # type: ignore[dict-item]  # callers do
    assert sample == Sample(5, "DO", "%", 0.5, 0)
    assert type(sample.time_us) is int
    assert type(sample.value) is float


@pytest.mark.parametrize(
    ("time_us", "values", "options", "error", "says"),
    [
        (5.0, {"DO": 1.0}, {}, ContractError, "time_us is 5.0"),
        (True, {"DO": 1.0}, {}, ContractError, "time_us is True"),
        (-1, {"DO": 1.0}, {}, ContractError, "time_us is -1"),
        (2**63, {"DO": 1.0}, {}, ContractError, "time_us is 9223372036854775808"),
        (5, {"D O": 1.0}, {}, ContractError, "'D O' is no name"),
        (5, {"DO": "1.0"}, {}, ContractError, "DO is '1.0'"),
        (5, {"DO": True}, {}, ContractError, "DO is True"),
        (5, {"DO": [1.0]}, {}, ContractError, r"DO is \[1.0\]"),
        (5, {"DO": math.inf}, {}, ContractError, "DO is infinite"),
        (5, {"DO": None}, {"status": {"DO": 0x40000000}}, ContractError, "0x40000000 is not Bad"),
        (5, {"DO": 1.0}, {"status": {"DO": 2**32}}, ContractError, "status 4294967296"),
        (5, {"DO": 1.0}, {"status": {"pH": 0}}, ContractError, "pH, which has no value"),
        (5, {"DO": 1.0}, {"units": {"pH": "1"}}, ContractError, "pH, which has no value"),
        (5, {"unheard": 1.0}, {}, UnitUnknown, "unheard is not in the dictionary"),
        (5, {"unheard": 1.0}, {"units": {"unheard": "parsecs"}}, UnitUnknown, "parsecs"),
        (5, {"DO": 1.0}, {"units": {"DO": "Cel"}}, UnitIncompatible, "Cel"),
    ],
)
def test_what_a_frame_cannot_carry_is_refused_with_its_name(
    time_us: Any, values: Any, options: Any, error: type[Exception], says: str
) -> None:
    with pytest.raises(error, match=says):
        samples(time_us, values, **options)


@pytest.mark.parametrize("part", ["site", "unit", "device"])
def test_a_publisher_without_a_proper_name_is_refused(part: str) -> None:
    names = {"site": "north", "unit": "BR-01", "device": "ctl", part: "not/a name"}
    with pytest.raises(ContractError, match=f"The {part} 'not/a name' is no name"):
        Framing(names["site"], names["unit"], names["device"], epoch=1)
