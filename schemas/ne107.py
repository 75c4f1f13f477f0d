"""What a sick reading means for its device (NAMUR NE 107), and the OPC UA status that follows from it."""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, get_args

from pydantic import BaseModel, ConfigDict

from schemas.status import Status

if TYPE_CHECKING:
    from collections.abc import Mapping

Symptom = Literal["out_of_range", "frozen", "stale", "rate", "spike", "clipping", "out_of_service", "clock"]
"""What signal health finds: beyond the plausible range, standing still, gone, faster than is believable,
leaping and returning, stuck at an end of its range, taken out of service, timed by a clock that is wrong."""

SignalClass = Literal["process", "gas", "liquid", "equipment", "setpoint", "derived", "offline"]


class Ne107(StrEnum):
    """The status signals of NAMUR NE 107, by their letters."""

    FAILURE = "F"
    CHECK = "C"
    OUT_OF_SPECIFICATION = "S"
    MAINTENANCE = "M"


class Diagnosis(BaseModel):
    """The status signal that each symptom stands for; by default those of a measuring instrument."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    out_of_range: Ne107 = Ne107.FAILURE
    frozen: Ne107 = Ne107.FAILURE
    stale: Ne107 = Ne107.FAILURE
    rate: Ne107 = Ne107.OUT_OF_SPECIFICATION
    spike: Ne107 = Ne107.OUT_OF_SPECIFICATION
    clipping: Ne107 = Ne107.OUT_OF_SPECIFICATION
    out_of_service: Ne107 = Ne107.CHECK
    clock: Ne107 = Ne107.OUT_OF_SPECIFICATION


_OWN: Mapping[str, Mapping[Symptom, Ne107]] = MappingProxyType(
    {
        # A set point is a person's or a recipe's entry: nothing is broken, somebody has to look.
        "setpoint": dict.fromkeys(get_args(Symptom), Ne107.CHECK),
        # A computed value is no device: it says that what it was computed from does not fit together.
        "derived": {
            **dict.fromkeys(get_args(Symptom), Ne107.OUT_OF_SPECIFICATION),
            "out_of_service": Ne107.CHECK,
        },
        # An assay was carried out or typed in wrongly: no device is broken either.
        "offline": dict.fromkeys(get_args(Symptom), Ne107.CHECK),
    }
)


def diagnosis(signal_class: SignalClass, overrides: Mapping[str, object] | None = None) -> Diagnosis:
    """The diagnosis of a class of signals; `overrides` are the letters of one signal's own entry.

    Raises:
        ValueError: an override is no symptom or no letter of NE 107 (pydantic's ValidationError is one).
    """
    return Diagnosis.model_validate({**_OWN.get(signal_class, {}), **(overrides or {})})


def status(symptom: Symptom, verdict: Ne107, signal_class: SignalClass) -> Status:
    """The OPC UA status that a value gets (after OPC 30142, 6.8.1.2).

    A failure makes the value Bad, a reading out of specification Uncertain; maintenance leaves it Good.
    """
    if verdict is Ne107.FAILURE:
        if symptom == "stale":
            return Status.BAD_NO_COMMUNICATION
        return Status.BAD_DEVICE_FAILURE if signal_class == "equipment" else Status.BAD_SENSOR_FAILURE
    if verdict is Ne107.CHECK:
        wrongly_set = signal_class == "setpoint" and symptom != "out_of_service"
        return Status.BAD_CONFIGURATION_ERROR if wrongly_set else Status.BAD_OUT_OF_SERVICE
    if verdict is Ne107.OUT_OF_SPECIFICATION:
        # OPC UA has a code for a value made from others of which too few are good.
        derived = Status.UNCERTAIN_SUB_NORMAL if signal_class == "derived" else None
        return _UNCERTAIN.get(symptom) or derived or Status.UNCERTAIN_SENSOR_NOT_ACCURATE
    return Status.GOOD


_UNCERTAIN: Mapping[Symptom, Status] = MappingProxyType(
    {"clock": Status.UNCERTAIN, "clipping": Status.UNCERTAIN_ENGINEERING_UNITS_EXCEEDED}
)
