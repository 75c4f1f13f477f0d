"""What batch events mean to a unit at a time, however late, often and contradictory they come."""

from __future__ import annotations

from typing import Any, Literal

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.batch_context import BatchFeed, BatchStory, Told, understood
from agents.context import NO_BATCH, Context
from schemas.batch import Assay, BatchEvent
from streams.record import Record

T0_US = 1_790_000_000_000_000
HOUR_US = 3_600_000_000
Event = Literal["start", "phase", "sample", "end"]


def at(hours: float) -> int:
    return T0_US + round(hours * HOUR_US)


def said(event: Event, hours: float, batch: str = "B1", **given: Any) -> BatchEvent:
    if event == "sample":
        given["assays"] = {"OD": Assay(value=1.0, unit="{OD}")}
    fields = {"site": "north", "unit": "BR-01", "member": "institute", "batch": batch, **given}
    return BatchEvent(event=event, time_us=at(hours), **fields)


def story(*events: BatchEvent) -> BatchStory:
    told = BatchStory()
    for event in events:
        told.tell(event)
    return told


def phases(told: BatchStory) -> list[tuple[float, str | None, str | None]]:
    """When each stretch begins, in hours, its batch and its phase."""
    return [((since - T0_US) / HOUR_US, one.batch, one.phase) for since, one in told.spans()]


START = said("start", 0, phase="batch", organism="E. coli BL21", process="reporter", scale_L=2.0)
LIFE = (START, said("phase", 6, phase="fed-batch"), said("phase", 12, phase="harvest"), said("end", 20))


def test_a_batch_goes_through_its_phases_and_ends() -> None:
    assert phases(story(*LIFE)) == [
        (0, "B1", "batch"),
        (6, "B1", "fed-batch"),
        (12, "B1", "harvest"),
        (20, None, None),
    ]


def test_its_context_says_whose_and_how_large_it_is_and_since_when() -> None:
    assert story(*LIFE).at(at(7)) == Context(
        batch="B1",
        member="institute",
        organism="E. coli BL21",
        process="reporter",
        scale_l=2.0,
        phase="fed-batch",
        batch_since_us=at(0),
        phase_since_us=at(6),
        culture="bacterial",
        vessel="glass",
        stage="feed",
    )


def test_before_its_start_and_after_its_end_nothing_is_under_way() -> None:
    told = story(*LIFE)
    assert told.at(at(0) - 1) == told.at(at(20)) == told.at(at(99)) == NO_BATCH
    assert BatchStory().at(at(0)) == NO_BATCH


@given(st.permutations(LIFE), st.lists(st.sampled_from(LIFE)))
def test_the_order_in_which_it_is_told_and_repeats_change_nothing(
    order: list[BatchEvent], again: list[BatchEvent]
) -> None:
    assert story(*order, *again).spans() == story(*LIFE).spans()


def test_what_is_told_again_and_otherwise_replaces_what_was_told_before() -> None:
    corrected = story(*LIFE, said("start", 0.5, phase="lag", organism="CHO"), said("end", 18))
    assert phases(corrected) == [
        (0.5, "B1", "lag"),
        (6, "B1", "fed-batch"),
        (12, "B1", "harvest"),
        (18, None, None),
    ]
    assert corrected.at(at(7)).culture == "mammalian"
    assert corrected.at(at(7)).scale_l is None


def test_an_end_before_the_start_does_not_count() -> None:
    assert phases(story(START, said("end", -1))) == [(0, "B1", "batch")]
    assert phases(story(START, said("end", 3), said("end", -1)))[-1] == (3, None, None)


def test_the_next_batch_in_the_unit_ends_the_one_before() -> None:
    both = story(START, said("start", 5, batch="B2", member="other", phase="batch"))
    assert phases(both) == [(0, "B1", "batch"), (5, "B2", "batch")]
    assert both.at(at(6)).member == "other"


def test_a_batch_without_a_start_begins_with_the_earliest_that_is_known_of_it() -> None:
    told = story(said("phase", 6, phase="feed"), said("sample", 2))
    assert phases(told) == [(2, "B1", None), (6, "B1", "feed")]
    assert told.at(at(3)).culture is None


def test_a_phase_that_was_told_for_before_the_start_holds_from_the_start() -> None:
    told = story(said("start", 0), said("phase", -2, phase="lag"), said("phase", -1, phase="batch"))
    assert phases(told) == [(0, "B1", "batch")]


def test_of_two_phases_at_one_time_the_one_told_later_holds() -> None:
    told = story(START, said("phase", 6, phase="feed"), said("phase", 6, phase="induction"))
    assert phases(told)[-1] == (6, "B1", "induction")


def test_another_phase_follows_and_a_corrected_time_does_not() -> None:
    first, second = story(START).at(at(1)), story(said("start", 0.2, phase="batch", organism="E. coli BL21"))
    assert second.at(at(1)) != first
    corrected = story(said("start", 0.2, phase="batch", organism="E. coli BL21", scale_L=2.0)).at(at(1))
    assert not corrected.follows(first)
    assert story(*LIFE).at(at(7)).follows(first)
    assert NO_BATCH.follows(first)


def record(offset: int, event: BatchEvent | bytes, recorded_us: int, key: bytes | None = None) -> Record:
    body = event if isinstance(event, bytes) else event.encode()
    return Record("batch.events", 0, offset, recorded_us, key or b"north/BR-01", body)


@pytest.mark.parametrize(
    "refused",
    [
        record(0, b"not json", at(1)),
        record(0, b"", at(1)),
        record(0, START, at(1), b"north/BR-02"),
        record(0, said("start", 30), at(1)),
        record(0, orjson.dumps({**orjson.loads(START.encode()), "schema": "sparge.batch/9"}), at(1)),
        record(
            0,
            said("start", 0).model_copy(
                update={"event": "sample", "assays": {"glucose": Assay(value=1.0, unit="Cel")}}
            ),
            at(1),
        ),
    ],
)
def test_what_the_database_refuses_is_not_known_to_the_watch_either(refused: Record) -> None:
    assert understood(refused).event is None


def test_an_event_is_in_force_for_what_is_recorded_after_it() -> None:
    feed = BatchFeed([understood(record(0, START, at(1))), understood(record(1, LIFE[1], at(7)))])
    seen = []
    for hours in (0.5, 1.0, 1.1, 7.0, 7.1):
        feed.reach(at(hours))
        seen.append((feed.offset, feed.story("north/BR-01").at(at(6.5)).phase))
    assert seen == [(0, None), (0, None), (1, "batch"), (1, "batch"), (2, "fed-batch")]


def test_an_event_that_becomes_known_late_counts_from_then_on() -> None:
    known: list[Told] = []
    feed = BatchFeed(known)
    feed.reach(at(9))
    known.append(understood(record(0, START, at(1))))
    assert feed.offset == 0
    feed.reach(at(9))
    assert feed.offset == 1


def test_what_cannot_be_understood_holds_nothing_up() -> None:
    feed = BatchFeed([Told(0, at(1), None), understood(record(1, START, at(1)))])
    feed.reach(at(2))
    assert feed.offset == 2
    assert feed.story("north/BR-01").at(at(1)).batch == "B1"


def test_units_have_stories_of_their_own() -> None:
    feed = BatchFeed([understood(record(0, START, at(0)))])
    feed.reach(at(1))
    assert feed.story("north/BR-02").at(at(1)) == NO_BATCH
