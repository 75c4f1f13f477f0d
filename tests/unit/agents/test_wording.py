"""Values, spans and times as an operator reads them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.alarms.annunciator import Annunciator, Evidence, Moment
from agents.alarms.definition import shipped
from agents.alarms.wording import clock_time, quantity, span
from schemas.score import ModelRef
from schemas.signals import DICTIONARY
from tests.unit.agents.frames import sources, us


@pytest.mark.parametrize(
    ("value", "unit_code", "read"),
    [
        (14.2, "%", "14.2 %"),
        (37.012, "Cel", "37.01 °C"),
        (48.0, "{#}.min-1", "48 /min"),
        (6.5, "[pH]", "6.5"),
        (0.0, "L.min-1", "0 L/min"),
        (120.0, "%/min", "120 % per minute"),
        (1.4, "bar", "1.4 bar"),
        (0.000012, "L.h-1", "1.200e-05 L/h"),
        (12.5, "10*6.mL-1", "12.5 million/mL"),
        (3.0, "mS.cm-1/min", "3 mS/cm per minute"),
        (61.0, "s", "61 s"),
        (3.0, "kg/m3", "3 kg/m3"),
    ],
)
def test_a_quantity_is_written_as_people_write_it(value: float, unit_code: str, read: str) -> None:
    assert quantity(value, unit_code) == read


@pytest.mark.parametrize(
    ("seconds", "read"),
    [
        (0.4, "0 s"),
        (40, "40 s"),
        (119, "119 s"),
        (120, "2 min"),
        (7199, "2 h"),
        (12_000, "3 h 20 min"),
        (200_000, "2 d"),
    ],
)
def test_a_span_is_written_in_the_units_that_matter(seconds: float, read: str) -> None:
    assert span(seconds) == read


def test_a_time_is_written_with_its_zone() -> None:
    assert clock_time(1_790_000_000_000_000) == "14:13:20 UTC"


@given(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from(sorted(DICTIONARY)))
def test_any_value_of_any_signal_can_be_written(value: float, name: str) -> None:
    assert quantity(value, DICTIONARY[name].unit)
    assert "{#}" not in quantity(value, DICTIONARY[name].unit)


@pytest.mark.parametrize("name", DICTIONARY)
def test_no_unit_of_the_dictionary_is_shown_as_a_code(name: str) -> None:
    assert not re.search(r"-1|[{*]", quantity(2.0, DICTIONARY[name].unit))


def test_what_a_model_said_is_no_reading_to_be_told_when_its_alarm_ends() -> None:
    alarms = Annunciator("north", "BR-01", shipped().get)
    definition = shipped().get("DO", "anomaly")
    assert definition is not None
    model = ModelRef(name="holt", version="1", digest="ab")
    seen = Evidence(7.2, "1", 5.0, sample_us=us(0), model=model)
    told = [
        change
        for second in range(0, 420, 30)
        for change in alarms.observe(definition, seen, Moment(us(second), sources(second)), abnormal=True)
    ]
    for second in range(420, 1200, 30):
        told += alarms.withdraw(("DO", "anomaly"), Moment(us(second), sources(second)), "it is not looked at")
    assert [(one.event, one.model) for one in told] == [("raised", model), ("cleared", None)]
    assert "7.2" in told[0].message
    assert "7.2" not in told[1].message
    assert told[1].message.startswith("DO is no longer judged: it is not looked at. The alarm lasted ")
