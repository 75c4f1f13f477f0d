"""How far back the database could be rebuilt from the log, and what only the database still has."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from sparge.doctor import Finding, Verdict
from sparge.times import show_span, show_time
from streams.admin import log_bounds, partitions_of
from streams.range_reader import RangeReader
from streams.topics import FRAMES, HISTORY

if TYPE_CHECKING:
    from streams.connection import Broker

PART = "rebuild"
LOOKED_AT = 100
"""Offsets at the start of a partition in which its first record is looked for: most are the first itself."""


def reach_of_log(kafka: Broker, oldest_stored_us: int | None, now_us: int) -> Finding:
    """Return from when on an empty database would be filled again with the same rows.

    Args:
        kafka: the broker; raises BrokerError if it does not answer.
        oldest_stored_us: recorded time of the oldest frame in the database, us UTC; None if it has none.
        now_us: what time it is.
    """
    bounds = log_bounds(kafka, partitions_of(kafka, [FRAMES.name, HISTORY.name]))
    begun = {tp: low for tp, (low, high) in bounds.items() if low < high}
    deleted = sum(low for low, _ in bounds.values())
    if not begun:
        return Finding(PART, Verdict.OFF, "the log holds no frames")
    with closing(RangeReader(kafka, read_committed=False)) as reader:
        firsts_us = {
            tp: records[0].recorded_us
            for tp, low in begun.items()
            if (records := reader.read(tp.topic, tp.partition, low, min(low + LOOKED_AT, bounds[tp][1])))
        }
    if not firsts_us:
        return Finding(PART, Verdict.OFF, "the log holds no frames that can be read")
    # From here on every partition is whole; one of which nothing was deleted is whole from its beginning.
    since_us = max((firsts_us[tp] for tp in firsts_us if begun[tp]), default=min(firsts_us.values()))
    span = f"{show_time(since_us)}, {show_span(max(0, now_us - since_us))} ago"
    if oldest_stored_us is not None and oldest_stored_us < since_us:
        return Finding(
            PART,
            Verdict.OK,
            f"the log reaches back to {span}; what is older (since {show_time(oldest_stored_us)}) is in the "
            f"database alone",
            "keep backups: docs/how-to/back-up-and-restore.md",
        )
    kept = "everything is still in the log" if not deleted else f"{deleted} older messages were deleted"
    return Finding(PART, Verdict.OK, f"possible from the log since {span}; {kept}")
