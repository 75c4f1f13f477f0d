"""How far watch has come in one partition of telemetry.frames: the partition's own entry in watch.state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import orjson

from schemas.errors import SnapshotRefused

POSITION_KEY = b"@position"
"""Key of this entry; no unit can have it, for a unit's key has a slash."""

STATE_SCHEMA = "sparge.watch-state/1"


@dataclass(frozen=True, slots=True)
class WatchPosition:
    """The next offset to judge, and the log time that was reached.

    Args:
        topic_id: of the input topic; a topic that was created anew has another.
        next_offset: everything below it has been judged.
        now_us: recorded time of the log, us UTC.
        timers_us: log time at which timers were looked at last.
    """

    topic_id: str
    next_offset: int
    now_us: int
    timers_us: int

    def encode(self) -> bytes:
        """JSON, for the topic."""
        return orjson.dumps(
            {
                "schema": STATE_SCHEMA,
                "topic_id": self.topic_id,
                "next_offset": self.next_offset,
                "now_us": self.now_us,
                "timers_us": self.timers_us,
            }
        )

    @classmethod
    def decode(cls, body: bytes, partition: int) -> Self:
        """The position in an entry of this partition.

        Raises:
            SnapshotRefused: it is torn or not ours.
        """
        try:
            told = orjson.loads(body)
            numbers = (int(told[name]) for name in ("next_offset", "now_us", "timers_us"))
            return cls(str(told["topic_id"]), *numbers)
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
            raise SnapshotRefused(
                f"The position of partition {partition} in watch.state cannot be read.", detail=repr(error)
            ) from error
