"""What ingest leaves for the digest: which hours of which units it has written to, in its own transaction.

Rows are only ever added, and no two writers meet in one: marking takes no lock that another ingest or the
digest would wait for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from storage.copy_binary import POSTGRES_EPOCH_US, encode, row_type
from storage.statements import statement

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from storage.connection import BoundedConnection

HOUR_US = 3_600_000_000

_SPAN = row_type((("unit_id", ">i4"), ("first", ">i8"), ("last", ">i8")))


def mark_dirty(
    connection: BoundedConnection,
    time_us: NDArray[np.int64],
    signal_ids: NDArray[np.int32],
    frame_ids: NDArray[np.int64],
    unit_of_frame: Mapping[int, int],
) -> None:
    """Mark the spans of these samples, which are sorted by (signal_id, time), as not digested.

    unit_of_frame: frame_id -> unit_id of every frame.
    """
    if not time_us.size:
        return
    units, firsts, lasts = dirty_spans(time_us, signal_ids, frame_ids, unit_of_frame)
    stream = encode(
        _SPAN, {"unit_id": units, "first": firsts - POSTGRES_EPOCH_US, "last": lasts - POSTGRES_EPOCH_US}
    )
    with connection.cursor() as cursor, cursor.copy(statement("dirty_spans_copy")) as copy:
        copy.write(stream)


def dirty_spans(
    time_us: NDArray[np.int64],
    signal_ids: NDArray[np.int32],
    frame_ids: NDArray[np.int64],
    unit_of_frame: Mapping[int, int],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """(unit_id, first, last) of the samples of each unit in each hour, one row each; arguments as mark_dirty.

    A span lies within an hour, so that a late sample beside live ones does not drag in all that is between.
    """
    hours = time_us // HOUR_US
    begins = np.flatnonzero(
        np.concatenate([[True], (signal_ids[1:] != signal_ids[:-1]) | (hours[1:] != hours[:-1])])
    )
    ends = np.append(begins[1:], time_us.size) - 1
    known = np.array(sorted(unit_of_frame), dtype=np.int64)
    unit_ids = np.array([unit_of_frame[frame_id] for frame_id in known.tolist()], dtype=np.int64)
    units = unit_ids[np.searchsorted(known, frame_ids[begins])]
    order = np.lexsort((hours[begins], units))
    units, begins, ends = units[order], begins[order], ends[order]
    hours = hours[begins]
    groups = np.flatnonzero(np.concatenate([[True], (units[1:] != units[:-1]) | (hours[1:] != hours[:-1])]))
    firsts = np.minimum.reduceat(time_us[begins], groups)
    lasts = np.maximum.reduceat(time_us[ends], groups)
    return units[groups], firsts, lasts
