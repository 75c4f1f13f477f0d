"""What really happened, for those who judge alarms and models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulator.faulting.kinds import KINDS, Acts
from simulator.sensing.instrument import instruments

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulator.faulting.fault import Fault
    from simulator.faulting.kinds import FaultKind

US_PER_S = 1e6


@dataclass(frozen=True, slots=True)
class Truth:
    """What really goes wrong, where it shows first, and when.

    Attributes:
        signals: where an engineer sees it first.
        start_s, end_s: in seconds of the run; end_s is None for what lasts.
        start_us, end_us: the same in microseconds UTC, for a run with an origin.
        unit: name of the bioreactor, where the fault names it.
        severity: as the kind means it.
    """

    kind: FaultKind
    signals: tuple[str, ...]
    start_s: float
    end_s: float | None = None
    start_us: int | None = None
    end_us: int | None = None
    unit: str | None = None
    severity: float = 1.0


def truths(
    faults: Sequence[Fault], origin_us: int | None = None, measured: Sequence[str] | None = None
) -> tuple[Truth, ...]:
    """The truth about `faults` in the order of their starts.

    Args:
        faults: of one run.
        origin_us: time UTC of the run's second 0.
        measured: the signals that the run gives; None for all that a vessel can have.
    """

    def absolute(seconds: float | None) -> int | None:
        return None if origin_us is None or seconds is None else origin_us + round(seconds * US_PER_S)

    every = tuple(instruments()) if measured is None else tuple(measured)
    return tuple(
        Truth(
            kind=fault.kind,
            signals=first_signals(fault, every),
            start_s=fault.start_s,
            end_s=fault.until_s,
            start_us=absolute(fault.start_s),
            end_us=absolute(fault.until_s),
            unit=fault.unit,
            severity=fault.strength,
        )
        for fault in sorted(faults, key=lambda fault: fault.start_s)
    )


def first_signals(fault: Fault, measured: Sequence[str]) -> tuple[str, ...]:
    """Where an engineer sees the fault first, among what is measured."""
    kind = KINDS[fault.kind]
    if kind.acts is Acts.DEVICE:
        return tuple(measured)
    if fault.signal is not None:
        return (fault.signal,)
    return tuple(name for name in kind.signals if name in measured)
