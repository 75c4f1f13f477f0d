"""Frames and their samples into the store: binary COPY, and staging where it meets what is known already."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import orjson

from schemas.errors import LogMismatch
from storage.gathering import gather
from storage.maintenance.dirty import mark_dirty
from storage.records import WriteReport
from storage.resolving import resolve
from storage.staging import write_samples
from storage.statements import statement

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping, Sequence

    from storage.catalogue import Catalogue
    from storage.connection import BoundedConnection
    from storage.records import StoredFrame
    from storage.resolving import Ready

T = TypeVar("T")

UNKNOWN = -1
"""Stands for NULL among times of frames, of which none is before 1970: an array of NumPy has no NULL."""


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
    unit_ids = catalogue.units({frame.key for frame in ready})
    earliest: dict[tuple[object, ...], Ready] = {}
    for frame in sorted(ready, key=lambda r: r.stored.rank):
        earliest.setdefault(frame.stored.identity, frame)
    written, moved = _insert_frames(connection, unit_ids, log_ids, list(earliest.values()))
    if len(written) < len(ready):
        _count_repeats(connection, unit_ids, ready, written)
    telling = {**written, **moved}
    samples = gather((frame_id, frame.track) for frame_id, frame in telling.items())
    unit_of_frame = {frame_id: unit_ids[frame.key] for frame_id, frame in telling.items()}
    added, corrections = write_samples(
        connection,
        samples,
        unit_ids=set(unit_of_frame.values()),
        frames={frame_id: frame.stored for frame_id, frame in telling.items()},
        moved=moved.keys(),
        behind=catalogue.behind(max((stored.recorded_us for stored in frames), default=0)),
    )
    mark_dirty(connection, samples.time_us, samples.signal_ids, samples.frame_ids, unit_of_frame)
    offered = sum([frame.track.values.size for frame in written.values()])
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
    unit_ids: Mapping[str, int],
    log_ids: Mapping[str, int],
    frames: Sequence[Ready],
) -> tuple[dict[int, Ready], dict[int, Ready]]:
    """Frames by frame_id: those written now, and those known whose place in the order of versions moved."""
    if not frames:
        return {}, {}
    stored = [frame.stored for frame in frames]
    units = [unit_ids[frame.key] for frame in frames]
    sent_units, sent_places = _distinct([s.frame.sent_units for s in stored], id)
    devices, device_places = _distinct([s.frame.device for s in stored], str)
    integers = {
        "unit_ids": units,
        "log_ids": [log_ids[s.topic] for s in stored],
        "partitions": [s.partition for s in stored],
        "device_places": device_places,
        "sent_places": sent_places,
        "sample_counts": [frame.track.values.size for frame in frames],
    }
    bigints = {
        "offsets": [s.offset for s in stored],
        "epochs": [s.frame.epoch for s in stored],
        "sequences": [s.frame.sequence for s in stored],
        "edge_us": [UNKNOWN if s.frame.edge_us is None else s.frame.edge_us for s in stored],
        "recorded_us": [s.recorded_us for s in stored],
        "first_us": [UNKNOWN if (at := s.frame.first_us) is None else at for s in stored],
    }
    rows = connection.execute(
        statement("frames_add"),
        {
            **{name: np.array(column, dtype=np.int32) for name, column in integers.items()},
            **{name: np.array(column, dtype=np.int64) for name, column in bigints.items()},
            "devices": devices,
            "sent_units": orjson.dumps([dict(sent) for sent in sent_units]).decode(),
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


def _distinct(all_: Sequence[T], key: Callable[[T], Hashable]) -> tuple[list[T], list[int]]:
    """The different ones, and which of them each is, from 0: most frames share units and devices."""
    by_key = {key(one): one for one in all_}
    places = {known: place for place, known in enumerate(by_key)}
    return list(by_key.values()), [places[key(one)] for one in all_]


def _count_repeats(
    connection: BoundedConnection,
    unit_ids: Mapping[str, int],
    ready: Sequence[Ready],
    written: Mapping[int, Ready],
) -> None:
    came = Counter(frame.stored.identity for frame in ready)
    came.subtract(frame.stored.identity for frame in written.values())
    repeated = sorted((identity, times) for identity, times in came.items() if times)
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
