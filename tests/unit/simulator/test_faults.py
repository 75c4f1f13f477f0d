"""Faults are written shortly, and what is true about them is kept."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.errors import SettingsError
from simulator.faults import Fault, FaultKind, parse, truths
from simulator.instruments import UNITS


def test_a_fault_is_written_as_kind_signal_and_seconds() -> None:
    assert parse("lost_stirrer@20") == Fault(FaultKind.LOST_STIRRER, 20.0)
    assert parse(" frozen_probe:DO@30 ") == Fault(FaultKind.FROZEN_PROBE, 30.0, "DO")
    assert parse("lost_device@60-90.5") == Fault(FaultKind.LOST_DEVICE, 60.0, None, 90.5)


SPANS = st.tuples(st.integers(0, 100_000), st.none() | st.integers(1, 100_000))


@given(kind=st.sampled_from(FaultKind), signal=st.sampled_from(sorted(UNITS)), span=SPANS)
def test_every_fault_reads_back_from_what_it_prints(
    kind: FaultKind, signal: str, span: tuple[int, int | None]
) -> None:
    start, lasts = span
    fault = Fault(
        kind,
        float(start),
        signal if kind is FaultKind.FROZEN_PROBE else None,
        None if lasts is None else float(start + lasts),
    )
    if max(fault.start_s, fault.end_s or 0.0) < 1e5:
        assert parse(str(fault)) == fault


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "is not a fault"),
        ("lost_stirrer", "is not a fault"),
        ("lost_stirrer@soon", "is not a fault"),
        ("lost_stirrer@-5", "is not a fault"),
        ("broken_heart@20", "kinds are frozen_probe, lost_stirrer, lost_device"),
        ("frozen_probe@20", "needs one of the signals pH, DO"),
        ("frozen_probe:OTR@20", "this one has OTR"),
        ("lost_stirrer:DO@20", "takes no signal"),
        ("lost_stirrer@20-20", "end after it begins"),
    ],
)
def test_a_wrong_fault_is_refused_with_what_to_write(text: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        parse(text)


def test_a_fault_is_in_force_from_its_start_until_before_its_end() -> None:
    fault = parse("lost_stirrer@20-30")
    assert [fault.active(at) for at in (19.9, 20.0, 29.9, 30.0)] == [False, True, True, False]
    assert parse("lost_stirrer@20").active(1e9)


def test_the_truth_names_the_signals_and_the_time() -> None:
    found = truths(
        [parse("frozen_probe:pH@30"), parse("lost_stirrer@20-25.5")], origin_us=1_790_000_000_000_000
    )
    stirrer, probe = found
    assert stirrer.signals == ("agitation", "DO")
    assert (stirrer.start_us, stirrer.end_us) == (1_790_000_020_000_000, 1_790_000_025_500_000)
    assert probe.signals == ("pH",)
    assert (probe.start_s, probe.end_s, probe.end_us) == (30.0, None, None)


def test_without_an_origin_the_truth_is_in_seconds_only() -> None:
    (device,) = truths([parse("lost_device@5")])
    assert device.start_us is None
    assert device.signals == tuple(UNITS)
