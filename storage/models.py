"""What is said of models into the store, and what follows from it.

An event is kept whole, by its own id; who is champion where is worked out by whoever knows the rules, from
all events, and replaces what stood there. So a rebuild from the log gives the same rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from schemas.model_event import ModelEvent
from storage.statements import statement

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from storage.catalogue import Catalogue
    from storage.connection import BoundedConnection
    from storage.records import ModelStanding, StoredModelEvent


def write_events(
    connection: BoundedConnection,
    catalogue: Catalogue,
    log_ids: Mapping[str, int],
    events: Sequence[StoredModelEvent],
) -> int:
    """Write events in the running transaction; returns how many were new by their id.

    log_ids: topic -> log_id of the logs that they came from.
    """
    said = [stored.event for stored in events]
    return connection.execute(
        statement("model_events_add"),
        {
            "ids": [event.id for event in said],
            "log_ids": [log_ids[stored.topic] for stored in events],
            "partitions": [stored.partition for stored in events],
            "offsets": [stored.offset for stored in events],
            "recorded_us": [stored.recorded_us for stored in events],
            "times_us": [event.time_us for event in said],
            "events": [event.event for event in said],
            "names": [event.by for event in said],
            "reasons": [event.why for event in said],
            "model_ids": [catalogue.model(event.model) if event.model else None for event in said],
            "alarms": [event.alarm for event in said],
            "raised_us": [event.raised_us for event in said],
            "verdicts": [event.verdict for event in said],
            "bodies": [event.encode().decode() for event in said],
        },
    ).rowcount


def events(connection: BoundedConnection) -> list[ModelEvent]:
    """Everything that was said of models, as it was said."""
    rows = connection.execute(statement("model_events_read")).fetchall()
    return [ModelEvent.decode(body.encode()) for (body,) in rows]


def settle(
    connection: BoundedConnection,
    catalogue: Catalogue,
    standings: Sequence[ModelStanding],
    void: Mapping[str, str],
) -> None:
    """Let these be the standings, and these the events without effect, by id, with the reason."""
    contexts = [one.context for one in standings]
    connection.execute(statement("model_standings_clear"))
    connection.execute(
        statement("model_standings_add"),
        {
            "registered_ids": [one.registered for one in standings],
            "layers": [one.layer for one in standings],
            "contexts": [one.where for one in standings],
            "units": [context.unit for context in contexts],
            "organisms": [context.organism for context in contexts],
            "processes": [context.process for context in contexts],
            "scales_from_l": [context.scale_from_L for context in contexts],
            "scales_to_l": [context.scale_to_L for context in contexts],
            "phases": [context.phase for context in contexts],
            "model_ids": [catalogue.model(one.model) for one in standings],
            "roles": [one.role for one in standings],
            "since_us": [one.since_us for one in standings],
            "names": [one.by for one in standings],
            "reasons": [one.why for one in standings],
            "metrics": [orjson.dumps(dict(one.metrics)).decode() for one in standings],
        },
    )
    connection.execute(statement("model_events_void"), {"ids": list(void), "reasons": list(void.values())})
