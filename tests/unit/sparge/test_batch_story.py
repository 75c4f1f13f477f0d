from __future__ import annotations

from typing import Any

import pytest

from schemas.batch import BatchEvent
from schemas.errors import ContractError, QueryRefused
from sparge.batch_story import check_end, events, running
from streams.record import Record
from streams.topics import BATCH_EVENTS


def said(event: str, hour: int, **given: Any) -> BatchEvent:
    fields = {"site": "north", "unit": "BR-01", "batch": "B1", "member": "institute", **given}
    return BatchEvent.model_validate({"event": event, "time_us": hour * 3_600_000_000, **fields})


def test_the_batch_that_was_started_last_runs_until_its_end_is_told() -> None:
    story = [said("start", 1), said("start", 5, batch="B2"), said("end", 4), said("start", 9, unit="BR-02")]
    assert running("north/BR-01", story).batch == "B2"
    with pytest.raises(QueryRefused, match="B2 has ended"):
        running("north/BR-01", [*story, said("end", 7, batch="B2")])


def test_a_batch_that_is_started_anew_after_its_end_runs() -> None:
    assert (
        running("north/BR-01", [said("start", 1), said("end", 2), said("start", 3)]).time_us
        == 3 * 3_600_000_000
    )


def test_a_unit_without_a_batch_is_refused_with_the_command_that_starts_one() -> None:
    with pytest.raises(QueryRefused, match="none was started") as caught:
        running("north/BR-01", [said("start", 1, unit="BR-02")])
    assert caught.value.next_step.startswith("sparge batch start north/BR-01")


def test_an_end_before_the_start_is_refused_and_one_after_it_taken() -> None:
    story = [said("start", 9), said("start", 5), said("start", 7, batch="B2"), said("start", 8, unit="BR-02")]
    check_end(said("end", 6), story)
    check_end(said("end", 1, batch="B3"), story)
    with pytest.raises(ContractError, match=r"B1 of institute in north/BR-01 cannot end .* before its start"):
        check_end(said("end", 4), story)


def test_an_end_before_the_start_does_not_stop_a_batch() -> None:
    assert running("north/BR-01", [said("start", 5), said("end", 4)]).batch == "B1"


def test_what_is_no_event_is_passed_over() -> None:
    bodies = [b"{}", None, said("start", 1).encode()]
    records = [Record(BATCH_EVENTS.name, 0, i, 0, None, body) for i, body in enumerate(bodies)]
    assert [event.event for event in events(records)] == ["start"]
