"""Offline assays: what a laboratory makes of the truth."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

if TYPE_CHECKING:
    from collections.abc import Mapping

NotNegative = Annotated[float, Field(ge=0.0)]


class Assay(BaseModel):
    """How well one assay tells the truth.

    Attributes:
        unit: UCUM, of result, `absolute` and `least`.
        relative, absolute: standard deviations that add up as independent errors.
        least: limit of detection; what is found below it is not reported.
        most: above which no result can be.
        decimals: of the written result.
        delay_h: from the sample to the known result.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    unit: str
    relative: NotNegative
    absolute: NotNegative
    least: NotNegative
    most: float = float("inf")
    decimals: Annotated[int, Field(ge=0)]
    delay_h: NotNegative
    source: str

    def result(self, truth: float, chance: float) -> float | None:
        """The written result for a standard normal `chance`; None below the limit of detection."""
        deviation = float((self.absolute**2 + (self.relative * truth) ** 2) ** 0.5)
        found = min(truth + chance * deviation, self.most)
        return round(found, self.decimals) if found >= self.least else None


@cache
def assays() -> Mapping[str, Assay]:
    """Every assay by its name in the dictionary of signals."""
    text = resources.files(__package__).joinpath("assays.yaml").read_text(encoding="utf-8")
    return TypeAdapter(dict[str, Assay]).validate_python(yaml.safe_load(text))
