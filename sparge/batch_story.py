"""What the log says of the batches in a unit, for whoever tells it more. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schemas.batch import BatchEvent
from schemas.errors import ContractError, QueryRefused

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
    ended: set[tuple[str, str]] = set()
    for event in said:
        name = (event.member, event.batch)
        if event.key != key:
            continue
        if event.event == "start":
            starts[name] = event
            ended.discard(name)
        elif event.event == "end":
            ended.add(name)
    # The next batch in a unit ends the one before it, whether or not somebody said so.
    latest = max(starts.values(), key=lambda start: start.time_us, default=None)
    if latest is None or (latest.member, latest.batch) in ended:
        raise QueryRefused(
            f"No batch runs in {key}: "
            + (f"{latest.batch} has ended." if latest else "none was started there."),
            kept="Nothing was sent.",
            next_step=f"sparge batch start {key} NAME --member MEMBER",
        )
    return latest
