"""What happens to a model: registered, promoted, rolled back, retired; and what people say of its alarms."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from schemas.errors import FrameRefused, Reason
from schemas.frame import MAX_AHEAD_US
from schemas.score import ModelRef
from schemas.wire import Count, Finite, Name, TimeUs, WireModel

Verdict = Literal["true", "nuisance", "known_work"]
"""true: there was something to do. nuisance: nothing. known_work: people were at work on the unit."""

SYSTEM = "system"
"""Who does what no person did: the models that come with Sparge are registered and promoted so."""

_UNIT = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}/[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$"
_ID = r"^[A-Za-z0-9][A-Za-z0-9_.:-]{0,127}$"
_NEEDS = {
    "registered": ("layer", "context", "model", "recipe", "river_version"),
    "promoted": ("layer", "context", "model"),
    "rolled_back": ("layer", "context", "model"),
    "retired": ("layer", "context", "model"),
    "verdict": ("alarm", "raised_us", "verdict"),
}


class ModelContext(WireModel):
    """Where a model applies: what is not named may be anything; with nothing named it applies everywhere."""

    unit: Annotated[str | None, Field(pattern=_UNIT, description="One bioreactor, site/unit.")] = None
    organism: Annotated[
        str | None, Field(min_length=1, description="Organism; E. coli also means E. coli BL21.")
    ] = None
    process: Annotated[str | None, Field(min_length=1, description="Process, such as the product.")] = None
    scale_from_L: Annotated[  # noqa: N815 - the litre's symbol is a capital in the contract's field name
        Finite | None, Field(gt=0, description="Smallest working volume in litres.")
    ] = None
    scale_to_L: Annotated[  # noqa: N815 - as above
        Finite | None, Field(gt=0, description="Largest working volume in litres.")
    ] = None
    phase: Annotated[str | None, Field(min_length=1, description="Phase (ISA-88) of the batch.")] = None

    @model_validator(mode="after")
    def _a_span(self) -> Self:
        if (self.scale_from_L is None) != (self.scale_to_L is None):
            raise ValueError("a scale has two ends: give scale_from_L and scale_to_L")
        if (
            self.scale_from_L is not None
            and self.scale_to_L is not None
            and self.scale_from_L > self.scale_to_L
        ):
            raise ValueError("scale_from_L is above scale_to_L")
        _refuse_unprintable(self, "organism", "process", "phase")
        return self


class Trained(WireModel):
    """A span of a partition that a model has learned from."""

    topic_id: Annotated[str, Field(description="Kafka's id of the topic.")]
    topic: Annotated[str, Field(description="Name of the topic.")]
    partition: Annotated[Count, Field(description="Partition.")]
    from_offset: Annotated[Count, Field(description="First offset learned from.")]
    to_offset: Annotated[Count, Field(description="Offset after the last.")]


class ModelEvent(WireModel):
    """One event in the life of a model, on the topic models.registry."""

    schema_: Annotated[
        Literal["sparge.model-event/1"], Field(alias="schema", description="Contract and its major version.")
    ] = "sparge.model-event/1"
    id: Annotated[
        str,
        Field(pattern=_ID, description="Its own name, never used again: to send it twice changes nothing."),
    ]
    event: Annotated[
        Literal["registered", "promoted", "rolled_back", "retired", "verdict"],
        Field(description="What happened; `model` is the one it happened to."),
    ]
    time_us: Annotated[
        TimeUs,
        Field(description="When, in microseconds UTC; events count in this order, then in that of id."),
    ]
    by: Annotated[str, Field(min_length=1, max_length=200, description="Name of who did it, or system.")]
    why: Annotated[str, Field(max_length=2000, description="The reason; only a verdict may go without.")] = ""
    layer: Annotated[
        Name | None,
        Field(description="What the model is for, such as residual or forecast."),
    ] = None
    context: Annotated[
        ModelContext | None,
        Field(description="Where it applies; with verdict where the model spoke that raised the alarm."),
    ] = None
    model: Annotated[
        ModelRef | None, Field(description="The model; with verdict the one that raised the alarm, if any.")
    ] = None
    recipe: Annotated[
        str | None, Field(max_length=65_536, description="The whole recipe, as YAML; with registered.")
    ] = None
    river_version: Annotated[
        str | None, Field(description="Version of River that it was made with; with registered.")
    ] = None
    numpy_version: Annotated[
        str | None, Field(description="Version of NumPy that it was made with; with registered.")
    ] = None
    author: Annotated[str | None, Field(description="Who made the recipe; with registered.")] = None
    citation: Annotated[str | None, Field(description="What to cite for it; with registered.")] = None
    trained_on: Annotated[
        list[Trained] | None, Field(description="What it has learned from; with registered and promoted.")
    ] = None
    metrics: Annotated[
        dict[Name, Finite] | None, Field(description="The figures that justified it, by name.")
    ] = None
    alarm: Annotated[
        str | None, Field(description="The alarm judged, site/unit/signal/condition; with verdict.")
    ] = None
    raised_us: Annotated[
        TimeUs | None, Field(description="When that alarm was raised, in microseconds UTC; with verdict.")
    ] = None
    verdict: Annotated[
        Verdict | None, Field(description="true, nuisance or known_work; with verdict, the latest counts.")
    ] = None

    @model_validator(mode="after")
    def _complete(self) -> Self:
        missing = [name for name in _NEEDS[self.event] if getattr(self, name) is None]
        if missing:
            raise ValueError(f"{self.event} needs {', '.join(missing)}")
        if not self.by.strip():
            raise ValueError("by: give the name of who did it")
        if self.event != "verdict" and not self.why.strip():
            raise ValueError("why: give the reason")
        parts: list[WireModel] = [*(self.trained_on or ()), *([self.model] if self.model else ())]
        for part in parts:
            _refuse_unprintable(part, "topic_id", "topic", "name", "version", "digest")
        _refuse_unprintable(
            self, "by", "why", "author", "citation", "alarm", "river_version", "numpy_version"
        )
        if "\x00" in (self.recipe or ""):
            raise ValueError("recipe: it has a character that no text has")
        return self


def refuse_misplaced(event: ModelEvent, key: bytes | None, recorded_us: int) -> None:
    """Make sure that an event lies in the log as it should: anybody may write such events.

    Raises:
        FrameRefused: its key is not its id, or its time is more than 24 h after it was recorded.
    """
    if key != event.id.encode():
        raise FrameRefused(
            Reason.KEY_MISMATCH, "key", f"The event's id is {event.id}. Send it with that key, or correct it."
        )
    if event.time_us > recorded_us + MAX_AHEAD_US:
        ahead = "The time is more than 24 h ahead of the broker's clock. Correct it."
        raise FrameRefused(Reason.TIME_AHEAD, "time_us", ahead)


def _refuse_unprintable(part: WireModel, *names: str) -> None:
    for name in names:
        if not (getattr(part, name, None) or "").isprintable():
            raise ValueError(f"{name}: it has characters that cannot be printed")
