"""The signal dictionary: what a signal's name means, in which unit, and what is believable of it."""

from collections.abc import Mapping
from importlib.resources import files
from types import MappingProxyType
from typing import Annotated, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from schemas.wire import Finite, Name

Positive = Annotated[Finite, Field(gt=0)]


class SignalSpec(BaseModel):
    """One declared signal; values in its canonical unit, rates in that unit per minute."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Name
    title: str
    unit: str
    plausible: tuple[Finite, Finite]
    max_rate_per_min: Positive | None
    frozen_after_s: Positive | None
    stale_after_s: Positive | None
    noise: Positive
    source: Annotated[str, Field(min_length=1)]

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        low, high = self.plausible
        if not low < high:
            raise ValueError(f"plausible: {low} is not below {high}; write [low, high]")
        return self


def load(text: str) -> Mapping[str, SignalSpec]:
    """The dictionary written in `text` (YAML, one entry a signal).

    Raises:
        ValueError: an entry is incomplete or wrong.
    """
    entries: dict[str, dict[str, object]] = yaml.safe_load(text)
    return MappingProxyType(
        {name: SignalSpec.model_validate({"name": name, **entry}) for name, entry in entries.items()}
    )


DICTIONARY: Mapping[str, SignalSpec] = load(files("schemas").joinpath("signals.yaml").read_text("utf-8"))


def spec(name: str) -> SignalSpec | None:
    """What is declared of the signal, or None for one outside the dictionary."""
    return DICTIONARY.get(name)
