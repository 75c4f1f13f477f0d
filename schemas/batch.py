"""What happens to a batch: it starts, changes phase, is sampled, ends."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from schemas.errors import FrameRefused, Reason, UnitIncompatible, UnitUnknown
from schemas.frame import MAX_AHEAD_US
from schemas.signals import spec
from schemas.units import conversion, parse
from schemas.wire import Finite, Name, TimeUs, WireModel


class Assay(WireModel):
    """One result of an offline sample."""

    value: Annotated[Finite, Field(description="The result, in `unit`.")]
    unit: Annotated[str, Field(description="UCUM unit of the result, such as g.L-1.")]


class BatchEvent(WireModel):
    """One event in the life of a batch, on the topic batch.events."""

    schema_: Annotated[
        Literal["sparge.batch/1"], Field(alias="schema", description="Contract and its major version.")
    ] = "sparge.batch/1"
    site: Annotated[Name, Field(description="Site of the bioreactor.")]
    unit: Annotated[Name, Field(description="The bioreactor (ISA-88 unit).")]
    batch: Annotated[Name, Field(description="Name of the batch, unique within its member.")]
    member: Annotated[Name, Field(description="Institution that owns the data of this batch.")]
    event: Annotated[
        Literal["start", "phase", "sample", "end"],
        Field(description="start, change of phase, offline sample, or end of the batch."),
    ]
    time_us: Annotated[TimeUs, Field(description="When it happened, in microseconds UTC.")]
    phase: Annotated[
        str | None, Field(description="Phase that begins (ISA-88), such as fed-batch; with start and phase.")
    ] = None
    organism: Annotated[str | None, Field(description="Organism, such as E. coli BL21; with start.")] = None
    process: Annotated[str | None, Field(description="Process, such as the product's name; with start.")] = (
        None
    )
    scale_L: Annotated[  # noqa: N815 - the litre's symbol is a capital in the contract's field name
        Finite | None, Field(gt=0, description="Working volume in litres; with start.")
    ] = None
    assays: Annotated[
        dict[Name, Assay] | None, Field(description="Results of an offline sample by assay; with sample.")
    ] = None
    operator: Annotated[str | None, Field(description="Who reported it.")] = None

    @property
    def key(self) -> str:
        """The message's key, `site/unit`."""
        return f"{self.site}/{self.unit}"

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.event == "phase" and not self.phase:
            raise ValueError("a phase without its name: give phase")
        if self.event == "sample" and not self.assays:
            raise ValueError("a sample without results: give assays")
        for name in ("phase", "organism", "process", "operator"):
            if not (getattr(self, name) or "").isprintable():
                raise ValueError(f"{name}: it has characters that cannot be printed")
        return self


def checked_assays(event: BatchEvent, key: bytes | None, recorded_us: int) -> Mapping[str, Assay]:
    """The assays of an event that was recorded with this key at this time, as `canonical_assays` gives them.

    Raises:
        FrameRefused: its key, its time or a unit is wrong: anybody may write such events.
    """
    if key != event.key.encode():
        raise FrameRefused(
            Reason.KEY_MISMATCH,
            "key",
            f"The body is about {event.key}. Send it with that key, or correct it.",
        )
    if event.time_us > recorded_us + MAX_AHEAD_US:
        raise FrameRefused(
            Reason.TIME_AHEAD,
            "time_us",
            "The time is more than 24 h ahead of the broker's clock. Correct it.",
        )
    try:
        return canonical_assays(event)
    except UnitUnknown as error:
        raise FrameRefused(Reason.UNKNOWN_UNIT, "assays", error.message, detail=error.detail) from error
    except UnitIncompatible as error:
        raise FrameRefused(Reason.INCOMPATIBLE_UNIT, "assays", error.message) from error


def canonical_assays(event: BatchEvent) -> Mapping[str, Assay]:
    """The results of an offline sample, those of the dictionary in their canonical unit.

    Raises:
        UnitUnknown: a unit is not a UCUM code.
        UnitIncompatible: it measures another quantity than the dictionary's.
    """
    return {name: _canonical(name, assay) for name, assay in (event.assays or {}).items()}


def _canonical(name: str, assay: Assay) -> Assay:
    parse(assay.unit)
    declared = spec(name)
    if declared is None:
        return assay
    scale, offset = conversion(assay.unit, declared.unit)
    return Assay(value=assay.value * scale + offset, unit=declared.unit)
