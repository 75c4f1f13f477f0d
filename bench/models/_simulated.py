"""Simulated bioreactors played through the real watch: the alarms that it raises of each."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np

from agents.model_alarms import FROM_MODELS
from agents.unit_watch import UnitWatch
from schemas.alarm import AlarmTransition
from schemas.decoding import Frame
from schemas.readings import Column
from schemas.score import ScoreMessage
from schemas.signals import DICTIONARY
from schemas.source import Source
from schemas.status import Status
from simulator.fleet import ucum
from simulator.happenings import batch_event

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from agents.batch_context import BatchStory
    from simulator.fleet import Fleet
    from simulator.happenings import Happening
    from simulator.sensing.reporting import Row

SITE, UNIT = "bench", "BR-01"
"""All are called the same: a memory is taken up only by the unit that it belongs to."""

ORIGIN_US = 1_790_000_000_000_000
RECORDED_LATER_US = 200_000
WHOLE = "unit"
"""What an alarm of the unit as a whole is raised of."""

LIMITS = frozenset({"low_low", "low", "high", "high_high"})
LAYERS = {"time_to_limit": "forecast", "drift": "drift"}

Seen = tuple[str, str]
"""What was alarmed, and how: (signal, condition)."""


@dataclass(frozen=True, slots=True)
class Raised:
    """An alarm as watch raised it.

    at_s: of the run. layer: limits, health, or the layer of models that saw it. blamed: of an alarm of the
    unit the signal that contributed most, else the signal. phase: of the batch. looks_like: what it was
    taken for then.
    """

    at_s: float
    signal: str
    condition: str
    layer: str
    blamed: str
    phase: str | None
    looks_like: str | None

    @property
    def seen(self) -> Seen:
        """What was alarmed, and how."""
        return self.signal, self.condition

    def since(self, start_s: float) -> Raised:
        """Return the same with its time counted from `start_s`."""
        return replace(self, at_s=self.at_s - start_s)

    @property
    def from_models(self) -> bool:
        """Whether models saw it; else limits or health did."""
        return self.condition in FROM_MODELS


class Play:
    """One simulated unit and its watch; `raised` is what watch raised of it, in order.

    Args:
        story: what is known of its batch.
        kept: the memory of a watch at this moment of the run; a new watch if not given.
        raised: what that watch has raised.

    Set `over` where no more needs to be heard of it.
    """

    def __init__(
        self, story: BatchStory, kept: Mapping[str, Any] | None = None, raised: Sequence[Raised] = ()
    ) -> None:
        self.watch = UnitWatch(SITE, UNIT) if kept is None else UnitWatch.restored(SITE, UNIT, kept)
        self.story = story
        self.raised = list(raised)
        self.over = False
        self._sequence = 0
        self._suspected: dict[str, tuple[str, float, str]] = {}
        self._looks_like: str | None = None

    def hear(self, rows: Sequence[Row], time_s: float) -> None:
        """Let the watch have what arrived by `time_s` of the run, unless it is over."""
        if self.over:
            return
        now_us = ORIGIN_US + round(time_s * 1e6) + RECORDED_LATER_US
        at = _sources(self._sequence)
        self._sequence += 1
        outputs: Sequence[object] = (
            self.watch.on_frame(_frame(rows, self._sequence), now_us, at, self.story)
            if rows
            else self.watch.on_tick(now_us, at)
        )
        messages = [one for one in outputs if isinstance(one, ScoreMessage)]
        if messages:
            self._note([one for one in messages if one.role in {None, "champion"}])
        self.raised += [
            self._told(one, time_s)
            for one in outputs
            if isinstance(one, AlarmTransition) and one.event == "raised"
        ]

    def _note(self, messages: Sequence[ScoreMessage]) -> None:
        """Keep which layer suspects what most, as an alarm does not name its layer."""
        self._suspected, self._looks_like = {}, None
        for one in messages:
            layer = one.layer or one.model.name
            found = [(each.signal, each.score, each.signal) for each in one.scores if each.suspect]
            for whole in one.unit_scores or ():
                self._looks_like = whole.looks_like or self._looks_like
                # What drift finds is told, and raises no alarm.
                if whole.suspect and layer != "drift":
                    most = whole.contributions[0].signal if whole.contributions else WHOLE
                    found.append((WHOLE, whole.score, most))
            for signal, score, most in found:
                if score >= self._suspected.get(signal, ("", 0.0, ""))[1]:
                    self._suspected[signal] = (layer, score, most)

    def _told(self, alarm: AlarmTransition, time_s: float) -> Raised:
        layer, blamed = (
            LAYERS.get(alarm.condition, "limits" if alarm.condition in LIMITS else "health"),
            alarm.signal,
        )
        if alarm.condition == "anomaly":
            layer, _, blamed = self._suspected.get(alarm.signal, ("models", 0.0, alarm.signal))
        phase = self.watch.context.phase
        return Raised(time_s, alarm.signal, alarm.condition, layer, blamed, phase, self._looks_like)


def _frame(rows: Sequence[Row], sequence: int) -> Frame:
    names = sorted({name for row in rows for name in row.values})
    codes = ucum(names)
    columns = []
    for name in names:
        # Late rows come out of order; of two of one time the later told counts.
        at = {
            ORIGIN_US + round(row.time_s * 1e6): (row.values[name], row.statuses.get(name, int(Status.GOOD)))
            for row in rows
            if name in row.values
        }
        times = sorted(at)
        columns.append(
            Column(
                name,
                DICTIONARY[name].unit if name in DICTIONARY else codes[name],
                np.array(times, dtype=np.int64),
                np.array([at[time][0] for time in times]),
                np.array([at[time][1] for time in times], dtype=np.uint32),
            )
        )
    return Frame(SITE, UNIT, "simulator", 1, sequence, None, tuple(columns), {}, ())


def tell(stories: Sequence[BatchStory], fleet: Fleet, happened: Sequence[Happening]) -> None:
    """Tell each unit's story what happened to its batch."""
    for one in happened:
        stories[one.unit].tell(
            batch_event(
                one,
                fleet.reactors[one.unit],
                site=SITE,
                member=SITE,
                batch=fleet.batch(one.unit, ORIGIN_US),
                origin_us=ORIGIN_US,
            )
        )


def _sources(offset: int) -> Callable[[], Source]:
    indices = count()

    def at() -> Source:
        return Source(topic_id="bench", topic="bench", partition=0, offset=offset, index=next(indices))

    return at
