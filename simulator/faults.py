"""Faults that can be put into a run, and the truth about them.

Written compactly as `kind[:signal]@start[-end]`, seconds from the beginning of the run:
`lost_stirrer@20`, `frozen_probe:DO@30`, `lost_device@60-90`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from schemas.errors import SettingsError
from simulator.instruments import UNITS

_WRITTEN = re.compile(
    r"(?P<kind>[a-z_]+)(?::(?P<signal>[A-Za-z0-9_.-]+))?"
    r"@(?P<start>[0-9]+(?:\.[0-9]+)?)(?:-(?P<end>[0-9]+(?:\.[0-9]+)?))?"
)


class FaultKind(StrEnum):
    """What can go wrong."""

    FROZEN_PROBE = "frozen_probe"
    """An instrument repeats its last reading; its controller believes it."""
    LOST_STIRRER = "lost_stirrer"
    """The drive trips: the impeller stops at once, and with it most of the oxygen transfer."""
    LOST_DEVICE = "lost_device"
    """The device falls silent: the culture goes on under local control, but nobody hears of it."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault, from `start_s` until before `end_s` (seconds of the run), or for good.

    Raises:
        SettingsError: a frozen probe without a known signal, a signal where none belongs, or an empty span.
    """

    kind: FaultKind
    start_s: float
    signal: str | None = None
    end_s: float | None = None

    def __post_init__(self) -> None:
        if self.kind is FaultKind.FROZEN_PROBE:
            if self.signal not in UNITS:
                raise SettingsError(
                    f"A frozen probe needs one of the signals {', '.join(UNITS)}; "
                    f"this one has {self.signal or 'none'}.",
                    next_step=f"frozen_probe:DO@{self.start_s:g}",
                )
        elif self.signal is not None:
            raise SettingsError(
                f"The fault {self.kind} concerns the whole unit and takes no signal ({self.signal}).",
                next_step=f"{self.kind}@{self.start_s:g}",
            )
        if self.start_s < 0.0 or (self.end_s is not None and self.end_s <= self.start_s):
            raise SettingsError(f"The fault {self} must begin at 0 s or later and end after it begins.")

    def __str__(self) -> str:
        signal = f":{self.signal}" if self.signal is not None else ""
        end = f"-{self.end_s:g}" if self.end_s is not None else ""
        return f"{self.kind}{signal}@{self.start_s:g}{end}"

    def active(self, time_s: float) -> bool:
        """True if the fault is in force `time_s` seconds into the run."""
        return self.start_s <= time_s and (self.end_s is None or time_s < self.end_s)


def parse(text: str) -> Fault:
    """The fault written as `kind[:signal]@start[-end]`.

    Raises:
        SettingsError: not of this form, or a fault that cannot be.
    """
    found = _WRITTEN.fullmatch(text.strip())
    kinds = ", ".join(FaultKind)
    if found is None or found["kind"] not in list(FaultKind):
        raise SettingsError(
            f"'{text}' is not a fault. Write kind@start or kind:signal@start-end with seconds from the "
            f"beginning of the run; kinds are {kinds}.",
            next_step="lost_stirrer@20 or frozen_probe:DO@30-90",
        )
    return Fault(
        FaultKind(found["kind"]),
        float(found["start"]),
        found["signal"],
        float(found["end"]) if found["end"] is not None else None,
    )


@dataclass(frozen=True, slots=True)
class Truth:
    """What really happened, to judge alarms by.

    Attributes:
        signals: where the fault shows first.
        start_s, end_s: seconds of the run; end_s None while it lasts.
        start_us, end_us: the same in microseconds UTC, where the run has an origin.
    """

    kind: FaultKind
    signals: tuple[str, ...]
    start_s: float
    end_s: float | None = None
    start_us: int | None = None
    end_us: int | None = None


def truths(faults: Sequence[Fault], origin_us: int | None = None) -> tuple[Truth, ...]:
    """The truth about `faults` in order of their start; `origin_us` is the time of the run's second 0."""
    return tuple(_truth(fault, origin_us) for fault in sorted(faults, key=lambda fault: fault.start_s))


def _truth(fault: Fault, origin_us: int | None) -> Truth:
    match fault.kind:
        case FaultKind.LOST_STIRRER:
            signals: tuple[str, ...] = ("agitation", "DO")
        case FaultKind.LOST_DEVICE:
            signals = tuple(UNITS)
        case FaultKind.FROZEN_PROBE:
            signals = (str(fault.signal),)
    return Truth(
        fault.kind,
        signals,
        fault.start_s,
        fault.end_s,
        _absolute(origin_us, fault.start_s),
        _absolute(origin_us, fault.end_s),
    )


def _absolute(origin_us: int | None, seconds: float | None) -> int | None:
    return None if origin_us is None or seconds is None else origin_us + round(seconds * 1e6)
