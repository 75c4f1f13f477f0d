"""Simulated bioreactors played through the real watch: what it says of each, step by step."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np

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
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from agents.batch_context import BatchStory
    from simulator.fleet import Fleet
    from simulator.happenings import Happening
    from simulator.sensing.reporting import Row

SITE, UNIT = "bench", "BR-01"
"""All are called the same: a memory is taken up only by the unit that it belongs to."""

ORIGIN_US = 1_790_000_000_000_000
RECORDED_LATER_US = 200_000
IN_A_ROW = 3
"""A suspicion counts once it has held for so many frames."""

Seen = tuple[str, str]
"""What was alarmed or suspected, and how: (signal, condition) or (signal or unit, layer)."""


@dataclass(slots=True)
class Story:
    """What the watch said of one run.

    alarms, suspicions: when each first came up, in s of the run. raised, began: how often it did. looks: what
    the first verdict was, if there was one.
    """

    alarms: dict[Seen, float] = field(default_factory=dict)
    suspicions: dict[Seen, float] = field(default_factory=dict)
    raised: Counter[Seen] = field(default_factory=Counter)
    began: Counter[Seen] = field(default_factory=Counter)
    looks: list[str] = field(default_factory=list)

    def copy(self) -> Story:
        """Return the same, to be told on apart."""
        return Story(dict(self.alarms), dict(self.suspicions), Counter(self.raised), Counter(self.began))


class Play:
    """One simulated unit and its watch.

    Args:
        story: what is known of its batch.
        kept: the memory of a watch at this moment of the run; a new watch if not given.
        said: what that watch has said.

    Set `over` where no more needs to be heard of it.
    """

    def __init__(
        self, story: BatchStory, kept: Mapping[str, Any] | None = None, said: Story | None = None
    ) -> None:
        self.watch = UnitWatch(SITE, UNIT) if kept is None else UnitWatch.restored(SITE, UNIT, kept)
        self.story = story
        self.said = said or Story()
        self.over = False
        self._sequence = 0
        self._in_a_row: dict[Seen, int] = {}

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
        suspected = set()
        for one in outputs:
            if isinstance(one, AlarmTransition) and one.event == "raised":
                self.said.raised[one.signal, one.condition] += 1
                self.said.alarms.setdefault((one.signal, one.condition), time_s)
            elif isinstance(one, ScoreMessage) and one.role in {None, "champion"}:
                suspected |= set(_suspected(one))
                verdicts = [whole.looks_like for whole in one.unit_scores or () if whole.looks_like]
                if verdicts and not self.said.looks:
                    self.said.looks.append(verdicts[0])
        self._in_a_row = {seen: self._in_a_row.get(seen, 0) + 1 for seen in suspected}
        for seen, times in self._in_a_row.items():
            if times == IN_A_ROW:
                self.said.began[seen] += 1
                self.said.suspicions.setdefault(seen, time_s)


def _suspected(message: ScoreMessage) -> Iterator[Seen]:
    layer = message.layer or message.model.name
    yield from ((score.signal, layer) for score in message.scores if score.suspect)
    if any(whole.suspect for whole in message.unit_scores or ()):
        yield ("the unit", layer)


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
