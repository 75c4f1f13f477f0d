"""What of a unit's watch survives a restart: alarms, pending delays and health memory, as versioned JSON."""

from typing import Annotated, Any, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from agents.alarms.annunciator import NEVER_US, Evidence, Key
from agents.alarms.machine import Alarm
from schemas.alarm import AlarmState, Condition
from schemas.errors import SnapshotRefused
from schemas.score import ModelRef

SCHEMA = "sparge.unit-watch/1"

Int64 = Annotated[int, Field(ge=-(2**63), lt=2**63)]
Finite = Annotated[float, Field(allow_inf_nan=False)]


class _Part(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")


class AlarmPart(_Part):
    """An alarm that is not at rest, and the evidence it stands on."""

    signal: str
    condition: Condition
    state: Annotated[AlarmState, Field(strict=False)]
    abnormal: bool
    turned_us: Int64 | None
    raised_us: Int64 | None
    value: Finite | None
    unit_code: str
    limit: Finite | None
    sample_us: Int64 | None
    limit_text: str
    note: str = ""
    model: ModelRef | None = None
    ended: str = ""

    def restored(self) -> tuple[Key, Alarm, Evidence]:
        """Return the alarm's key, its memory and its evidence."""
        return (
            (self.signal, self.condition),
            Alarm(self.state, self.abnormal, self.turned_us, self.raised_us),
            Evidence(
                *(self.value, self.unit_code, self.limit, self.sample_us, self.limit_text, self.note),
                model=self.model,
                ended=self.ended,
            ),
        )


class SignalPart(_Part):
    """A signal's unit and its row of health.MEMORY."""

    unit_code: str
    seen: list[Int64 | Finite]


class DevicePart(_Part):
    """How far a device's times have come, since when (log time) they have not, and which signals it sends.

    A memory that was kept before signals were has none: they come with the device's next frames.
    """

    newest_us: Int64
    late_since_us: Int64 | None
    signals: list[str] = Field(default_factory=list)


class UnitSnapshot(_Part):
    """The memory of one unit; signals in the order of their slots.

    reached_us: device time that it has reached; context: what was under way then, the fields of Context;
    changed_us: log time at which that began.
    """

    schema_: Annotated[Literal["sparge.unit-watch/1"], Field(alias="schema")]
    site: str
    unit: str
    heard_us: Int64
    resumed_us: Int64
    gaps_us: list[Int64]
    signals: dict[str, SignalPart]
    devices: dict[str, DevicePart]
    alarms: list[AlarmPart]
    waiting: list[tuple[str, Condition, Int64]]
    armed: list[tuple[str, Condition]]
    reached_us: Int64 = 0
    changed_us: Int64 = NEVER_US
    context: dict[str, Any] = Field(default_factory=dict)


def decode(site: str, unit: str, body: bytes) -> UnitSnapshot:
    """Read the memory of `unit` at `site`.

    Raises:
        SnapshotRefused: it is torn, of another unit, or of a version that this one does not read.
    """
    try:
        snapshot = UnitSnapshot.model_validate_json(body)
    except ValidationError as wrong:
        raise SnapshotRefused(
            f"The memory of {site}/{unit} in watch.state cannot be read.",
            detail=str(wrong.errors(include_url=False, include_input=False)[0]),
            kept="The frames in the log, and every transition that was told before.",
        ) from wrong
    if (snapshot.site, snapshot.unit) != (site, unit):
        raise SnapshotRefused(
            f"The memory kept for {site}/{unit} is that of {snapshot.site}/{snapshot.unit}.",
            kept="The frames in the log, and every transition that was told before.",
        )
    return snapshot


def alarm_part(key: Key, alarm: Alarm, evidence: Evidence) -> dict[str, object]:
    """Return the fields of an AlarmPart."""
    signal, condition = key
    return {
        "signal": signal,
        "condition": condition,
        "state": alarm.state,
        "abnormal": alarm.abnormal,
        "turned_us": alarm.turned_us,
        "raised_us": alarm.raised_us,
        "value": evidence.value,
        "unit_code": evidence.unit_code,
        "limit": evidence.limit,
        "sample_us": evidence.sample_us,
        "limit_text": evidence.limit_text,
        "note": evidence.note,
        "model": evidence.model and evidence.model.model_dump(),
        "ended": evidence.ended,
    }


def encode(parts: dict[str, object]) -> bytes:
    """Write a memory given as the fields of UnitSnapshot; unchecked, for it is written with every frame."""
    return orjson.dumps({"schema": SCHEMA, **parts})
