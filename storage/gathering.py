"""The samples of many frames as one set of arrays, in the order in which every writer takes its locks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from storage.copy_binary import encode_samples

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Track:
    """N samples of S stored signals, signal after signal, as one frame told them.

    signal_ids: (S,). counts: (S,) samples of each signal; None where all are measured together. time_us:
    (N,), or (N / S,) where all are. values: (N,) in the unit that is stored. status: (N,).
    """

    signal_ids: NDArray[np.int32]
    counts: Sequence[int] | None
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


def gather(tracks: Iterable[tuple[int, Track]]) -> Samples:
    """All samples of (frame_id, track) pairs, sorted by signal and time."""
    pairs = [(frame_id, track) for frame_id, track in tracks if track.values.size]
    if not pairs:
        none = np.empty(0, dtype=np.int64)
        return Samples(
            none, none.astype("f8"), none, none.astype("i4"), none.astype("u4"), none.astype(np.bool_)
        )
    sizes = np.array([track.values.size for _, track in pairs])
    time_us = _spread([track.time_us for _, track in pairs], sizes)
    counts = _counts([track for _, track in pairs], sizes)
    signal_ids = np.repeat(np.concatenate([track.signal_ids for _, track in pairs]), counts)
    order = np.lexsort((time_us, signal_ids))
    time_us, signal_ids = time_us[order], signal_ids[order]
    again = np.zeros(time_us.size, dtype=np.bool_)
    again[1:] = (time_us[1:] == time_us[:-1]) & (signal_ids[1:] == signal_ids[:-1])
    frame_ids = np.array([frame_id for frame_id, _ in pairs], dtype=np.int64)
    return Samples(
        time_us,
        np.concatenate([track.values for _, track in pairs])[order],
        np.repeat(frame_ids, sizes)[order],
        signal_ids,
        np.concatenate([track.status for _, track in pairs])[order],
        again,
    )


def _counts(tracks: Sequence[Track], sizes: NDArray[np.intp]) -> NDArray[np.intp]:
    """How many samples each signal of each track has; sizes: of all its signals together."""
    signals = np.array([track.signal_ids.size for track in tracks])
    counts: NDArray[np.intp] = np.repeat(sizes // signals, signals)
    ends = np.cumsum(signals)
    for track, end in zip(tracks, ends.tolist(), strict=True):
        if track.counts is not None:
            counts[end - len(track.counts) : end] = track.counts
    return counts


def _spread(told: Sequence[NDArray[np.int64]], sizes: NDArray[np.intp]) -> NDArray[np.int64]:
    """The arrays one after another, each repeated until it has its size."""
    lengths = np.array([times.size for times in told])
    place = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    spread: NDArray[np.int64] = np.concatenate(told)[
        np.repeat(np.cumsum(lengths) - lengths, sizes) + place % np.repeat(lengths, sizes)
    ]
    return spread
