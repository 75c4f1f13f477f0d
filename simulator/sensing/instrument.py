"""What is known of each measuring chain, read from `instruments.yaml`."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from schemas.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

NotNegative = Annotated[float, Field(ge=0.0, allow_inf_nan=False)]
Positive = Annotated[float, Field(gt=0.0, allow_inf_nan=False)]


class Instrument(BaseModel):
    """One measuring chain: what it makes of the truth.

    Errors are in the signal's unit; where the range is chosen for the vessel (`of_full_scale`) they are
    shares of full scale.

    Attributes:
        name: the signal, as the dictionary names it.
        device: signals of one device share its calibration (a pump's rate and its total).
        unit: UCUM.
        lag_s: first-order time constant (63 %).
        delay_s: transport delay in whole seconds (a sample line).
        noise: standard deviation from one reading to the next.
        relative: further noise as a share of the reading.
        wander, wander_s: standard deviation of the slow part of the error, and the time it takes to forget.
        offset: what every instrument of this kind shows too much (residual current of an oxygen probe).
        offset_sd, gain_sd: spread of zero and slope between instruments after calibration.
        offset_drift_per_day, gain_drift_per_day: spread of the speed at which zero and slope run off.
        resolution: the reading has the decimals that are needed to tell this.
        floor: lowest reading, taken silently (a flow is cut off at zero).
        range: what it can measure; beyond, it stands at the end and says so.
        of_full_scale: the range ends at a full scale chosen for the vessel.
        gross_error: size of an error at which a process engineer would call the probe wrong; faults of
            severity 1 have this size.
        deadband: where the signal is reported by exception, it is when it has moved by more than this.
        source: where the figures come from.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    device: str
    unit: str
    lag_s: NotNegative = 0.0
    delay_s: Annotated[int, Field(ge=0, le=600)] = 0
    noise: NotNegative = 0.0
    relative: NotNegative = 0.0
    wander: NotNegative = 0.0
    wander_s: Positive = 600.0
    offset: float = 0.0
    offset_sd: NotNegative = 0.0
    gain_sd: NotNegative = 0.0
    offset_drift_per_day: NotNegative = 0.0
    gain_drift_per_day: NotNegative = 0.0
    resolution: Positive
    floor: float | None = None
    range: tuple[float, float] | None = None
    of_full_scale: bool = False
    gross_error: Positive
    deadband: NotNegative = 0.0
    source: Annotated[str, Field(min_length=1)]

    @model_validator(mode="after")
    def _one_range(self) -> Self:
        if (self.range is None) != self.of_full_scale:
            raise ValueError("give either range or of_full_scale")
        if self.range is not None and not self.range[0] < self.range[1]:
            raise ValueError(f"range: {self.range[0]} is not below {self.range[1]}; write [low, high]")
        return self


def load(text: str) -> Mapping[str, Instrument]:
    """The instruments written in `text` (YAML, one entry a signal; `like` takes over another entry's fields).

    Raises:
        SettingsError: an entry is incomplete or wrong.
    """
    entries: dict[str, dict[str, object]] = yaml.safe_load(text)
    made = {}
    for name, entry in entries.items():
        like = entry.get("like")
        if like is not None and (like not in entries or "like" in entries[str(like)]):
            raise SettingsError(
                f"Instrument {name} is like {like}, which is not an entry with its own fields."
            )
        fields = {**(entries[str(like)] if like else {}), **entry}
        fields.pop("like", None)
        # A second probe of the same kind is another device, unless its entry says otherwise.
        fields["device"] = entry.get("device", name)
        try:
            made[name] = Instrument.model_validate({"name": name, **fields})
        except ValidationError as error:
            raise SettingsError(
                f"Instrument {name} is not complete or not right.", detail=str(error)
            ) from None
    return MappingProxyType(made)


@cache
def instruments() -> Mapping[str, Instrument]:
    """All instruments that a simulated vessel can have, by signal."""
    return load(files("simulator.sensing").joinpath("instruments.yaml").read_text("utf-8"))


def instrument(name: str) -> Instrument:
    """The instrument of a signal.

    Raises:
        SettingsError: no vessel has one.
    """
    found = instruments().get(name)
    if found is None:
        raise SettingsError(
            f"No simulated vessel measures {name}.", next_step=f"choose among {', '.join(instruments())}"
        )
    return found
