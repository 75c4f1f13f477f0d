"""Alarms, scores, forecasts, batch events and dead letters keep what they were given."""

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from schemas.alarm import AlarmState, AlarmTransition
from schemas.contracts import CONTRACTS, decode, example
from schemas.deadletter import DeadLetter
from schemas.errors import ContractError, FrameRefused, Reason
from schemas.forecast import ForecastMessage
from schemas.source import Source

SOURCE = Source(topic_id="t0p1c", topic="telemetry.frames", partition=3, offset=1207, index=2)
EXAMPLES = [name for contract in CONTRACTS.values() for name in contract.examples]

raw = st.binary(max_size=50)


def changed(name: str, **fields: Any) -> bytes:
    return orjson.dumps({**orjson.loads(example(name)), **fields})


@pytest.mark.parametrize("name", EXAMPLES)
def test_a_message_comes_back_as_it_was_encoded(name: str) -> None:
    message = decode(example(name))
    assert decode(message.encode()) == message


@pytest.mark.parametrize("name", EXAMPLES)
def test_unknown_fields_are_ignored(name: str) -> None:
    assert decode(changed(name, later=[1])) == decode(example(name))


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        (b"alarm!", "not UTF-8 JSON"),
        (b"[]", "schema is None"),
        (b'{"schema":["sparge.alarm/1"]}', "reads sparge.frame/1"),
        (
            changed("alarm.v1.raised.json", schema="sparge.alarm/2"),
            "'sparge.alarm/2'; this version of Sparge reads",
        ),
        (changed("alarm.v1.raised.json", priority="urgent"), "priority"),
        (changed("score.v1.json", now_us="now"), "now_us"),
        (changed("batch.v1.start.json", scale_L=0.0), "scale_L"),
    ],
)
def test_what_does_not_follow_a_contract_is_refused_by_field(body: bytes, wrong: str) -> None:
    with pytest.raises(ContractError, match=wrong):
        decode(body)


@pytest.mark.parametrize("contract", CONTRACTS.values(), ids=CONTRACTS)
def test_a_body_that_does_not_say_its_contract_is_refused(contract: Any) -> None:
    body = orjson.loads(example(contract.examples[0]))
    del body["schema"]
    with pytest.raises(ContractError, match="schema: Field required"):
        contract.model.decode(orjson.dumps(body))


class TestASource:
    def test_names_the_input_message_and_the_output_among_its_outputs(self) -> None:
        assert SOURCE.id == "t0p1c/telemetry.frames/3/1207/2"

    def test_is_ordered_by_offset_then_index(self) -> None:
        later = SOURCE.model_copy(update={"offset": 1208, "index": 0})
        assert SOURCE.order == (1207, 2)
        assert later.order > SOURCE.order


class TestAnAlarm:
    def test_is_known_by_unit_signal_and_condition(self) -> None:
        message = AlarmTransition.decode(example("alarm.v1.raised.json"))
        assert (message.alarm_id, message.key) == ("north/BR-01/DO/low", "north/BR-01")

    def test_has_the_seven_states_of_isa_18_2(self) -> None:
        assert len(AlarmState) == 7


class TestAForecast:
    def test_has_as_many_values_as_horizons(self) -> None:
        body = orjson.loads(example("forecast.v1.json"))
        body["forecasts"][0]["upper"].pop()
        with pytest.raises(ContractError, match="one entry for each horizon"):
            ForecastMessage.decode(orjson.dumps(body))

    def test_holds_numbers_only(self) -> None:
        message = ForecastMessage.decode(example("forecast.v1.json"))
        with pytest.raises(ValidationError, match="finite"):
            type(message.forecasts[0])(**{**message.forecasts[0].model_dump(), "value": [float("nan"), 1.0]})


class TestADeadLetter:
    @settings(deadline=None)
    @given(st.none() | raw, st.none() | raw, st.lists(st.tuples(st.text(max_size=10), raw), max_size=3))
    def test_keeps_the_original_to_the_byte(
        self, key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes]]
    ) -> None:
        refused = FrameRefused(Reason.RAGGED, "signals.DO.values", "Too few.")
        letter = DeadLetter.of(SOURCE, refused, recorded_us=5, key=key, value=value, headers=headers)
        read = DeadLetter.decode(letter.encode())
        assert (read.original, read.original_key, read.original_headers) == (value or b"", key, headers)
        assert (read.reason, read.where, read.message) == ("ragged", "signals.DO.values", "Too few.")

    def test_of_the_same_message_is_the_same_dead_letter(self) -> None:
        refused = FrameRefused(Reason.NOT_JSON, "", "No.")
        first, second = (
            DeadLetter.of(SOURCE, refused, recorded_us=5, key=b"k", value=b"v").encode() for _ in range(2)
        )
        assert first == second

    def test_has_room_for_the_largest_message_of_the_topic(self) -> None:
        refused = FrameRefused(Reason.TOO_LARGE, "", "No.")
        letter = DeadLetter.of(SOURCE, refused, recorded_us=5, key=b"k", value=b"x" * 1024 * 1024)
        assert len(letter.encode()) < 2 * 1024 * 1024


@pytest.mark.parametrize("contract", CONTRACTS.values(), ids=CONTRACTS)
def test_a_message_cannot_be_changed(contract: Any) -> None:
    message = contract.model.decode(example(contract.examples[0]))
    with pytest.raises(ValidationError, match="frozen"):
        message.site = "elsewhere"
