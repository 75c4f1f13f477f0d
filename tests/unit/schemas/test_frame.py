"""What a publisher may put into a frame."""

from typing import Any

import orjson
import pytest
from pydantic import ValidationError

from schemas.errors import FrameTooLarge
from schemas.frame import MAX_FRAME_BYTES, SensorFrame, SignalColumn, StatusColumn

NAN, INFINITY = float("nan"), float("inf")


def column(values: list[float | None], **more: Any) -> SignalColumn:
    return SignalColumn(unit="%", values=values, **more)


def frame(**changes: Any) -> SensorFrame:
    fields: dict[str, Any] = {
        "site": "north",
        "unit": "BR-01",
        "device": "br01-ctl",
        "epoch": 1_790_000_000_000_000,
        "sequence": 17,
        "time_us": [1_790_000_000_000_000, 1_790_000_001_000_000],
        "signals": {"DO": column([39.8, 39.6])},
    }
    return SensorFrame(**{**fields, **changes})


def test_a_frame_says_its_contract_and_leaves_out_what_is_not_set() -> None:
    body = orjson.loads(frame().encode())
    assert body["schema"] == "sparge.frame/1"
    assert body.keys() == {"schema", "site", "unit", "device", "epoch", "sequence", "time_us", "signals"}
    assert body["signals"] == {"DO": {"unit": "%", "values": [39.8, 39.6]}}


def test_the_key_is_site_and_unit() -> None:
    assert frame().key == "north/BR-01"


def test_a_value_that_is_not_a_number_is_sent_as_null() -> None:
    body = orjson.loads(frame(signals={"DO": column([NAN, 1])}).encode())
    assert body["signals"]["DO"]["values"] == [None, 1.0]


def test_a_frame_of_more_than_256_kib_is_refused_before_it_is_sent() -> None:
    times = list(range(30_000))
    large = frame(time_us=times, signals={"DO": column([0.1 + time for time in times])})
    with pytest.raises(
        FrameTooLarge, match=r"30000 times has \d+ bytes; at most 262144 are allowed"
    ) as refused:
        large.encode()
    assert refused.value.kept


def test_a_frame_of_exactly_256_kib_is_sent() -> None:
    times = list(range(1000))
    small = frame(time_us=times, signals={"DO": column([0.0] * 1000)})
    room = MAX_FRAME_BYTES - len(small.encode())
    exact = small.model_copy(
        update={"signals": {"DO": SignalColumn(unit="%" * (1 + room), values=[0.0] * 1000)}}
    )
    assert len(exact.encode()) == MAX_FRAME_BYTES


def test_a_frame_without_samples_may_declare_what_was_dropped() -> None:
    assert frame(time_us=[], signals={}, dropped=[(3, 5)]).dropped == [(3, 5)]


def test_a_frame_is_not_changed_after_it_was_made() -> None:
    with pytest.raises(ValidationError):
        frame().sequence = 18


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"site": "north/east"}, "site"),
        ({"unit": ""}, "unit"),
        ({"device": "x" * 65}, "device"),
        ({"epoch": -1}, "epoch"),
        ({"sequence": 2**63}, "sequence"),
        ({"sequence": "17"}, "sequence"),
        ({"time_us": []}, "without samples"),
        ({"signals": {}}, "without samples"),
        ({"time_us": [5, 5]}, r"time_us\[1\]: 5 does not follow 5"),
        ({"signals": {"D O": column([1, 2])}}, "signals"),
        ({"signals": {"DO": column([1, 2, 3])}}, "3 values for 2 times"),
        ({"signals": {"DO": column([1], at=[0, 1])}}, "2 positions for 1 entries"),
        ({"signals": {"DO": column([1, 2], at=[1, 0])}}, r"at\[1\]: 0 does not follow 1"),
        ({"signals": {"DO": column([1], at=[2])}}, "position 2 does not exist"),
        ({"signals": {"DO": column([INFINITY, 1])}}, r"values\[0\]: inf is not a number"),
        ({"signals": {"DO": column([1, 2], status=StatusColumn(at=[0, 1], codes=[5]))}}, "2 positions for 1"),
        ({"signals": {"DO": column([1, 2], status=StatusColumn(at=[7], codes=[5]))}}, "position 7"),
        ({"signals": {"DO": column([None, 2], status=StatusColumn(at=[0], codes=[5]))}}, "is not Bad"),
        ({"signals": {"DO": column([NAN, 2], status=StatusColumn(at=[0], codes=[5]))}}, "is not Bad"),
        ({"dropped": [(5, 3)]}, "ends before it begins"),
    ],
)
def test_what_ingest_would_refuse_is_refused_at_the_publisher(changes: dict[str, Any], wrong: str) -> None:
    with pytest.raises(ValidationError, match=wrong):
        frame(**changes)


def test_a_status_of_good_is_left_out_rather_than_sent() -> None:
    with pytest.raises(ValidationError, match="codes"):
        StatusColumn(at=[0], codes=[0])


def test_text_and_truth_are_not_values() -> None:
    for wrong in ("39.8", True):
        with pytest.raises(ValidationError, match="values"):
            SignalColumn(unit="%", values=[wrong])  # type: ignore[list-item]  # refused; that is the test
