"""Each fault shows in a whole run, where an engineer would name it, and nowhere before.

One fleet holds the same fed-batch many times over: the first reactor is sound, each other has one fault. As
they share a seed, all that differs between them is what the fault has done.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pytest

from schemas.status import Status
from simulator.controllers.controllers import Controllers
from simulator.faulting.fault import Fault, parse
from simulator.faulting.faulting import Faulting
from simulator.faulting.kinds import KINDS, Acts, FaultKind
from simulator.faulting.truth import truths
from simulator.organisms.organism import organism
from simulator.physics.process import Process
from simulator.physics.state import Actuators, Disturbances, Ledger
from simulator.physics.true_signals import true_signals
from simulator.recipes.recipe import recipe
from simulator.sensing.full_scale import full_scales
from simulator.sensing.instrument import instruments
from simulator.sensing.panel import Panel
from simulator.sensing.reporting import Reporter
from simulator.sensing.style import CLEAN
from simulator.vessels.vessel import vessel

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulator.sensing.reporting import Report


BEGINS_S = 300.0
GROWING_STEP_S = 10.0
SEEN = 0.25
"""Share of a gross error from which a difference is called seen."""

SLACK_S = 180.0
"""A signal that moves so little later is as early."""

WRITTEN = {
    "frozen_probe": "frozen_probe:DO@300",
    "drifting_probe": "drifting_probe:DO_2@300*2",
    "spiking_probe": "spiking_probe:offgas_O2@300",
    "clipped_probe": "clipped_probe:DO@300",
    "biased_probe": "biased_probe:pH@300",
    "failed_probe": "failed_probe:temperature@300",
    "wrong_feed_rate": "wrong_feed_rate@300*1",
    "stuck_cooling_valve": "stuck_cooling_valve@300*0",
    "power_dip": "power_dip@300-330",
}

SHOWN = {
    "fouled_offgas_line": (60, {"offgas_CO2": -1, "offgas_O2": 1}),
    "stopped_feed": (300, {"feed_rate": -1, "DO": 1, "agitation": -1, "offgas_O2": 1, "offgas_CO2": -1}),
    "wrong_feed_rate": (300, {"feed_rate": 1, "DO": -1, "agitation": 1, "offgas_O2": -1, "offgas_CO2": 1}),
    "lost_stirrer": (60, {"agitation": -1, "torque": -1, "power": -1, "DO": -1, "offgas_CO2": -1}),
    "phage": (1800, {"OD": -1, "capacitance": -1, "agitation": -1, "offgas_CO2": -1, "offgas_O2": 1}),
    "foam_out": (2400, {"foam": 1, "antifoam_pump": 1, "pressure": 1, "offgas_flow": -1}),
    "stuck_gas_valve": (120, {"gas_flow": -1, "DO": -1, "agitation": 1, "offgas_CO2": 1, "offgas_O2": -1}),
    "stuck_cooling_valve": (120, {"jacket_flow": 1, "heater_power": 1, "temperature": -1}),
    "empty_base": (1800, {"base_pump": 1, "base_rate": -1, "pH": -1, "pH_2": -1}),
    "power_dip": (60, {"agitation": -1, "gas_flow": -1, "feed_rate": -1, "DO": -1}),
    "contamination": (4 * 3600, {"DO": -1, "offgas_CO2": -1, "base_rate": 1}),
}
"""Within how many seconds each fault is seen in all these signals, and whether they rise or fall first."""


@dataclass(frozen=True)
class _Run:
    """Readings, (T, S, N), and reports of all reactors; row 0 is the end of a step; unit 0 is sound."""

    step_s: float
    units: tuple[str, ...]
    panel: Panel
    readings: np.ndarray
    reports: tuple[Report, ...]

    def difference(self, kind: FaultKind, signal: str) -> np.ndarray:
        """(T,) what the fault has changed, in gross errors of the signal's instrument."""
        row = self.panel.row[signal]
        changed: np.ndarray = self.readings[:, row, self.units.index(kind)] - self.readings[:, row, 0]
        return changed / float(self.panel.gross_error[row, 0])

    def seen_s(self, kind: FaultKind, signal: str) -> float:
        """Seconds after which the fault is seen in the signal; infinite for never."""
        far = np.flatnonzero(np.abs(self.difference(kind, signal)) > SEEN)
        return float(self.step_s * (far[0] + 1.0) - BEGINS_S) if far.size else np.inf

    def before(self) -> np.ndarray:
        """The readings before anything goes wrong."""
        return self.readings[: int(BEGINS_S / self.step_s)]

    def of(self, kind: FaultKind) -> np.ndarray:
        """(T, S) readings of the reactor with this fault."""
        return self.readings[:, :, self.units.index(kind)]


