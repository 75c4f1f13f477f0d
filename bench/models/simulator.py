"""Simulator faults: what the whole watch makes of each kind of fault, and of sound batches.

Fermentations of E. coli at three scales run soundly until the models have their baselines; then each of
twenty twins gets one fault and another none. An alarm that the sound twin raises, too, does not count as
found. Whole sound batches are played besides. Only what watch raises as an alarm counts. It needs no files.

Seeds 1 to 30 are reported; rules and recipes were chosen on seeds from 1000 on.
"""

from __future__ import annotations

import os
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import partial
from math import inf
from time import monotonic
from typing import TYPE_CHECKING

from agents.batch_context import BatchStory
from agents.state_codec import pack, unpack
from bench.models._found import Run, report
from bench.models._simulated import Play, tell
from simulator.faulting.fault import Fault
from simulator.faulting.kinds import KINDS, Acts, FaultKind
from simulator.faulting.plan import PROBES
from simulator.fleet import Fleet, Reactor
from simulator.sensing.style import PLANT

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from bench._report import Report
    from bench.models._simulated import Raised, Seen
    from simulator.sensing.reporting import Row

NEEDS_DATA = False

SCALES = {"2 L": "2L", "200 L": "200L", "25,000 L": "25000L"}
SEEDS = 30
WHOLE_SEEDS = 5
"""Of so many of the seeds a whole sound batch is played."""
SEEDS_A_PART = 5
START_H = 8.0
"""The feed has begun by then, and goes on for hours."""
STEP_S = 10.0
FRAME_STEPS = 3
SOUND_S = 6300.0
"""The slowest baseline, that of the multivariate layer, takes an hour and a half."""
WATCHED_S = 3600.0
ALONE_S = 900.0
"""Where only rules or only models have found a fault, the others have so long to follow."""
LONGEST_H = 40.0
WORKERS = min(2, os.cpu_count() or 1)
KEY = b"a benchmark trusts itself"


def fault(kind: FaultKind, seed: int, unit: str) -> Fault:
    """Return the fault of a run, of its usual severity; probes take turns."""
    signal = PROBES[seed % len(PROBES)] if KINDS[kind].acts is Acts.PROBE else None
    return Fault(kind, SOUND_S, signal, unit=unit)


def with_faults(vessel: str, seeds: Sequence[int], kinds: Sequence[FaultKind]) -> list[Run]:
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
    twins = range(0, len(reactors), each)
    plays = {unit: Play(stories[unit]) for unit in twins}

    def after_frame(time_s: float) -> bool:
        if time_s == SOUND_S:
            for unit in twins:
                plays.update(_twins(plays[unit], unit, stories[unit + 1 : unit + each]))
        _end_of_those_found(plays, each, time_s)
        return time_s < SOUND_S + WATCHED_S

    _play(fleet, stories, plays, after_frame)
    runs = []
    for unit, seed in zip(twins, seeds, strict=True):
        told = plays[unit].raised
        runs.append(Run(None, vessel, seed, (SOUND_S + WATCHED_S) / 3600.0, tuple(told)))
        for place, kind in enumerate(kinds, start=1):
            found = new(plays[unit + place].raised, told)
            runs.append(Run(kind, vessel, seed, WATCHED_S / 3600.0, tuple(found)))
    return runs


def whole_batches(vessel: str, seeds: Sequence[int]) -> list[Run]:
    """Play sound batches from inoculation to the end of harvest."""
    reactors = [Reactor(f"BR-{seed}", "e_coli", vessel, seed) for seed in seeds]
    fleet = Fleet(reactors, style=PLANT, step_s=STEP_S)
    stories = [BatchStory() for _ in reactors]
    plays = {unit: Play(stories[unit]) for unit in range(len(reactors))}
    hours = dict.fromkeys(plays, 0.0)

    def after_frame(time_s: float) -> bool:
        for unit, ended in enumerate(fleet.controllers.schedule.over.tolist()):
            if not plays[unit].over:
                hours[unit] = time_s / 3600.0
                plays[unit].over = ended
        return not fleet.over and time_s < LONGEST_H * 3600.0

    _play(fleet, stories, plays, after_frame)
    return [
        Run(None, vessel, seed, hours[unit], tuple(plays[unit].raised), whole=True)
        for unit, seed in enumerate(seeds)
    ]


