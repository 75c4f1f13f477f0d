from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.deadletter import DeadLetter
from schemas.errors import ContractError, FrameRefused, QueryRefused, Reason
from schemas.source import Source
from sparge.letters import check, escaped, find, letters, short_id
from streams.record import Record

NOW_US = 1_790_000_000_000_000
FRAME = (
    b'{"schema":"sparge.frame/1","site":"north","unit":"BR-01","device":"d","epoch":1,"sequence":2,'
    b'"time_us":[1790000000000000],"signals":{"DO":{"unit":"%","values":[39.8]}}}'
)


def letter(offset: int, topic_id: str = "t") -> DeadLetter:
    source = Source(topic_id=topic_id, topic="telemetry.frames", partition=3, offset=offset, index=0)
    refused = FrameRefused(Reason.NOT_JSON, "", "This is not JSON.")
    return DeadLetter.of(source, refused, recorded_us=NOW_US, key=b"north/BR-01", value=b"\x1b[2Jnot json")


def record(of: DeadLetter) -> Record:
    return Record("telemetry.deadletter", 0, 0, NOW_US, None, of.encode())


def test_a_letter_that_was_written_twice_is_one_letter() -> None:
    found = list(letters([record(letter(1)), record(letter(2)), record(letter(1))]))
    assert [short_id(one) for one in found] == ["telemetry.frames/3/1", "telemetry.frames/3/2"]


def test_a_letter_is_found_by_its_short_and_its_whole_id() -> None:
    among = [letter(1), letter(2)]
    assert find("telemetry.frames/3/2", among) == among[1]
    assert find(among[0].source.id, among) == among[0]


def test_an_id_that_is_none_or_several_is_refused() -> None:
    with pytest.raises(QueryRefused, match="no dead letter"):
        find("telemetry.frames/3/9", [letter(1)])
    with pytest.raises(QueryRefused, match="2 dead letters"):
        find("telemetry.frames/3/1", [letter(1), letter(1, "made-anew")])


@given(st.binary(max_size=300), st.integers(1, 400))
def test_nothing_in_a_message_reaches_the_terminal_as_a_command(body: bytes, limit: int) -> None:
    assert escaped(body, limit).isprintable()


def test_what_is_cut_off_is_said() -> None:
    assert escaped(b"x" * 10, 4) == "xxxx ... and 6 bytes more"


def test_a_message_goes_back_only_if_it_would_be_understood() -> None:
    check("telemetry.frames", b"north/BR-01", FRAME, NOW_US)
    with pytest.raises(ContractError):
        check("telemetry.frames", b"north/BR-02", FRAME, NOW_US)
    with pytest.raises(ContractError):
        check("telemetry.history", b"north/BR-01", b"not json", NOW_US)
    with pytest.raises(ContractError):
        check("watch.results", b"north/BR-01", b"", NOW_US)