def _fault(kind: FaultKind) -> Fault:
    return parse(f"{kind}/{WRITTEN.get(kind, f'{kind}@300')}")


def _cultivate(
    names: tuple[str, str], faults: list[Fault], units: list[str], span_h: tuple[float, float], step_s: float
) -> _Run:
    """A culture, named by recipe and vessel, once a unit, over a span of hours after inoculation."""
    start_s, lasts_s = span_h[0] * 3600.0, (span_h[1] - span_h[0]) * 3600.0
    count = len(units)
    made, hull, seeds = recipe(names[0]), vessel(names[1]), [4] * count
    process = Process([organism(made.organism)] * count, [hull] * count, [made.medium] * count)
    state, set_to = process.start(), Actuators.zeros(count)
    ledger, wrong = Ledger.zeros(count), Disturbances.zeros(count)
    controllers = Controllers([made] * count, [hull] * count, seeds)
    panel = Panel(tuple(instruments()), seeds, full_scales([hull] * count))
    reporter = Reporter(panel, seeds, CLEAN)
    faulting = Faulting(faults, units, panel)
    readings: dict[str, np.ndarray] = {}
    seen, reports = [], []
    for step in range(-int(start_s / GROWING_STEP_S), int(lasts_s / step_s)):
        dt_s = step_s if step >= 0 else GROWING_STEP_S
        controllers.act(readings, state.hours, dt_s, set_to)
        if step >= 0:
            faulting.act(step * step_s, step_s, wrong)
        flux = process.advance(state, set_to, wrong, dt_s, ledger)
        truth = true_signals(process, state, set_to, flux, ledger)
        truth |= controllers.setpoints() | controllers.outputs()
        readings = panel.read(truth, dt_s, faulting.overlays)
        if step >= 0:
            seen.append(panel.readings)
            reports.append(reporter.report((step + 1) * step_s, step_s, faulting.network))
    return _Run(step_s, tuple(units), panel, np.array(seen), tuple(reports))


@cache
def _run() -> _Run:
    """A fed-batch of E. coli in its ninth hour, with every kind of fault."""
    kinds = [str(kind) for kind in FaultKind]
    faults = [_fault(kind) for kind in FaultKind]
    return _cultivate(("e_coli", "2L"), faults, ["sound", *kinds], (9.0, 10.0), 5.0)


@cache
def _contaminated() -> _Run:
    """CHO cells from inoculation, and the same with a bacterium among them."""
    faults = [parse("contamination/contamination@300*0.002")]
    return _cultivate(("cho", "2L_cell"), faults, ["sound", "contamination"], (0.0, 4.5), 10.0)


def _shows(kind: FaultKind) -> _Run:
    return _contaminated() if kind is FaultKind.CONTAMINATION else _run()


@pytest.mark.parametrize("run", [_run, _contaminated])
def test_before_it_begins_no_fault_has_changed_a_bit(run: Callable[[], _Run]) -> None:
    before = run().before()
    assert np.array_equal(before, np.broadcast_to(before[:, :, :1], before.shape), equal_nan=True)


@pytest.mark.parametrize("kind", [FaultKind(name) for name in SHOWN])
def test_a_fault_is_seen_in_time_where_an_engineer_would_name_it(kind: FaultKind) -> None:
    run = _shows(kind)
    within_s, signals = SHOWN[kind]
    for signal, sign in signals.items():
        assert run.seen_s(kind, signal) <= within_s, signal
        moved = run.difference(kind, signal)
        first = moved[np.flatnonzero(np.abs(moved) > SEEN)[0]]
        assert np.sign(first) == sign, signal


@pytest.mark.parametrize("kind", [FaultKind(name) for name in SHOWN])
def test_it_shows_first_in_the_signals_that_its_truth_names(kind: FaultKind) -> None:
    run = _shows(kind)
    (truth,) = truths([parse(f"{kind}@300")], measured=run.panel.signals)
    assert truth.signals == KINDS[kind].signals
    named = [run.seen_s(kind, name) for name in truth.signals]
    others = [run.seen_s(kind, name) for name in run.panel.signals if name not in truth.signals]
    assert max(named) <= SHOWN[kind][0]
    assert min(named) <= min(others) + SLACK_S


