"""What batch events mean to a unit at a time: its batch, the phase, and whose and how large it is. Pure.

The rules are those by which the database settles batches (decision 0006): of each kind of event the one
recorded last counts, of ends those that are not before the start; a batch ends at the latest where the next
in its unit starts; a batch of which only other events are known starts with the earliest of them.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from itertools import pairwise
from math import inf
from typing import TYPE_CHECKING, NamedTuple

from agents.batch_words import culture_of, stage_of, vessel_of
from agents.context import NO_BATCH, Context
from schemas.batch import BatchEvent, checked_assays
from schemas.errors import ContractError, FrameRefused

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from streams.record import Record


class _Point(NamedTuple):
    """A phase that begins; of several that begin at once the greatest holds."""

    from_us: int
    said_us: float
    number: int
    phase: str | None


@dataclass(slots=True)
class _Told:
    """What was told of one batch; `number` counts the unit's events as they were recorded."""

    earliest_us: int
    start: BatchEvent | None = None
    start_number: int = -1
    ends_us: list[int] = field(default_factory=list)
    phases: list[tuple[int, int, str]] = field(default_factory=list)

    @property
    def started_us(self) -> int:
        return self.earliest_us if self.start is None else self.start.time_us

    @property
    def ended_us(self) -> float:
        return next((end for end in reversed(self.ends_us) if end >= self.started_us), inf)

    def points(self) -> Iterator[_Point]:
        """Where phases begin, the time before the first one as a phase without a name."""
        started_us = self.started_us
        yield _Point(started_us, -inf, -1, None)
        told = list(self.phases)
        if self.start is not None and self.start.phase is not None:
            told.append((self.start.time_us, self.start_number, self.start.phase))
        for time_us, number, phase in told:
            yield _Point(max(time_us, started_us), time_us, number, phase)


class BatchStory:
    """The batches of one unit, told event by event in the order in which they were recorded."""

    def __init__(self) -> None:
        self._told: dict[tuple[str, str], _Told] = {}
        self._count = 0
        self._from_us: list[int] = []
        self._contexts: list[Context] = []
        self._settled = True

    def tell(self, event: BatchEvent) -> None:
        """Take down an event; it may be late, a repeat, or contradict others."""
        told = self._told.setdefault((event.member, event.batch), _Told(event.time_us))
        told.earliest_us = min(told.earliest_us, event.time_us)
        if event.event == "start":
            told.start, told.start_number = event, self._count
        elif event.event == "end":
            told.ends_us.append(event.time_us)
        elif event.event == "phase":
            told.phases.append((event.time_us, self._count, event.phase or ""))
        self._count += 1
        self._settled = False

    def at(self, time_us: int) -> Context:
        """Return what is under way at `time_us`, as far as it has been told."""
        if not self._settled:
            self._settle()
        place = bisect_right(self._from_us, time_us)
        return self._contexts[place - 1] if place else NO_BATCH

    def spans(self) -> list[tuple[int, Context]]:
        """Return all that is known to follow each other, each with when it begins."""
        self._settle()
        return list(zip(self._from_us, self._contexts, strict=True))

    def _settle(self) -> None:
        self._settled = True
        self._from_us, self._contexts = [], []
        ordered = sorted(self._told.items(), key=lambda one: (one[1].started_us, one[0]))
        starts = [told.started_us for _, told in ordered]
        for ((member, batch), told), next_us in zip(ordered, [*starts[1:], inf], strict=True):
            until = max(told.started_us, min(told.ended_us, next_us))
            chosen = {point.from_us: point for point in sorted(told.points()) if point.from_us < until}
            for point in chosen.values():
                self._from_us.append(point.from_us)
                self._contexts.append(_context(member, batch, told, point))
            if chosen and until < inf:
                self._from_us.append(int(until))
                self._contexts.append(NO_BATCH)
        # Where one batch ends as the next starts, the later entry holds.
        last = [place for place, (one, after) in enumerate(pairwise([*self._from_us, inf])) if one != after]
        self._from_us = [self._from_us[place] for place in last]
        self._contexts = [self._contexts[place] for place in last]


NO_STORY = BatchStory()
"""Of a unit of which no batches are known; not to be told anything."""


def _context(member: str, batch: str, told: _Told, point: _Point) -> Context:
    start = told.start
    organism = start.organism if start else None
    scale_l = start.scale_L if start else None
    return Context(
        batch=batch,
        member=member,
        organism=organism,
        process=start.process if start else None,
        scale_l=scale_l,
        phase=point.phase,
        batch_since_us=told.started_us,
        phase_since_us=point.from_us,
        culture=culture_of(organism),
        vessel=vessel_of(scale_l),
        stage=stage_of(point.phase),
    )


class Told(NamedTuple):
    """A record of batch.events; `event` is None where the store refuses it, too."""

    offset: int
    recorded_us: int
    event: BatchEvent | None


def understood(record: Record) -> Told:
    """Read a record of batch.events as the record sink does."""
    event: BatchEvent | None = None
    try:
        event = BatchEvent.decode(record.value or b"")
        checked_assays(event, record.key, record.recorded_us)
    except (ContractError, FrameRefused):
        event = None
    return Told(record.offset, record.recorded_us, event)


class BatchFeed:
    """How much of batch.events is in force at a time of another log.

    An event is in force for what was recorded after it (decision 0008): so the logs alone decide where it
    takes effect, and whoever reads them again finds the same place. `offset`: all events below it are in
    force, 0 before the first.

    Args:
        known: all that is known of batch.events, in order; grows as more becomes known.
    """

    def __init__(self, known: Sequence[Told]) -> None:
        self.offset = 0
        self._known = known
        self._place = 0
        self._stories: dict[str, BatchStory] = {}

    def reach(self, now_us: int) -> None:
        """Let the other log reach `now_us`: events recorded before it come into force, in their order."""
        while self._place < len(self._known) and self._known[self._place].recorded_us < now_us:
            one = self._known[self._place]
            self._place += 1
            self.offset = one.offset + 1
            if one.event is not None:
                self.story(one.event.key).tell(one.event)

    def story(self, key: str) -> BatchStory:
        """Return what is in force of a unit."""
        story = self._stories.get(key)
        if story is None:
            story = self._stories[key] = BatchStory()
        return story
