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
    from collections.abc import Callable, Mapping, Sequence

    from storage.connection import BoundedConnection

_DROP = {
    "raw": "retention_drop_samples",
    "1s": "retention_drop_seconds",
    "1m": "retention_drop_minutes",
    "1h": "retention_drop_hours",
    "scores": "retention_drop_scores",
    "forecasts": "retention_drop_forecasts",
}
_TABLE = {
    "raw": "sparge.sample",
    "1s": "sparge.sample_1s",
    "1m": "sparge.sample_1m",
    "1h": "sparge.sample_1h",
    "scores": "sparge.score",
    "forecasts": "sparge.forecast",
}
_DIGESTED = frozenset({"raw", "1s", "1m", "1h"})


@dataclass(frozen=True, slots=True)
class Dropped:
    """Rows that were dropped, and groups of signals left for the next run, being not digested yet.

    idle: rules that apply to nothing, for their member or class is of nothing that is stored.
    """

    rows: int = 0
    waiting: int = 0
    idle: tuple[Rule, ...] = ()

    def __add__(self, other: Dropped) -> Dropped:
        return Dropped(self.rows + other.rows, self.waiting + other.waiting, self.idle + other.idle)


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
    same time finds the units locked or the rows gone. Each transaction looks at rules and holds anew: one
    that is placed while the job runs counts from the next group of signals on.
    """
    today = int(now_s // DAY_S)
    if not _rules(connection, today):
        return Dropped()
    groups = [Group(*row) for row in connection.execute(statement("retention_groups"))]
    units = [Group(unit_id, None, []) for unit_id in sorted({group.unit_id for group in groups})]
    done = Dropped(idle=tuple(Rule(*row) for row in connection.execute(statement("retention_unmatched"))))
    for drop, group in [*((_drop_group, group) for group in groups), *((_drop_unit, unit) for unit in units)]:
        if stop():
            return done
        with connection.transaction():
            connection.execute(statement("retention_lock"))
            done += drop(connection, _rules(connection, today), group, _stays(connection), today)
    if not done.waiting:
        with connection.transaction():
            connection.execute(statement("retention_lock"))
            stays = _stays(connection)
            in_groups = [(group.signal_class, stays[group.unit_id]) for group in groups]
            _drop_empty_chunks(connection, _rules(connection, today), in_groups, today)
            connection.execute(statement("retention_done"), {"today": today})
    return done


def _rules(connection: BoundedConnection, today: int) -> list[Rule]:
    return [Rule(*row) for row in connection.execute(statement("retention_rules"), {"today": today})]


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
    connection: BoundedConnection,
    rules: Sequence[Rule],
    group: Group,
    stays: Mapping[int, Sequence[Stay]],
    today: int,
) -> Dropped:
    done = Dropped()
    for level in LEVELS:
        for days in droppable(rules, level, group.signal_class, stays[group.unit_id], today):
            unit = {"unit_id": group.unit_id, "lock": LOCK_CLASS, "end_s": days.end * DAY_S}
            if level in _DIGESTED:
                undigested = connection.execute(statement("retention_undigested"), unit).fetchone()
                if undigested != (False,):
                    return done + Dropped(waiting=1)
            done += _drop(connection, _DROP[level], level, group, days)
    return done


def _drop_unit(
    connection: BoundedConnection,
    rules: Sequence[Rule],
    unit: Group,
    stays: Mapping[int, Sequence[Stay]],
    today: int,
) -> Dropped:
    """Drop the scores of the unit as a whole, which are of no class."""
    done = Dropped()
    for days in droppable(rules, "scores", None, stays[unit.unit_id], today):
        done += _drop(connection, "retention_drop_unit_scores", "scores", unit, days)
    return done


def _drop(connection: BoundedConnection, name: str, level: str, group: Group, days: Days) -> Dropped:
    parameters = {
        "first_s": days.first * DAY_S,
        "end_s": days.end * DAY_S,
        "signal_ids": group.signal_ids,
        "unit_id": group.unit_id,
    }
    rows = connection.execute(statement(name), parameters).fetchone()
    if rows is None or not rows[0]:
        return Dropped()
    _audit(connection, level, group, days, rows[0])
    return Dropped(rows=rows[0])


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
