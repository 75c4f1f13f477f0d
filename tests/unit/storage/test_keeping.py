"""Which days may be dropped, against a reference that asks every moment of every day."""

from __future__ import annotations

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.maintenance.keeping import DAY_S, Days, Rule, Stay, droppable, keep_days

TODAY = 100


def test_nothing_is_dropped_without_a_rule() -> None:
    assert droppable([], "raw", "gas", [Stay("north", 0, 5 * DAY_S)], TODAY) == []
    assert droppable([Rule("1m", None, None, 1)], "raw", "gas", [], TODAY) == []


def test_a_rule_drops_whole_days_that_are_older() -> None:
    assert droppable([Rule("raw", None, None, 30)], "raw", "gas", [], TODAY) == [Days(-inf, 70)]


def test_the_rule_of_the_member_wins_over_the_rule_of_the_class() -> None:
    rules = [
        Rule("raw", None, None, 10),
        Rule("raw", "gas", None, 20),
        Rule("raw", None, "north", 50),
        Rule("raw", "gas", "north", 60),
    ]
    assert keep_days(rules, "raw", "gas", "north") == 60
    assert keep_days(rules, "raw", "process", "north") == 50
    assert keep_days(rules, "raw", "gas", "south") == 20
    assert keep_days(rules, "raw", None, None) == 10
    assert keep_days(rules, "1h", "gas", "north") == inf


def test_a_batch_under_legal_hold_stays_with_the_days_that_it_began_and_ended_in() -> None:
    stay = Stay("north", 10.5 * DAY_S, 12.25 * DAY_S, held=True)
    assert droppable([Rule("raw", None, None, 30)], "raw", "gas", [stay], TODAY) == [
        Days(-inf, 10),
        Days(13, 70),
    ]


def test_a_day_of_two_members_is_kept_as_long_as_the_one_that_keeps_longer() -> None:
    stays = [Stay("short", 0, 20.5 * DAY_S), Stay("long", 20.5 * DAY_S, 40 * DAY_S)]
    rules = [Rule("raw", None, None, 10), Rule("raw", None, "short", 5), Rule("raw", None, "long", 90)]
    assert droppable(rules, "raw", "gas", stays, TODAY) == [Days(-inf, 20), Days(40, 90)]


@pytest.mark.parametrize("keep", [1, 500])
def test_what_lies_ahead_is_never_old(keep: int) -> None:
    assert all(
        days.end <= TODAY for days in droppable([Rule("raw", None, None, keep)], "raw", "gas", [], TODAY)
    )


MEMBERS = st.sampled_from(["north", "south"])
RULES = st.lists(
    st.builds(
        Rule,
        st.sampled_from(["raw", "1m"]),
        st.sampled_from([None, "gas", "process"]),
        st.one_of(st.none(), MEMBERS),
        st.integers(1, 12),
    ),
    max_size=5,
    unique_by=lambda r: (r.level, r.signal_class, r.member),
)
QUARTER_S = DAY_S // 4
STAYS = st.lists(
    st.builds(
        lambda member, start, length, held: Stay(
            member, start * QUARTER_S, (start + length) * QUARTER_S, held
        ),
        MEMBERS,
        st.integers(0, 80),
        st.one_of(st.integers(1, 30), st.just(inf)),
        st.booleans(),
    ),
    max_size=4,
)


@given(RULES, STAYS)
def test_a_day_may_go_if_at_no_moment_of_it_anything_keeps_it(rules: list[Rule], stays: list[Stay]) -> None:
    today = 20
    spans = droppable(rules, "raw", "gas", stays, today)
    for day in range(-2, 25):
        kept = day >= today
        for quarter in range(4):
            moment_s = day * DAY_S + quarter * QUARTER_S
            here = [stay for stay in stays if stay.start_s <= moment_s < stay.end_s]
            kept |= any(stay.held for stay in here)
            members: list[str | None] = [stay.member for stay in here]
            for member in members or [None]:
                kept |= day >= today - keep_days(rules, "raw", "gas", member)
        assert any(days.first <= day < days.end for days in spans) == (not kept), day
