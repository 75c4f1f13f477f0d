"""The simulated batches that are drawn: what their instruments showed, and whether their balances closed."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from unittest.mock import patch

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

import simulator.fleet
from analysis.gas_balance import Gas, exchange, mixed, molar_flow
from simulator.faulting.fault import Fault, parse
from simulator.faulting.kinds import FaultKind
from simulator.fleet import Fleet, Reactor
from simulator.physics.holdings import gaps, holdings
from simulator.recipes.recipe import Recipe, recipe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Series = tuple[NDArray[np.float64], NDArray[np.float64]]

STEP_S = 10.0
FAULT_STEP_S = 5.0
FAULTS_AT_H = 9.0
"""Culture hour at which the run of the faults begins."""
FAULT_S, FAULT_RUN_S = 1800.0, 7200.0
NEVER = (FaultKind.CONTAMINATION,)
"""Shown in a culture of its own: a fed E. coli leaves a foreign bacterium no sugar."""
MEDIAN_POINTS = 11
DEMANDING = "e_coli, demanding"
DEMANDING_FEED_G_L_H = 18.0

BATCHES = {
    "e_coli": (Reactor("e_coli", "e_coli", "2L", 1), 28.5, 6),
    "s_cerevisiae": (Reactor("s_cerevisiae", "s_cerevisiae", "2L", 1), 30.0, 6),
    "cho": (Reactor("cho", "cho", "2L_cell", 1), 296.0, 60),
    "p_chrysogenum": (Reactor("p_chrysogenum", "p_chrysogenum", "25000L", 1), 217.0, 60),
}
"""Of each: the reactor, hours that are simulated, and steps between two points of a curve."""
SCALES = ("2L", "200L", "25000L")
SCALE_H = 19.0

WRITTEN = {
    FaultKind.FROZEN_PROBE: "frozen_probe:DO",
    FaultKind.DRIFTING_PROBE: "drifting_probe:DO",
    FaultKind.SPIKING_PROBE: "spiking_probe:offgas_O2",
    FaultKind.CLIPPED_PROBE: "clipped_probe:DO",
    FaultKind.BIASED_PROBE: "biased_probe:pH",
    FaultKind.FAILED_PROBE: "failed_probe:temperature",
}
SEVERITY = {
    FaultKind.DRIFTING_PROBE: "*2",
    FaultKind.WRONG_FEED_RATE: "*1",
    FaultKind.STUCK_COOLING_VALVE: "*0",
}
LASTS_S = {FaultKind.POWER_DIP: 30.0}


@dataclass
class Run:
    """One batch.

    Attributes:
        lines: (hours, reading) of each signal; hours since inoculation, of faults since the run began.
        truth: the same of what was true.
        dots: (hours, result) of each assay.
        phases: (hours at which it began, its name).
        gaps: what each balance misses over what was turned over.
    """

    lines: dict[str, Series]
    truth: dict[str, Series]
    dots: dict[str, Series]
    phases: list[tuple[float, str]]
    gaps: dict[str, float] = field(default_factory=dict)


@dataclass
class _Kept:
    """What is written down while a fleet runs: rows of (N,)."""

    hours: list[float] = field(default_factory=list)
    readings: dict[str, list[NDArray[np.float64]]] = field(default_factory=dict)
    truth: dict[str, list[NDArray[np.float64]]] = field(default_factory=dict)

    def take(self, fleet: Fleet, hours: float) -> None:
        """One row more."""
        self.hours.append(hours)
        for kept, values in ((self.readings, fleet.readings), (self.truth, fleet.truth)):
            for name, row in values.items():
                kept.setdefault(name, []).append(row.copy())

    def of(self, unit: int) -> tuple[dict[str, Series], dict[str, Series]]:
        """(readings, truth) of a unit as series."""
        hours = np.array(self.hours)
        shown, true = (
            {name: (hours, np.array(rows)[:, unit]) for name, rows in kept.items()}
            for kept in (self.readings, self.truth)
        )
        return shown, true


def everything() -> tuple[dict[str, Run], dict[str, Run], dict[str, Run]]:
    """(a batch of each organism, the demanding E. coli at each scale, each fault and `sound`)."""
    with ProcessPoolExecutor() as pool:
        batches = {name: pool.submit(_batch, *plan) for name, plan in BATCHES.items()}
        scales, faults = pool.submit(_scales), pool.submit(_faults)
        return {name: run.result() for name, run in batches.items()}, scales.result(), faults.result()


def _batch(reactor: Reactor, lasts_h: float, every: int) -> Run:
    (run,) = _cultivate([reactor], lasts_h, every).values()
    return run


def _scales() -> dict[str, Run]:
    with patch.object(simulator.fleet, "recipe", _shelf):
        return _cultivate([Reactor(hull, DEMANDING, hull, 1) for hull in SCALES], SCALE_H, 6)


def _shelf(name: str) -> Recipe:
    """The recipe of that name; the demanding one is fed until a vessel can no more."""
    if name != DEMANDING:
        return recipe(name)
    made = recipe("e_coli")
    hungry = {"growth_per_h": 0.25, "most_g_l_h": DEMANDING_FEED_G_L_H}
    phases = tuple(
        phase.model_copy(update={"feed": phase.feed.model_copy(update=hungry)})
        if phase.name == "feed"
        else phase
        for phase in made.phases
    )
    return made.model_copy(update={"phases": phases})


def _cultivate(reactors: Sequence[Reactor], lasts_h: float, every: int) -> dict[str, Run]:
    fleet, kept = Fleet(reactors, step_s=STEP_S), _Kept()
    before = holdings(fleet.process, fleet.state)
    for step in range(1, round(lasts_h * 3600.0 / STEP_S) + 1):
        fleet.step()
        if step % every == 0:
            kept.take(fleet, step * STEP_S / 3600.0)
    missing = gaps(before, holdings(fleet.process, fleet.state), fleet.ledger)
    happenings = fleet.happenings(to_come=True)
    runs = {}
    for unit, reactor in enumerate(reactors):
        found: dict[str, list[tuple[float, float]]] = {}
        phases = []
        for one in (each for each in happenings if each.unit == unit):
            hours = one.time_s / 3600.0
            if one.event in {"start", "phase", "end"}:
                phases.append((hours, one.phase or "end"))
            for name, value in one.results.items():
                found.setdefault(name, []).append((hours, value))
        shown, true = kept.of(unit)
        dots = {}
        for name, results in found.items():
            times, values = np.array(sorted(results)).T
            dots[name] = (times, values)
        run = Run(shown | breathing(shown), true, dots, sorted(phases))
        run.gaps = {name: abs(float(gap[unit])) for name, gap in missing.items()}
        runs[reactor.name] = run
    return runs


def breathing(shown: dict[str, Series]) -> dict[str, Series]:
    """OUR, CER and RQ as the balance of inert gas gives them from these readings; RQ above 3 mmol/L/h."""
    hours = shown["air_flow"][0]
    flows = [shown[name][1] for name in ("air_flow", "O2_flow", "N2_flow", "CO2_flow")]
    air, oxygen, nitrogen, acid = (np.where(flow > 0.005 * sum(flows), flow, 0.0) for flow in flows)
    whole, inlet = mixed(air, oxygen, nitrogen, acid)
    outlet = Gas(shown["offgas_O2"][1] / 100.0, shown["offgas_CO2"][1] / 100.0)
    found = exchange(molar_flow(whole), inlet, outlet, shown["volume"][1])
    our, cer = (_smooth(rate) for rate in (found.our, found.cer))
    rq = np.where(our > 3.0, cer / np.where(our > 3.0, our, 1.0), np.nan)
    return {"OUR": (hours, our), "CER": (hours, cer), "RQ": (hours, rq)}


def _smooth(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Running median, as the analyser answers later than the gas changes."""
    half = MEDIAN_POINTS // 2
    padded = np.pad(values, half, mode="edge")
    smooth: NDArray[np.float64] = np.median(sliding_window_view(padded, MEDIAN_POINTS), axis=1)
    return smooth


