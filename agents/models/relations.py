"""What readings of one bioreactor must have to do with each other: pairs of probes, set points, balances.

A relation is a number that stays where it is while process and sensors are sound: a difference of two
probes, the logarithm of a ratio that a balance keeps, or what a step adds to one side of it more than to the
other. The recipe declares relations as sums of terms; all of a unit's are computed at once.
"""

from __future__ import annotations

from math import isnan, nan
from typing import TYPE_CHECKING, Annotated, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator

from analysis.balances import coolant_heat_w
from analysis.gas_balance import DRY_AIR_O2, Gas, exchange, mixed, molar_flow

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

Kind = Literal["pair", "control", "balance"]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]

SMALLEST = 1e-9
"""Logarithms are taken of what is at least this; a stopped pump is very little, not nothing."""
LARGEST_FLOW = 1e12
"""No meter shows more; a sum beyond it is no flow."""


class Relation(BaseModel):
    """One relation; attribution.yaml says what each field does."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    kind: Kind
    says: str
    linear: dict[str, float] = Field(default_factory=dict)
    logarithm: dict[str, float] = Field(default_factory=dict)
    increment: dict[str, float] = Field(default_factory=dict)
    floor: Positive
    rounding: dict[str, Positive] = Field(default_factory=dict)
    over: dict[str, float] = Field(default_factory=dict)

    @property
    def signals(self) -> tuple[str, ...]:
        """What it is made of, measured or derived."""
        return tuple(dict.fromkeys([*self.linear, *self.logarithm, *self.increment, *self.over]))

    @property
    def measured(self) -> frozenset[str]:
        """The measured signals that it rests on in the end."""
        return frozenset(one for name in self.signals for one in SOURCES.get(name, (name,)))

    @model_validator(mode="after")
    def _of_one_way(self) -> Self:
        if not (self.linear or self.logarithm or self.increment):
            raise ValueError(f"{self.name}: name at least one term")
        if self.kind == "pair" and len(self.signals) != 2:
            raise ValueError(f"{self.name}: a pair has two signals")
        return self


FLOWS = ("air_flow", "O2_flow", "N2_flow", "CO2_flow")
OUTLET = ("offgas_O2", "offgas_CO2")
OPTIONAL = frozenset({"O2_flow", "N2_flow", "CO2_flow"})
"""A vessel without one of these meters blends none of that gas."""

SOURCES: Mapping[str, tuple[str, ...]] = {
    "gas_in": FLOWS,
    "uptake": (*FLOWS, *OUTLET),
    "evolution": (*FLOWS, *OUTLET),
    "oxygen_drop": (*FLOWS, "offgas_O2"),
    "carbon_rise": (*FLOWS, "offgas_CO2"),
    "oxygen_gap": (*FLOWS, "DO"),
    "coolant_heat": ("jacket_flow", "jacket_inlet_temperature", "jacket_outlet_temperature"),
    "coolant_rise": ("jacket_inlet_temperature", "jacket_outlet_temperature"),
}
"""Derived quantities and the signals that each needs."""


def derive(reading: Mapping[str, float]) -> dict[str, float]:
    """Return the derived quantities of one step; NaN where something is missing or cannot be.

    gas_in: L/min, the sum of the gases. uptake, evolution: mmol/h of oxygen and carbon dioxide, of the whole
    broth, by the balance of inert gas.
    oxygen_drop, carbon_rise: by how many % of the gas that goes out differs from what comes in; analysers are
    right to some hundredths. oxygen_gap: % of air saturation between the gas that comes in and the broth.
    coolant_heat: W. coolant_rise: °C that the coolant takes up on its way through the jacket.
    """
    found = dict.fromkeys(SOURCES, nan)
    jacket = [reading.get(name, nan) for name in SOURCES["coolant_heat"]]
    found["coolant_heat"] = float(coolant_heat_w(*jacket))
    found["coolant_rise"] = jacket[2] - jacket[1]
    flows = [max(0.0, _flow(reading, name)) for name in FLOWS]
    if not 0.0 < sum(flows) < LARGEST_FLOW:
        return found
    found["gas_in"] = sum(flows)
    whole, inlet = mixed(*flows)
    found["oxygen_gap"] = 100.0 * inlet.o2 / DRY_AIR_O2 - reading.get("DO", nan)
    outlet = Gas(*(reading.get(name, nan) / 100.0 for name in OUTLET))
    found["oxygen_drop"] = 100.0 * (inlet.o2 - outlet.o2)
    found["carbon_rise"] = 100.0 * (outlet.co2 - inlet.co2)
    if 0.0 <= outlet.o2 <= 1.0 and 0.0 <= outlet.co2 <= 1.0 and outlet.inert > 0.0:
        rates = exchange(molar_flow(whole), inlet, outlet, 1.0)
        found["uptake"], found["evolution"] = float(rates.our), float(rates.cer)
    return found


def _flow(reading: Mapping[str, float], name: str) -> float:
    flow = reading.get(name, nan)
    return 0.0 if name in OPTIONAL and isnan(flow) else flow


class Relations:
    """The relations of one unit, R of them, over its signals in the order in which they are added."""

    def __init__(self, relations: Sequence[Relation]) -> None:
        self.every = tuple(relations)
        self.names: list[str] = []
        self._places: dict[str, int] = {}
        self._derived = tuple(
            name for name in SOURCES if any(name in relation.signals for relation in relations)
        )
        self._place()

    def add(self, name: str) -> None:
        """Give the next place to a signal."""
        self._places[name] = len(self.names)
        self.names.append(name)
        self._place()

    def concerns(self, relation: int, name: str) -> bool:
        """Whether a relation rests on this measured signal."""
        return name in self.every[relation].measured

    def place(self, derived: str) -> int | None:
        """Where a derived quantity stands in `quantities`; None where no relation needs it."""
        return len(self.names) + self._derived.index(derived) if derived in self._derived else None

    def quantities(self, value: NDArray[np.float64]) -> NDArray[np.float64]:
        """(S + D,) the signals' values, then the derived quantities."""
        if not self._derived:
            return value
        reading = {name: float(value[place]) for name, place in self._sources.items()}
        derived = derive(reading)
        return np.concatenate([value, [derived[name] for name in self._derived]])

    def of(self, now: NDArray[np.float64], before: NDArray[np.float64]) -> NDArray[np.float64]:
        """(R,) each relation's number; NaN where a quantity is missing. now, before: (S + D,)."""
        there, change = np.isfinite(now), now - before
        changed = np.isfinite(change)
        known = np.where(there, now, 0.0)
        linear, logarithm, increment, over = self._weights
        needed, changing = self._needed
        gone = needed @ ~there | changing @ ~changed
        found = linear @ known + logarithm @ np.log(np.maximum(known, SMALLEST))
        found += increment @ np.where(changed, change, 0.0)
        # Where too little flows a ratio says nothing.
        little = ((over > 0.0) & (known < over)).any(axis=1)
        return np.where(gone | little | self._absent, np.nan, found)

    def rounding(self, now: NDArray[np.float64]) -> NDArray[np.float64]:
        """(R,) by how much each relation's number may be off because quantities are sent rounded."""
        return self._rounding @ (1.0 / np.maximum(np.where(np.isfinite(now), now, 1.0), SMALLEST))

    def _place(self) -> None:
        self._weights, self._absent = self._lay_out()
        wanted = {one for name in self._derived for one in SOURCES[name]}
        self._sources = {name: place for name, place in self._places.items() if name in wanted}
        linear, logarithm, increment, over = (matrix != 0.0 for matrix in self._weights)
        self._needed = (linear | logarithm | over, increment)
        self._rounding = np.zeros(linear.shape)
        for row, relation in enumerate(self.every):
            for name, least in relation.rounding.items():
                if name in self._places:
                    self._rounding[row, self._places[name]] = least

    def _lay_out(self) -> tuple[tuple[NDArray[np.float64], ...], NDArray[np.bool_]]:
        places = self._places | {name: len(self.names) + at for at, name in enumerate(self._derived)}
        shape = (len(self.every), len(self.names) + len(self._derived))
        weights = tuple(np.zeros(shape) for _ in range(4))
        absent = np.zeros(len(self.every), dtype=np.bool_)
        for row, relation in enumerate(self.every):
            terms = (relation.linear, relation.logarithm, relation.increment, relation.over)
            for matrix, of in zip(weights, terms, strict=True):
                for name, weight in of.items():
                    if name in places:
                        matrix[row, places[name]] = weight
                    else:
                        absent[row] = True
        return weights, absent
