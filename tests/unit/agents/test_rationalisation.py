"""The master alarm database: complete, in the dictionary's units, and refused where it is not."""

from __future__ import annotations

from importlib.resources import files
from typing import get_args

import pytest
import yaml

from agents.alarms.definition import (
    DEVICE,
    EACH_SIGNAL,
    LIMITS,
    AlarmDefinition,
    MasterAlarmDatabase,
    load,
    shipped,
)
from schemas.signals import DICTIONARY, Culture, limits

ENTRY = """
- signal: DO
  condition: low
  unit: "%"
  limit: 20
  on_delay_s: 1
  off_delay_s: 1
  priority: low
  class: process
  message: "{value} {limit} {since}"
  cause: why
  consequence: what then
  action: do
  respond_within_s: 60
  rationalisation: {source: s, author: a, date: 2026-01-31}
"""


def test_every_health_condition_has_a_rationalisation_for_every_signal() -> None:
    for name in DICTIONARY:
        for condition in ("range", "rate", "frozen", "stale"):
            definition = shipped().get(name, condition)
            assert definition is not None
            assert definition.signal == name
    assert shipped().get(DEVICE, "silent") is not None
    assert shipped().get(DEVICE, "clock") is not None


@pytest.mark.parametrize(
    "definition", shipped().definitions, ids=lambda each: f"{each.signal}-{each.condition}"
)
def test_each_entry_reads_as_sentences_for_an_operator(definition: AlarmDefinition) -> None:
    own = definition.of("DO")
    said = own.message.format(value="14.2 %", limit="20 %", since="16:52:36 UTC")
    for text in (said, own.cause, own.consequence, own.action):
        assert text[0].isupper() or text.startswith("pH")
        assert text.endswith(".")
        assert "{" not in text
        assert "  " not in text


def test_low_limits_lie_below_high_limits_and_deadbands_between_them() -> None:
    for name in DICTIONARY:
        band = {definition.condition: definition for definition in shipped().limits(name)}
        order = [band[each] for each in ("low_low", "low", "high", "high_high") if each in band]
        limits = [definition.limit for definition in order if definition.limit is not None]
        assert limits == sorted(set(limits))
        if "low" in band and "high" in band:
            low, high = band["low"], band["high"]
            assert low.limit is not None
            assert high.limit is not None
            assert low.limit + low.deadband < high.limit - high.deadband


def test_limits_lie_within_what_the_sensor_can_read() -> None:
    for definition in shipped().definitions:
        if definition.limit is not None and definition.signal in DICTIONARY:
            low, high = DICTIONARY[definition.signal].plausible
            assert low < definition.limit < high


def test_the_shipped_limits_are_those_of_e_coli_and_right_for_glass_and_steel() -> None:
    found = {each.key: each.limit for each in shipped().definitions if each.condition in LIMITS}
    assert found == {
        ("DO", "low"): 20,
        ("DO", "low_low"): 8,
        ("pH", "low"): 6.6,
        ("pH", "high"): 7.4,
        ("temperature", "low"): 24,
        ("temperature", "high"): 39,
        ("temperature", "high_high"): 42,
        ("agitation", "low"): 20,
        ("gas_flow", "low"): 0.1,
        ("pressure", "high"): 2.3,
    }


def test_alarms_of_dissolved_oxygen_hold_for_any_culture() -> None:
    for each in shipped().limits("DO"):
        assert each.culture is None
        for culture in get_args(Culture):
            declared = limits("DO", "feed", culture)
            assert declared is not None
            assert getattr(declared, each.condition) == each.limit


def test_a_shipped_limit_is_never_tighter_than_that_of_a_phase_in_which_cells_grow_or_express() -> None:
    for each in shipped().definitions:
        for phase in ("batch", "feed", "induction"):
            declared = limits(each.signal, phase, "bacterial") if each.condition in LIMITS else None
            own = None if declared is None else getattr(declared, each.condition)
            if own is None or each.limit is None or (each.signal, phase) == ("temperature", "induction"):
                continue
            low = each.condition.startswith("low")
            assert each.limit <= own if low else each.limit >= own, (each.key, phase)


def test_a_limit_stands_in_the_dictionary_and_nowhere_else() -> None:
    text = files("agents.alarms").joinpath("rationalisation.yaml").read_text("utf-8")
    for entry in yaml.safe_load(text):
        assert entry["condition"] not in LIMITS or "limit" not in entry


