"""The checks that every recipe must pass before it may run: one suite, whoever wrote the model.

Pure: signals come from a seed, and the clock that measures cost is an argument. A model that raises fails the
check in which it did, with what it said.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from agents.models.check_unit import Unit, Wrong, in_bytes, learned, shown, suspected
from agents.models.lineup import Choice, ordered
from agents.models.unit_models import STEP_US, UnitModels
from agents.samples import Samples
from agents.state_codec import pack, unpack
from schemas.errors import SnapshotRefused
from schemas.signals import spec

if TYPE_CHECKING:
    from collections.abc import Callable

    from agents.models.check_unit import Subject
    from agents.models.lineup import Role

QUICK = 100_000
FULL = 1_000_000
"""Samples of the long check."""

RESUMED_AT = (0.001, 0.1, 0.45, 0.9)
"""Shares of a check's steps after which a model is stopped and resumed;"""
GOES_ON = 100
"""and so many steps it goes on beside one that never stopped."""

JUMPS = 20
NOT_OF_JUMPS = frozenset({"drift", "forecast"})
"""Layers that others tell of jumps."""

GROWTH = 1.5
"""Neither what it knows nor what a sample costs may be this much more after all samples than after half."""

MOST_OF_A_CORE = 0.001
"""What a model may take of a core for one unit: of the time between two steps, this share."""