@pytest.mark.parametrize("kind", [kind for kind in FaultKind if KINDS[kind].acts is Acts.DEVICE])
def test_a_fault_of_the_device_leaves_culture_and_instruments_alone(kind: FaultKind) -> None:
    run = _run()
    assert np.array_equal(run.of(kind), run.readings[:, :, 0], equal_nan=True)


def test_a_fouled_line_leaves_the_culture_alone() -> None:
    run, rows = _run(), [_run().panel.row[name] for name in ("offgas_O2", "offgas_CO2")]
    untouched = np.delete(run.of(FaultKind.FOULED_OFFGAS_LINE), rows, axis=1)
    assert np.array_equal(untouched, np.delete(run.readings[:, :, 0], rows, axis=1), equal_nan=True)


def test_a_biased_ph_probe_stays_at_its_set_point_and_carries_the_truth_off() -> None:
    run = _run()
    last = slice(-120, None)
    assert abs(run.difference(FaultKind.BIASED_PROBE, "pH")[last].mean()) < 0.3
    assert run.difference(FaultKind.BIASED_PROBE, "pH_2")[last].mean() == pytest.approx(-1.0, abs=0.3)
    assert run.seen_s(FaultKind.BIASED_PROBE, "acid_pump") <= 60.0


def test_a_frozen_oxygen_probe_stands_still_while_a_second_one_shows_the_truth_running_off() -> None:
    run = _run()
    began = int(BEGINS_S / run.step_s)
    assert len(set(run.of(FaultKind.FROZEN_PROBE)[began:, run.panel.row["DO"]].tolist())) == 1
    assert run.seen_s(FaultKind.FROZEN_PROBE, "DO_2") < 3600.0


def test_a_clipped_oxygen_probe_drives_its_controller_to_the_stop() -> None:
    run = _run()
    assert run.seen_s(FaultKind.CLIPPED_PROBE, "agitation") <= 60.0
    assert run.difference(FaultKind.CLIPPED_PROBE, "DO_2")[-1] > 2.0


def test_a_drifting_second_probe_leaves_the_first_one() -> None:
    run = _run()
    assert run.difference(FaultKind.DRIFTING_PROBE, "DO_2")[-1] == pytest.approx(2.0 * 3300 / 3600, rel=0.01)
    assert not run.difference(FaultKind.DRIFTING_PROBE, "DO").any()


def test_a_failed_probe_is_reported_bad_and_without_value() -> None:
    run = _run()
    row, unit = run.panel.row["temperature"], run.units.index("failed_probe")
    last = run.reports[-1]
    assert last.status[row, unit] == Status.BAD_SENSOR_FAILURE
    assert np.isnan(last.values[row, unit])
    assert np.isfinite(run.of(FaultKind.FAILED_PROBE)[-1, row])


def test_a_lost_device_is_silent_a_wrong_clock_ahead_and_a_troubled_network_loses_a_fifth() -> None:
    run = _run()
    lost, clock, trouble = (
        run.units.index(name) for name in ("lost_device", "wrong_clock", "network_trouble")
    )
    began = int(BEGINS_S / run.step_s)
    sent = np.array([report.sent for report in run.reports])
    assert sent[:began, :, lost].any(axis=1).all()
    assert not sent[began:, :, lost].any()
    ahead = [report.device_time_s[clock] - report.device_time_s[0] for report in run.reports]
    assert ahead == [0.0] * began + [120.0] * (len(ahead) - began)
    share = sent[began:, :, trouble].sum() / sent[began:, :, 0].sum()
    assert share == pytest.approx(0.8, abs=0.01)


def test_without_stirrer_a_dense_broth_stays_without_oxygen_and_is_not_fed() -> None:
    run = _run()
    later = run.of(FaultKind.LOST_STIRRER)[-480:]
    assert later[:, run.panel.row["DO"]].max() < 3.0
    assert later[:, run.panel.row["feed_rate"]].max() < 0.05 * run.readings[-1, run.panel.row["feed_rate"], 0]


def test_behind_a_clogged_filter_the_exhaust_flow_falls_while_gas_comes_in() -> None:
    run = _run()
    last = run.of(FaultKind.FOAM_OUT)[-1]
    assert last[run.panel.row["offgas_flow"]] < 0.2 * last[run.panel.row["gas_flow"]]


def test_a_power_dip_passes() -> None:
    run = _run()
    last = slice(-240, None)
    for signal in ("agitation", "gas_flow", "DO", "feed_rate"):
        assert abs(run.difference(FaultKind.POWER_DIP, signal)[last].mean()) < SEEN
