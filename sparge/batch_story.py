"""What the log says of the batches in a unit, for whoever tells it more. Pure."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

from schemas.batch import BatchEvent
from schemas.errors import ContractError, QueryRefused
from sparge.times import show_time

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from streams.record import Record


def events(records: Iterable[Record]) -> Iterator[BatchEvent]:
    """Yield the events among the records of batch.events; what is none is left to the dead letters."""
    for record in records:
        try:
            yield BatchEvent.decode(record.value or b"")
        except ContractError:
            continue


def running(key: str, said: Iterable[BatchEvent]) -> BatchEvent:
    """Return the start of the batch that runs in the unit `key` (site/unit), as it was said last.

    Raises:
        QueryRefused: none runs there.
    """
    starts: dict[tuple[str, str], BatchEvent] = {}
    ends: dict[tuple[str, str], int] = {}
    for event in said:
        name = (event.member, event.batch)
        if event.key != key:
            continue
        if event.event == "start":
            starts[name] = event
        elif event.event == "end":
            ends[name] = max(event.time_us, ends.get(name, event.time_us))
    # The next batch in a unit ends the one before it, whether or not somebody said so.
    latest = max(starts.values(), key=lambda start: start.time_us, default=None)
    # As in the database, an end before the start does not count.
    if latest is None or ends.get((latest.member, latest.batch), -inf) >= latest.time_us:
        raise QueryRefused(
            f"No batch runs in {key}: "
            + (f"{latest.batch} has ended." if latest else "none was started there."),
            kept="Nothing was sent.",
            next_step=f"sparge batch start {key} NAME --member MEMBER",
        )
    return latest


def check_end(end: BatchEvent, said: Iterable[BatchEvent]) -> None:
    """Refuse an end before the start of its batch, as that was said last; without a start any end is taken.

    Raises:
        ContractError: it lies before.
    """
    named = (end.key, end.member, end.batch)
    starts = [e for e in said if e.event == "start" and (e.key, e.member, e.batch) == named]
    if starts and end.time_us < starts[-1].time_us:
        raise ContractError(
            f"{end.batch} of {end.member} in {end.key} cannot end at {show_time(end.time_us)}, "
            f"before its start at {show_time(starts[-1].time_us)}.",
            kept="Nothing was sent.",
            next_step="Give --time an end after the start, or correct the start with sparge batch start.",
        )
