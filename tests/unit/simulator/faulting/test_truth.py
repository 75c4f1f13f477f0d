"""What really happened is kept, to judge alarms by."""

from __future__ import annotations

from simulator.faulting.fault import parse
from simulator.faulting.truth import truths
from simulator.sensing.instrument import instruments


def test_the_truth_names_signals_unit_severity_and_time_in_order() -> None:
    stirrer, probe = truths(
        [parse("BR-02/biased_probe:pH@30*-2"), parse("BR-01/lost_stirrer@20-25.5")],
        origin_us=1_790_000_000_000_000,
    )
    assert stirrer.signals == ("agitation", "DO")
    assert (stirrer.unit, stirrer.severity) == ("BR-01", 1.0)
    assert (stirrer.start_us, stirrer.end_us) == (1_790_000_020_000_000, 1_790_000_025_500_000)
    assert probe.signals == ("pH",)
    assert (probe.unit, probe.severity) == ("BR-02", -2.0)
    assert (probe.start_s, probe.end_s, probe.end_us) == (30.0, None, None)


def test_without_an_origin_the_truth_is_in_seconds_only() -> None:
    (device,) = truths([parse("lost_device@5")])
    assert device.start_us is None
    assert device.signals == tuple(instruments())


def test_only_signals_that_are_measured_are_named() -> None:
    (infected,) = truths([parse("contamination@5")], measured=("pH", "DO", "offgas_CO2"))
    assert infected.signals == ("DO", "offgas_CO2")
    (device,) = truths([parse("lost_device@5")], measured=("pH", "DO"))
    assert device.signals == ("pH", "DO")


def test_what_passes_by_itself_has_an_end() -> None:
    (dip,) = truths([parse("power_dip@5")], origin_us=0)
    assert (dip.end_s, dip.end_us) == (15.0, 15_000_000)
