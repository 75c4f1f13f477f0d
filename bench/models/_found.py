"""What became of simulated runs, as a table: faults by kind, and false alarms of sound batches."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from statistics import median, quantiles
from typing import TYPE_CHECKING

from bench._report import Figure, Report
from simulator.faulting.kinds import KINDS, Acts, FaultKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bench.models._simulated import Raised

DAY_H = 24.0
SENSOR = frozenset({Acts.PROBE, Acts.ANALYSER})
MOST_NAMED = 12


@dataclass(frozen=True, slots=True)
class Run:
    """One run: what went wrong in it (None: nothing), and what was raised that its sound twin does not raise.

    hours: for how long it was watched. whole: a batch from inoculation to harvest.
    """

    kind: FaultKind | None
    vessel: str
    seed: int
    hours: float
    raised: tuple[Raised, ...]
    whole: bool = False

    @property
    def by_rules(self) -> float | None:
        """When limits or health found the fault, in s after its start."""
        return min((one.at_s for one in self.raised if not one.from_models), default=None)

    @property
    def by_models(self) -> float | None:
        """When models found the fault, in s after its start."""
        return min((one.at_s for one in self.raised if one.from_models), default=None)


def report(runs: Sequence[Run], how: str) -> Report:
    """Return the table: each kind's detection rate and delay, and what was raised of sound batches."""
    faulty = [run for run in runs if run.kind is not None]
    kinds = [kind for kind in FaultKind if any(run.kind is kind for run in faulty)]
    figures, told = [], []
    if faulty:
        hits = sum(bool(run.raised) for run in faulty)
        figures.append(
            Figure("faults found within an hour", 100.0 * hits / len(faulty), f"% of {len(faulty)} runs")
        )
    for name, whole in (("whole sound batches", True), ("hours of feed without a fault", False)):
        sound = [run for run in runs if run.kind is None and run.whole is whole]
        if sound:
            figures += _false_alarms(sound, name)
            told.append(_sound_line(sound, name))
    for kind in kinds:
        of_kind = [run for run in faulty if run.kind is kind]
        figures += _found(kind, of_kind)
        told.append(_line(kind, of_kind))
    return Report("simulator", tuple(figures), (*told, how))


def _false_alarms(sound: Sequence[Run], name: str) -> list[Figure]:
    days = sum(run.hours for run in sound) / DAY_H
    alarms = [one for run in sound for one in run.raised]
    silent = sum(not run.raised for run in sound)
    return [
        Figure(f"{name}: false alarms", len(alarms) / days, f"a batch-day, over {days:.1f}"),
        Figure(f"{name}: of models", sum(one.from_models for one in alarms) / days, "a batch-day"),
        Figure(f"{name}: silent", 100.0 * silent / len(sound), f"% of {len(sound)}"),
    ]


def _sound_line(sound: Sequence[Run], name: str) -> str:
    seen = Counter(
        (one.layer, one.signal, one.condition, one.blamed, one.phase or "")
        for run in sound
        for one in run.raised
    )
    parts = []
    for (layer, signal, condition, blamed, phase), times in seen.most_common(MOST_NAMED):
        by = "" if blamed == signal else f" by {blamed}"
        parts.append(f"{layer}: {signal} {condition}{by} in {phase or 'no phase'} ({times})")
    return f"Raised in {name}: {'; '.join(parts) or 'nothing'}."


def _found(kind: FaultKind, runs: Sequence[Run]) -> list[Figure]:
    delays = [run.raised[0].at_s for run in runs if run.raised]
    figures = [Figure(f"{kind}: found", 100.0 * len(delays) / len(runs), "%")]
    if delays:
        figures.append(Figure(f"{kind}: delay, median", median(delays), "s after its start"))
        figures.append(Figure(f"{kind}: delay, 90 %", _most(delays), "s after its start"))
    return figures


def _most(delays: Sequence[float]) -> float:
    """Within which nine in ten of those found were found."""
    return quantiles(delays, n=10, method="inclusive")[-1] if len(delays) > 1 else delays[0]


def _line(kind: FaultKind, runs: Sequence[Run]) -> str:
    rules = [run.by_rules for run in runs if run.by_rules is not None]
    models = [run.by_models for run in runs if run.by_models is not None]
    parts = [f"limits and health {_share(rules, len(runs))}", f"models {_share(models, len(runs))}"]
    leads = [
        run.by_rules - run.by_models for run in runs if run.by_rules is not None and run.by_models is not None
    ]
    if leads:
        lead = median(leads)
        parts.append(f"models {abs(lead):.0f} s {'before' if lead >= 0.0 else 'after'} them where both")
    parts.append(f"first by {_counted(run.raised[0].layer for run in runs if run.raised)}")
    verdicts = [_verdict(run) for run in runs if run.by_models is not None]
    if verdicts and KINDS[kind].acts is not Acts.DEVICE:
        right = "sensor" if KINDS[kind].acts in SENSOR else "process"
        share = 100.0 * verdicts.count(right) / len(verdicts)
        parts.append(f"taken for {right} in {share:.0f} % of them ({_counted(verdicts)})")
    alarms = sum(len(run.raised) for run in runs)
    parts.append(f"{alarms / len(runs):.1f} alarms a run")
    return f"{kind}: {', '.join(parts)}."


def _verdict(run: Run) -> str:
    """What it was taken for when models raised their first alarm."""
    first = next(one for one in run.raised if one.from_models)
    return first.looks_like or "unknown"


def _counted(names: Iterable[str]) -> str:
    return ", ".join(f"{name} {times}" for name, times in Counter(names).most_common()) or "none"


def _share(delays: Sequence[float], runs: int) -> str:
    share = f"{100.0 * len(delays) / runs:.0f} %"
    return f"{share} after {median(delays):.0f} s" if delays else share
