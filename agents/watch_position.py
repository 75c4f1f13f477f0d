"""How far watch has come in one partition of telemetry.frames: the partition's own entry in watch.state.

JSON, so that whoever looks can read it, and signed, so that watch believes only what it wrote itself: a
position that somebody else moved on would let frames pass unwatched.
"""

from __future__ import annotations

import hmac
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple, Self

import orjson

from agents.state_codec import signature
from schemas.errors import SnapshotRefused

POSITION_KEY = b"@position"
"""Key of this entry; no unit can have it, for a unit's key has a slash."""

STATE_SCHEMA = "sparge.watch-state/2"


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

    def encode(self, partition: int, key: bytes) -> bytes:
        """Signed JSON, for the topic: of this partition, and of no other."""
        told = asdict(self) | {"replay": self.replay and self.replay._asdict()}
        content = {"schema": STATE_SCHEMA, "partition": partition, **told}
        return orjson.dumps({**content, "signature": signature(orjson.dumps(content), key).hex()})

    @classmethod
    def decode(cls, body: bytes, partition: int, key: bytes) -> Self:
        """The position in an entry of this partition.

        Raises:
            SnapshotRefused: it is torn, not signed, signed with another key, or of another partition.
        """
        told = _read(body, partition)
        signed = str(told.pop("signature", ""))
        if not signed:
            why = f"it is not signed: an earlier version wrote it ({told.get('schema')}), or somebody else"
            raise _refused(partition, why)
        if not hmac.compare_digest(signed.encode(), signature(orjson.dumps(told), key).hex().encode()):
            raise _refused(
                partition, "its signature is not ours: it was changed, or written with another key"
            )
        if told.get("partition") != partition:
            raise _refused(partition, f"it is that of partition {told.get('partition')}")
        return cls._of(told, partition)

    @classmethod
    def unchecked(cls, body: bytes, partition: int) -> Self:
        """What an entry says, whoever wrote it: for people who look and have no key.

        Raises:
            SnapshotRefused: it is torn.
        """
        return cls._of(_read(body, partition), partition)

    @classmethod
    def _of(cls, told: dict[str, Any], partition: int) -> Self:
        try:
            replay = told.get("replay")
            return cls(str(told["topic_id"]), *_mark(told), replay and _mark(replay))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise _refused(partition, "a part of it is missing", repr(error)) from error


def _read(body: bytes, partition: int) -> dict[str, Any]:
    try:
        told = orjson.loads(body)
    except ValueError as error:
        raise _refused(partition, "it is torn", repr(error)) from error
    if not isinstance(told, dict):
        raise _refused(partition, "it is no position")
    return told


def _mark(told: dict[str, object]) -> Mark:
    return Mark(*(int(str(told[name])) for name in Mark._fields))


def _refused(partition: int, why: str, detail: str = "") -> SnapshotRefused:
    return SnapshotRefused(
        f"The position of partition {partition} in watch.state cannot be used: {why}.",
        detail=detail,
        kept="The frames in the log, and every result that was told before.",
        next_step="sparge worker watch, with the SPARGE_STATE_KEY of the workers before it",
    )
