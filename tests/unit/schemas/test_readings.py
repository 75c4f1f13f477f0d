"""The samples of a frame as one set of arrays: the quick way of reading them tells what the slow one does."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.columns import columns_of, readings_of
from schemas.errors import FrameRefused
from schemas.readings import Column, Readings, readings

TIMES_US = np.array([1_000, 2_000, 3_000], dtype=np.int64)
TIMES_US.flags.writeable = False

numbers = st.none() | st.floats(allow_nan=False) | st.integers(-(2**63), 2**64 - 1)
leaves: st.SearchStrategy[Any] = (
    numbers | st.booleans() | st.text(max_size=3) | st.just([1, 2, 3]) | st.just({})
)
places = st.lists(st.integers(-1, 3), max_size=4) | st.sampled_from([[0, 1, 2], [0, 2], [1], None])
units = st.sampled_from(["%", "1", "K", "Cel", "mL.h-1", "L.h-1", "cm", "rpm", "g"])
codes = st.lists(st.sampled_from([1, 0x40900000, 0x80000000, 0x808C0000, 2**32, 0, 1.5]), max_size=3)


@st.composite
def entries(draw: st.DrawFn) -> Any:
    """Of a signal: mostly right, and wrong in every way that the checks know."""
    entry: dict[str, Any] = {
        "unit": draw(units | st.just("%")),
        "values": draw(st.lists(numbers, min_size=3, max_size=3) | st.lists(leaves, max_size=4)),
    }
    if draw(st.booleans()):
        entry["at"] = draw(places)
    if draw(st.booleans()):
        entry["status"] = draw(st.none() | st.fixed_dictionaries({"at": places, "codes": codes}))
    wrong = draw(st.sampled_from([None] * 20 + ["unit", "values", "entry", "more"]))
    if wrong == "entry":
        return draw(leaves)
    if wrong == "more":
        return {**entry, "later": 1}
    if wrong is not None:
        return {name: its for name, its in entry.items() if name != wrong}
    return entry


names = st.sampled_from(["DO", "temperature", "feed_rate", "probe", "air", "x.y"] * 4 + ["", "a b", "-"])


def told(read: Callable[[], Sequence[Column]]) -> Any:
    """What came of reading: every bit of the columns, or the refusal."""
    try:
        columns = read()
    except FrameRefused as refusal:
        return refusal.reason, refusal.where, refusal.message
    return [
        (
            c.name,
            c.unit,
            c.time_us.tolist(),
            c.values.tobytes(),
            c.status.tobytes(),
            c.time_us.flags.writeable,
        )
        for c in columns
    ]


@settings(max_examples=1500, deadline=None)
@given(st.dictionaries(names, entries(), min_size=1, max_size=4))
def test_both_ways_tell_the_same_and_refuse_the_same(sent: dict[str, Any]) -> None:
    signals = orjson.loads(orjson.dumps(sent))
    assert told(lambda: readings_of(signals, TIMES_US)[0]) == told(lambda: columns_of(signals, TIMES_US))


ORDINARY: dict[str, dict[str, Any]] = {
    "all together": {"DO": {"unit": "%", "values": [1, None, 3]}, "x": {"unit": "cm", "values": [4, 5, 6]}},
    "one more seldom": {
        "DO": {"unit": "%", "values": [1, 2, 3]},
        "x": {"unit": "cm", "values": [4], "at": [2]},
    },
    "one not good": {
        "DO": {"unit": "%", "values": [1, 2, 3], "status": {"at": [0], "codes": [0x40900000]}},
    },
    "converted": {
        "temperature": {"unit": "K", "values": [300.0, None, 301.0]},
        "DO": {"unit": "%", "values": [0, 1, 2]},
        "feed_rate": {"unit": "mL.h-1", "values": [1, 2, 3]},
    },
    "converted and more seldom": {
        "temperature": {"unit": "K", "values": [300.0, 301.0], "at": [0, 1]},
        "DO": {"unit": "%", "values": [1], "at": [1]},
        "feed_rate": {"unit": "mL.h-1", "values": [1, 2, 3]},
    },
}


@pytest.mark.parametrize("case", ORDINARY)
def test_an_ordinary_frame_is_read_the_quick_way(case: str) -> None:
    columns, sent_units = readings_of(ORDINARY[case], TIMES_US)
    assert isinstance(columns, Readings)
    assert dict(sent_units) == {name: entry["unit"] for name, entry in ORDINARY[case].items()}
    assert told(lambda: columns) == told(lambda: columns_of(ORDINARY[case], TIMES_US))


def test_readings_are_the_sequence_of_their_columns() -> None:
    columns, _ = readings_of(ORDINARY["one more seldom"], TIMES_US)
    assert [column.name for column in columns] == ["DO", "x"]
    assert (columns[-1].values.tolist(), columns[1].time_us.tolist()) == ([4.0], [3_000])
    assert [column.name for column in columns[:1]] == ["DO"]
    with pytest.raises(IndexError):
        columns[2]


def test_columns_become_readings_and_readings_stay_what_they_are() -> None:
    columns = columns_of(ORDINARY["one more seldom"], TIMES_US)
    packed = readings(columns)
    assert (packed.counts, packed.time_us.tolist()) == ([3, 1], [1_000, 2_000, 3_000, 3_000])
    assert (packed.values.tolist(), packed.status.tolist()) == ([1.0, 2.0, 3.0, 4.0], [0, 0, 0, 0])
    assert told(lambda: packed) == told(lambda: columns)
    assert readings(packed) is packed
    assert len(readings(())) == 0
