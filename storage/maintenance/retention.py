"""Drops what the rules let go, once a day, and writes down each drop in the audit."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

from storage.edition import Edition, detect
from storage.maintenance.digest import LOCK_CLASS
from storage.maintenance.keeping import DAY_S, LEVELS, Days, Rule, Stay, droppable
from storage.statements import statement

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from storage.connection import BoundedConnection

_DROP = {
    "raw": "retention_drop_samples",
    "1s": "retention_drop_seconds",
    "1m": "retention_drop_minutes",
    "1h": "retention_drop_hours",
}
_TABLE = {
    "raw": "sparge.sample",
    "1s": "sparge.sample_1s",
    "1m": "sparge.sample_1m",
    "1h": "sparge.sample_1h",
}


@dataclass(frozen=True, slots=True)
class Dropped:
    """Rows that were dropped, and bioreactors left for the next run because they are not digested yet."""

    rows: int = 0
    waiting: int = 0

    def __add__(self, other: Dropped) -> Dropped:
        return Dropped(self.rows + other.rows, self.waiting + other.waiting)


@dataclass(frozen=True, slots=True)
class Group:
    """The signals of one class in one unit."""

    unit_id: int
    signal_class: str | None
    signal_ids: list[int]


def drop_due(
    connection: BoundedConnection, now_s: float, *, stop: Callable[[], bool] = lambda: False
) -> Dropped:
    """Drop what is due on the day of `now_s`; nothing where that day is done, or no rule says anything.

    Rows go signal by signal, for a chunk holds those of every member; chunks that all rules have emptied go
    after them. Samples are dropped only once they are digested: their sums outlive them. A second job at the
    same time finds the units locked or the rows gone.
    """
    today = int(now_s // DAY_S)
    rules = [Rule(*row) for row in connection.execute(statement("retention_rules"), {"today": today})]
    if not rules:
        return Dropped()
    stays = _stays(connection)
    groups = [Group(*row) for row in connection.execute(statement("retention_groups"))]
    done = Dropped()
    for group in groups:
        if stop():
            return done
        with connection.transaction():
            done += _drop_group(connection, rules, group, stays[group.unit_id], today)
    if not done.waiting:
        _drop_empty_chunks(connection, rules, [(g.signal_class, stays[g.unit_id]) for g in groups], today)
        connection.execute(statement("retention_done"), {"today": today})
    return done


def _drop_empty_chunks(
    connection: BoundedConnection,
    rules: Sequence[Rule],
    groups: Sequence[tuple[str | None, Sequence[Stay]]],
    today: int,
) -> None:
    """Drop the chunks that end before the first day that any signal keeps."""
    if detect(connection).edition is Edition.POSTGRES:
        return
    for level in LEVELS:
        ends = [
            next((days.end for days in droppable(rules, level, *group, today) if days.first == -inf), -inf)
            for group in groups
        ]
        if min(ends, default=-inf) > -inf:
            parameters = {"table": _TABLE[level], "end_s": min(ends) * DAY_S}
            connection.execute(statement("retention_drop_chunks"), parameters)


def _drop_group(
    connection: BoundedConnection, rules: Sequence[Rule], group: Group, stays: Sequence[Stay], today: int
) -> Dropped:
    done = Dropped()
    for level in LEVELS:
        for days in droppable(rules, level, group.signal_class, stays, today):
            span = {"first_s": days.first * DAY_S, "end_s": days.end * DAY_S}
            unit = {"unit_id": group.unit_id, "lock": LOCK_CLASS, "end_s": span["end_s"]}
            if connection.execute(statement("retention_undigested"), unit).fetchone() != (False,):
                return done + Dropped(waiting=1)
            parameters = {**span, "signal_ids": group.signal_ids}
            rows = connection.execute(statement(_DROP[level]), parameters).fetchone()
            if rows is not None and rows[0]:
                done += Dropped(rows=rows[0])
                _audit(connection, level, group, days, rows[0])
    return done


def _audit(connection: BoundedConnection, level: str, group: Group, days: Days, rows: int) -> None:
    connection.execute(
        statement("retention_audit"),
        {
            "level": level,
            "unit_id": group.unit_id,
            "signal_class": group.signal_class,
            "first_s": days.first * DAY_S,
            "end_s": days.end * DAY_S,
            "rows": rows,
        },
    )


def _stays(connection: BoundedConnection) -> defaultdict[int, list[Stay]]:
    """The batches of each unit."""
    stays: defaultdict[int, list[Stay]] = defaultdict(list)
    for unit_id, member, start_s, end_s, held in connection.execute(statement("retention_stays")):
        stays[unit_id].append(Stay(member, start_s, end_s, held))
    return stays
