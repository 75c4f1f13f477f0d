"""The plant file: which units a site has, where they stand, and the geometry of their vessels.

sites:
north:
BR-01:
area: upstream
vessel: {total_l: 2.8, working_l: 2.0, diameter_m: 0.13, impeller: rushton, impellers: 2,
impeller_diameter_m: 0.053, power_number: 5.0, baffles: 3}
"""

from collections.abc import Mapping
from typing import Annotated, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from schemas.errors import ContractError
from schemas.wire import Finite, Name

Positive = Annotated[Finite, Field(gt=0)]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class VesselGeometry(_Strict):
    """One vessel: volumes in litres, lengths in metres; the power number is of one impeller, ungassed."""

    total_l: Positive
    working_l: Positive
    diameter_m: Positive
    impeller: Annotated[str, Field(min_length=1)] | None = None
    impellers: Annotated[int, Field(ge=1)] | None = None
    impeller_diameter_m: Positive | None = None
    power_number: Positive | None = None
    baffles: Annotated[int, Field(ge=0)] | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.working_l > self.total_l:
            raise ValueError(f"working_l {self.working_l:g} is more than total_l {self.total_l:g}")
        if self.impeller_diameter_m is not None and self.impeller_diameter_m >= self.diameter_m:
            raise ValueError(f"the impeller is not smaller than the vessel, {self.diameter_m:g} m")
        return self


class PlantUnit(_Strict):
    """One unit (ISA-95); area is that of the site in which it stands."""

    area: Annotated[str, Field(min_length=1)] | None = None
    vessel: VesselGeometry | None = None


class Plant(_Strict):
    """Units by site and name."""

    sites: Mapping[Name, Mapping[Name, PlantUnit]]

    def units(self) -> list[tuple[str, str, PlantUnit]]:
        """(site, unit, description) of each, in order."""
        return [
            (site, unit, described)
            for site, units in sorted(self.sites.items())
            for unit, described in sorted(units.items())
        ]


def parse_plant(text: str) -> Plant:
    """The plant that `text` (YAML) describes.

    Raises:
        ContractError: it is no YAML, or an entry is wrong; says which and why.
    """
    try:
        return Plant.model_validate(yaml.safe_load(text))
    except yaml.YAMLError as wrong:
        raise ContractError("The plant file is not YAML.", detail=str(wrong)) from wrong
    except ValidationError as wrong:
        first = wrong.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise ContractError(
            f"The plant file is wrong at {where}: {first['msg']}. Correct it there.",
            detail=str(wrong),
            kept="Nothing was changed.",
        ) from wrong