def new(raised: Sequence[Raised], sound: Sequence[Raised]) -> list[Raised]:
    """Return what was raised that the sound twin does not raise by then or soon after; in s of the fault."""
    usual: dict[Seen, float] = {}
    for one in sound:
        if one.at_s > SOUND_S:
            usual.setdefault(one.seen, one.at_s)
    found = [one for one in raised if usual.get(one.seen, inf) > one.at_s + ALONE_S]
    return [one.since(SOUND_S) for one in found]


def _play(
    fleet: Fleet, stories: Sequence[BatchStory], plays: dict[int, Play], after_frame: Callable[[float], bool]
) -> None:
    """Let the fleet run and the watches hear it, frame by frame, until `after_frame` says that it is over."""
    tell(stories, fleet, fleet.happenings())
    waiting: dict[int, list[Row]] = {unit: [] for unit in range(len(fleet.reactors))}
    going_on = True
    while going_on:
        for row in fleet.step().rows():
            waiting[row.unit].append(row)
        tell(stories, fleet, fleet.happenings())
        if round(fleet.time_s / STEP_S) % FRAME_STEPS:
            continue
        for unit in sorted(plays):
            plays[unit].hear(waiting[unit], fleet.time_s)
        for rows in waiting.values():
            rows.clear()
        going_on = after_frame(fleet.time_s)


def _twins(sound: Play, unit: int, stories: Sequence[BatchStory]) -> dict[int, Play]:
    """Return, by unit, what goes on as the sound one has gone so far."""
    kept = pack(sound.watch.memory(), KEY)
    return {unit + place: Play(story, unpack(kept, KEY)) for place, story in enumerate(stories, start=1)}


def _end_of_those_found(plays: dict[int, Play], each: int, time_s: float) -> None:
    """What has been told by both, or by one for a while, need not be played on."""
    for unit, play in plays.items():
        twin = plays[unit - unit % each]
        if play is twin or play.over or not play.raised:
            continue
        found = new(play.raised, twin.raised)
        both = len({one.from_models for one in found}) == len(("rules", "models"))
        play.over = both or (bool(found) and time_s - SOUND_S - found[0].at_s >= ALONE_S)


def judge(
    seeds: Sequence[int], scales: Sequence[str], kinds: Sequence[FaultKind], whole: Sequence[int] = ()
) -> list[Run]:
    """Play every scale, seed and kind, and whole sound batches of the seeds in `whole`."""
    parts = [partial(with_faults, vessel, some, kinds) for some in _parts(seeds) for vessel in scales]
    parts += [partial(whole_batches, vessel, some) for some in _parts(whole) for vessel in scales]
    if len(parts) == 1:
        return parts[0]()
    began_s, runs = monotonic(), list[Run]()
    with ProcessPoolExecutor(WORKERS) as workers:
        under_way = [workers.submit(part) for part in parts]
        for done, part in enumerate(as_completed(under_way), start=1):
            runs += part.result()
            minutes = (monotonic() - began_s) / 60.0
            print(f"simulator: {done} of {len(parts)} parts, {minutes:.1f} min", file=sys.stderr, flush=True)
    return runs


def _parts(seeds: Sequence[int]) -> list[Sequence[int]]:
    return [seeds[at : at + SEEDS_A_PART] for at in range(0, len(seeds), SEEDS_A_PART)]


def measure(data: Path | None = None) -> Report:
    """Play everything; there are no files to read."""
    del data
    seeds = range(1, SEEDS + 1)
    runs = judge(seeds, tuple(SCALES.values()), tuple(FaultKind), seeds[:WHOLE_SEEDS])
    return report(runs, _how())


def _how() -> str:
    return (
        f"Seeds 1 to {SEEDS} (whole batches: 1 to {WHOLE_SEEDS}); rules and recipes were chosen on seeds "
        f"from 1000 on. Samples {STEP_S:g} s apart in frames of {FRAME_STEPS * STEP_S:g} s; runs of "
        f"{WATCHED_S / 3600:g} h after the fault; faults of usual severity, probes in turn: "
        f"{', '.join(PROBES)}. Once rules or models have found a fault the others have {ALONE_S / 60:g} min "
        f"to follow. Before the fault a run is its sound twin's, and is counted once, as that."
    )
