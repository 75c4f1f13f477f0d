"""The signal dictionary: what a signal's name means, in which unit, and what is believable of it."""

from collections.abc import Mapping
from importlib.resources import files
from itertools import pairwise
from types import MappingProxyType
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from schemas.ne107 import Diagnosis, SignalClass, Symptom, diagnosis, status
from schemas.status import Status
from schemas.wire import Finite, Name

Positive = Annotated[Finite, Field(gt=0)]
Range = tuple[Finite, Finite]
Sentence = Annotated[str, Field(min_length=1)]
Phase = Literal["inoculation", "batch", "feed", "induction", "harvest"]
Culture = Literal["bacterial", "yeast", "mammalian", "fungal"]
Vessel = Literal["glass", "steel"]
Reading = Literal["continuous", "held", "total", "assay"]

# Each command and each device reads the dictionary: libyaml, where there is one, takes a tenth of the time.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

LARGEST_VESSEL_L = 100_000.0
"""Working volume up to which every plausible range must hold."""


class Limits(BaseModel):
    """Where a value is normal, in the signal's unit, for some phases, cultures and vessels (None: for any).

    Beyond low or high somebody should look, beyond low_low or high_high somebody must act.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    phases: Annotated[tuple[Phase, ...], Field(min_length=1)] | None = None
    cultures: Annotated[tuple[Culture, ...], Field(min_length=1)] | None = None
    vessels: Annotated[tuple[Vessel, ...], Field(min_length=1)] | None = None
    low_low: Finite | None = None
    low: Finite | None = None
    high: Finite | None = None
    high_high: Finite | None = None
    source: Sentence

    @property
    def given(self) -> tuple[float, ...]:
        """The limits that are set, from low_low to high_high."""
        four = (self.low_low, self.low, self.high, self.high_high)
        return tuple(limit for limit in four if limit is not None)

    def covers(self, *wanted: tuple[str, ...] | None) -> bool:
        """Whether they hold in all these phases, cultures and vessels (None: in any)."""
        held = (self.phases, self.cultures, self.vessels)
        return all(
            mine is None or (asked is not None and set(asked) <= set(mine))
            for mine, asked in zip(held, wanted, strict=True)
        )

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if not self.given:
            raise ValueError("limits: none is given; write low_low, low, high or high_high")
        for below, above in pairwise(self.given):
            if not below < above:
                raise ValueError(
                    f"limits: {below} is not below {above}; order them from low_low to high_high"
                )
        return self


class SignalSpec(BaseModel):
    """One declared signal; values in its canonical unit, rates in that unit per minute, times in seconds.

    The fields are explained at the head of signals.yaml.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    title: Sentence
    unit: str
    signal_class: SignalClass
    reading: Reading
    sampling_s: Positive | None
    plausible: Range
    per_litre: Range | None = None
    max_rate_per_min: Positive | None
    frozen_after_s: Positive | None
    stale_after_s: Positive | None
    noise: Positive
    limits: tuple[Limits, ...] = ()
    ne107: Diagnosis = Diagnosis()
    source: Sentence

    def plausible_in(self, working_volume_l: float) -> Range:
        """The plausible range in a vessel of this working volume: narrower where it grows with the vessel."""
        if self.per_litre is None:
            return self.plausible
        low, high = self.per_litre
        return (low * working_volume_l, high * working_volume_l)

    def status(self, symptom: Symptom) -> Status:
        """The OPC UA status of a value whose health shows this symptom, after its NE 107 diagnosis."""
        return status(symptom, getattr(self.ne107, symptom), self.signal_class)

    @model_validator(mode="before")
    @classmethod
    def _diagnosed(cls, entry: Any) -> Any:
        """Fill in the diagnosis of the signal's class; the entry names only what differs from it."""
        if not isinstance(entry, dict) or isinstance(entry.get("ne107"), Diagnosis):
            return entry
        return {**entry, "ne107": diagnosis(entry.get("signal_class", "process"), entry.get("ne107"))}

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        low, high = self.plausible
        if not low < high:
            raise ValueError(f"plausible: {low} is not below {high}; write [low, high]")
        if self.per_litre is not None:
            least, most = self.plausible_in(LARGEST_VESSEL_L)
            if not low <= least < most <= high:
                raise ValueError(
                    f"per_litre: {LARGEST_VESSEL_L:g} L would reach from {least:g} to {most:g}, "
                    f"beyond plausible; widen plausible"
                )
        if (self.sampling_s is None) != (self.reading == "assay"):
            raise ValueError("sampling_s: give it for what is read online, and null for an assay")
        if self.frozen_after_s is not None and self.reading != "continuous":
            raise ValueError(f"frozen_after_s: a {self.reading} reading may stand still; write null")
        self._check_limits()
        return self

    def _check_limits(self) -> None:
        low, high = self.plausible
        for place, these in enumerate(self.limits):
            for limit in these.given:
                if not low < limit < high:
                    raise ValueError(f"limits: {limit} is not inside plausible, {low} to {high}")
            if any(
                before.covers(these.phases, these.cultures, these.vessels) for before in self.limits[:place]
            ):
                raise ValueError(f"limits: entry {place + 1} is never reached; put it before the wider one")


def read_yaml(text: str) -> Any:
    """What a YAML text of ours says."""
    return yaml.load(text, Loader=_LOADER)  # noqa: S506 - both loaders are safe ones


def load(text: str) -> Mapping[str, SignalSpec]:
    """The dictionary written in `text` (YAML, one entry a signal).

    Raises:
        ValueError: an entry is incomplete or wrong.
    """
    entries: dict[str, dict[str, object]] = read_yaml(text)
    return MappingProxyType(
        {name: SignalSpec.model_validate({"name": name, **entry}) for name, entry in entries.items()}
    )


DICTIONARY: Mapping[str, SignalSpec] = load(files("schemas").joinpath("signals.yaml").read_text("utf-8"))


def spec(name: str) -> SignalSpec | None:
    """What is declared of the signal, or None for one outside the dictionary."""
    return DICTIONARY.get(name)


def limits(
    name: str, phase: Phase | None = None, culture: Culture | None = None, *, vessel: Vessel | None = None
) -> Limits | None:
    """The signal's default limits there, None where the dictionary has none; the first entry that fits wins.

    What is not named is not known: then only entries fit that hold for any phase, culture or vessel.
    """
    declared = DICTIONARY.get(name)
    wanted = tuple(None if one is None else (one,) for one in (phase, culture, vessel))
    return next((these for these in (declared.limits if declared else ()) if these.covers(*wanted)), None)
