"""A replay of watch over what the log has kept, held against what was stored. Pure.

Watch begins where the log does: nothing earlier can be had, and what a model knew at a later moment follows
from everything before it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import isclose
from typing import TYPE_CHECKING, NamedTuple

from agents.partition_watch import PartitionWatch
from agents.unit_watch import UnitWatch
from schemas.alarm import AlarmTransition
from schemas.score import ScoreMessage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from agents.batch_context import Told
    from agents.context import Context
    from agents.model_feed import Said as ModelSaid
    from agents.models.kept_envelope import Envelopes
    from agents.models.lineup import Lineup
    from schemas.forecast import ForecastMessage
    from streams.record import Record

WITHIN = 1e-9
"""So near, relatively, is the same where the platform differs."""


class Key(NamedTuple):
    """Which score or forecast it is: the message that caused it, the signal, the moment.

    signal: empty for the unit as a whole. horizon_s: of a forecast, made at time_us.
    """

    offset: int
    signal: str
    time_us: int
    horizon_s: float = 0.0


class Said(NamedTuple):
    """What was said, and in which role.

    numbers: value, expected and score of a sample, the score of a unit, or value, lower and upper of a
    forecast, whose `suspect` says that it fell back, and `learned` that it was silent.
    """

    numbers: tuple[float, ...]
    suspect: bool
    learned: bool
    role: str = "champion"


@dataclass(slots=True)
class Differences:
    """How a replay compares with what is stored.

    identical: bit by bit. near: within 1e-9, relatively, and alike in what they decide. other: not even that.
    missing: stored and not replayed. added: replayed and not stored. dropped: replayed, and stored no longer
    for retention has dropped it. first: the first that is not identical.
    """

    identical: int = 0
    near: int = 0
    other: int = 0
    missing: int = 0
    added: int = 0
    dropped: int = 0
    first: tuple[Key, Said | None, Said | None] | None = field(default=None)

    @property
    def none(self) -> bool:
        """Whether everything is identical and there is something."""
        return self.small and not self.near

    @property
    def small(self) -> bool:
        """Whether there is something, and nothing differs by more than 1e-9, relatively."""
        return bool(self.identical + self.near) and not (self.other or self.missing or self.added)


class Replay:
    """The watch of one unit's partition, fed with its records.

    Args:
        unit: site/unit; other units' frames only move the time of the log.
        topic, topic_id, partition: of the log that is replayed.
        batch_events, model_events: all that the log has of them.
        choose: which models run in a context; those that were in force if not given.
        digest: the model whose scores are wanted.
        envelopes: those that recipes in the registry name.
    """

    def __init__(
        self,
        unit: str,
        topic: str,
        topic_id: str,
        partition: int,
        *,
        batch_events: Sequence[Told],
        model_events: Sequence[ModelSaid],
        digest: str,
        choose: Callable[[Context], Lineup] | None = None,
        envelopes: Envelopes | None = None,
    ) -> None:
        self._unit = unit
        self._digest = digest
        site, _, name = unit.partition("/")
        self._watch = PartitionWatch(
            *(topic, topic_id, partition),
            batch_events=batch_events,
            model_events=model_events,
            envelopes=envelopes,
        )
        if choose is not None:
            self._watch.units[unit] = UnitWatch(site, name, choose=choose)
        self.frames = 0

    @property
    def faults(self) -> Mapping[str, str]:
        """The models of the unit that raised, with what they said."""
        unit = self._watch.units.get(self._unit)
        return unit.model_faults if unit else {}

    @property
    def refusal(self) -> str:
        """Why the model cannot run here; empty where it can."""
        return self._watch.refused_models.get(self._digest, "")

    def take(self, records: Iterable[Record]) -> Iterator[tuple[Key, Said]]:
        """Judge records, in order; yields what the model said of the unit."""
        judgement = self._watch.judge([self._relevant(record) for record in records])
        self.frames += judgement.frames
        for output in judgement.outputs:
            if isinstance(output, AlarmTransition) or output.model.digest != self._digest:
                continue
            yield from _scored(output) if isinstance(output, ScoreMessage) else _foreseen(output)

    def _relevant(self, record: Record) -> Record:
        # A frame of another unit is as good as one that cannot be read: it moves the time of the log.
        other = record.key is not None and b"/" in record.key and record.key != self._unit.encode()
        return replace(record, value=b"") if other else record


def compare(
    stored: Mapping[Key, Said],
    replayed: Mapping[Key, Said],
    is_dropped: Callable[[Key], bool] = lambda _: False,
) -> Differences:
    """Return how what was stored and what was replayed compare.

    is_dropped: whether what was stored under a key has been dropped since, as retention does.
    """
    found = Differences()
    for key in sorted(stored.keys() | replayed.keys()):
        before, now = stored.get(key), replayed.get(key)
        if before is None and is_dropped(key):
            found.dropped += 1
            continue
        if before is None or now is None:
            found.added += before is None
            found.missing += now is None
        elif before == now:
            found.identical += 1
            continue
        elif before[1:] == now[1:] and all(
            isclose(one, other, rel_tol=WITHIN)
            for one, other in zip(before.numbers, now.numbers, strict=True)
        ):
            found.near += 1
        else:
            found.other += 1
        found.first = found.first or (key, before, now)
    return found


def _scored(message: ScoreMessage) -> Iterator[tuple[Key, Said]]:
    offset, role = message.source.offset, message.role or "champion"
    for score in message.scores:
        numbers = (score.value, score.expected, score.score)
        yield Key(offset, score.signal, score.time_us), Said(numbers, score.suspect, score.learned, role)
    for whole in message.unit_scores or ():
        yield Key(offset, "", whole.time_us), Said((whole.score,), whole.suspect, whole.learned, role)


def _foreseen(message: ForecastMessage) -> Iterator[tuple[Key, Said]]:
    offset, role = message.source.offset, message.role or "champion"
    for one in message.forecasts:
        silent = one.silent or [False] * len(one.horizon_s)
        rows = zip(one.horizon_s, one.value, one.lower, one.upper, silent, strict=True)
        for horizon_s, value, lower, upper, is_silent in rows:
            key = Key(offset, one.signal, message.made_us, horizon_s)
            yield key, Said((value, lower, upper), one.fallback, is_silent, role)
