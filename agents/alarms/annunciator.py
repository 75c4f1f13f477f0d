"""The alarms of one unit: it runs their machines and tells the operator what they do."""

from __future__ import annotations

from collections.abc import Callable  # noqa: TC003 - NamedTuple reads it at run time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

from agents.alarms.machine import Alarm, Observed, TimePassed, Transition, step
from agents.alarms.wording import clock_time, quantity, span
from agents.health_verdict import BY_CONDITION, verdict
from agents.limits import judge
from schemas.alarm import AlarmTransition, Condition
from schemas.signals import spec

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from agents.alarms.definition import AlarmDefinition
    from agents.alarms.machine import Delays
    from agents.limits import Limit
    from schemas.score import ModelRef
    from schemas.source import Source

Key = tuple[str, Condition]
"""Which alarm of a unit: signal (or "device") and condition."""

MOST_SHOWN = 1e300

NEVER_US = -(2**62)
"""Before any time of the log."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What an alarm was decided by: value and limit in `unit_code`, the value's device time if it has one.

    limit_text: how the limit reads where it is no value of this unit. note: what else is to be said of it.
    model: which model saw it, if one did. ended: how the alarm ends where its condition may well go on.
    """

    value: float | None
    unit_code: str
    limit: float | None = None
    sample_us: int | None = None
    limit_text: str = ""
    note: str = ""
    model: ModelRef | None = None
    ended: str = ""


class Moment(NamedTuple):
    """The log's time, and the source ids of the message that brought it there."""

    now_us: int
    at: Callable[[], Source]


@dataclass(frozen=True, slots=True)
class Run:
    """Samples of one signal, oldest first, none missing; device times, and values in `unit_code`."""

    time_us: NDArray[np.int64]
    value: NDArray[np.float64]
    unit_code: str


@dataclass(slots=True)
class Annunciator:
    """Keeps an Alarm for each key (signal, condition) that is not at rest, with the evidence it stands on.

    waiting: until when (log time) an alarm that is not armed waits for its value to be normal once;
        armed: those that have had their turn.
    changed_us: log time of the last change of phase.
    """

    site: str
    unit: str
    define: Callable[[str, Condition], AlarmDefinition | None]
    alarms: dict[Key, Alarm] = field(default_factory=dict)
    evidence: dict[Key, Evidence] = field(default_factory=dict)
    waiting: dict[Key, int] = field(default_factory=dict)
    armed: set[Key] = field(default_factory=set)
    changed_us: int = NEVER_US

    def quiet(self, definition: AlarmDefinition) -> bool:
        """Whether this alarm is at rest and armed, so that a normal value changes nothing."""
        key = definition.key
        if key in self.alarms or key in self.waiting:
            return False
        return not definition.armed_after_s or key in self.armed

    def raised(self, key: Key) -> bool:
        """Whether the operator has been told of this alarm, and not yet that it is over."""
        return self.alarms.get(key, _AT_REST).raised

    def wait(self, key: Key, until_us: int) -> None:
        """Let an alarm wait until its value was once normal, or until this log time; a raised one may end."""
        if not self.raised(key):
            self._keep(key, _AT_REST, _NO_EVIDENCE)
        self.waiting[key] = until_us

    def withdraw(self, key: Key, moment: Moment, why: str) -> list[AlarmTransition]:
        """Let an alarm end whose condition is no longer looked at; `why` is told with it."""
        self.waiting.pop(key, None)
        definition = self.define(*key)
        if key not in self.alarms or definition is None:
            return []
        evidence = replace(self.evidence[key], ended=f"is no longer judged: {why}")
        return self.observe(definition, evidence, moment, abnormal=False)

    def observe(
        self, definition: AlarmDefinition, evidence: Evidence, moment: Moment, *, abnormal: bool
    ) -> list[AlarmTransition]:
        """Let an alarm know whether its condition holds now."""
        key = definition.key
        alarm = self.alarms.get(key, _AT_REST)
        if not abnormal and alarm.at_rest:
            return []
        done = []
        before = self.evidence.get(key, evidence)
        delays = self._delays(definition, moment.now_us)
        alarm, due = step(alarm, TimePassed(), moment.now_us, delays)
        done += [self._tell(definition, change, before, moment) for change in due]
        alarm, changes = step(alarm, Observed(abnormal), moment.now_us, delays)
        done += [self._tell(definition, change, evidence, moment) for change in changes]
        self._keep(key, alarm, evidence)
        return done

    def judge(
        self, definition: AlarmDefinition, limit: Limit, run: Run, moment: Moment
    ) -> list[AlarmTransition]:
        """Let a limit alarm see one frame's samples of its signal."""
        key = definition.key
        if not self._arm(definition, limit, run, moment.now_us):
            return []
        delays = self._delays(definition, moment.now_us)
        alarm, changes = judge(self.alarms.get(key, _AT_REST), run.value, limit, moment.now_us, delays)

        def evidence(position: int) -> Evidence:
            value = float(run.value[position])
            crossed = definition.limit if definition.limit is not None else limit.trip.crossed(value)
            return Evidence(value, run.unit_code, crossed, int(run.time_us[position]))

        latest = evidence(-1)
        done = []
        for change, position in changes:
            decided = self.evidence.get(key, latest) if position is None else evidence(position)
            done.append(self._tell(definition, change, decided, moment))
        self._keep(key, alarm, latest)
        return done

    def tick(self, moment: Moment) -> list[AlarmTransition]:
        """Let the running delays see that the log's time has reached `now_us`."""
        done = []
        for key in sorted(key for key, alarm in self.alarms.items() if alarm.pending):
            definition = self.define(*key)
            if definition is None:
                continue
            evidence = self.evidence[key]
            delays = self._delays(definition, moment.now_us)
            alarm, changes = step(self.alarms[key], TimePassed(), moment.now_us, delays)
            done += [self._tell(definition, change, evidence, moment) for change in changes]
            self._keep(key, alarm, evidence)
        return done

    def _arm(self, definition: AlarmDefinition, limit: Limit, run: Run, now_us: int) -> bool:
        key = definition.key
        if key not in self.waiting:
            if not definition.armed_after_s or key in self.armed:
                return True
            self.waiting[key] = now_us + round(definition.armed_after_s * 1e6)
        waited = now_us >= self.waiting[key]
        if waited or not limit.trip.outside(run.value[-1:]).any():
            del self.waiting[key]
            self.armed.add(key)
        # What came before this frame's last value belongs to the start; judging begins with the next frame.
        return waited

    def _delays(self, definition: AlarmDefinition, now_us: int) -> Delays:
        graced = now_us - self.changed_us < definition.grace_s * 1e6
        return definition.grace_delays if graced else definition.delays

    def _keep(self, key: Key, alarm: Alarm, evidence: Evidence) -> None:
        if alarm.at_rest:
            self.alarms.pop(key, None)
            self.evidence.pop(key, None)
        else:
            self.alarms[key] = alarm
            self.evidence[key] = evidence

    def _tell(
        self, definition: AlarmDefinition, change: Transition, evidence: Evidence, moment: Moment
    ) -> AlarmTransition:
        health = BY_CONDITION.get(definition.condition) if change.event == "raised" else None
        status, letter = verdict(health, spec(definition.signal)) if health else (None, None)
        return AlarmTransition(
            source=moment.at(),
            site=self.site,
            unit=self.unit,
            signal=definition.signal,
            condition=definition.condition,
            event=change.event,
            state=change.state,
            time_us=moment.now_us,
            sample_us=evidence.sample_us,
            value=_bounded(evidence.value),
            limit=_bounded(evidence.limit),
            unit_code=evidence.unit_code,
            priority=definition.priority,
            alarm_class=definition.alarm_class,
            message=_message(definition, change, evidence, moment.now_us),
            cause=definition.cause,
            consequence=definition.consequence,
            action=definition.action,
            respond_within_s=definition.respond_within_s,
            since_us=change.since_us,
            value_status=None if status is None else int(status),
            device_state=letter.value if letter else None,
            model=evidence.model if change.event == "raised" else None,
        )