def test_an_entry_without_a_limit_takes_that_of_its_culture_or_vessel() -> None:
    entry = yaml.safe_load(ENTRY)[0] | {"signal": "pH", "unit": "[pH]", "condition": "high"}
    entry |= {"limit": None, "culture": "mammalian"}
    definition = AlarmDefinition.model_validate(entry)
    declared = limits("pH", culture="mammalian")
    assert declared is not None
    assert definition.limit == declared.high == 7.2
    own = AlarmDefinition.model_validate(entry | {"limit": 7.3})
    assert own.limit == 7.3
    pressure = entry | {"signal": "pressure", "unit": "bar", "culture": None}
    assert AlarmDefinition.model_validate(pressure).limit == 2.3
    assert AlarmDefinition.model_validate(pressure | {"vessel": "glass"}).limit == 1.4


def test_an_entry_that_names_a_unit_goes_before_the_general_one() -> None:
    general, own = (yaml.safe_load(ENTRY)[0] for _ in range(2))
    own |= {"units": ["north/BR-0?", "south/*"], "limit": 30}
    for entries in ([general, own], [own, general]):
        database = load(yaml.safe_dump(entries))
        seen = {
            unit: [each.limit for each in database.of_unit(*unit.split("/")).limits("DO")]
            for unit in ("north/BR-01", "south/x", "north/BR-11")
        }
        assert seen == {"north/BR-01": [30], "south/x": [30], "north/BR-11": [20]}
        assert [each.limit for each in database.limits("DO")] == [20]
    only = load(yaml.safe_dump([own]))
    assert only.of_unit("north", "BR-11").limits("DO") == ()
    assert only.of_unit("north", "BR-11").get("DO", "low") is None
    found = only.of_unit("north", "BR-01").get("DO", "low")
    assert found is not None
    assert found.limit == 30


def test_few_alarms_are_of_high_priority() -> None:
    limits = [each for each in shipped().definitions if each.signal != EACH_SIGNAL]
    assert sum(each.priority == "high" for each in limits) <= len(limits) / 2


def test_a_signals_own_entry_goes_before_the_general_one() -> None:
    entries = yaml.safe_load(ENTRY) + yaml.safe_load(ENTRY)
    entries[0] |= {"signal": EACH_SIGNAL, "condition": "frozen", "cause": "general"}
    entries[1] |= {"condition": "frozen", "cause": "own of {signal}"}
    database = load(yaml.safe_dump(entries))
    own, general = database.get("DO", "frozen"), database.get("pH", "frozen")
    assert own is not None
    assert general is not None
    assert (own.cause, general.cause) == ("own of DO", "general")


def test_where_nobody_has_rationalised_an_alarm_there_is_none() -> None:
    database = MasterAlarmDatabase(())
    assert database.get("DO", "frozen") is None
    assert database.limits("DO") == ()


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"unit": "mg/L"}, "is not that of the dictionary"),
        ({"signal": "X1"}, "is not that of the dictionary"),
        ({"limit": None, "condition": "high"}, "needs its signal and its value"),
        ({"limit": None, "culture": "bacterial", "condition": "high"}, "needs its signal and its value"),
        ({"culture": "martian"}, "culture"),
        ({"units": []}, "units"),
        ({"signal": EACH_SIGNAL}, "needs its signal and its value"),
        ({"limit": float("nan")}, "limit"),
        ({"deadband": -1}, "deadband"),
        ({"condition": "lowest"}, "condition"),
        ({"priority": "urgent"}, "priority"),
        ({"action": ""}, "action"),
        ({"colour": "red"}, "colour"),
        ({"signal": DEVICE, "condition": "silent", "limit": None}, "needs a limit"),
    ],
)
def test_a_wrong_entry_is_refused_with_what_is_wrong(change: dict[str, object], complaint: str) -> None:
    entries = yaml.safe_load(ENTRY)
    entries[0] |= change
    with pytest.raises(ValueError, match=complaint):
        load(yaml.safe_dump(entries))


def test_an_alarm_defined_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="twice"):
        load(ENTRY + ENTRY)


def test_a_message_with_an_unknown_placeholder_is_refused() -> None:
    with pytest.raises(ValueError, match="tag"):
        load(ENTRY.replace("{value}", "{tag}"))
