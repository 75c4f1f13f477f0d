"""The digest: samples that were written since the last one, summed up by the second, the minute and the hour.

Driven by the spans that ingest marks. A unit is digested by one process at a time, under an advisory lock: a
second job takes other units, and one that read before another wrote cannot put back what it saw. A span is
removed in the transaction that sums it up, so a job that is killed leaves it to the next.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby, islice
from typing import TYPE_CHECKING, Any, NamedTuple

from schemas.signals import spec
from storage.statements import statement

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from schemas.signals import SignalSpec
    from storage.connection import BoundedConnection

LOCK_CLASS = 0x53504447
"""Any number, as long as every version of Sparge uses the same one; the second key is the unit."""

HOLD_S = 3600.0
"""How long a value holds where no stale time is declared; the SQL functions assume the same."""

HELD_S = 7 * 86_400.0
"""The same of what is reported when it changes: a set point not repeated for a week is unknown."""

UNIT_HOURS = 40
"""Unit-hours a transaction: 4 million samples at one a second of 30 signals, some seconds of work."""

BY_SECOND_FROM = 120
"""So many samples in one minute make a signal fast: seconds of slower ones would save nothing."""

DAY_S = 86_400


class UnitHour(NamedTuple):
    """An hour of a unit; seconds since 1970 UTC."""

    unit_id: int
    hour_s: int


@dataclass(frozen=True, slots=True)
class Digested:
    """What one digest did.

    minutes, hours, seconds: buckets written of each level.
    left_to_others: unit-hours that another job was at.
    """

    seconds: int = 0
    minutes: int = 0
    hours: int = 0
    left_to_others: int = 0

    def __add__(self, other: Digested) -> Digested:
        return Digested(
            self.seconds + other.seconds,
            self.minutes + other.minutes,
            self.hours + other.hours,
            self.left_to_others + other.left_to_others,
        )


def hold_s(declared: SignalSpec | None) -> float:
    """Seconds for which a value of the signal holds without another sample.

    That is its stale time, if one is declared. Between samples every value is held, not interpolated, also of
    a continuous signal: the value in force is then one that was measured, the mean of an hour that is over
    does not wait for a sample after it, and the error is at most half a sampling interval of drift.
    """
    if declared is None:
        return HOLD_S
    if declared.stale_after_s is not None:
        return declared.stale_after_s
    return HELD_S if declared.reading in {"held", "total"} else HOLD_S


def digest(
    connection: BoundedConnection, now_s: float, *, stop: Callable[[], bool] = lambda: False
) -> Digested:
    """Sum up everything that is marked now; hours only once they are over by `now_s`, seconds since 1970.

    stop: asked between transactions; what is not done then is done by the next digest.

    Raises:
        DatabaseUnreachable, DatabaseRefused: what was digested before is kept.
    """
    declare(connection)
    done = Digested()
    for levels, find in (("fine", "dirty_unit_hours"), ("hours", "dirty_hours_over")):
        rows = connection.execute(statement(find), {"now_s": now_s}).fetchall()
        for batch in _batches([UnitHour(*row) for row in rows]):
            if stop():
                return done
            with connection.transaction():
                done += _digest_batch(connection, levels, batch)
    return done


def declare(connection: BoundedConnection) -> int:
    """Write down class and hold of each signal; returns of how many the hold changed.

    A signal whose hold changed is marked as a whole, for its means change with it.
    """
    changed, unwritten = [], {}
    for signal_id, name, known_s, known_class in connection.execute(statement("signal_holds")):
        declared = spec(name)
        new = (hold_s(declared), None if declared is None else declared.signal_class)
        if new != (known_s, known_class):
            unwritten[signal_id] = new
        if new[0] != (known_s or HOLD_S):
            changed.append(signal_id)
    if not unwritten:
        return 0
    holds, classes = zip(*unwritten.values(), strict=True)
    with connection.transaction():
        if changed:
            connection.execute(statement("signals_mark"), {"signal_ids": changed})
        connection.execute(
            statement("signal_holds_settle"),
            {"signal_ids": list(unwritten), "holds_s": list(holds), "classes": list(classes)},
        )
    return len(changed)


def _digest_batch(connection: BoundedConnection, levels: str, batch: Sequence[UnitHour]) -> Digested:
    units = sorted({pair.unit_id for pair in batch})
    locked = {
        row[0]
        for row in connection.execute(statement("digest_lock"), {"lock": LOCK_CLASS, "unit_ids": units})
    }
    mine = [pair for pair in batch if pair.unit_id in locked]
    skipped = len(batch) - len(mine)
    if not mine:
        return Digested(left_to_others=skipped)
    parameters: dict[str, Any] = {
        "unit_ids": [pair.unit_id for pair in mine],
        "hours_s": [pair.hour_s for pair in mine],
    }
    if levels == "hours":
        spans = _spans(connection, "dirty_hours_take", parameters)
        return Digested(hours=_write(connection, "digest_hours", spans), left_to_others=skipped)
    spans = _spans(connection, "dirty_spans_take", parameters)
    minutes = _write(connection, "digest_minutes", spans)
    connection.execute(statement("signals_by_second"), {**spans, "from_count": BY_SECOND_FROM})
    seconds = _write(connection, "digest_seconds", spans)
    return Digested(seconds=seconds, minutes=minutes, left_to_others=skipped)


def _spans(
    connection: BoundedConnection, name: str, parameters: dict[str, Any]
) -> dict[str, list[int] | list[Any]]:
    """The marked spans of all signals of the units, which are marked no longer."""
    rows = connection.execute(statement(name), parameters).fetchall()
    signal_ids, firsts, lasts = zip(*rows, strict=True) if rows else ((), (), ())
    return {"signal_ids": list(signal_ids), "firsts": list(firsts), "lasts": list(lasts)}


def _write(connection: BoundedConnection, name: str, spans: dict[str, list[int] | list[Any]]) -> int:
    return connection.execute(statement(name), spans).rowcount if spans["signal_ids"] else 0


def _batches(pairs: Sequence[UnitHour]) -> Iterator[list[UnitHour]]:
    """Portions of one day each, for a day is a chunk, in the order given."""
    for _, of_day in groupby(pairs, key=lambda pair: pair.hour_s // DAY_S):
        rest = iter(of_day)
        while portion := list(islice(rest, UNIT_HOURS)):
            yield portion
