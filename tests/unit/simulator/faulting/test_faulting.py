"""A fault does what it says to process, instrument or device, and nothing to anything else."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest

from schemas.errors import SettingsError
from schemas.status import Status
from simulator.faulting.fault import Fault, parse
from simulator.faulting.faulting import Faulting
from simulator.faulting.kinds import KINDS, Acts, FaultKind
from simulator.physics.state import Disturbances
from simulator.sensing.panel import Panel

UNITS = ("BR-01", "BR-02", "BR-03")
TRUTH = {"pH": 7.0, "pH_2": 7.0, "DO": 35.0, "temperature": 37.0, "offgas_O2": 19.0, "offgas_CO2": 1.8}
SIGNALS = tuple(TRUTH)
DISTURBED = {
    "stopped_feed": {"feed_lost": 1.0},
    "wrong_feed_rate": {"feed_lost": -0.5},
    "lost_stirrer": {"drive_lost": 1.0},
    "contamination": {"contamination_g_l": 1e-4},
    "phage": {"lysis_per_h": 3.0},
    "foam_out": {"foam_drive": 5.0, "filter_fouling_per_h": 2.0},
    "stuck_gas_valve": {"gas_lost": 0.8},
    "stuck_cooling_valve": {"cooling_stuck": 1.0, "cooling_stuck_at": 0.0},
    "empty_base": {"base_lost": 1.0},
    "power_dip": {"power_lost": 1.0},
}


class _Fleet:
    """Three units whose truth stands still, so that all that moves is instrument and fault."""

    def __init__(self, *faults: str) -> None:
        self.panel = Panel(SIGNALS, [1, 2, 3], {})
        self.faulting = Faulting([parse(text) for text in faults], UNITS, self.panel, seed=9)
        self.wrong = Disturbances.zeros(3)
        self.time_s = 0.0
        self.truth = {name: np.full(3, value) for name, value in TRUTH.items()}

    def step(self, dt_s: float = 1.0) -> np.ndarray:
        self.faulting.act(self.time_s, dt_s, self.wrong)
        self.panel.read(self.truth, dt_s, self.faulting.overlays)
        self.time_s += dt_s
        return self.panel.readings

    def run(self, count: int) -> np.ndarray:
        return np.array([self.step() for _ in range(count)])

    def disturbed(self) -> dict[str, list[float]]:
        rows = {one.name: getattr(self.wrong, one.name) for one in fields(self.wrong)}
        return {name: row.tolist() for name, row in rows.items() if row.any()}


def _text(kind: FaultKind, start: str = "60") -> str:
    signal = ":DO" if KINDS[kind].acts is Acts.PROBE else ""
    return f"BR-02/{kind}{signal}@{start}"


@pytest.mark.parametrize("kind", FaultKind)
def test_a_fault_leaves_the_time_before_and_all_other_units_as_they_were_to_the_bit(kind: FaultKind) -> None:
    sound, faulty = _Fleet().run(300), _Fleet(_text(kind)).run(300)
    assert sound[:60].tobytes() == faulty[:60].tobytes()
    assert sound[:, :, [0, 2]].tobytes() == faulty[:, :, [0, 2]].tobytes()
    touched = {SIGNALS[row] for row in np.flatnonzero((sound != faulty).any(axis=(0, 2)))}
    expected = {Acts.PROBE: {"DO"}, Acts.ANALYSER: {"offgas_O2", "offgas_CO2"}}
    assert touched == expected.get(KINDS[kind].acts, set())


@pytest.mark.parametrize("kind", [kind for kind in FaultKind if not KINDS[kind].at_once])
def test_when_a_fault_is_over_everything_is_sound_again(kind: FaultKind) -> None:
    fleet = _Fleet(_text(kind, "60-90"))
    fleet.run(91)
    assert not fleet.faulting.overlays.touched
    assert fleet.disturbed() == {}
    assert not fleet.faulting.network.silent.any()
    assert not fleet.faulting.network.clock_s.any()
    # Lags have forgotten it, too: the noise was never another one.
    fleet.run(600)
    sound = _Fleet()
    sound.run(691)
    assert fleet.step() == pytest.approx(sound.step(), abs=1e-2)


@pytest.mark.parametrize("kind", [kind for kind in FaultKind if KINDS[kind].acts is Acts.PROCESS])
def test_a_process_fault_disturbs_what_it_should_in_its_unit_alone(kind: FaultKind) -> None:
    fleet = _Fleet(_text(kind))
    fleet.run(60)
    assert fleet.disturbed() == {}
    fleet.step()
    expected = {name: [0.0, value, 0.0] for name, value in DISTURBED[kind].items() if value}
    assert fleet.disturbed() == expected


def test_contamination_comes_in_once() -> None:
    fleet = _Fleet("BR-01/contamination@25*0.5")
    came = []
    for _ in range(10):
        fleet.step(10.0)
        came.append(float(fleet.wrong.contamination_g_l[0]))
    assert came == [0.0, 0.0, 0.5] + [0.0] * 7


def test_two_faults_lose_no_more_than_everything() -> None:
    fleet = _Fleet("BR-01/lost_stirrer@5*0.7", "BR-01/lost_stirrer@6*0.6", "BR-01/wrong_feed_rate@5*0.5")
    fleet.run(10)
    assert fleet.disturbed() == {"drive_lost": [1.0, 0.0, 0.0], "feed_lost": [-0.5, 0.0, 0.0]}


def test_a_frozen_probe_repeats_its_last_noisy_value_exactly() -> None:
    seen = _Fleet("BR-01/frozen_probe:DO@30-90").run(120)[:, 2, 0]
    assert set(seen[30:90]) == {seen[29]}
    assert len(set(seen[90:])) > 5


def test_a_frozen_probe_shows_the_truth_again_when_it_recovers() -> None:
    fleet = _Fleet("BR-01/frozen_probe:DO@30-230")
    fleet.run(40)
    fleet.truth["DO"][:] = 5.0
    seen = fleet.run(200)[:, 2, 0]
    assert seen[150] > 30.0
    assert seen[-1] < 7.0


@pytest.mark.parametrize(("severity", "moved"), [("", 15.0), ("*-0.5", -7.5)])
def test_a_biased_probe_steps_by_its_gross_error(severity: str, moved: float) -> None:
    seen = _Fleet(f"BR-01/biased_probe:DO@60{severity}").run(120)[:, 2, 0]
    assert seen[60:].mean() - seen[:60].mean() == pytest.approx(moved, abs=0.3)


def test_a_drifting_probe_runs_off_evenly() -> None:
    seen = _Fleet("BR-01/drifting_probe:pH@600").run(4200)[:, 0, 0]
    assert seen[-60:].mean() - seen[540:600].mean() == pytest.approx(0.3, abs=0.01)
    assert seen[2370:2430].mean() - seen[540:600].mean() == pytest.approx(0.15, abs=0.01)


def test_a_spiking_probe_leaps_now_and_then_and_returns() -> None:
    seen = _Fleet("BR-01/spiking_probe:DO@100").run(2100)[100:, 2, 0]
    far = np.abs(seen - np.median(seen)) > 20.0
    assert 0.03 * 2000 < far.sum() < 0.07 * 2000
    assert seen[~far].std() < 0.5
    assert (seen > 70.0).any()
    assert (seen < 1.0).any()


def test_a_clipped_probe_stands_at_its_ceiling_and_leaves_it_downwards() -> None:
    fleet = _Fleet("BR-01/clipped_probe:DO@30")
    seen = fleet.run(100)[:, 2, 0]
    assert set(seen[30:]) == {seen[30]}
    assert seen[29] - 4.0 < seen[30] < seen[29] - 3.0
    fleet.truth["DO"][:] = 20.0
    assert fleet.run(120)[-1, 2, 0] < 22.0
    fleet.truth["DO"][:] = 60.0
    assert fleet.run(120)[-1, 2, 0] == seen[30]


def test_a_failed_probe_says_so_and_holds_its_last_reading() -> None:
    fleet = _Fleet("BR-01/failed_probe:DO@30-60")
    seen = fleet.run(50)[:, 2, 0]
    assert set(seen[30:]) == {seen[29]}
    assert fleet.panel.status[2].tolist() == [Status.BAD_SENSOR_FAILURE, 0, 0]
    fleet.run(20)
    assert not fleet.panel.status.any()


def test_a_fouled_line_mixes_with_room_air_and_comes_late() -> None:
    fleet = _Fleet("BR-01/fouled_offgas_line@30")
    fleet.run(400)
    oxygen, carbon = fleet.panel.readings[4, 0], fleet.panel.readings[5, 0]
    assert oxygen == pytest.approx(19.0 + 0.3 * (20.95 - 19.0), abs=0.1)
    assert carbon == pytest.approx(1.8 - 0.3 * (1.8 - 0.04), abs=0.1)
    fleet.truth["offgas_CO2"][:] = 3.0
    seen = fleet.run(200)[:, 5]
    assert seen[70, 0] == pytest.approx(carbon, abs=0.05)
    assert seen[70, 1] > 2.8
    assert seen[199, 0] > carbon + 0.5


def test_gas_in_a_fouling_line_never_runs_backwards() -> None:
    fleet = _Fleet("BR-01/fouled_offgas_line@200*2")
    seen = []
    for second in range(500):
        fleet.truth["offgas_CO2"][:] = 1.0 + 0.01 * second
        fleet.step()
        seen.append(fleet.panel.readings[5, 0])
    leak = np.array(seen[330:])
    assert np.diff(leak).min() > -0.05


def test_devices_and_networks_fail_on_the_network_alone() -> None:
    fleet = _Fleet("BR-01/lost_device@5-8", "BR-02/wrong_clock@5*-30", "BR-03/network_trouble@5*0.4")
    fleet.run(6)
    network = fleet.faulting.network
    assert network.silent.tolist() == [True, False, False]
    assert network.clock_s.tolist() == [0.0, -30.0, 0.0]
    assert network.dropped.tolist() == network.late_rows.tolist() == [0.0, 0.0, 0.4]
    assert fleet.disturbed() == {}
    fleet.run(3)
    assert not network.silent.any()


def test_the_same_seed_spikes_alike_whatever_else_goes_wrong() -> None:
    one = _Fleet("BR-01/spiking_probe:DO@30").run(300)[:, 2, 0]
    two = _Fleet("BR-02/spiking_probe:DO@10", "BR-01/spiking_probe:DO@30").run(300)[:, 2, 0]
    assert one.tobytes() == two.tobytes()


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        ("phage@5", "no unit by name; the units are BR-01, BR-02, BR-03"),
        ("BR-07/phage@5", "concerns BR-07"),
        ("BR-01/frozen_probe:weight@5", "weight, which is not measured here"),
    ],
)
def test_a_fault_of_nobody_or_of_nothing_is_refused(fault: str, says: str) -> None:
    with pytest.raises(SettingsError, match=says):
        _Fleet(fault)


def test_a_fault_can_be_added_while_others_are_under_way() -> None:
    planned = ("BR-01/clipped_probe:DO@10", "BR-01/spiking_probe:pH@20", "BR-02/phage@10")
    before, during = _Fleet(*planned, "BR-03/lost_stirrer@60"), _Fleet(*planned)
    seen = during.run(50)
    during.faulting.add(parse("BR-03/lost_stirrer@60"))
    seen = np.concatenate((seen, during.run(50)))
    assert seen.tobytes() == before.run(100).tobytes()
    assert during.disturbed() == before.disturbed()
    with pytest.raises(SettingsError, match="concerns BR-07"):
        during.faulting.add(parse("BR-07/phage@90"))
    assert len(during.faulting.faults) == 4


def test_the_only_unit_needs_no_name() -> None:
    panel = Panel(SIGNALS, [1], {})
    faulting = Faulting([Fault(FaultKind.LOST_STIRRER, 0.0)], ["BR-01"], panel)
    wrong = Disturbances.zeros(1)
    faulting.act(0.0, 1.0, wrong)
    assert wrong.drive_lost[0] == 1.0
