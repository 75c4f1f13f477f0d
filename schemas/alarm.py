"""What an alarm did: it was raised or cleared (states after ISA-18.2)."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from schemas.score import ModelRef
from schemas.source import SideOffsets, Source
from schemas.wire import Count, Finite, Name, TimeUs, WireModel

Condition = Literal[
    "low",
    "high",
    "low_low",
    "high_high",
    "range",
    "rate",
    "frozen",
    "stale",
    "silent",
    "clock",
    "spike",
    "clipping",
    "anomaly",
    "time_to_limit",
    "drift",
]
"""What can be wrong: with the process, with an instrument or device, and what models see."""
AlarmEvent = Literal["raised", "cleared"]
Priority = Literal["low", "medium", "high"]


class AlarmState(StrEnum):
    """The seven states of an alarm (ISA-18.2, A to G)."""

    NORMAL = "normal"
    UNACKNOWLEDGED = "unacknowledged"
    ACKNOWLEDGED = "acknowledged"
    RETURNED_UNACKNOWLEDGED = "returned_unacknowledged"
    SHELVED = "shelved"
    SUPPRESSED = "suppressed"
    OUT_OF_SERVICE = "out_of_service"


class AlarmTransition(WireModel):
    """One change of one alarm, with its rationalisation, on the topic alarm.transitions."""

    schema_: Annotated[
        Literal["sparge.alarm/1"], Field(alias="schema", description="Contract and its major version.")
    ] = "sparge.alarm/1"
    source: Annotated[
        Source, Field(description="The input message that caused it; the identity of this one.")
    ]
    site: Annotated[Name, Field(description="Site of the bioreactor.")]
    unit: Annotated[Name, Field(description="The bioreactor (ISA-88 unit).")]
    signal: Annotated[Name, Field(description="Signal that is alarmed; for a silent device its name.")]
    condition: Annotated[Condition, Field(description="What is wrong with the signal.")]
    event: Annotated[AlarmEvent, Field(description="Whether the condition appeared or went.")]
    state: Annotated[AlarmState, Field(description="State of the alarm after this transition (ISA-18.2).")]
    time_us: Annotated[TimeUs, Field(description="Recorded time of the log, in microseconds UTC.")]
    sample_us: Annotated[
        TimeUs | None, Field(description="Device time of the sample that decided; absent for timers.")
    ] = None
    value: Annotated[Finite | None, Field(description="The value that decided, in `unit_code`.")] = None
    limit: Annotated[Finite | None, Field(description="The limit that it crossed, in `unit_code`.")] = None
    unit_code: Annotated[str, Field(description="UCUM unit of value and limit.")]
    priority: Annotated[Priority, Field(description="How much it matters.")]
    alarm_class: Annotated[str, Field(description="Class of the alarm, such as process or instrument.")]
    message: Annotated[str, Field(description="What is wrong, for the operator.")]
    cause: Annotated[str, Field(description="Probable cause.")]
    consequence: Annotated[str, Field(description="What happens if nothing is done.")]
    action: Annotated[str, Field(description="What to do.")]
    respond_within_s: Annotated[Finite, Field(ge=0, description="Time to respond, in seconds.")]
    since_us: Annotated[TimeUs, Field(description="When the alarm was raised, in microseconds UTC.")]
    value_status: Annotated[
        Count | None,
        Field(description="OPC UA status that the value gets by it; absent where it is about the process."),
    ] = None
    device_state: Annotated[
        Literal["F", "C", "S", "M"] | None,
        Field(
            description="NAMUR NE 107 state of the instrument: failure, check, out of specification, "
            "maintenance; absent likewise."
        ),
    ] = None
    model: Annotated[
        ModelRef | None,
        Field(description="The model that raised it; absent where a limit, health or a timer did."),
    ] = None
    side_offsets: SideOffsets = None

    @property
    def key(self) -> str:
        """The message's key, `site/unit`."""
        return f"{self.site}/{self.unit}"

    @property
    def alarm_id(self) -> str:
        """Which alarm it is, `site/unit/signal/condition`."""
        return f"{self.site}/{self.unit}/{self.signal}/{self.condition}"
