"""The checks that every recipe must pass before it may run: one suite, whoever wrote the model.

Pure: signals come from a seed, and the clock that measures cost is an argument. A model that raises fails the
check in which it did, with what it said.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from agents.context import Context
from agents.models.step import SignalScores, Step, UnitScore
from agents.state_codec import pack, unpack

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from agents.models.step import Layer

SIGNALS = ("DO", "pH", "temperature", "pressure", "stirrer_speed", "a_signal_of_your_own")
LEVELS = (40.0, 7.0, 37.0, 1.2, 600.0, 3.0)

STEPS = 1500
"""Steps of a check: more than any baseline takes."""

SAMPLES = 1_000_000
RESUMED_AT = (0.001, 0.1, 0.45, 0.9)
"""Shares of a check's steps after which a layer is stopped and resumed."""

MOST_SUSPECTED = 0.01
"""Of steady noise no more than this may be suspected: it would be a nuisance."""

JUMPS = 20
GROWTH = 1.5
KEY = b"checks"


@dataclass(frozen=True, slots=True)
class Subject:
    """What is checked: how to make a new layer, its grid's step, and the signals that it wants to see.

    steps: how long a check is, longer than the layer's baseline.
    """

    make: Callable[[], Layer]
    step_s: float
    signals: Sequence[str] = SIGNALS
    steps: int = STEPS


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found; said: why it was not passed, or the figures of one that was."""

    check: str
    passed: bool
    said: str = ""


class Wrong(Exception):
    """What a model said or did that none may."""


def examine(
    subject: Subject, clock: Callable[[], float], *, samples: int = SAMPLES, within_s: float = 30.0
) -> list[Finding]:
    """Run every check. The long one ends after so many samples, or so many seconds, and says how many it had.

    clock: seconds that only go up.
    """
    checks: dict[str, Callable[[], str]] = {
        "constant input": lambda: _constant(subject),
        "missing values": lambda: _missing(subject),
        "jumps by 1e9 and 1e300": lambda: _jump(subject),
        "clock set back": lambda: _clock_back(subject),
        "one signal": lambda: _one_signal(subject),
        "what is unfit is not learnt": lambda: _unfit(subject),
        "steady noise is not suspected": lambda: _steady(subject),
        "snapshot and resume": lambda: _resume(subject),
        f"{samples:,} samples": lambda: _long(subject, clock, samples, within_s),
    }
    return [_checked(name, check) for name, check in checks.items()]


def _checked(name: str, check: Callable[[], str]) -> Finding:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return Finding(name, passed=True, said=check())
    except Wrong as wrong:
        return Finding(name, passed=False, said=str(wrong))
    except Exception as fault:  # noqa: BLE001 - whatever a model raises is what the check is about; it is told
        return Finding(name, passed=False, said=f"it raised {type(fault).__name__}: {fault}")


class _Unit:
    """A layer under check with the unit that it judges."""

    def __init__(self, subject: Subject, seed: int = 0, signals: int | None = None) -> None:
        self.layer = subject.make()
        self.names = list(subject.signals)[:signals]
        self.step_us = round(subject.step_s * 1e6)
        self.end_us = 1_790_000_000_000_000
        self.context = Context(batch="B1", phase="batch")
        self.noise = np.random.default_rng(seed)
        for name in self.names:
            self.layer.add(name, None)

    def steady(self) -> NDArray[np.float64]:
        """Values that move about their level by a hundredth of it."""
        levels = np.resize(LEVELS, len(self.names))
        return levels * (1.0 + 0.01 * self.noise.standard_normal(len(self.names)))

    def take(
        self,
        value: NDArray[np.float64],
        *,
        fresh: NDArray[np.bool_] | None = None,
        fit: NDArray[np.bool_] | None = None,
    ) -> SignalScores | UnitScore | None:
        """Let the layer take a step; raises Wrong where its answer is none that may be shown."""
        finite = np.isfinite(value)
        fresh = finite if fresh is None else fresh & finite
        fit = fresh if fit is None else fit & fresh
        self.end_us += self.step_us
        step = Step(self.end_us, value, fresh, fit, self.context)
        said = self.layer.take(step, np.zeros(len(self.names), dtype=np.bool_))
        _refuse_unshowable(said, len(self.names))
        return said


def _refuse_unshowable(said: SignalScores | UnitScore | None, signals: int) -> None:
    if isinstance(said, UnitScore):
        if not (np.isfinite(said.score) and said.score >= 0.0):
            raise Wrong(f"its score is {said.score}; a score is a number from 0 up")
        if said.contributions.shape != (signals,) or not np.isfinite(said.contributions).all():
            raise Wrong("its contributions are not one number a signal")
    if isinstance(said, SignalScores):
        told = ~np.isnan(said.score)
        if not (np.isfinite(said.score[told]) & (said.score[told] >= 0.0)).all():
            raise Wrong("a score is not a number from 0 up")
        if not (np.isfinite(said.expected[told]) & np.isfinite(said.spread[told])).all():
            raise Wrong("a score stands beside an expected value or a spread that is not a number")


def _suspected(said: SignalScores | UnitScore | None) -> float:
    """The share of the judged that is suspected; NaN while nothing is judged."""
    if isinstance(said, UnitScore):
        return float(said.suspect)
    if isinstance(said, SignalScores) and (told := ~np.isnan(said.score)).any():
        return float(said.suspect[told].mean())
    return float("nan")


def _constant(subject: Subject) -> str:
    unit = _Unit(subject)
    value = unit.steady()
    for _ in range(subject.steps):
        if _suspected(unit.take(value)) > 0.0:
            raise Wrong("it suspects signals that do not move")
    return ""


def _missing(subject: Subject) -> str:
    unit = _Unit(subject, seed=1)
    for number in range(subject.steps):
        value = unit.steady()
        fresh = unit.noise.random(value.size) < 0.7
        value[0] = np.nan
        if number % 100 < 10:
            value[:] = np.nan
        if number == subject.steps // 3:
            unit.layer.add("a_signal_that_came_late", None)
            unit.names.append("a_signal_that_came_late")
            value, fresh = np.append(value, 1.0), np.append(fresh, True)
        unit.take(value, fresh=fresh)
    return ""


def _jump(subject: Subject) -> str:
    unit = _Unit(subject, seed=2)
    begins, found = subject.steps // 2, 0
    for number in range(subject.steps):
        value = unit.steady()
        if number > begins:
            value[number % value.size] += 1e9
        if number % 50 == 7:
            value[0] = 1e300 if number % 100 == 7 else -1e300
        said = unit.take(value)
        found += begins < number <= begins + JUMPS and _suspected(said) > 0.0
    return f"it suspects {found} of the first {JUMPS} jumps"


def _clock_back(subject: Subject) -> str:
    unit = _Unit(subject, seed=3)
    for number in range(subject.steps):
        if number % 400 == 399:
            unit.end_us -= 300 * unit.step_us
        if number == subject.steps // 2:
            unit.context = Context(batch="B1", phase="feed")
        unit.take(unit.steady())
    return ""


def _one_signal(subject: Subject) -> str:
    unit = _Unit(subject, seed=4, signals=1)
    for _ in range(subject.steps):
        unit.take(unit.steady())
    return ""


def _unfit(subject: Subject) -> str:
    unit = _Unit(subject, seed=5)
    for number in range(subject.steps):
        value = unit.steady()
        fit = np.full(value.size, number % 3 != 0)
        said = unit.take(value, fit=fit)
        if said is not None and np.any(said.learned) and not fit.any():
            raise Wrong("it learns from values of which health has said that they are not fit")
    return ""


def _steady(subject: Subject) -> str:
    unit = _Unit(subject, seed=6)
    shares = [_suspected(unit.take(unit.steady())) for _ in range(4 * subject.steps)]
    judged = [share for share in shares if not np.isnan(share)]
    if not judged:
        return f"it judged nothing in {len(shares):,} steps"
    share = float(np.mean(judged))
    if share > MOST_SUSPECTED:
        raise Wrong(f"it suspects {share:.1%} of steady noise; {MOST_SUSPECTED:.0%} is the most")
    return f"{share:.2%} of {len(judged):,} steps"


def _resume(subject: Subject) -> str:
    for share in RESUMED_AT:
        stop = 1 + round(share * subject.steps)
        first, second = _Unit(subject, seed=7), _Unit(subject, seed=7)
        for _ in range(stop):
            value = first.steady()
            first.take(value)
            second.steady()
            second.end_us = first.end_us
        kept = pack(first.layer.state(), KEY)
        second.layer.take_up(unpack(kept, KEY))
        for number in range(200):
            if _bytes(first.take(first.steady())) != _bytes(second.take(second.steady())):
                raise Wrong(f"stopped after {stop} steps, it differs {number + 1} steps after it was resumed")
    return "bit by bit"


def _long(subject: Subject, clock: Callable[[], float], samples: int, within_s: float) -> str:
    unit = _Unit(subject, seed=8)
    steps = -(-samples // len(unit.names))
    began_s, taken, sizes, until_s = clock(), 0, [0, 0], within_s / 2.0
    for half in range(2):
        while taken < steps * (half + 1) // 2 and (taken % 64 or clock() - began_s < until_s * (half + 1)):
            unit.take(unit.steady())
            taken += 1
        sizes[half] = len(pack(unit.layer.state(), KEY))
    spent_s = clock() - began_s
    signals = len(unit.names)
    if taken > 2 * subject.steps and sizes[1] > GROWTH * sizes[0]:
        raise Wrong(f"its state grows: {sizes[0]:,} bytes after half the samples, {sizes[1]:,} after all")
    held = "" if taken >= steps else f" (no more in {within_s:g} s)"
    return (
        f"{taken * signals:,} samples{held}, {spent_s / max(taken * signals, 1) * 1e6:.1f} µs a sample, "
        f"state {sizes[1] / signals:,.0f} bytes a signal"
    )


def _bytes(said: SignalScores | UnitScore | None) -> Any:
    """What a layer said, to be compared bit by bit."""
    if said is None:
        return None
    values = [getattr(said, field.name) for field in fields(said)]
    return [
        value.tobytes()
        if isinstance(value, np.ndarray)
        else np.float64(value).tobytes()
        if isinstance(value, float)
        else value
        for value in values
    ]
