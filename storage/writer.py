"""Frames and their samples into the store: binary COPY, and staging where it meets what is known already."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import orjson

from schemas.errors import LogMismatch
from storage.gathering import gather
from storage.maintenance.dirty import mark_dirty
from storage.records import WriteReport
from storage.resolving import resolve
from storage.staging import write_samples
from storage.statements import statement

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from storage.catalogue import Catalogue
    from storage.connection import BoundedConnection
    from storage.records import StoredFrame
    from storage.resolving import Ready


def write_frames(
    connection: BoundedConnection,
    catalogue: Catalogue,
    log_ids: Mapping[str, int],
    frames: Sequence[StoredFrame],
) -> WriteReport:
    """Write frames in the running transaction, by the rules of decision 0004, in any order.

    log_ids: topic -> log_id of the logs that the frames came from.

    Raises:
        LogMismatch: a frame of another topic.
    """
    for stored in frames:
        if stored.topic not in log_ids:
            raise LogMismatch(f"A frame of {stored.topic} came to a sink that has not registered that topic.")
    ready, refused = resolve(catalogue, frames)
    earliest: dict[tuple[object, ...], Ready] = {}
    for frame in sorted(ready, key=lambda r: r.stored.rank):
        earliest.setdefault(frame.stored.identity, frame)
    written, moved = _insert_frames(connection, catalogue, log_ids, list(earliest.values()))
    _count_repeats(connection, catalogue, ready, written)
    telling = {**written, **moved}
    samples = gather((frame_id, frame.track) for frame_id, frame in telling.items())
    unit_ids = catalogue.units({frame.stored.frame.key for frame in ready})
    unit_of_frame = {frame_id: unit_ids[frame.stored.frame.key] for frame_id, frame in telling.items()}
    added, corrections = write_samples(
        connection,
        samples,
        unit_ids=set(unit_of_frame.values()),
        frames={frame_id: frame.stored for frame_id, frame in telling.items()},
        moved=moved.keys(),
        behind=catalogue.behind(max((stored.recorded_us for stored in frames), default=0)),
    )
    mark_dirty(connection, samples.time_us, samples.signal_ids, samples.frame_ids, unit_of_frame)
    offered = sum(frame.stored.frame.sample_count for frame in written.values())
    return WriteReport(
        frames=len(written),
        repeats=len(ready) - len(written),
        samples=added,
        corrections=corrections,
        equal=max(0, offered - added - corrections),
        refused=tuple(refused),
    )


def _insert_frames(
    connection: BoundedConnection,
    catalogue: Catalogue,
    log_ids: Mapping[str, int],
    frames: Sequence[Ready],
) -> tuple[dict[int, Ready], dict[int, Ready]]:
    """Frames by frame_id: those written now, and those known whose place in the order of versions moved."""
    if not frames:
        return {}, {}
    unit_ids = catalogue.units({frame.stored.frame.key for frame in frames})
    stored = [frame.stored for frame in frames]
    units = [unit_ids[s.frame.key] for s in stored]
    sent_units, places = _distinct([s.frame.sent_units for s in stored])
    rows = connection.execute(
        statement("frames_add"),
        {
            "unit_ids": units,
            "log_ids": [log_ids[s.topic] for s in stored],
            "partitions": [s.partition for s in stored],
            "offsets": [s.offset for s in stored],
            "devices": [s.frame.device for s in stored],
            "epochs": [s.frame.epoch for s in stored],
            "sequences": [s.frame.sequence for s in stored],
            "edge_us": [s.frame.edge_us for s in stored],
            "recorded_us": [s.recorded_us for s in stored],
            "sent_units": orjson.dumps(sent_units).decode(),
            "sent_places": places,
            "sample_counts": [s.frame.sample_count for s in stored],
            "first_us": [s.frame.first_us for s in stored],
        },
    ).fetchall()
    by_identity = {
        (unit_id, s.frame.device, s.frame.epoch, s.frame.sequence): frame
        for unit_id, s, frame in zip(units, stored, frames, strict=True)
    }
    written: dict[int, Ready] = {}
    moved: dict[int, Ready] = {}
    for unit_id, device, epoch, sequence, frame_id, inserted in rows:
        (written if inserted else moved)[frame_id] = by_identity[unit_id, device, epoch, sequence]
    _insert_drops(connection, written)
    return written, moved


def _distinct(sent_units: Sequence[Mapping[str, str]]) -> tuple[list[dict[str, str]], list[int]]:
    """The different ones, and which of them each is: most frames of a device have the same."""
    by_identity = {id(units): units for units in sent_units}
    numbers = {identity: number for number, identity in enumerate(by_identity)}
    return [dict(units) for units in by_identity.values()], [numbers[id(units)] for units in sent_units]


def _count_repeats(
    connection: BoundedConnection, catalogue: Catalogue, ready: Sequence[Ready], written: Mapping[int, Ready]
) -> None:
    came = Counter(frame.stored.identity for frame in ready)
    came.subtract(frame.stored.identity for frame in written.values())
    repeated = sorted((identity, times) for identity, times in came.items() if times)
    if not repeated:
        return
    unit_ids = catalogue.units({f"{site}/{unit}" for (site, unit, *_), _ in repeated})
    connection.execute(
        statement("frames_repeated"),
        {
            "unit_ids": [unit_ids[f"{site}/{unit}"] for (site, unit, *_), _ in repeated],
            "devices": [device for (_, _, device, _, _), _ in repeated],
            "epochs": [epoch for (_, _, _, epoch, _), _ in repeated],
            "sequences": [sequence for (*_, sequence), _ in repeated],
            "times": [times for _, times in repeated],
        },
    )


def _insert_drops(connection: BoundedConnection, written: Mapping[int, Ready]) -> None:
    drops = [
        (frame_id, first, last)
        for frame_id, frame in written.items()
        for first, last in frame.stored.frame.dropped
    ]
    if drops:
        frame_ids, firsts, lasts = zip(*drops, strict=True)
        connection.execute(
            statement("drops_add"),
            {"frame_ids": list(frame_ids), "from_sequences": list(firsts), "to_sequences": list(lasts)},
        )
