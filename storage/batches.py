"""What is said of batches into the store, and what follows from it.

An event is kept as it stood in the log; batches, phases and offline samples follow from all that was said,
the later recorded counting where two contradict. So they are the same rows in whatever order events come,
and however often one is said.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from storage.statements import statement

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from storage.catalogue import Catalogue
    from storage.connection import BoundedConnection
    from storage.records import StoredEvent


def write_events(
    connection: BoundedConnection,
    catalogue: Catalogue,
    log_ids: Mapping[str, int],
    events: Sequence[StoredEvent],
) -> int:
    """Write events in the running transaction; returns how many were new by their place in the log.

    log_ids: topic -> log_id of the logs that they came from.
    """
    if not events:
        return 0
    known = catalogue.units({stored.event.key for stored in events})
    unit_ids = [known[stored.event.key] for stored in events]
    batch_ids = _batch_ids(connection, unit_ids, events)
    new = _add_events(connection, log_ids, batch_ids, events)
    settled = {"unit_ids": sorted(set(unit_ids))}
    for name in ("batches_settle", "phases_clear", "phases_settle"):
        connection.execute(statement(name), settled)
    _add_offline_samples(connection, log_ids, batch_ids, events)
    return new


def _batch_ids(
    connection: BoundedConnection, unit_ids: Sequence[int], events: Sequence[StoredEvent]
) -> list[int]:
    """The batch of each event; a batch is made when it is first heard of."""
    parameters = {
        "members": [stored.event.member for stored in events],
        "unit_ids": list(unit_ids),
        "names": [stored.event.batch for stored in events],
    }
    connection.execute(statement("members_add"), parameters)
    connection.execute(statement("batches_add"), parameters)
    found = {
        (member, unit_id, name): batch_id
        for member, unit_id, name, batch_id in connection.execute(statement("batches_find"), parameters)
    }
    return [
        found[stored.event.member, unit_id, stored.event.batch]
        for unit_id, stored in zip(unit_ids, events, strict=True)
    ]


def _add_events(
    connection: BoundedConnection,
    log_ids: Mapping[str, int],
    batch_ids: Sequence[int],
    events: Sequence[StoredEvent],
) -> int:
    said = [stored.event for stored in events]
    return connection.execute(
        statement("batch_events_add"),
        {
            "log_ids": [log_ids[stored.topic] for stored in events],
            "partitions": [stored.partition for stored in events],
            "offsets": [stored.offset for stored in events],
            "recorded_us": [stored.recorded_us for stored in events],
            "times_us": [event.time_us for event in said],
            "batch_ids": list(batch_ids),
            "events": [event.event for event in said],
            "phases": [event.phase for event in said],
            "organisms": [event.organism for event in said],
            "processes": [event.process for event in said],
            "scales_l": [event.scale_L for event in said],
            "operators": [event.operator for event in said],
        },
    ).rowcount


def _add_offline_samples(
    connection: BoundedConnection,
    log_ids: Mapping[str, int],
    batch_ids: Sequence[int],
    events: Sequence[StoredEvent],
) -> None:
    """Of each batch, time and assay the result that was recorded last."""
    last: dict[tuple[int, int, str], StoredEvent] = {}
    for batch_id, stored in sorted(zip(batch_ids, events, strict=True), key=lambda pair: pair[1].rank):
        if stored.event.event == "sample":
            last.update({(batch_id, stored.event.time_us, assay): stored for assay in stored.assays})
    connection.execute(
        statement("offline_samples_add"),
        {
            "batch_ids": [batch_id for batch_id, _, _ in last],
            "times_us": [time_us for _, time_us, _ in last],
            "assays": [assay for _, _, assay in last],
            "values": [stored.assays[assay].value for (_, _, assay), stored in last.items()],
            "ucums": [stored.assays[assay].unit for (_, _, assay), stored in last.items()],
            "log_ids": [log_ids[stored.topic] for stored in last.values()],
            "partitions": [stored.partition for stored in last.values()],
            "offsets": [stored.offset for stored in last.values()],
        },
    )
