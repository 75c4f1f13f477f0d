"""How far watch has come in one partition of telemetry.frames: the partition's own entry in watch.state."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import NamedTuple, Self

import orjson

from schemas.errors import SnapshotRefused

POSITION_KEY = b"@position"
"""Key of this entry; no unit can have it, for a unit's key has a slash."""

STATE_SCHEMA = "sparge.watch-state/1"


class Mark(NamedTuple):
    """A place in the log, and the log's time there.

    next_offset: everything below it has been judged. now_us: recorded time of the log, us UTC.
    timers_us: log time at which timers were looked at last.
    """

    next_offset: int
    now_us: int
    timers_us: int


@dataclass(frozen=True, slots=True)
class WatchPosition:
    """How far outputs have been told, and from where the units' stored memories must be brought up to date.

    Args:
        topic_id: of the input topic; a topic that was created anew has another.
        next_offset: everything below it has been judged and told.
        now_us: recorded time of the log, us UTC.
        timers_us: log time at which timers were looked at last.
        replay: the oldest mark of a stored memory that has changed since; None where none has.
    """

    topic_id: str
    next_offset: int
    now_us: int
    timers_us: int
    replay: Mark | None = None

    @property
    def start(self) -> Mark:
        """Where a worker that takes over begins to read."""
        return self.replay or Mark(self.next_offset, self.now_us, self.timers_us)

    def encode(self) -> bytes:
        """JSON, for the topic."""
        told = asdict(self) | {"replay": self.replay and self.replay._asdict()}
        return orjson.dumps({"schema": STATE_SCHEMA, **told})

    @classmethod
    def decode(cls, body: bytes, partition: int) -> Self:
        """The position in an entry of this partition.

        Raises:
            SnapshotRefused: it is torn or not ours.
        """
        try:
            told = orjson.loads(body)
            replay = told.get("replay")
            return cls(str(told["topic_id"]), *_mark(told), replay and _mark(replay))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise SnapshotRefused(
                f"The position of partition {partition} in watch.state cannot be read.", detail=repr(error)
            ) from error


def _mark(told: dict[str, object]) -> Mark:
    return Mark(*(int(str(told[name])) for name in Mark._fields))
