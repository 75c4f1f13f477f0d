"""The master alarm database: which alarms there are, when they are raised, what to do about each."""

from __future__ import annotations

import datetime as dt  # noqa: TC003 - pydantic reads it at run time
from fnmatch import fnmatchcase
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Annotated, Any, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from agents.alarms.machine import Delays
from agents.context import Stage  # noqa: TC001 - pydantic reads it at run time
from schemas.alarm import Condition, Priority  # noqa: TC001 - pydantic reads them at run time
from schemas.signals import DICTIONARY, Culture, Vessel
from schemas.signals import limits as dictionary_limits

if TYPE_CHECKING:
    from agents.context import Context

DEVICE = "device"
"""Name under which a unit's alarms about its device (silent, clock) are kept."""

UNIT = "unit"
"""Name under which alarms about a unit as a whole are kept."""

EACH_SIGNAL = "*"
"""An entry for every signal of the dictionary to which the condition applies."""

LIMITS = frozenset({"low_low", "low", "high", "high_high"})
Sentence = Annotated[str, Field(min_length=1)]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Finite = Annotated[float, Field(allow_inf_nan=False)]


class Rationalisation(BaseModel):
    """Who decided that this is an alarm, when, and on what grounds."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: Sentence
    author: Sentence
    date: dt.date


class AlarmDefinition(BaseModel):
    """One entry of the master alarm database (fields after ISA-18.2).

    units: the units that it is for, as site/unit with * for anything; None for all of them.
    culture, vessel: whose default limit of the dictionary applies where `limit` is absent. In a batch that of
        its phase and culture applies instead; a `vessel` that is named here is known better than by volume.
    limit, deadband: in `unit` (UCUM); no limit where the dictionary's range, rate and times decide.
    armed_after_s: a limit alarm of a unit seen for the first time is armed as soon as the value was once
        normal, or after this many seconds of log time: a vessel that is being prepared does not alarm.
    grace_s: for so long after a change of phase a limit that has become stricter waits until the value was
        once normal; and what happens then must last `grace_delay_s`, if that is longer than the on-delay.
    suppressed_in: stages of a batch in which there is no such alarm, by design.
    by_context: not to be given; whether the limit came from the dictionary.
    message: what happened, with {value}, {limit} and {since}; {signal} stands for the signal in all texts.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    signal: Sentence
    condition: Condition
    units: Annotated[tuple[Sentence, ...], Field(min_length=1)] | None = None
    culture: Culture | None = None
    vessel: Vessel | None = None
    unit: str | None = None
    limit: Finite | None = None
    deadband: Annotated[Finite, Field(ge=0)] = 0.0
    on_delay_s: Seconds
    off_delay_s: Seconds
    armed_after_s: Seconds = 0.0
    grace_s: Seconds = 600.0
    grace_delay_s: Seconds = 0.0
    suppressed_in: tuple[Stage, ...] = ("service",)
    by_context: bool = False
    priority: Priority
    alarm_class: Annotated[str, Field(alias="class", min_length=1)]
    message: Sentence
    cause: Sentence
    consequence: Sentence
    action: Sentence
    respond_within_s: Annotated[Seconds, Field(gt=0)]
    rationalisation: Rationalisation

    @property
    def key(self) -> tuple[str, Condition]:
        """Which alarm of a unit this is."""
        return (self.signal, self.condition)

    @property
    def delays(self) -> Delays:
        """The delays as the machine wants them."""
        return Delays(round(self.on_delay_s * 1e6), round(self.off_delay_s * 1e6))

    @property
    def grace_delays(self) -> Delays:
        """The delays within `grace_s` of a change of phase."""
        return Delays(round(max(self.on_delay_s, self.grace_delay_s) * 1e6), round(self.off_delay_s * 1e6))

    def within(self, context: Context) -> Self | None:
        """Return this entry with the limit that holds in `context`; None where there is no such alarm."""
        if context.stage in self.suppressed_in:
            return None
        if context.batch is None or not self.by_context:
            return self
        found = dictionary_limits(
            self.signal,
            context.stage if context.stage != "service" else None,
            context.culture or self.culture,
            vessel=self.vessel or context.vessel,
        )
        at = getattr(found, self.condition, None)
        return None if at is None else self.model_copy(update={"limit": at})

    def of(self, signal: str) -> Self:
        """Return this entry for one signal, its texts naming it."""
        texts = {
            name: getattr(self, name).replace("{signal}", signal)
            for name in ("message", "cause", "consequence", "action")
        }
        return self.model_copy(update={"signal": signal, **texts})

    @model_validator(mode="before")
    @classmethod
    def _with_default_limit(cls, entry: Any) -> Any:
        """Take the limit that the entry does not give from the dictionary."""
        if not isinstance(entry, dict) or entry.get("condition") not in LIMITS:
            return entry
        if entry.get("limit") is not None:
            return entry
        found = dictionary_limits(
            str(entry.get("signal")), culture=entry.get("culture"), vessel=entry.get("vessel")
        )
        return {**entry, "limit": getattr(found, entry["condition"], None), "by_context": True}

    @model_validator(mode="after")
    def _checked(self) -> Self:
        if self.condition in LIMITS:
            if self.signal == EACH_SIGNAL or self.limit is None:
                raise ValueError(
                    f"{self.signal} {self.condition}: a limit needs its signal and its value; give `limit`, "
                    f"or the `culture` or `vessel` for which the dictionary has one"
                )
            declared = DICTIONARY.get(self.signal)
            if declared is None or declared.unit != self.unit:
                raise ValueError(
                    f"{self.signal} {self.condition}: the unit {self.unit} is not that of the dictionary"
                )
        if self.condition in {"silent", "clock"} and self.limit is None:
            raise ValueError(f"{self.signal} {self.condition}: it needs a limit in seconds")
        try:
            self.message.format(signal="", value="", limit="", since="")
        except (KeyError, IndexError) as unknown:
            raise ValueError(f"message: {unknown} is none of signal, value, limit, since") from unknown
        return self


