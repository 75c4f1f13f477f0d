"""A plan of faults in YAML: some by name, some drawn at random from a seed.

faults:
  - {unit: BR-01, kind: frozen_probe, signal: DO, at: 6h, for: 30min}
  - {unit: BR-02, kind: wrong_feed_rate, at: 7.5h, end: 9h, severity: -0.3}
  - BR-02/lost_stirrer@12h
random: {count: 5, kinds: [biased_probe, phage], between: [2h, 20h], lasting: [5min, 1h]}
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from schemas.errors import SettingsError
from simulator.faulting.fault import Fault, parse, seconds
from simulator.faulting.kinds import KINDS, Acts, FaultKind
from simulator.sensing.draws import generator
from simulator.sensing.instrument import instruments

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

Span = Annotated[str | float, Field(union_mode="left_to_right")]

PROBES = ("pH", "DO", "temperature", "pressure", "offgas_O2", "offgas_CO2", "gas_flow", "weight")
"""Instruments of which one is drawn where a random plan names none."""


class _Written(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class _One(_Written):
    kind: FaultKind
    at: Span
    unit: str | None = None
    signal: str | None = None
    end: Span | None = None
    lasting: Annotated[Span | None, Field(alias="for")] = None
    severity: float | None = None

    @model_validator(mode="after")
    def _one_end(self) -> Self:
        if self.end is not None and self.lasting is not None:
            raise ValueError("give either end or for, not both")
        return self

    def fault(self) -> Fault:
        start_s = seconds(self.at)
        end_s = None if self.end is None else seconds(self.end)
        if self.lasting is not None:
            end_s = start_s + seconds(self.lasting)
        return Fault(self.kind, start_s, self.signal, end_s, self.unit, self.severity)


class _AtRandom(_Written):
    count: Annotated[int, Field(ge=1, le=10_000)]
    between: tuple[Span, Span]
    kinds: tuple[FaultKind, ...] = tuple(FaultKind)
    lasting: tuple[Span, Span] = ("10min", "1h")
    units: tuple[str, ...] | None = None
    signals: tuple[str, ...] = PROBES

    @model_validator(mode="after")
    def _something_to_draw(self) -> Self:
        if not self.kinds or not self.signals or self.units == ():
            raise ValueError("kinds, signals and units must not be empty")
        for name in ("between", "lasting"):
            first, last = (seconds(span) for span in getattr(self, name))
            if not 0.0 <= first < last:
                raise ValueError(f"{name}: write the earlier time first")
        unknown = sorted(set(self.signals) - set(instruments()))
        if unknown:
            raise ValueError(f"signals: no simulated vessel measures {', '.join(unknown)}")
        return self

    def draw(self, units: Sequence[str], random: np.random.Generator) -> tuple[Fault, ...]:
        return tuple(self._one(self.units or units, random) for _ in range(self.count))

    def _one(self, units: Sequence[str], random: np.random.Generator) -> Fault:
        first, last = (seconds(span) for span in self.between)
        shortest, longest = (seconds(span) for span in self.lasting)
        # Always as many draws, so that one fault more leaves the earlier ones as they are.
        kind, unit, signal, at, span = random.random(5).tolist()
        chosen = self.kinds[int(kind * len(self.kinds))]
        of_kind = KINDS[chosen]
        start_s = float(round(first + at * (last - first)))
        lasts_s = max(1.0, float(round(shortest + span * (longest - shortest))))
        return Fault(
            chosen,
            start_s,
            self.signals[int(signal * len(self.signals))] if of_kind.acts is Acts.PROBE else None,
            None if of_kind.at_once or of_kind.lasts_s is not None else start_s + lasts_s,
            units[int(unit * len(units))],
        )


class _Plan(_Written):
    faults: tuple[_One | str, ...] = ()
    random: _AtRandom | None = None


def read_plan(text: str, units: Sequence[str], seed: int = 0) -> tuple[Fault, ...]:
    """The faults of a plan in the order of their starts.

    Args:
        text: YAML.
        units: names of the fleet's units; a fault without one concerns the only unit.
        seed: of those drawn at random.

    Raises:
        SettingsError: not YAML, not a plan, a unit that is not in the fleet, or a fault that cannot be.
    """
    plan = _checked(text)
    found = []
    for number, one in enumerate(plan.faults, start=1):
        try:
            found.append(parse(one) if isinstance(one, str) else one.fault())
        except SettingsError as error:
            raise SettingsError(
                f"Fault {number} of the plan: {error.message}", next_step=error.next_step
            ) from None
    if plan.random is not None:
        found.extend(plan.random.draw(units, generator(seed, "fault plan")))
    for fault in found:
        if fault.unit not in units and not (fault.unit is None and len(units) == 1):
            raise SettingsError(
                f"The plan's fault {fault} concerns {fault.unit or 'no unit by name'}; "
                f"the units are {', '.join(units)}."
            )
    return tuple(sorted(found, key=lambda fault: fault.start_s))


def write_plan(faults: Sequence[Fault]) -> str:
    """The plan, in YAML, of exactly these faults."""
    entries = []
    for fault in faults:
        entry: dict[str, Any] = {"kind": fault.kind.value, "at": fault.start_s, "unit": fault.unit}
        entry |= {"signal": fault.signal, "end": fault.end_s, "severity": fault.severity}
        entries.append({name: value for name, value in entry.items() if value is not None})
    return yaml.safe_dump({"faults": entries}, sort_keys=False)


def _checked(text: str) -> _Plan:
    example = "faults: [{unit: BR-01, kind: lost_stirrer, at: 6h, for: 10min}]"
    try:
        written = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise SettingsError("The plan of faults is not YAML.", detail=str(error), next_step=example) from None
    if not isinstance(written, dict) or not written:
        raise SettingsError("The plan of faults has neither faults nor random.", next_step=example)
    try:
        return _Plan.model_validate(written)
    except ValidationError as error:
        wrong = error.errors()[0]
        where = ".".join(str(part) for part in wrong["loc"] if "_One" not in str(part))
        raise SettingsError(
            f"The plan of faults is wrong at {where}: {wrong['msg'].removeprefix('Value error, ')}.",
            detail=str(error),
            next_step=example,
        ) from None
