from __future__ import annotations

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import ContractError, QueryRefused
from schemas.frame import SensorFrame, SignalColumn
from sparge.sample_lines import SampleLine, parse_line, parse_pairs

NOW_US = 1_790_000_000_000_000
finite = st.floats(allow_nan=False, allow_infinity=False)


def test_pairs_are_samples_of_now() -> None:
    assert parse_pairs(["DO=39.8", "pH=7"], None, NOW_US) == SampleLine(NOW_US, {"DO": 39.8, "pH": 7.0})


def test_a_time_may_be_given() -> None:
    said = parse_line("DO=39.8 time=2026-09-21T15:06:40Z", None, 0)
    assert isinstance(said, SampleLine)
    assert said.time_us == 1_790_003_200_000_000


@pytest.mark.parametrize("text", ["null", "nan", "NaN", "none"])
def test_a_missing_value_is_said_to_be_missing(text: str) -> None:
    assert parse_pairs([f"DO={text}"], None, 0).values == {"DO": None}


@pytest.mark.parametrize("line", ["", "   ", "# a comment"])
def test_empty_lines_and_comments_say_nothing(line: str) -> None:
    assert parse_line(line, None, 0) is None


@given(st.dictionaries(st.sampled_from(["DO", "pH", "temperature"]), finite | st.none(), min_size=1))
def test_an_object_of_json_says_what_was_measured(values: dict[str, float | None]) -> None:
    body = orjson.dumps({"time_us": NOW_US, **values}).decode()
    assert parse_line(body, None, 0) == SampleLine(NOW_US, values)


@given(st.dictionaries(st.sampled_from(["DO", "pH", "temperature"]), finite, min_size=1))
def test_what_is_written_as_pairs_is_read_to_the_bit(values: dict[str, float]) -> None:
    said = parse_pairs([f"{name}={value!r}" for name, value in values.items()], None, NOW_US)
    assert repr(said.values) == repr(values)


def test_a_whole_frame_goes_out_as_it_is() -> None:
    frame = SensorFrame(
        site="north",
        unit="BR-01",
        device="d",
        epoch=1,
        sequence=2,
        time_us=[1],
        signals={"DO": SignalColumn(unit="%", values=[39.8])},
    )
    assert parse_line(frame.encode().decode(), None, 0) == frame


@pytest.mark.parametrize(
    "line",
    [
        "DO",
        "DO=",
        "=3",
        "DO=x",
        "{",
        '{"DO": "39"}',
        '{"DO": true}',
        '{"time": "now"}',
        '{"time_us": "1", "DO": 1}',
    ],
)
def test_what_is_no_sample_is_refused_with_how_to_write_it(line: str) -> None:
    with pytest.raises(ContractError) as refused:
        parse_line(line, None, 0)
    assert "DO=39.8" in refused.value.next_step


def test_a_time_without_a_place_is_refused() -> None:
    with pytest.raises(QueryRefused, match="local time"):
        parse_line("DO=1 time=2026-03-01T12:00", None, 0)