_AT_REST = Alarm()
_NO_EVIDENCE = Evidence(None, "")


def _message(definition: AlarmDefinition, change: Transition, evidence: Evidence, now_us: int) -> str:
    value = "" if evidence.value is None else quantity(evidence.value, evidence.unit_code)
    if change.event == "cleared":
        lasted = span((now_us - change.since_us) / 1e6)
        # What a model says is a score or a time, and no reading that would be of interest now.
        reading = evidence.sample_us is not None and evidence.model is None
        now = f", now {value}" if reading and value else ""
        if evidence.ended:
            # It may well go on: the operator must not take this for an all-clear.
            return f"{definition.signal} {evidence.ended}. The alarm lasted {lasted}{now}."
        return f"{definition.signal} {_OVER[definition.condition]} after {lasted}{now}."
    limit = "" if evidence.limit is None else quantity(evidence.limit, evidence.unit_code)
    told = definition.message.format(
        value=value, limit=evidence.limit_text or limit, since=clock_time(change.turned_us)
    )
    return f"{told} {evidence.note}".rstrip()


_OVER: dict[Condition, str] = {
    "low": "is no longer low",
    "low_low": "is no longer very low",
    "high": "is no longer high",
    "high_high": "is no longer very high",
    "range": "reads possible values again",
    "rate": "has stopped jumping",
    "frozen": "moves again",
    "stale": "gives values again",
    "silent": "sends data again",
    "clock": "shows the right time again",
    "spike": "has stopped leaping",
    "clipping": "leaves the end of its range again",
    "anomaly": "behaves as expected again",
    "time_to_limit": "is no longer on its way to a limit",
    "drift": "agrees with its model again",
}


def _bounded(value: float | None) -> float | None:
    return None if value is None else min(max(value, -MOST_SHOWN), MOST_SHOWN)
