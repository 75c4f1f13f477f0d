"""The alarms of one unit from frames and ticks: limits, signal health, a silent device, its clock."""

from __future__ import annotations

from collections import deque
from dataclasses import asdict, replace
from math import inf
from typing import TYPE_CHECKING

import numpy as np

from agents import health, snapshot
from agents.alarms.annunciator import Annunciator, Evidence, Moment, Run
from agents.alarms.definition import DEVICE
from agents.batch_context import NO_STORY
from agents.context import NO_BATCH, Context
from agents.health_watch import HealthWatch
from agents.limits import limit
from agents.signal_table import Device, SignalTable
from schemas.errors import SnapshotRefused
from schemas.signals import spec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from agents.alarms.annunciator import Key
    from agents.alarms.definition import AlarmDefinition, MasterAlarmDatabase
    from agents.alarms.machine import Alarm
    from agents.batch_context import BatchStory
    from agents.health_watch import Finding
    from agents.samples import Samples
    from agents.signal_table import Signal
    from schemas.alarm import AlarmTransition, Condition
    from schemas.decoding import Frame

FOREVER_US = 2**62

NOT_IN_PHASE = "there is no such alarm in this phase"
OUT_OF_SERVICE = "its device has taken it out of service"
GONE = "has gone out of service"
"""Of a model, with which the words end that tell of an alarm that it leaves behind."""