def _faults() -> dict[str, Run]:
    """An E. coli fed-batch for every fault, and sound; all of one seed, so that only the fault differs."""
    kinds = [kind for kind in FaultKind if kind not in NEVER]
    runs = _faulty(kinds, ("e_coli", "2L"), FAULTS_AT_H, FAULT_RUN_S, FAULT_STEP_S)
    return runs | _faulty(list(NEVER), ("cho", "2L_cell"), 0.0, 20.0 * 3600.0, STEP_S)


def _faulty(
    kinds: Sequence[FaultKind], culture: tuple[str, str], start_h: float, lasts_s: float, step_s: float
) -> dict[str, Run]:
    sound = "sound" if len(kinds) > 1 else f"without {kinds[0]}"
    names = [sound, *kinds]
    reactors = [Reactor(str(name), *culture, 4) for name in names]
    fleet = Fleet(reactors, start_h=start_h, faults=[_fault(kind) for kind in kinds], step_s=step_s)
    kept, clocks, counts = _Kept(), [], []
    for step in range(1, round(lasts_s / step_s) + 1):
        report = fleet.step()
        kept.take(fleet, step * step_s / 3600.0)
        clocks.append(report.device_time_s - fleet.time_s)
        counts.append(report.sent.mean(axis=0) * (report.delay_s == 0.0))
    runs = {}
    for unit, name in enumerate(names):
        shown, true = kept.of(unit)
        hours = np.array(kept.hours)
        shown["clock"] = (hours, np.array(clocks)[:, unit])
        shown["arriving"] = (hours, 100.0 * np.array(counts)[:, unit])
        if name == FaultKind.FAILED_PROBE:
            shown["temperature"] = (
                hours,
                np.where(hours * 3600.0 > FAULT_S, np.nan, shown["temperature"][1]),
            )
        if name in {FaultKind.LOST_DEVICE, FaultKind.NETWORK_TROUBLE}:
            shown["DO"] = (hours, np.where(shown["arriving"][1] > 0.0, shown["DO"][1], np.nan))
        runs[str(name)] = Run(shown, true, {}, [])
    return runs


def _fault(kind: FaultKind) -> Fault:
    end_s = f"-{FAULT_S + LASTS_S[kind]:g}" if kind in LASTS_S else ""
    return parse(f"{kind}/{WRITTEN.get(kind, kind)}@{FAULT_S:g}{end_s}{SEVERITY.get(kind, '')}")
