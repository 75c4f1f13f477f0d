"""What a sink may write: the records of a batch that follow, without a hole, what is stored already.

After a rebalance one batch can hold the same offset twice, in any order, and offsets that another worker has
written meanwhile. The log itself may lack offsets (transaction markers, aborted or compacted records,
retention), which nobody can tell from records that are merely late. So a hole is never taken silently: the
caller reads exactly that range, adds what is there to the batch, and asks again with the range in `passed`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

TP = TypeVar("TP", bound=tuple[str, int])


@dataclass(frozen=True, slots=True)
class Hole(Generic[TP]):
    """Offsets start <= offset < stop that were expected before a record of the batch and are not in it."""

    tp: TP
    start: int
    stop: int


@dataclass(frozen=True, slots=True)
class Plan(Generic[TP]):
    """What may be written now and where the positions stand after it.

    accepted: the offsets to write, ascending, up to the partition's first hole; each partition of the batch
        is a key.
    next_offsets: the position once `accepted` is written; it never moves past a hole, so a caller that
        ignores `holes` is slow but loses nothing.
    holes: every hole of the batch, in order. While there is one, what lies behind it is not accepted.
    repeated: records of the batch that were dropped, as a repeat within it or as stored already.
    """

    accepted: Mapping[TP, tuple[int, ...]]
    next_offsets: Mapping[TP, int]
    holes: tuple[Hole[TP], ...]
    repeated: int


def admit(
    offsets_by_tp: Mapping[TP, Iterable[int]],
    positions: Mapping[TP, int],
    passed: Mapping[TP, Sequence[tuple[int, int]]] | None = None,
) -> Plan[TP]:
    """Decide what of a batch follows what is stored.

    offsets_by_tp: the offsets received for each (topic, partition), in any order, repeats included.
    positions: the next offset to store of each of these partitions.
    passed: half-open ranges [start, stop) that were read to their end from the log: what the batch lacks
        there does not exist.

    Raises KeyError when a partition of the batch has no position: its row must exist before it is locked.
    """
    known_absent = passed or {}
    accepted: dict[TP, tuple[int, ...]] = {}
    next_offsets: dict[TP, int] = {}
    holes: list[Hole[TP]] = []
    repeated = 0
    for tp in sorted(offsets_by_tp):
        received = list(offsets_by_tp[tp])
        expected = positions[tp]
        fresh = sorted({offset for offset in received if offset >= expected})
        repeated += len(received) - len(fresh)
        ranges = sorted((start, stop) for start, stop in known_absent.get(tp, ()) if start < stop)
        run: list[int] = []
        whole = True
        for offset in fresh:
            for start, stop in _gaps(expected, offset, ranges):
                if whole:
                    next_offsets[tp] = start
                    whole = False
                holes.append(Hole(tp, start, stop))
            if whole:
                run.append(offset)
            expected = offset + 1
        if whole:
            next_offsets[tp] = _through(expected, ranges)
        accepted[tp] = tuple(run)
    return Plan(accepted, next_offsets, tuple(holes), repeated)


def _gaps(start: int, stop: int, ranges: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the parts of [start, stop) that no range covers; ranges are sorted and none is empty."""
    gaps = []
    for low, high in ranges:
        if start >= stop:
            break
        if low > start:
            gaps.append((start, min(low, stop)))
        start = max(start, high)
    if start < stop:
        gaps.append((start, stop))
    return gaps


def _through(expected: int, ranges: Sequence[tuple[int, int]]) -> int:
    """Return the first offset from `expected` on that no range covers."""
    for low, high in ranges:
        if low <= expected < high:
            expected = high
    return expected
