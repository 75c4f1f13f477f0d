"""Frames and their samples into the store: binary COPY, and staging where it meets what is known already."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import orjson

from schemas.errors import FrameRefused, LogMismatch, Reason, UnitIncompatible, UnitUnknown
from schemas.units import conversion
from storage.catalogue import SignalName
from storage.copy_binary import encode_samples
from storage.maintenance.dirty import mark_dirty
from storage.records import WriteReport
from storage.staging import write_samples
from storage.statements import statement

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from schemas.decoding import Column
    from storage.catalogue import Catalogue, Signal
    from storage.connection import BoundedConnection
    from storage.records import StoredFrame


@dataclass(frozen=True, slots=True)
class Track:
    """The samples of one signal in a frame, in the unit of the stored signal."""

    signal_id: int
    time_us: NDArray[np.int64]
    values: NDArray[np.float64]
    status: NDArray[np.uint32]


@dataclass(frozen=True, slots=True)
class Samples:
    """Samples sorted by (signal_id, time): the order in which every writer takes its locks.

    again: where a sample has the signal and time of the one before it.
    """

    time_us: NDArray[np.int64]
    values: NDArray[np.float64]
    frame_ids: NDArray[np.int64]
    signal_ids: NDArray[np.int32]
    status: NDArray[np.uint32]
    again: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.time_us)

    def encode(self) -> memoryview:
        """The rows as a binary COPY stream."""
        return encode_samples(self.time_us, self.values, self.frame_ids, self.signal_ids, self.status)


@dataclass(frozen=True, slots=True)
class Ready:
    """A frame whose signals are known."""

    stored: StoredFrame
    tracks: list[Track]


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
    ready, refused = _resolve(catalogue, frames)
    earliest: dict[tuple[object, ...], Ready] = {}
    for frame in sorted(ready, key=lambda r: r.stored.rank):
        earliest.setdefault(frame.stored.identity, frame)
    written, moved = _insert_frames(connection, catalogue, log_ids, list(earliest.values()))
    _count_repeats(connection, catalogue, ready, written)
    samples = gather(
        (frame_id, track) for frame_id, frame in [*written.items(), *moved.items()] for track in frame.tracks
    )
    unit_ids = catalogue.units({frame.stored.frame.key for frame in ready})
    added, corrections = write_samples(
        connection,
        samples,
        unit_ids={unit_ids[frame.stored.frame.key] for frame in [*written.values(), *moved.values()]},
        frames={frame_id: frame.stored for frame_id, frame in [*written.items(), *moved.items()]},
        moved=moved.keys(),
    )
    mark_dirty(
        connection,
        samples.time_us,
        samples.signal_ids,
        samples.frame_ids,
        {
            frame_id: unit_ids[frame.stored.frame.key]
            for frame_id, frame in [*written.items(), *moved.items()]
        },
    )
    offered = sum(frame.stored.frame.sample_count for frame in written.values())
    return WriteReport(
        frames=len(written),
        repeats=len(ready) - len(written),
        samples=added,
        corrections=corrections,
        equal=max(0, offered - added - corrections),
        refused=tuple(refused),
    )


def gather(tracks: Iterable[tuple[int, Track]]) -> Samples:
    """All samples of (frame_id, track) pairs, sorted by signal and time."""
    pairs = list(tracks)
    if not pairs:
        none = np.empty(0, dtype=np.int64)
        return Samples(
            none, none.astype("f8"), none, none.astype("i4"), none.astype("u4"), none.astype(np.bool_)
        )
    counts = [track.time_us.size for _, track in pairs]
    time_us = np.concatenate([track.time_us for _, track in pairs])
    signal_ids = np.repeat(np.array([track.signal_id for _, track in pairs], dtype=np.int32), counts)
    order = np.lexsort((time_us, signal_ids))
    time_us, signal_ids = time_us[order], signal_ids[order]
    again = np.zeros(time_us.size, dtype=np.bool_)
    again[1:] = (time_us[1:] == time_us[:-1]) & (signal_ids[1:] == signal_ids[:-1])
    return Samples(
        time_us,
        np.concatenate([track.values for _, track in pairs])[order],
        np.repeat(np.array([frame_id for frame_id, _ in pairs], dtype=np.int64), counts)[order],
        signal_ids,
        np.concatenate([track.status for _, track in pairs])[order],
        again,
    )


def _resolve(
    catalogue: Catalogue, frames: Sequence[StoredFrame]
) -> tuple[list[Ready], list[tuple[StoredFrame, FrameRefused]]]:
    """The frames with their signals' numbers, and those that cannot be stored with the reason."""
    wanted: dict[SignalName, str | None] = {}
    for stored in frames:
        for column in stored.frame.columns:
            wanted.setdefault(SignalName(stored.frame.key, column.name), column.unit)
    known = catalogue.signals(wanted)
    ready, refused = [], []
    for stored in frames:
        key = stored.frame.key
        try:
            tracks = [_track(known[SignalName(key, column.name)], column) for column in stored.frame.columns]
        except FrameRefused as refusal:
            refused.append((stored, refusal))
        else:
            ready.append(Ready(stored, tracks))
    return ready, refused


def _track(signal: Signal, column: Column) -> Track:
    if signal.ucum in (column.unit, None):
        return Track(signal.signal_id, column.time_us, column.values, column.status)
    # Outside the dictionary, the first unit that was sent is the one that is stored.
    try:
        scale, offset = conversion(column.unit, signal.ucum)
    except (UnitIncompatible, UnitUnknown) as error:
        raise FrameRefused(
            Reason.UNIT_CONFLICT,
            f"signals.{column.name}.unit",
            f"{column.name} was first sent in {signal.ucum} and is stored in it; {column.unit} does not "
            f"convert to it. Send it in a unit of the same quantity, or under another name.",
            detail=error.message,
        ) from error
    return Track(signal.signal_id, column.time_us, column.values * scale + offset, column.status)


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
            "sent_units": [orjson.dumps(dict(s.frame.sent_units)).decode() for s in stored],
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
