"""Simulator faults: what the whole watch, limits and health and models, makes of each kind of fault.

Fermentations of E. coli at three scales run soundly until the models have their baselines; then each of
twenty twins gets one fault and another none. What the sound twin says, too, does not count as found. It needs
no files.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING

from agents.batch_context import BatchStory
from agents.model_alarms import FROM_MODELS
from agents.state_codec import pack, unpack
from bench._report import Figure, Report
from bench.models._simulated import Play, tell
from simulator.faulting.fault import Fault
from simulator.faulting.kinds import KINDS, Acts, FaultKind
from simulator.faulting.plan import PROBES
from simulator.fleet import Fleet, Reactor
from simulator.sensing.style import PLANT

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bench.models._simulated import Seen, Story
    from simulator.sensing.reporting import Row

NEEDS_DATA = False

SCALES = {"2 L": "2L", "200 L": "200L", "25,000 L": "25000L"}
SEEDS = 30
START_H = 8.0
"""The feed has begun by then, and goes on for hours."""
STEP_S = 10.0
FRAME_STEPS = 3
SOUND_S = 6300.0
"""The slowest baseline, that of the multivariate layer, takes an hour and a half."""
WATCHED_S = 3600.0
ALONE_S = 900.0
"""Where only rules or only models have found a fault, the others have so long to follow."""
BATCH_H = 24.0
KEY = b"a benchmark trusts itself"
SENSOR = frozenset({Acts.PROBE, Acts.ANALYSER})


@dataclass(slots=True)
class Found:
    """What became of the runs with one kind of fault; delays in s after its start."""

    runs: int = 0
    by_rules: list[float] = field(default_factory=list)
    by_models: list[float] = field(default_factory=list)
    leads: list[float] = field(default_factory=list)
    first: list[float] = field(default_factory=list)
    looks: Counter[str] = field(default_factory=Counter)

    def take(self, said: Story, sound: Story, start_s: float) -> None:
        """Count one run; sound is what its sound twin said."""
        self.runs += 1
        rules, models = new(said, sound)
        if rules is not None:
            self.by_rules.append(rules - start_s)
        if models is not None:
            self.by_models.append(models - start_s)
        if rules is not None and models is not None:
            self.leads.append(rules - models)
        if rules is not None or models is not None:
            self.first.append(min(one for one in (rules, models) if one is not None) - start_s)
        self.looks.update(said.looks)


@dataclass(slots=True)
class Sound:
    """What was said of runs in which nothing was wrong."""

    hours: float = 0.0
    alarms: Counter[Seen] = field(default_factory=Counter)
    suspicions: Counter[Seen] = field(default_factory=Counter)


def new(said: Story, sound: Story) -> tuple[float | None, float | None]:
    """When rules (limits, health) and models first said what the sound twin did not; in s of the run."""
    rules = [
        at for seen, at in said.alarms.items() if seen[1] not in FROM_MODELS and seen not in sound.alarms
    ]
    models = [at for seen, at in said.alarms.items() if seen[1] in FROM_MODELS and seen not in sound.alarms]
    models += [at for seen, at in said.suspicions.items() if seen not in sound.suspicions]
    return min(rules, default=None), min(models, default=None)


def fault(kind: FaultKind, seed: int, unit: str) -> Fault:
    """Return the fault of a run, of its usual severity; probes take turns."""
    signal = PROBES[seed % len(PROBES)] if KINDS[kind].acts is Acts.PROBE else None
    return Fault(kind, SOUND_S, signal, unit=unit)


def run(
    vessel: str, seeds: Sequence[int], kinds: Sequence[FaultKind], found: dict[FaultKind, Found], sound: Sound
) -> None:
    """Play one scale: for each seed a sound run, and one with each kind of fault."""
    each = len(kinds) + 1
    reactors = [
        Reactor(f"BR-{seed}-{place}", "e_coli", vessel, seed) for seed in seeds for place in range(each)
    ]
    faults = [
        fault(kind, seed, reactors[block * each + 1 + place].name)
        for block, seed in enumerate(seeds)
        for place, kind in enumerate(kinds)
    ]
    fleet = Fleet(reactors, start_h=START_H, faults=faults, style=PLANT, step_s=STEP_S)
    stories = [BatchStory() for _ in reactors]
    tell(stories, fleet, fleet.happenings())
    twins = range(0, len(reactors), each)
    plays = {unit: Play(stories[unit]) for unit in twins}
    waiting: dict[int, list[Row]] = {unit: [] for unit in range(len(reactors))}
    while fleet.time_s < SOUND_S + WATCHED_S:
        for row in fleet.step().rows():
            waiting[row.unit].append(row)
        tell(stories, fleet, fleet.happenings())
        if round(fleet.time_s / STEP_S) % FRAME_STEPS:
            continue
        for unit in sorted(plays):
            plays[unit].hear(waiting[unit], fleet.time_s)
        for rows in waiting.values():
            rows.clear()
        if fleet.time_s == SOUND_S:
            for unit in twins:
                plays |= _twins(plays[unit], unit, stories[unit + 1 : unit + each])
        _end_of_those_found(plays, each, fleet.time_s)
    for unit in twins:
        told = plays[unit].said
        sound.hours += (SOUND_S + WATCHED_S) / 3600.0
        sound.alarms.update(told.raised)
        sound.suspicions.update(told.began)
        for place, kind in enumerate(kinds, start=1):
            found[kind].take(plays[unit + place].said, told, SOUND_S)


def _twins(sound: Play, unit: int, stories: Sequence[BatchStory]) -> dict[int, Play]:
    """Return, by unit, what goes on as the sound one has gone so far."""
    kept = pack(sound.watch.memory(), KEY)
    return {
        unit + place: Play(story, unpack(kept, KEY), sound.said.copy())
        for place, story in enumerate(stories, start=1)
    }


def _end_of_those_found(plays: dict[int, Play], each: int, time_s: float) -> None:
    """What has been told by both, or by one for a while, need not be played on."""
    for unit, play in plays.items():
        twin = plays[unit - unit % each]
        if play is twin or play.over:
            continue
        told = [at for at in new(play.said, twin.said) if at is not None]
        play.over = len(told) == len(("rules", "models")) or any(time_s - at >= ALONE_S for at in told)


def judge(
    seeds: Sequence[int], scales: Sequence[str], kinds: Sequence[FaultKind]
) -> tuple[dict[FaultKind, Found], Sound]:
    """Play every scale, seed and kind."""
    found, sound = {kind: Found() for kind in kinds}, Sound()
    for vessel in scales:
        run(vessel, seeds, kinds, found, sound)
    return found, sound


def measure(data: Path | None = None) -> Report:
    """Play everything; there are no files to read."""
    del data
    found, sound = judge(range(1, SEEDS + 1), tuple(SCALES.values()), tuple(FaultKind))
    return report(found, sound)


def report(found: dict[FaultKind, Found], sound: Sound) -> Report:
    """Return the table: each kind's detection rate and delay, and what was said of sound batches."""
    runs = sum(one.runs for one in found.values())
    hits = sum(len(one.first) for one in found.values())
    batches = sound.hours / BATCH_H
    alarms, suspicions = sum(sound.alarms.values()), sum(sound.suspicions.values())
    figures = [
        Figure("faults found within an hour", 100.0 * hits / runs, f"% of {runs} runs"),
        Figure("false alarms", alarms / batches, f"a sound batch of {BATCH_H:g} h"),
        Figure("false suspicions of models", suspicions / batches, f"a sound batch of {BATCH_H:g} h"),
    ]
    told = []
    for kind, one in found.items():
        figures.append(Figure(f"{kind}: found", 100.0 * len(one.first) / one.runs, "%"))
        if one.first:
            figures.append(Figure(f"{kind}: delay", median(one.first), "s after its start"))
        told.append(_line(kind, one))
    told += [f"In sound runs: {_most(sound.alarms)} alarmed, {_most(sound.suspicions)} suspected."]
    told.append(
        f"Runs of {WATCHED_S / 3600:g} h after the fault, samples {STEP_S:g} s apart in frames of "
        f"{FRAME_STEPS * STEP_S:g} s; a suspicion counts from its third frame in a row; faults of usual "
        f"severity, probes in turn: {', '.join(PROBES)}. Once rules or models have found a fault the others "
        f"have {ALONE_S / 60:g} min to follow."
    )
    return Report("simulator", tuple(figures), tuple(told))


def _line(kind: FaultKind, one: Found) -> str:
    parts = [
        f"limits and health {_share(one.by_rules, one.runs)}",
        f"models {_share(one.by_models, one.runs)}",
    ]
    if one.leads:
        lead = median(one.leads)
        parts.append(f"models {abs(lead):.0f} s {'before' if lead >= 0.0 else 'after'} them where both")
    if one.looks:
        right = "sensor" if KINDS[kind].acts in SENSOR else "process"
        whole = sum(one.looks.values())
        parts.append(f"first verdict {right} in {100.0 * one.looks[right] / whole:.0f} % of {whole}")
    return f"{kind}: {', '.join(parts)}."


def _share(delays: Sequence[float], runs: int) -> str:
    share = f"{100.0 * len(delays) / runs:.0f} %"
    return f"{share} after {median(delays):.0f} s" if delays else share


def _most(seen: Counter[Seen]) -> str:
    named = ", ".join(f"{' '.join(one)} ({times})" for one, times in seen.most_common(5))
    return named or "nothing"
