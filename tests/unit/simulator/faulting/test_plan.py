"""A plan of faults in YAML: by name or at random."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import SettingsError
from simulator.faulting.fault import parse
from simulator.faulting.kinds import FaultKind
from simulator.faulting.plan import read_plan, write_plan

UNITS = ("BR-01", "BR-02")
TIMES = st.integers(0, 10**7).map(lambda tenths: tenths / 10.0)


def test_a_plan_reads_as_it_is_written() -> None:
    found = read_plan(
        """
        faults:
          - {unit: BR-02, kind: wrong_feed_rate, at: 7.5h, end: 9h, severity: -0.3}
          - {unit: BR-01, kind: frozen_probe, signal: DO, at: 6h, for: 30min}
          - BR-02/lost_stirrer@12h
          - {unit: BR-01, kind: phage, at: 3600}
        """,
        UNITS,
    )
    assert [str(fault) for fault in found] == [
        "BR-01/phage@3600",
        "BR-01/frozen_probe:DO@21600-23400",
        "BR-02/wrong_feed_rate@27000-32400*-0.3",
        "BR-02/lost_stirrer@43200",
    ]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["frozen_probe:DO", "biased_probe:pH", "phage", "lost_device", "foam_out"]),
            TIMES,
            st.none() | st.integers(1, 10**5),
            st.sampled_from(UNITS),
            st.sampled_from(["", "*1"]),
        )
    )
)
def test_any_plan_reads_back_from_what_is_written_of_it(
    faults: list[tuple[str, float, int | None, str, str]],
) -> None:
    made = [
        parse(f"{unit}/{kind}@{start:.1f}" + (f"-{start + lasts:.1f}" if lasts else "") + severity)
        for kind, start, lasts, unit, severity in faults
    ]
    in_order = tuple(sorted(made, key=lambda fault: fault.start_s))
    if made:
        assert read_plan(write_plan(made), UNITS) == in_order


@given(seed=st.integers(0, 2**32), count=st.integers(1, 40))
def test_a_random_plan_is_the_same_for_the_same_seed_and_stays_within_its_bounds(
    seed: int, count: int
) -> None:
    text = f"random: {{count: {count}, between: [2h, 20h], lasting: [5min, 1h]}}"
    found = read_plan(text, UNITS, seed)
    assert found == read_plan(text, UNITS, seed)
    assert len(found) == count
    for fault in found:
        assert 7200.0 <= fault.start_s <= 72_000.0
        assert fault.unit in UNITS
        assert fault.end_s is None or 300.0 <= fault.end_s - fault.start_s <= 3600.0
    assert read_plan(write_plan(found), UNITS) == found


def test_one_fault_more_leaves_the_others_as_they_were() -> None:
    def drawn(count: int) -> set[str]:
        return {str(one) for one in read_plan(f"random: {{count: {count}, between: [0, 9h]}}", UNITS, 5)}

    assert drawn(7) < drawn(8)


def test_a_random_plan_draws_every_kind_unless_some_are_named() -> None:
    every = read_plan("random: {count: 400, between: [0, 9h]}", UNITS, 1)
    assert {fault.kind for fault in every} == set(FaultKind)
    some = read_plan(
        "random: {count: 60, between: [0, 9h], kinds: [phage, biased_probe], units: [BR-02], "
        "signals: [pH, DO]}",
        UNITS,
        1,
    )
    assert {(fault.kind.value, fault.signal, fault.unit) for fault in some} == {
        ("phage", None, "BR-02"),
        ("biased_probe", "pH", "BR-02"),
        ("biased_probe", "DO", "BR-02"),
    }


def test_the_only_unit_needs_no_name() -> None:
    (fault,) = read_plan("faults: [{kind: phage, at: 6h}]", ["BR-01"])
    assert fault.unit is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "neither faults nor random"),
        ("[1, 2]", "neither faults nor random"),
        ("faults: [", "not YAML"),
        ("mistakes: []", "wrong at mistakes"),
        ("faults: [{kind: broken_heart, at: 6h}]", r"wrong at faults\.0\.kind"),
        ("faults: [{kind: phage}]", r"wrong at faults\.0\.at"),
        ("faults: [{kind: phage, at: 6h, end: 7h, for: 1h}]", "either end or for"),
        ("faults: [{kind: phage, at: soon, unit: BR-01}]", "Fault 1 of the plan: 'soon' is not a time"),
        ("faults: [phage@6h, phages]", "Fault 2 of the plan: 'phages' is not a fault"),
        ("faults: [{kind: phage, at: 6h, end: 5h}]", "Fault 1 of the plan: .* end after it begins"),
        ("faults: [{kind: biased_probe, at: 6h}]", "Fault 1 of the plan: .* needs one of the signals"),
        ("faults: [phage@6h]", "concerns no unit by name; the units are BR-01, BR-02"),
        ("faults: [BR-09/phage@6h]", "concerns BR-09"),
        ("random: {count: 0, between: [1h, 2h]}", r"wrong at random\.count"),
        ("random: {count: 1, between: [2h, 1h]}", "between: write the earlier"),
        ("random: {count: 1, between: [now, 1h]}", "'now' is not a time"),
        ("random: {count: 1, between: [1h, 2h], kinds: []}", "must not be empty"),
        ("random: {count: 1, between: [1h, 2h], signals: [OTR]}", "measures OTR"),
        ("random: {count: 9, between: [1h, 2h], units: [BR-09]}", "concerns BR-09"),
    ],
)
def test_a_wrong_plan_is_refused_with_where_and_why(text: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        read_plan(text, UNITS)