class MasterAlarmDatabase:
    """All alarm definitions, looked up by signal.

    Raises:
        ValueError: an alarm is defined twice.
    """

    def __init__(self, definitions: tuple[AlarmDefinition, ...]) -> None:
        self.definitions = definitions
        if len({(each.key, each.units) for each in definitions}) != len(definitions):
            raise ValueError("an alarm is defined twice: one entry for each signal, condition and its units")
        self._by_key = {each.key: each for each in definitions if each.units is None}

    def of_unit(self, site: str, unit: str) -> MasterAlarmDatabase:
        """Return the definitions that apply to a unit: an entry that names it goes before the general one."""
        chosen: dict[tuple[str, Condition], AlarmDefinition] = {}
        for each in self.definitions:
            named = any(fnmatchcase(f"{site}/{unit}", pattern) for pattern in each.units or ())
            if named or (each.units is None and each.key not in chosen):
                chosen[each.key] = each.model_copy(update={"units": None})
        return MasterAlarmDatabase(tuple(chosen.values()))

    def limits(self, signal: str) -> tuple[AlarmDefinition, ...]:
        """Return the limit alarms of a signal in any unit; none where nobody has rationalised any."""
        return tuple(
            definition.of(signal)
            for definition in self._by_key.values()
            if definition.signal == signal and definition.condition in LIMITS
        )

    def get(self, signal: str, condition: Condition) -> AlarmDefinition | None:
        """Return the definition that applies to a signal (or the device), None where there is none."""
        found = self._by_key.get((signal, condition)) or self._by_key.get((EACH_SIGNAL, condition))
        return found.of(signal) if found else None


def load(text: str) -> MasterAlarmDatabase:
    """Read the master alarm database written in `text` (YAML, a list of entries).

    Raises:
        ValueError: an entry is incomplete or wrong (pydantic's ValidationError is one).
    """
    return MasterAlarmDatabase(tuple(AlarmDefinition.model_validate(entry) for entry in yaml.safe_load(text)))


@lru_cache(maxsize=1)
def shipped() -> MasterAlarmDatabase:
    """Return the database that comes with Sparge: outside batches the limits are those of E. coli."""
    return load(files("agents.alarms").joinpath("rationalisation.yaml").read_text("utf-8"))
