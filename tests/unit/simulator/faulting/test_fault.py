"""Faults are written shortly and read back the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import SettingsError
from simulator.faulting.fault import Fault, parse, seconds
from simulator.faulting.kinds import KINDS, Acts, FaultKind
from simulator.sensing.instrument import instruments

TIMES = st.floats(0.0, 1e7)


@st.composite
def some_faults(draw: st.DrawFn) -> Fault:
    kind = draw(st.sampled_from(FaultKind))
    about = KINDS[kind]
    start_s = draw(TIMES)
    lasts = st.none() if about.at_once else st.none() | st.floats(1e-3, 1e6)
    lasts_s = draw(lasts)
    severity = draw(st.none() | st.floats(about.severity.least, about.severity.most))
    return Fault(
        kind,
        start_s,
        draw(st.sampled_from(sorted(instruments()))) if about.acts is Acts.PROBE else None,
        None if lasts_s is None else start_s + lasts_s,
        draw(st.none() | st.sampled_from(["BR-01", "north/BR-02", "F_7.1"])),
        severity,
    )


@given(some_faults())
def test_every_fault_reads_back_from_what_it_prints(fault: Fault) -> None:
    assert parse(str(fault)) == fault


def test_a_fault_is_written_as_kind_signal_and_seconds() -> None:
    assert parse("lost_stirrer@20") == Fault(FaultKind.LOST_STIRRER, 20.0)
    assert parse(" frozen_probe:DO@30 ") == Fault(FaultKind.FROZEN_PROBE, 30.0, "DO")
    assert parse("lost_device@60-90.5") == Fault(FaultKind.LOST_DEVICE, 60.0, None, 90.5)


def test_unit_hours_and_severity_can_be_added() -> None:
    assert parse("BR-02/biased_probe:pH@6h-7.5h*-2") == Fault(
        FaultKind.BIASED_PROBE, 21_600.0, "pH", 27_000.0, "BR-02", -2.0
    )
    assert parse("phage@2d*1.5") == Fault(FaultKind.PHAGE, 172_800.0, severity=1.5)


@pytest.mark.parametrize(
    ("written", "read"), [("90", 90.0), ("90s", 90.0), ("1.5min", 90.0), (" 6 h ", 21_600.0), (90, 90.0)]
)
def test_times_are_seconds_or_say_their_unit(written: str | float, read: float) -> None:
    assert seconds(written) == read


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is not a fault"),
        ("lost_stirrer", "is not a fault"),
        ("lost_stirrer@soon", "is not a fault"),
        ("lost_stirrer@-5", "is not a fault"),
        ("lost_stirrer@5 weeks", "is not a fault"),
        ("broken_heart@20", "kinds are frozen_probe, drifting_probe"),
        ("frozen_probe@20", "needs one of the signals pH, pH_2, DO"),
        ("frozen_probe:OTR@20", "this one has OTR"),
        ("lost_stirrer:DO@20", "takes no signal"),
        ("lost_stirrer@20-20", "end after it begins"),
        ("contamination@20-30", "takes no end"),
        ("lost_stirrer@20*2", "not between 0 and 1"),
        ("stuck_gas_valve@20*-3", "not between -2 and 1"),
    ],
)
def test_a_wrong_fault_is_refused_with_what_to_write(text: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        parse(text)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -1.0])
def test_a_time_that_is_no_time_is_refused(number: float) -> None:
    with pytest.raises(SettingsError, match="must begin at 0 s"):
        Fault(FaultKind.LOST_STIRRER, number)
    with pytest.raises(SettingsError, match="must begin at 0 s"):
        Fault(FaultKind.LOST_STIRRER, 0.0, end_s=number)
    with pytest.raises(SettingsError, match="severity"):
        Fault(FaultKind.WRONG_CLOCK, 0.0, severity=float("nan"))


def test_a_fault_is_in_force_from_its_start_until_before_its_end() -> None:
    fault = parse("lost_stirrer@20-30")
    assert [fault.active(at) for at in (19.9, 20.0, 29.9, 30.0)] == [False, True, True, False]
    assert parse("lost_stirrer@20").active(1e9)


def test_a_long_step_misses_no_short_fault() -> None:
    fault = parse("power_dip@22-24")
    assert [fault.active(at, 10.0) for at in (0.0, 10.0, 20.0, 30.0)] == [False, False, True, False]
    assert [fault.active(at, 1.0) for at in (21.0, 22.0, 23.0, 24.0)] == [False, True, True, False]


def test_a_power_dip_passes_by_itself() -> None:
    assert parse("power_dip@100").until_s == 110.0
    assert not parse("power_dip@100").active(110.0)
    assert parse("power_dip@100-500").until_s == 500.0


@pytest.mark.parametrize("kind", FaultKind)
def test_every_kind_says_what_happens_where_and_how_badly(kind: FaultKind) -> None:
    about = KINDS[kind]
    assert about.happens.endswith(".")
    assert about.shows.endswith(".")
    assert about.severity.least <= about.severity.usual <= about.severity.most
    assert set(about.signals) <= set(instruments())
    assert bool(about.signals) == (about.acts in (Acts.PROCESS, Acts.ANALYSER))
