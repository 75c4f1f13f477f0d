"""Samples into the store: straight where nothing is known of them, else through a judgement.

Writers of one unit's samples take turns: those that only add hold a lock of the unit together, one that
judges holds it alone. So what it reads is all there is until it has committed, and nobody is locked out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from psycopg import errors as sqlstate

from storage.array_binary import decode_array
from storage.copy_binary import (
    EMPTY,
    POSTGRES_EPOCH_US,
    SAMPLE_COLUMNS,
    encode,
    encode_samples,
    row_type,
)
from storage.statements import statement
from storage.versions import REPEAT_US, Judged, Versions, changes, judge, ranks, together

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from numpy.typing import NDArray

    from storage.connection import BoundedConnection
    from storage.gathering import Samples
    from storage.records import StoredFrame
    from storage.versions import Ranks

# Any number, as long as every version of Sparge uses the same one and no other lock of ours does.
LOCK_CLASS = 0x5350

_STAGED = row_type((("time", ">i8"), ("signal_id", ">i4"), ("key", ">i4")))
_KINDS = (">i4", ">f8", ">i4", ">i8", ">i8")
"""Of the columns that a statement takes out: key, value, status, frame_id, and what that statement adds."""

_CONFIRMED = row_type((*SAMPLE_COLUMNS, ("confirmed", ">i8")))
_SUPERSEDED = row_type((*SAMPLE_COLUMNS, ("replaced", ">i8")))


def write_samples(
    connection: BoundedConnection,
    samples: Samples,
    *,
    unit_ids: Collection[int],
    frames: Mapping[int, StoredFrame],
    moved: Collection[int],
    behind: bool = False,
) -> tuple[int, int]:
    """Write samples in the running transaction.

    unit_ids: the units of the samples. frames: by frame_id, those that brought them. moved: frame_ids of
    those that are known, and whose place in the order of versions has changed. behind: what is known was
    probably recorded later, so that most of it will stay; this changes the cost and nothing else.
    Returns how many samples had no row, and how many versions are kept beside the current ones by this call.
    """
    if not len(samples):
        return 0, 0
    units = {"class": LOCK_CLASS, "unit_ids": sorted(unit_ids)}
    if not moved and not samples.again.any() and _add(connection, samples, units):
        return len(samples), 0
    connection.execute(statement("units_lock_alone"), units)
    key = np.cumsum(~samples.again) - 1
    first = np.flatnonzero(~samples.again)
    bounds = _stage(connection, samples, first)
    sent = Versions(key, samples.frame_ids, samples.values, samples.status)
    # Deleting what will change and copying it back is one reading less, and faster, than updating.
    began, confirmed = _columns_out(connection, "stage_present" if behind else "stage_take", bounds)
    present, ended = began, Versions(began.key, confirmed, began.value, began.status)
    order = _ranks(connection, frames, np.concatenate([present.frame_id, ended.frame_id]))
    late = _before(sent, ended, order, len(first)) | _of(sent, moved, len(first))
    kept, kept_replaced_us = _history(connection, bounds, late)
    if len(kept.key):
        others = np.concatenate([present.frame_id, ended.frame_id, kept.frame_id])
        order = _ranks(connection, frames, others)
    judged = judge(together([sent, present, ended, kept]), order)
    gone, new = changes(kept, kept_replaced_us, judged, order)
    _drop(connection, kept.where(gone))
    added = Judged(judged.current, judged.confirmed, judged.others.where(new), judged.replaced_us[new])
    written = np.ones(len(first), dtype=np.bool_)
    if behind:
        written[present.key] = (judged.current.frame_id[present.key] != present.frame_id) | (
            judged.confirmed[present.key] != ended.frame_id
        )
        _remove(connection, bounds, np.intersect1d(present.key, np.flatnonzero(written)))
    _put_back(connection, added, written, samples.time_us[first], samples.signal_ids[first])
    corrections = np.count_nonzero(judged.replaced_us != REPEAT_US) - np.count_nonzero(
        kept_replaced_us != REPEAT_US
    )
    return len(first) - len(present.key), max(0, int(corrections))


def _add(connection: BoundedConnection, samples: Samples, units: Mapping[str, Any]) -> bool:
    """Add samples of which nothing is known; False, and nothing added, if one of them is."""
    try:
        with connection.transaction():
            connection.execute(statement("units_lock_together"), units)
            copy_in(connection, "samples_copy", samples.encode())
    except sqlstate.UniqueViolation:
        # The lock went with the savepoint: two that kept it and asked for more would lock each other out.
        return False
    return True


def _stage(connection: BoundedConnection, samples: Samples, first: NDArray[np.intp]) -> dict[str, int]:
    """Stage each signal and time once, numbered; returns the times between which they are.

    A hypertable opens no chunks beyond them.
    """
    connection.execute(statement("stage_create"))
    connection.execute(statement("stage_clear"))
    time_us = samples.time_us[first]
    columns: dict[str, NDArray[Any]] = {
        "time": time_us - POSTGRES_EPOCH_US,
        "signal_id": samples.signal_ids[first],
        "key": np.arange(len(first)),
    }
    copy_in(connection, "stage_copy", encode(_STAGED, columns))
    # Nobody else does it for a temporary table, and the joins depend on its size.
    connection.execute(statement("stage_analyze"))
    return {"first_us": int(time_us.min()), "last_us": int(time_us.max())}


def _remove(connection: BoundedConnection, bounds: Mapping[str, int], keys: NDArray[np.int64]) -> None:
    if keys.size:
        connection.execute(statement("stage_remove"), {**bounds, "keys": keys})


def _history(
    connection: BoundedConnection, bounds: Mapping[str, int], wanted: NDArray[np.bool_]
) -> tuple[Versions, NDArray[np.int64]]:
    """What is kept beside these samples (by key), and when each was replaced (us UTC, or REPEAT_US)."""
    if not wanted.any():
        none = np.empty(0, dtype=np.int64)
        return Versions(none, none, none.astype(np.float64), none.astype(np.uint32)), none
    keys = None if wanted.all() else np.flatnonzero(wanted)
    kept, replaced = _columns_out(connection, "stage_history", {**bounds, "keys": keys})
    return kept, np.where(replaced == REPEAT_US, REPEAT_US, replaced + POSTGRES_EPOCH_US)


def _columns_out(
    connection: BoundedConnection, name: str, parameters: Mapping[str, Any]
) -> tuple[Versions, NDArray[np.int64]]:
    """The versions that a statement answers, and its fifth column."""
    with connection.cursor(binary=True) as cursor:
        result = cursor.execute(statement(name), parameters).pgresult
        assert result is not None  # noqa: S101 - the statement answers one row
        key, value, status, frame_id, fifth = (
            decode_array(result.get_value(0, place), kind) for place, kind in enumerate(_KINDS)
        )
    return Versions(key.astype(np.int64), frame_id, value, status.view(np.uint32)), fifth


def _drop(connection: BoundedConnection, versions: Versions) -> None:
    if len(versions.key):
        connection.execute(
            statement("stage_drop"),
            {"keys": versions.key, "frame_ids": versions.frame_id},
        )


def _ranks(
    connection: BoundedConnection, frames: Mapping[int, StoredFrame], others: NDArray[np.int64]
) -> Ranks:
    """The order of the frames of this call and others; one whose row is gone is older than all."""
    known = [(frame_id, *stored.rank) for frame_id, stored in frames.items()]
    asked = [frame_id for frame_id in np.unique(others).tolist() if frame_id not in frames]
    if asked:
        found = connection.execute(statement("frames_rank"), {"frame_ids": asked}).fetchall()
        known += found
        known += [(frame_id, 0, "", 0, 0) for frame_id in set(asked).difference(row[0] for row in found)]
    return ranks(known)


def _before(sent: Versions, ended: Versions, order: Ranks, keys: int) -> NDArray[np.bool_]:
    """(keys,) whether something sent was recorded before what is known last: then its history matters."""
    end = np.full(keys, -1, dtype=np.int64)
    end[ended.key] = order.place[order.at(ended.frame_id)]
    before = np.zeros(keys, dtype=np.bool_)
    before[sent.key[order.place[order.at(sent.frame_id)] < end[sent.key]]] = True
    return before


def _of(sent: Versions, frame_ids: Collection[int], keys: int) -> NDArray[np.bool_]:
    """(keys,) whether one of these frames tells of it."""
    told = np.zeros(keys, dtype=np.bool_)
    told[sent.key[np.isin(sent.frame_id, list(frame_ids))]] = True
    return told


def _put_back(
    connection: BoundedConnection,
    judged: Judged,
    written: NDArray[np.bool_],
    time_us: NDArray[np.int64],
    signal_ids: NDArray[np.int32],
) -> None:
    """Write what is known of the samples that are to be written, and what is kept beside any.

    written, time_us, signal_ids: by key.
    """
    now = judged.current
    alone = judged.confirmed == now.frame_id
    one, run = now.where(written & alone), now.where(written & ~alone)
    copy_in(
        connection,
        "samples_copy",
        encode_samples(time_us[one.key], one.value, one.frame_id, signal_ids[one.key], one.status),
    )
    confirmed = {**_columns(run, time_us, signal_ids), "confirmed": judged.confirmed[written & ~alone]}
    copy_in(connection, "samples_copy_confirmed", encode(_CONFIRMED, confirmed))
    replaced = np.where(judged.replaced_us == REPEAT_US, REPEAT_US, judged.replaced_us - POSTGRES_EPOCH_US)
    others = {**_columns(judged.others, time_us, signal_ids), "replaced": replaced}
    copy_in(connection, "superseded_copy", encode(_SUPERSEDED, others))


def _columns(
    versions: Versions, time_us: NDArray[np.int64], signal_ids: NDArray[np.int32]
) -> dict[str, NDArray[Any]]:
    return {
        "time": time_us[versions.key] - POSTGRES_EPOCH_US,
        "value": versions.value,
        "frame_id": versions.frame_id,
        "signal_id": signal_ids[versions.key],
        "status": versions.status.view(np.int32),
    }


def copy_in(connection: BoundedConnection, name: str, stream: memoryview) -> None:
    """Send a whole binary COPY stream to the statement of this name; an empty one is spared."""
    if len(stream) == EMPTY:
        return
    with connection.cursor() as cursor, cursor.copy(statement(name)) as copy:
        copy.write(stream)