ENOUGH_S = 5.0
MOST_FRAMES = 3000
DAY_US = 86_400_000_000
KEY = b"checks"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found; said: why it was not passed, or the figures of one that was."""

    check: str
    passed: bool
    said: str = ""


def examine(
    subject: Subject,
    clock: Callable[[], float],
    *,
    samples: int = QUICK,
    within_s: float = np.inf,
    begun: Callable[[str], None] = lambda _check: None,
) -> list[Finding]:
    """Run every check, none but the first where that finds that the others would take too long.

    The long one ends after so many samples, or so many seconds, and says how many it had.
    clock: seconds that only go up. begun: is told the name of each check as it begins.
    """
    begun("cost of a step")
    first = _checked("cost of a step", lambda: _cost(subject, clock))
    if not first.passed:
        return [first]
    checks: dict[str, Callable[[], str]] = {
        "constant input": lambda: _constant(subject),
        "one value a day": lambda: _daily(subject),
        "all values missing": lambda: _all_missing(subject),
        "some values missing": lambda: _missing(subject),
        "signals that come late": lambda: _late(subject),
        "jumps by 1e9 and 1e300": lambda: _jump(subject),
        "clock set back": lambda: _clock_back(subject),
        "one signal": lambda: _one_signal(subject),
        "what is unfit is not learnt": lambda: _unfit(subject),
        "steady noise is not suspected": lambda: _steady(subject),
        "snapshot and resume": lambda: _resume(subject),
        "a torn snapshot is refused": lambda: _torn(subject),
        "in its place in a unit": lambda: _in_place(subject),
        f"{samples:,} samples": lambda: _long(subject, clock, samples, within_s),
    }
    found = [first]
    for name, check in checks.items():
        begun(name)
        found.append(_checked(name, check))
    return found


def _checked(name: str, check: Callable[[], str]) -> Finding:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return Finding(name, passed=True, said=check())
    except Wrong as wrong:
        return Finding(name, passed=False, said=str(wrong))
    except Exception as fault:  # noqa: BLE001 - whatever a model raises is what the check is about; it is told
        return Finding(name, passed=False, said=f"it raised {type(fault).__name__}: {fault}")


def _cost(subject: Subject, clock: Callable[[], float]) -> str:
    unit, taken, began_s = Unit(subject), 0, clock()
    while taken < subject.steps // 2 and clock() - began_s < ENOUGH_S:
        unit.take(unit.steady())
        taken += 1
    cost_s, most_s = (clock() - began_s) / taken, MOST_OF_A_CORE * subject.recipe.step_s
    said = f"{cost_s * 1e6:,.0f} µs of at most {most_s * 1e6:,.0f} with {len(unit.names)} signals"
    if cost_s > most_s:
        raise Wrong(f"it costs too much: {said}")
    return said


def _constant(subject: Subject) -> str:
    unit = Unit(subject)
    value = unit.steady()
    suspects = [suspected(unit.take(value)) > 0.0 for _ in range(subject.steps)]
    if any(suspects) and not subject.judges_stillness:
        raise Wrong("it suspects signals that do not move")
    return "it judges stillness" if subject.judges_stillness else ""


def _daily(subject: Subject) -> str:
    unit, shares = Unit(subject, seed=1), []
    nothing = np.zeros(len(unit.names), dtype=np.bool_)
    day = unit.end_us
    for number in range(subject.steps // 4):
        value = unit.steady()
        unit.end_us = day + number * DAY_US
        shares.append(suspected(unit.take(value)))
        # What was sampled once is held for a while, and then it is not known.
        unit.take(value, fresh=nothing)
        unit.take(np.full(value.size, np.nan))
    judged = [share for share in shares if not np.isnan(share)]
    return f"it judges {len(judged):,} of {len(shares):,} days, and suspects {sum(judged):.0f}"


def _all_missing(subject: Subject) -> str:
    unit = Unit(subject, seed=2)
    nothing = np.full(len(unit.names), np.nan)
    for number in range(subject.steps):
        absent = number % 3 != 0 or number < subject.steps // 3
        said = unit.take(nothing if absent else unit.steady())
        if number < subject.steps // 3 and shown(said):
            raise Wrong("it says something of signals that were never sampled")
    return ""


def _missing(subject: Subject) -> str:
    unit = Unit(subject, seed=3)
    for number in range(subject.steps):
        value = unit.steady()
        fresh = unit.noise.random(value.size) < 0.7
        value[0] = np.nan
        if number % 100 < 10:
            value[:] = np.nan
        unit.take(value, fresh=fresh)
    return ""


def _late(subject: Subject) -> str:
    unit = Unit(subject, seed=4, signals=1)
    for number in range(subject.steps):
        place = 5 * number // subject.steps
        if place >= len(unit.names):
            name = subject.signals[place] if place < len(subject.signals) else f"late_{place}"
            unit.add(name, subject.levels.get(name, 1.0))
        unit.take(unit.steady())
    return ""


def _jump(subject: Subject) -> str:
    unit = Unit(subject, seed=5)
    begins, found = subject.steps // 2, 0
    for number in range(subject.steps):
        value = unit.steady()
        if number > begins:
            value[number % value.size] += 1e9
        if number % 50 == 7:
            value[0] = 1e300 if number % 100 == 7 else -1e300
        said = unit.take(value)
        found += begins < number <= begins + JUMPS and suspected(said) > 0.0
    if found or subject.kind in NOT_OF_JUMPS:
        return f"it suspects {found} of the first {JUMPS} jumps"
    return "it suspects no jump: scale what it sees, let it settle for longer, or lower suspect_at"


def _clock_back(subject: Subject) -> str:
    unit = Unit(subject, seed=6)
    for number in range(subject.steps):
        if number % 400 == 399:
            unit.end_us -= 300 * unit.step_us
        if number == subject.steps // 2:
            unit.begin("B1", "feed")
        unit.take(unit.steady())
    return ""


def _one_signal(subject: Subject) -> str:
    unit = Unit(subject, seed=7, signals=1)
    for _ in range(subject.steps):
        unit.take(unit.steady())
    return ""


def _unfit(subject: Subject) -> str:
    unit = Unit(subject, seed=8)
    for number in range(subject.steps):
        value = unit.steady()
        fit = np.full(value.size, number % 3 != 0)
        if learned(unit.take(value, fit=fit)) and not fit.any():
            raise Wrong("it learns from values of which health has said that they are not fit")
    return ""


def _steady(subject: Subject) -> str:
    unit = Unit(subject, seed=9)
    shares = [suspected(unit.take(unit.steady())) for _ in range(4 * subject.steps)]
    judged = [share for share in shares if not np.isnan(share)]
    if not judged:
        return f"it suspects nothing in {len(shares):,} steps"
    share, most = float(np.mean(judged)), subject.most_suspected
    if share > most:
        raise Wrong(f"it suspects {share:.1%} of steady noise; {most:.0%} is the most")
    return f"{share:.2%} of {len(judged):,} steps, {most:.0%} is the most"


def _resume(subject: Subject) -> str:
    for share in RESUMED_AT:
        stop = 1 + round(share * subject.steps)
        first, second = Unit(subject, seed=10), Unit(subject, seed=10)
        for _ in range(stop):
            first.take(first.steady())
            second.steady()
        second.end_us = first.end_us
        second.layer.take_up(unpack(pack(first.layer.state(), KEY), KEY))
        for number in range(GOES_ON):
            if in_bytes(first.take(first.steady())) != in_bytes(second.take(second.steady())):
                raise Wrong(f"stopped after {stop} steps, it differs {number + 1} steps after it was resumed")
        if pack(first.layer.state(), KEY) != pack(second.layer.state(), KEY):
            raise Wrong(f"stopped after {stop} steps, it knows something else {GOES_ON} steps later")
    return "bit by bit"


def _torn(subject: Subject) -> str:
    unit = Unit(subject, seed=11)
    for _ in range(subject.steps // 2):
        unit.take(unit.steady())
    body = pack(unit.layer.state(), KEY)
    for length in (0, len(body) // 2, len(body) - 1):
        try:
            unpack(body[:length], KEY)
        except SnapshotRefused:
            continue
        raise Wrong(f"the first {length} bytes of its state were read as if they were all")
    whole = unpack(body, KEY)
    for missing in whole:
        try:
            Unit(subject).layer.take_up({name: part for name, part in whole.items() if name != missing})
        except (SnapshotRefused, KeyError, TypeError, ValueError):
            continue
        raise Wrong(f"it takes up a state without {missing}")
    return ""


def _in_place(subject: Subject) -> str:
    unit = Unit(subject, seed=12)
    role: Role = "challenger" if subject.kind.startswith("own") else "champion"
    lineup = ordered([Choice(subject.kind, role, subject.recipe, subject.make)])
    models = UnitModels(lambda _: lineup)
    for name in unit.names:
        models.add(name, spec(name))
    slots = np.arange(len(unit.names))
    ones, fit = np.ones(slots.size, dtype=np.intp), np.zeros(slots.size, dtype=np.bool_)
    frames = min(MOST_FRAMES, subject.steps * subject.recipe.step_us // STEP_US)
    for _ in range(frames):
        unit.end_us += STEP_US
        samples = Samples(slots, ones, slots, np.full(slots.size, unit.end_us), unit.steady())
        for said in models.take("check", samples, fit, unit.context, unit.end_us):
            for _, score in said.unit:
                if not np.isfinite(score.score):
                    raise Wrong(f"its score is {score.score}; a score is a number from 0 up")
            if said.scores is not None and not np.isfinite(said.scores.score).all():
                raise Wrong("the score of a sample is not a number")
        if models.faults:
            raise Wrong(f"it goes out of service: {', '.join(models.faults.values())}")
    pack(models.state(), KEY)
    return f"{frames:,} frames"


def _long(subject: Subject, clock: Callable[[], float], samples: int, within_s: float) -> str:
    unit = Unit(subject, seed=13)
    signals = len(unit.names)
    steps = -(-samples // signals)
    taken, sizes, costs_s = 0, [], []
    for half in range(2):
        began_s, before, until = clock(), taken, steps * (half + 1) // 2
        while taken < until and (taken % 64 or clock() - began_s < within_s / 2.0):
            if taken % (4 * subject.steps) == 0:
                unit.begin(f"B{taken}")
            unit.take(unit.steady())
            taken += 1
        costs_s.append((clock() - began_s) / max(taken - before, 1))
        sizes.append(len(pack(unit.layer.state(), KEY)))
    held = "" if taken >= steps else f" (no more in {within_s:g} s)"
    figures = (
        f"{taken * signals:,} samples{held}, {costs_s[1] / signals * 1e6:.1f} µs a sample, "
        f"state {sizes[1]:,} bytes of at most {subject.most_bytes:,}"
    )
    if sizes[1] > subject.most_bytes:
        raise Wrong(f"it knows too much: {figures}")
    if taken > 4 * subject.steps and sizes[1] > GROWTH * sizes[0]:
        raise Wrong(f"its state grows: {sizes[0]:,} bytes after half the samples, {sizes[1]:,} after all")
    if taken > 4 * subject.steps and costs_s[1] > GROWTH * costs_s[0]:
        raise Wrong(f"its cost grows: {costs_s[0] * 1e6:,.0f} µs a step in the first half, then {figures}")
    return figures