class AlarmWatch:
    """The alarms of a unit, and the memory that they need.

    A sample is judged when it is news: later, by its device time, than the last judged one of its signal.
    `context` is the batch under way, as of the last frame.
    """

    def __init__(self, site: str, unit: str, database: MasterAlarmDatabase) -> None:
        database = self._database = database.of_unit(site, unit)
        self.table = SignalTable(database)
        self._alarms = Annunciator(site, unit, database.get)
        self._silent = database.get(DEVICE, "silent")
        self._clock = database.get(DEVICE, "clock")
        self._silent_after_s = (
            inf if self._silent is None or self._silent.limit is None else self._silent.limit
        )
        self.context = NO_BATCH
        self._reached_us = 0
        self._heard_us = 0
        self._resumed_us = 0
        self._gaps_us: deque[int] = deque(maxlen=health.FRAME_GAPS)
        self._health = HealthWatch(self.table)
        # By slot: whether an alarm of the signal is under way.
        self._busy = np.empty(0, dtype=np.bool_)

    def on_frame(
        self, frame: Frame, moment: Moment, batches: BatchStory = NO_STORY
    ) -> tuple[list[AlarmTransition], Samples | None]:
        """Judge a frame; return the transitions, and the samples that were judged (None where none were).

        batches: what is in force of the unit's batches.
        """
        told = list(self._hear(moment))
        news = None
        newest_us = frame.last_us
        if newest_us is not None:
            # A clock that runs ahead must not bring what is still to come.
            self._reached_us = max(self._reached_us, min(newest_us, moment.now_us))
            told += self._enter(batches.at(self._reached_us), moment)
            told += self._judge_clock(newest_us, moment)
            samples = self.table.news(frame, newest_us, moment.now_us)
            self._grow()
            told += self._judge_service(moment)
            if samples.slots.size:
                news = samples
                told += self._judge_limits(samples, moment)
                told += self._hear_of(self._health.judge(samples, moment.now_us, self._resumed_us), moment)
        told += self._judge_stale(moment)
        told += self._alarms.tick(moment)
        self._sum_up()
        return told, news

    def on_tick(self, moment: Moment) -> list[AlarmTransition]:
        """Let the log's time go on without a frame of this unit."""
        silent_s = (moment.now_us - self._heard_us) / 1e6
        told: list[AlarmTransition] = []
        if self._silent is not None and self._is_silence(silent_s):
            allowed_s = health.silence_allowed_s(self._gaps_us, self._silent_after_s)
            evidence = Evidence(silent_s, "s", allowed_s)
            told += self._alarms.observe(self._silent, evidence, moment, abnormal=True)
        else:
            told += self._judge_stale(moment)
        return told + self._alarms.tick(moment)

    @property
    def health(self) -> NDArray[np.uint8]:
        """(S,) codes of health_verdict.Health, as of the last frame."""
        return self._health.codes

    @property
    def unfit(self) -> NDArray[np.bool_]:
        """(S,) what a model must not learn from, as of the last frame."""
        return self._health.unfit

    def observe(
        self, name: str, condition: Condition, evidence: Evidence, moment: Moment, *, abnormal: bool
    ) -> list[AlarmTransition]:
        """Let an alarm know what a model sees of a signal, or of the unit as a whole (definition.UNIT).

        What it sees is of the device time that the unit has reached. An alarm keeps its model until it is
        over; once that has gone out of service its return within the off-delay makes no all-clear of it.
        """
        key = (name, condition)
        if not abnormal and key not in self._alarms.alarms:
            return []
        definition = self._database.get(name, condition)
        if definition is None:
            return []
        if definition.within(self.context) is None:
            return self._alarms.withdraw(key, moment, NOT_IN_PHASE)
        if abnormal:
            evidence = replace(evidence, sample_us=self._reached_us)
        elif (before := self.evidence(key)) is not None:
            gone = before.ended if before.ended.endswith(GONE) else ""
            evidence = replace(evidence, model=evidence.model or before.model, ended=evidence.ended or gone)
        return self._alarms.observe(definition, evidence, moment, abnormal=abnormal)

    def under_way(self) -> dict[Key, Alarm]:
        """Return the alarms that are not at rest; what a tick may change of the memory shows here."""
        return dict(self._alarms.alarms)

    def evidence(self, key: Key) -> Evidence | None:
        """Return what an alarm was last decided by; None where it is at rest."""
        return self._alarms.evidence.get(key)

    def memory(self) -> dict[str, object]:
        """Return what has to survive a restart, as the fields of snapshot.UnitSnapshot."""
        alarms = self._alarms
        self._health.remember()
        rows = self.table.seen.tolist()
        return {
            "heard_us": self._heard_us,
            "resumed_us": self._resumed_us,
            "gaps_us": list(self._gaps_us),
            "signals": {
                signal.name: {"unit_code": signal.unit_code, "seen": row}
                for signal, row in zip(self.table.signals, rows, strict=True)
            },
            "devices": {
                name: {
                    "newest_us": device.newest_us,
                    "late_since_us": device.late_since_us,
                    "signals": [self.table.signals[slot].name for slot in sorted(device.slots)],
                }
                for name, device in self.table.devices.items()
            },
            "alarms": [
                snapshot.alarm_part(key, alarm, alarms.evidence[key]) for key, alarm in alarms.alarms.items()
            ],
            "waiting": [(*key, until_us) for key, until_us in alarms.waiting.items()],
            "changed_us": alarms.changed_us,
            "armed": sorted(alarms.armed),
            "reached_us": self._reached_us,
            "context": asdict(self.context),
        }

    def take_up(self, kept: snapshot.UnitSnapshot) -> None:
        """Go on from a memory.

        Raises:
            SnapshotRefused: its rows are not this version's.
        """
        try:
            self.context = Context(**kept.context)
        except TypeError as wrong:
            raise SnapshotRefused("What is kept of the batch cannot be read.", detail=str(wrong)) from wrong
        self.table.enter(self.context)
        self._alarms.changed_us = kept.changed_us
        self._reached_us = kept.reached_us
        self._heard_us = kept.heard_us
        self._resumed_us = kept.resumed_us
        self._gaps_us.extend(kept.gaps_us)
        slots: dict[str, int] = {}
        for name, part in kept.signals.items():
            declared = spec(name)
            unit_code = declared.unit if declared else part.unit_code
            slot = slots[name] = self.table.add(name, unit_code)
            if unit_code != part.unit_code:
                # Declared since then: samples come in the dictionary's unit, what was seen says nothing.
                continue
            try:
                self.table.seen[slot] = tuple(part.seen)
            except (ValueError, TypeError, OverflowError) as wrong:
                raise SnapshotRefused(
                    f"The health memory of {name} cannot be read.", detail=str(wrong)
                ) from wrong
        for name, device in kept.devices.items():
            its_slots = {slots[signal] for signal in device.signals if signal in slots}
            self.table.devices[name] = Device(device.newest_us, device.late_since_us, its_slots)
        for its_alarm in kept.alarms:
            # An alarm that was taken out of the master alarm database since then ends without a word.
            if self._database.get(its_alarm.signal, its_alarm.condition) is not None:
                key, alarm, evidence = its_alarm.restored()
                self._alarms.alarms[key] = alarm
                self._alarms.evidence[key] = evidence
        self._alarms.waiting = {(name, condition): until_us for name, condition, until_us in kept.waiting}
        self._alarms.armed = set(kept.armed)
        self._grow()
        self._health.recall()
        self._sum_up()

    def _enter(self, context: Context, moment: Moment) -> list[AlarmTransition]:
        """Let another batch or phase begin: other alarms, other limits; a stricter one has its grace."""
        before, self.context = self.context, context
        if not context.follows(before):
            return []
        held = [_in_force(signal) for signal in self.table.signals]
        self.table.enter(context)
        self._alarms.changed_us = moment.now_us
        settled_us = self._reached_us + round(health.SETTLE_PHASE_S * 1e6)
        self.table.seen["unsettled_us"] = np.maximum(self.table.seen["unsettled_us"], settled_us)
        told: list[AlarmTransition] = []
        for slot, (signal, old) in enumerate(zip(self.table.signals, held, strict=True)):
            new = _in_force(signal)
            for condition in sorted(old.keys() - new.keys()):
                told += self._alarms.withdraw((signal.name, condition), moment, NOT_IN_PHASE)
            for condition in old.keys() ^ new.keys():
                self._health.forget(slot, condition)
            for definition, _ in signal.limits:
                stricter = _stricter(definition, old.get(definition.condition))
                told += self._rearm(definition, before, moment, stricter=stricter)
            self._busy[slot] = self._under_way(slot)
        return told

    def _rearm(
        self, definition: AlarmDefinition, before: Context, moment: Moment, *, stricter: bool
    ) -> list[AlarmTransition]:
        key, alarms = definition.key, self._alarms
        if self.context.batch is None and definition.armed_after_s:
            # A batch has ended: nobody cares how an emptied vessel is, until it is seen to be in use again.
            told = alarms.withdraw(key, moment, "the batch has ended")
            alarms.wait(key, FOREVER_US)
            return told
        if stricter and not alarms.raised(key):
            alarms.wait(key, moment.now_us + round(definition.grace_s * 1e6))
        elif before.batch is None and key in alarms.waiting:
            within_us = moment.now_us + round(max(definition.armed_after_s, definition.grace_s) * 1e6)
            alarms.wait(key, min(alarms.waiting[key], within_us))
        return []

    def _hear(self, moment: Moment) -> Iterator[AlarmTransition]:
        """The device has spoken."""
        gap_us = moment.now_us - self._heard_us
        if self._is_silence(gap_us / 1e6):
            self._resumed_us = moment.now_us
        if self._heard_us and gap_us > 0:
            self._gaps_us.append(gap_us)
        if self._silent is not None:
            yield from self._alarms.observe(self._silent, Evidence(None, "s"), moment, abnormal=False)
        self._heard_us = moment.now_us

    def _is_silence(self, silent_s: float) -> bool:
        if silent_s <= self._silent_after_s or not self._heard_us:
            return False
        return silent_s > health.silence_allowed_s(self._gaps_us, self._silent_after_s)

    def _judge_clock(self, newest_us: int, moment: Moment) -> list[AlarmTransition]:
        clock = self._clock
        if clock is None or clock.limit is None:
            return []
        ahead_s = (newest_us - moment.now_us) / 1e6
        if ahead_s <= clock.limit and self._alarms.quiet(clock):
            return []
        run = Run(np.array([newest_us]), np.array([ahead_s]), "s")
        return self._alarms.judge(clock, limit("high", clock.limit, clock.deadband), run, moment)

    def _judge_limits(self, samples: Samples, moment: Moment) -> Iterator[AlarmTransition]:
        slots, table = samples.slots, self.table
        beyond = (samples.lowest < table.trip_low[slots]) | (samples.highest > table.trip_high[slots])
        for row in (beyond | self._busy[slots]).nonzero()[0].tolist():
            slot, where = int(slots[row]), samples.run(row)
            signal = self.table.signals[slot]
            run = Run(samples.time_us[where], samples.value[where], signal.unit_code)
            ours = list(signal.limits)
            if "range" in signal.health:
                yield from self._alarms.judge(signal.health["range"], signal.plausible, run, moment)
                # What no working sensor can read says nothing of the process: one alarm, not three.
                credible = ~signal.plausible.trip.outside(run.value)
                run = Run(run.time_us[credible], run.value[credible], run.unit_code)
            if run.value.size:
                for definition, its_limit in ours:
                    yield from self._alarms.judge(definition, its_limit, run, moment)
            self._busy[slot] = self._under_way(slot)

    def _judge_service(self, moment: Moment) -> Iterator[AlarmTransition]:
        """Let alarms end of signals that their device has taken out of service."""
        for slot in self._health.out_of_service():
            signal = self.table.signals[slot]
            for condition in sorted(_in_force(signal)):
                yield from self._alarms.withdraw((signal.name, condition), moment, OUT_OF_SERVICE)
            self._busy[slot] = self._under_way(slot)

    def _judge_stale(self, moment: Moment) -> list[AlarmTransition]:
        return self._hear_of(self._health.judge_stale(moment.now_us, self._resumed_us), moment)

    def _hear_of(self, findings: Iterable[Finding], moment: Moment) -> list[AlarmTransition]:
        told: list[AlarmTransition] = []
        for slot, condition, abnormal, evidence in findings:
            definition = self.table.signals[slot].health.get(condition)
            if definition is not None:
                told += self._alarms.observe(definition, evidence, moment, abnormal=abnormal)
        return told

    def _sum_up(self) -> None:
        self._health.sum_up(clock_wrong=self._alarms.raised((DEVICE, "clock")))

    def _under_way(self, slot: int) -> bool:
        signal = self.table.signals[slot]
        judged: list[AlarmDefinition] = [definition for definition, _ in signal.limits]
        if "range" in signal.health:
            judged.append(signal.health["range"])
        return not all(self._alarms.quiet(definition) for definition in judged)

    def _grow(self) -> None:
        """Give the signals that have joined the table their places here."""
        for slot in range(self._busy.size, len(self.table.signals)):
            self._busy = np.append(self._busy, self._under_way(slot))
        self._health.grow()


def _in_force(signal: Signal) -> dict[Condition, AlarmDefinition]:
    return {**signal.health, **{definition.condition: definition for definition, _ in signal.limits}}


def _stricter(definition: AlarmDefinition, before: AlarmDefinition | None) -> bool:
    """Whether a limit asks for more than it did before the phase changed."""
    if before is None or before.limit is None or definition.limit is None:
        return True
    low = definition.condition in {"low", "low_low"}
    return definition.limit > before.limit if low else definition.limit < before.limit
