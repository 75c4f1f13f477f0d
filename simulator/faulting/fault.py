"""One fault: what, where, from when until when, how bad.

Written compactly as `[unit/]kind[:signal]@start[-end][*severity]`, in seconds from the beginning of the run
or with s, min, h or d: `lost_stirrer@20`, `frozen_probe:DO@30`, `BR-02/biased_probe:pH@6h-7.5h*-2`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import isfinite

import numpy as np

from schemas.errors import SettingsError
from simulator.faulting.kinds import KINDS, Acts, FaultKind
from simulator.sensing.instrument import instruments

SECONDS = {"": 1.0, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}
_SPAN = r"[0-9]+(?:\.[0-9]+)?(?:s|min|h|d)?"
_COMPACT = re.compile(
    r"(?:(?P<unit>[^\s@]+)/)?(?P<kind>[a-z_]+)(?::(?P<signal>[A-Za-z0-9_]+))?"
    rf"@(?P<start>{_SPAN})(?:-(?P<end>{_SPAN}))?(?:\*(?P<severity>-?[0-9]+(?:\.[0-9]+)?))?"
)
_ONE_SPAN = re.compile(r"(?P<number>[0-9]+(?:\.[0-9]+)?)\s*(?P<unit>s|min|h|d)?")


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault, in force from `start_s` until before `end_s` (seconds of the run), or for good.

    Attributes:
        signal: whose instrument, for the kinds that concern one.
        unit: name of the bioreactor; None where the caller knows which.
        severity: as the kind means it; None for its usual one.

    Raises:
        SettingsError: a probe without a known signal, a signal or end where none belongs, an empty span, or a
            severity that the kind does not know.
    """

    kind: FaultKind
    start_s: float
    signal: str | None = None
    end_s: float | None = None
    unit: str | None = None
    severity: float | None = None

    def __post_init__(self) -> None:
        self._check_signal()
        self._check_span()
        limits = KINDS[self.kind].severity
        if self.severity is not None and not limits.least <= self.severity <= limits.most:
            raise SettingsError(
                f"The severity {_number(self.severity)} of {self.kind} is not between {limits.least:g} and "
                f"{limits.most:g} ({limits.means}).",
                next_step=f"{self.kind}@{_number(self.start_s)}*{limits.usual:g}",
            )

    def _check_signal(self) -> None:
        if KINDS[self.kind].acts is Acts.PROBE:
            if self.signal not in instruments():
                raise SettingsError(
                    f"The fault {self.kind} needs one of the signals {', '.join(instruments())}; "
                    f"this one has {self.signal or 'none'}.",
                    next_step=f"{self.kind}:DO@{_number(self.start_s)}",
                )
        elif self.signal is not None:
            raise SettingsError(
                f"The fault {self.kind} concerns the whole unit and takes no signal ({self.signal}).",
                next_step=f"{self.kind}@{_number(self.start_s)}",
            )

    def _check_span(self) -> None:
        if not 0.0 <= self.start_s < np.inf or (
            self.end_s is not None and not (isfinite(self.end_s) and self.end_s > self.start_s)
        ):
            raise SettingsError(f"The fault {self} must begin at 0 s or later and end after it begins.")
        if KINDS[self.kind].at_once and self.end_s is not None:
            raise SettingsError(
                f"The fault {self.kind} is done in a moment and takes no end.",
                next_step=f"{self.kind}@{_number(self.start_s)}",
            )

    def __str__(self) -> str:
        """The compact form, from which `parse` makes the same fault."""
        unit = f"{self.unit}/" if self.unit is not None else ""
        signal = f":{self.signal}" if self.signal is not None else ""
        end = f"-{_number(self.end_s)}" if self.end_s is not None else ""
        severity = f"*{_number(self.severity)}" if self.severity is not None else ""
        return f"{unit}{self.kind}{signal}@{_number(self.start_s)}{end}{severity}"

    @property
    def strength(self) -> float:
        """The severity in force."""
        return KINDS[self.kind].severity.usual if self.severity is None else self.severity

    @property
    def until_s(self) -> float | None:
        """When it is really over: its end, or that of a kind that passes by itself; None while it lasts."""
        lasts_s = KINDS[self.kind].lasts_s
        return self.end_s if self.end_s is not None or lasts_s is None else self.start_s + lasts_s

    def active(self, time_s: float, dt_s: float = 0.0) -> bool:
        """True if the fault is in force at `time_s`, or at some moment of the step that begins then."""
        until_s = self.until_s
        begun = self.start_s <= time_s or self.start_s < time_s + dt_s
        return begun and (until_s is None or time_s < until_s)


def parse(text: str) -> Fault:
    """The fault written as `[unit/]kind[:signal]@start[-end][*severity]`.

    Raises:
        SettingsError: not of this form, or a fault that cannot be.
    """
    found = _COMPACT.fullmatch(text.strip())
    if found is None or found["kind"] not in KINDS:
        raise SettingsError(
            f"'{text}' is not a fault. Write kind@start, kind:signal@start-end or kind@start*severity, in "
            f"seconds from the beginning of the run or with min, h, d; kinds are {', '.join(FaultKind)}.",
            next_step="lost_stirrer@20, frozen_probe:DO@30-90 or biased_probe:pH@2h*0.5",
        )
    return Fault(
        FaultKind(found["kind"]),
        seconds(found["start"]),
        found["signal"],
        None if found["end"] is None else seconds(found["end"]),
        found["unit"],
        None if found["severity"] is None else float(found["severity"]),
    )


def seconds(span: str | float) -> float:
    """A time in the run in seconds: a number is one already, a text may end in s, min, h or d.

    Raises:
        SettingsError: neither.
    """
    if not isinstance(span, str):
        return float(span)
    found = _ONE_SPAN.fullmatch(span.strip())
    if found is None:
        raise SettingsError(f"'{span}' is not a time in the run.", next_step="90, 90s, 1.5min, 6h or 2d")
    return float(found["number"]) * SECONDS[found["unit"] or ""]


def _number(value: float) -> str:
    """Every digit that is needed to read the same number back, and never an exponent."""
    return np.format_float_positional(value, trim="-")
