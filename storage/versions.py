"""Decision 0004 as arithmetic: which version of a sample is known now, and what each one replaced.

A version is what one frame said of one sample. Versions are ordered by the rank of their frames; equal ones
in a row are one run. The last run is what is known now, from the frame that began it to the frame that last
confirmed it. The outcome depends on what was said and when it was recorded, not on the order of arrival.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

REPEAT_US = np.iinfo(np.int64).min
"""Stands for the time at which a repeat was replaced: the version that it repeats stands in another row."""


@dataclass(frozen=True, slots=True)
class Versions:
    """(N,) versions of samples in any order.

    key: number of the sample. frame_id: who said it. value: NaN where missing. status: OPC UA, 32 bits.
    """

    key: NDArray[np.int64]
    frame_id: NDArray[np.int64]
    value: NDArray[np.float64]
    status: NDArray[np.uint32]

    def where(self, chosen: NDArray[np.bool_] | NDArray[np.intp]) -> Versions:
        """The chosen ones, by mask or by position."""
        return Versions(self.key[chosen], self.frame_id[chosen], self.value[chosen], self.status[chosen])


@dataclass(frozen=True, slots=True)
class Judged:
    """What is known of K samples, and the R versions beside it.

    current: (K,) by key, the version that began the last run; confirmed: (K,) the frame that ended it.
    others: (R,) every other version, by key and rank. replaced_us: (R,) recorded time of the different
    version that followed a run, in the row that began it; REPEAT_US in the other rows.
    """

    current: Versions
    confirmed: NDArray[np.int64]
    others: Versions
    replaced_us: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Ranks:
    """The order of frames by (recorded time, topic, partition, offset).

    frame_ids: (F,) ascending. place: (F,) of each in that order, from 0. recorded_us: (F,).
    """

    frame_ids: NDArray[np.int64]
    place: NDArray[np.int64]
    recorded_us: NDArray[np.int64]

    def at(self, frame_ids: NDArray[np.int64]) -> NDArray[np.intp]:
        """Where these frames stand in the arrays; each must be there."""
        return np.searchsorted(self.frame_ids, frame_ids)


def ranks(frames: Sequence[tuple[int, int, str, int, int]]) -> Ranks:
    """The order of (frame_id, recorded_us, topic, partition, offset), each frame given once, at least one."""
    ids, recorded, topics, partitions, offsets = zip(*frames, strict=True)
    frame_ids = np.array(ids, dtype=np.int64)
    by_id = np.argsort(frame_ids)
    number = {topic: place for place, topic in enumerate(sorted(set(topics)))}
    recorded_us = np.array(recorded, dtype=np.int64)
    topic_numbers = np.array([number[topic] for topic in topics])
    ordered = np.lexsort((np.array(offsets), np.array(partitions), topic_numbers, recorded_us))
    place = np.empty(frame_ids.size, dtype=np.int64)
    place[ordered] = np.arange(frame_ids.size)
    return Ranks(frame_ids[by_id], place[by_id], recorded_us[by_id])


def together(parts: Sequence[Versions]) -> Versions:
    """The versions of all parts; where two say the same frame of a sample, the earlier part counts."""
    key = np.concatenate([part.key for part in parts])
    frame_id = np.concatenate([part.frame_id for part in parts])
    order = np.lexsort((frame_id, key))
    first = np.ones(key.size, dtype=np.bool_)
    first[1:] = (np.diff(key[order]) != 0) | (np.diff(frame_id[order]) != 0)
    chosen = order[first]
    return Versions(
        key[chosen],
        frame_id[chosen],
        np.concatenate([part.value for part in parts])[chosen],
        np.concatenate([part.status for part in parts])[chosen],
    )


def judge(versions: Versions, order: Ranks) -> Judged:
    """Judge versions of which no two are of the same sample and frame; every key has at least one."""
    at = order.at(versions.frame_id)
    sorting = np.lexsort((order.place[at], versions.key))
    v, recorded_us = versions.where(sorting), order.recorded_us[at[sorting]]
    begins = np.ones(v.key.size, dtype=np.bool_)
    same_value = (v.value[1:] == v.value[:-1]) | (np.isnan(v.value[1:]) & np.isnan(v.value[:-1]))
    same_key = v.key[1:] == v.key[:-1]
    begins[1:] = ~(same_key & same_value & (v.status[1:] == v.status[:-1]))
    last = np.ones(v.key.size, dtype=np.bool_)
    last[:-1] = ~same_key
    run = np.cumsum(begins) - 1
    starts = np.flatnonzero(begins)
    current = starts[run[last]]
    replaced_us = np.full(v.key.size, REPEAT_US, dtype=np.int64)
    replaced_us[starts[:-1]] = recorded_us[starts[1:]]
    other = ~last
    other[current] = False
    return Judged(v.where(current), v.frame_id[last], v.where(other), replaced_us[other])


def changes(
    kept: Versions, kept_replaced_us: NDArray[np.int64], judged: Judged, order: Ranks
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """What to do where `kept` stands beside the samples and `judged.others` shall stand there.

    Returns (H,) which of `kept` have to go, and (R,) which of `judged.others` have to be added.
    """
    frames = len(order.frame_ids)
    before = kept.key * frames + order.at(kept.frame_id)
    after = judged.others.key * frames + order.at(judged.others.frame_id)
    sorting = np.argsort(before)
    at = np.searchsorted(before, after, sorter=sorting)
    found = at < len(before)
    place = sorting[at[found]]
    found[found] = (before[place] == after[found]) & (kept_replaced_us[place] == judged.replaced_us[found])
    stays = np.zeros(len(before), dtype=np.bool_)
    stays[sorting[at[found]]] = True
    return ~stays, ~found
