"""A fleet of bioreactors: process, instruments, control, operators, faults and devices, advanced together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from schemas.errors import SettingsError
from schemas.signals import DICTIONARY
from simulator.controllers.controllers import Controllers
from simulator.faulting.faulting import Faulting
from simulator.faulting.truth import Truth, truths
from simulator.happenings import Happening, Happenings
from simulator.organisms.organism import organism
from simulator.physics.process import Process
from simulator.physics.state import Actuators, Disturbances, Flux, Ledger, Species
from simulator.physics.true_signals import assay_truth, true_signals
from simulator.recipes.recipe import recipe
from simulator.sampling.samples import Sampling
from simulator.sensing.full_scale import full_scales
from simulator.sensing.instrument import instruments
from simulator.sensing.panel import Panel
from simulator.sensing.reporting import Reporter
from simulator.sensing.style import CLEAN
from simulator.variation import as_it_turned_out
from simulator.vessels.vessel import vessel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from simulator.faulting.fault import Fault
    from simulator.physics.state import Floats
    from simulator.sensing.reporting import Report
    from simulator.sensing.style import Style

SECONDS_PER_H = 3600.0
LONGEST_STEP_S = 10.0
GROWING_STEP_S = 10.0
"""Step in which a culture is grown to the hour at which the run begins; 1 s gives the same to 0.2 %."""
SETTLING_S = 120.0
"""Of it in steps of the run, so that probes and controllers stand where they would."""

HIDDEN_UCUM: Mapping[str, str] = MappingProxyType(
    {
        "kLa": "h-1",
        "kLa_lower_zone": "h-1",
        "growth_rate": "h-1",
        "substrate_uptake": "g.L-1.h-1",
        "metabolic_heat": "W",
        "contaminant": "g.L-1",
    }
)
"""Units of hidden truths that are no signals of the dictionary."""


@dataclass(frozen=True, slots=True)
class Reactor:
    """One bioreactor of a fleet: its name, what runs in it, and where.

    Attributes:
        recipe: name of a recipe.
        vessel: name of a vessel.
        seed: of its batch-to-batch differences, instruments, operators and noise.
    """

    name: str
    recipe: str = "e_coli"
    vessel: str = "2L"
    seed: int = 1


class Fleet:
    """N bioreactors; the same arguments give the same numbers, whatever else is in the fleet.

    Step k covers the seconds from (k - 1) to k times `step_s`: a fault that starts at 20 s first shows in
    what is sent at 21 s.

    Args:
        reactors: at least one, each name once.
        start_h: culture hour at which the run begins; what lies before is grown quickly.
        faults: what goes wrong, in seconds of the run.
        style: how the devices report.
        step_s: 1 to 10 s.
        told: hears how much of the growing is done, 0 to 1.

    Attributes:
        time_s: seconds of the run that have passed.
        signals: of the dictionary, that some unit measures.
        truth: (N,) of each signal after the last step; NaN where a unit has no such instrument.
        readings: what the instruments showed then.

    Raises:
        SettingsError: a name twice, an unknown recipe or vessel, a fault that cannot be, or a wrong step.
    """

    def __init__(
        self,
        reactors: Sequence[Reactor],
        *,
        start_h: float = 0.0,
        faults: Iterable[Fault] = (),
        style: Style = CLEAN,
        step_s: float = 1.0,
        told: Callable[[float], None] | None = None,
    ) -> None:
        _check(reactors, start_h, step_s)
        self.reactors = tuple(reactors)
        self.step_s = step_s
        self.time_s = 0.0
        self._style = style
        self._steps = 0
        recipes = [recipe(one.recipe) for one in reactors]
        vessels = [vessel(one.vessel) for one in reactors]
        seeds = [one.seed for one in reactors]
        working_l = np.array([one.working_l for one in vessels])
        batches = [
            as_it_turned_out(organism(one.organism), one.medium, hull, seed)
            for one, hull, seed in zip(recipes, vessels, seeds, strict=True)
        ]
        self.process = Process(*zip(*batches, strict=True))
        self.state = self.process.start()
        self.ledger = Ledger.zeros(len(reactors))
        self.flux = Flux.zeros(len(reactors))
        self.controllers = Controllers(recipes, vessels, seeds)
        self._sampling = Sampling(recipes, working_l, seeds)
        self._happenings = Happenings()
        self._set_to = Actuators.zeros(len(reactors))
        self._wrong = Disturbances.zeros(len(reactors))
        self._panel = Panel(tuple(instruments()), seeds, full_scales(vessels))
        self._reporter = Reporter(self._panel, seeds, style)
        self._faulting = Faulting((), self._names, self._panel, seeds[0])
        self.truth: Mapping[str, Floats] = {}
        self.readings: Mapping[str, Floats] = {}
        self._grow(start_h * SECONDS_PER_H, told)
        self._faulting = Faulting(tuple(faults), self._names, self._panel, seeds[0])
        measured = [name for name, values in self.truth.items() if not np.isnan(values).all()]
        self.signals = tuple(name for name in self._panel.signals if name in measured)

    @property
    def _names(self) -> list[str]:
        return [one.name for one in self.reactors]

    @property
    def faults(self) -> tuple[Fault, ...]:
        """All that goes wrong in this run, as far as it is known."""
        return self._faulting.faults

    @property
    def hours(self) -> Floats:
        """(N,) since inoculation."""
        return self.state.hours

    @property
    def over(self) -> bool:
        """True once every batch has ended."""
        return bool(self.controllers.schedule.over.all())

    def measured(self, unit: int) -> tuple[str, ...]:
        """The signals that a unit measures."""
        return tuple(name for name in self.signals if not np.isnan(self.truth[name][unit]))

    def step(self) -> Report:
        """Move on by one step; what the devices send at its end."""
        self._faulting.act(self.time_s, self.step_s, self._wrong)
        self._advance(self.step_s)
        self._steps += 1
        self.time_s = self._steps * self.step_s
        return self._reporter.report(self.time_s, self.step_s, self._faulting.network)

    def hidden(self) -> dict[str, Floats]:
        """(N,) of what no probe shows: cells, what they eat and make, and their rates; units as of `ucum`.

        0 where an organism has no such thing, as ethanol for E. coli.
        """
        flux = self.flux
        rates = {
            "OUR": flux.our,
            "CER": flux.cer,
            "OTR": flux.otr,
            "CTR": flux.ctr,
            "kLa": flux.kla_per_h,
            "kLa_lower_zone": flux.kla_lower_per_h,
            "growth_rate": flux.growth_per_h,
            "substrate_uptake": flux.substrate_g_l_h,
            "metabolic_heat": flux.metabolism_w,
            "contaminant": self.state.broth[Species.CONTAMINANT].mean(axis=0),
        }
        found = assay_truth(self.process, self.state)
        return {name: values for name, values in found.items() if name not in self.signals} | rates

    def inject(self, fault: Fault) -> Truth:
        """Let something go wrong that was not planned; returns the truth about it.

        Raises:
            SettingsError: it cannot be, or would have begun before now.
        """
        if fault.start_s < self.time_s:
            raise SettingsError(
                f"The fault {fault} would have begun before now (second {self.time_s:g} of the run)."
            )
        self._faulting.add(fault)
        return truths([fault], measured=self.signals)[0]

    def truths(self, origin_us: int | None = None) -> tuple[Truth, ...]:
        """What really goes wrong in this run, and when; `origin_us` is the time of its second 0."""
        named = [
            fault if fault.unit is not None else replace(fault, unit=self._names[0]) for fault in self.faults
        ]
        return truths(named, origin_us, self.signals)

    def batch(self, unit: int, origin_us: int) -> str:
        """Name of the unit's batch: unit and time of inoculation (UTC), for a run whose second 0 is then."""
        moment = datetime.fromtimestamp(origin_us / 1e6 - self._grown_s, UTC)
        return f"{self.reactors[unit].name}-{moment:%Y%m%dT%H%M%SZ}"

    def happenings(self, *, to_come: bool = False) -> list[Happening]:
        """What happened to the batches since this was last asked, in the order in which it became known.

        With `to_come` also what the laboratory has yet to find in the samples that it has.
        """
        if to_come:
            self._happenings.pass_time(np.inf)
        return self._happenings.take()

    def _grow(self, span_s: float, told: Callable[[float], None] | None) -> None:
        """Let the cultures grow for about `span_s`, quickly at first; the run begins then."""
        settling_s = min(span_s, SETTLING_S)
        quick = int((span_s - settling_s) / GROWING_STEP_S)
        steps_s = [GROWING_STEP_S] * quick
        steps_s += [self.step_s] * round((span_s - quick * GROWING_STEP_S) / self.step_s)
        self._grown_s = sum(steps_s)
        self.time_s = -self._grown_s
        # Control comes first, so that set points stand before they are read.
        self._control({}, self.step_s)
        self._measure(self.step_s)
        for number, dt_s in enumerate(steps_s):
            self._advance(dt_s)
            if told is not None and number % 100 == 0:
                told(number / len(steps_s))
        self.time_s = 0.0

    def _advance(self, dt_s: float) -> None:
        self.flux = self.process.advance(self.state, self._set_to, self._wrong, dt_s, self.ledger)
        self.time_s += dt_s
        self._measure(dt_s)
        self._control(self.readings, dt_s)

    def _measure(self, dt_s: float) -> None:
        truth = true_signals(self.process, self.state, self._set_to, self.flux, self.ledger)
        truth |= self.controllers.setpoints()
        truth |= self.controllers.outputs()
        self.truth = truth
        self.readings = self._panel.read(truth, dt_s, self._faulting.overlays)

    def _control(self, readings: Mapping[str, Floats], dt_s: float) -> None:
        hours = self.state.hours
        known = self._sampling.known(hours)
        changes = self.controllers.act({**readings, **known}, hours, dt_s, self._set_to)
        for change in changes:
            self._happenings.changed(change, self.time_s)
        found = assay_truth(self.process, self.state)
        for sample in self._sampling.draw(self.controllers.schedule, hours, found, self._set_to):
            self._happenings.sampled(sample, self.time_s)
        self._happenings.pass_time(self.time_s)


def ucum(signals: Iterable[str]) -> dict[str, str]:
    """UCUM unit of each signal and hidden truth: that of the dictionary where it is there."""
    return {name: DICTIONARY[name].unit if name in DICTIONARY else HIDDEN_UCUM[name] for name in signals}


def _check(reactors: Sequence[Reactor], start_h: float, step_s: float) -> None:
    names = [one.name for one in reactors]
    twice = sorted({name for name in names if names.count(name) > 1})
    if not names or twice:
        raise SettingsError(f"A fleet names each bioreactor once; {', '.join(twice) or 'none'} is not that.")
    if start_h < 0.0:
        raise SettingsError(f"A culture begins at hour 0, not at {start_h:g}.")
    if not 1.0 <= step_s <= LONGEST_STEP_S:
        raise SettingsError(f"A step is 1 to {LONGEST_STEP_S:g} s long, not {step_s:g}.")
