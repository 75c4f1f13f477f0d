"""Rules of retention and legal holds as people set them: by name, and each change in the audit.

It stands in the database alone, not in Kafka: `saved` and `load` carry it, with the audit, into a database
that is rebuilt from the log, where the internal numbers are others.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, get_args

from psycopg.types.json import Jsonb

from schemas.errors import QueryRefused
from schemas.ne107 import SignalClass
from storage.connection import connect, translated
from storage.maintenance.keeping import LEVELS, Rule
from storage.migrate import check
from storage.statements import statement

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from storage.connection import BoundedConnection

MOST_DAYS = 2**31 - 1
"""What the database can count, five million years."""


@dataclass(frozen=True, slots=True)
class Hold:
    """A batch under legal hold, by its natural key; unit is `site/unit`."""

    unit: str
    batch: str
    member: str
    reason: str
    placed_at: datetime
    placed_by: str


@contextmanager
def keeping(conninfo: str) -> Iterator[BoundedConnection]:
    """A connection for the functions of this module.

    Raises:
        DatabaseUnreachable, DatabaseRefused, SchemaTooNew: also for what goes wrong in the body.
    """
    with translated(conninfo), connect(conninfo, application="sparge retention") as connection:
        check(connection, conninfo)
        yield connection


def rules(connection: BoundedConnection) -> list[Rule]:
    """All rules."""
    return [Rule(*row) for row in connection.execute(statement("retention_rules_all"))]


def unmatched(connection: BoundedConnection) -> list[Rule]:
    """The rules that apply to nothing: their member or class is of no batch or signal that is stored."""
    return [Rule(*row) for row in connection.execute(statement("retention_unmatched"))]


def holds(connection: BoundedConnection) -> list[Hold]:
    """All legal holds."""
    return [Hold(*row) for row in connection.execute(statement("holds_all"))]


def set_rule(connection: BoundedConnection, rule: Rule) -> bool:
    """Set a rule, in place of one for the same level, class and member; returns whether it is new.

    Raises:
        QueryRefused: there is no such level or class, or the days are no number that can be kept.
    """
    _check(rule)
    with connection.transaction():
        changed = connection.execute(statement("retention_rule_set"), asdict(rule)).rowcount > 0
        if changed:
            _audit(connection, "retention rule set", asdict(rule))
    return changed


def unset_rule(
    connection: BoundedConnection, level: str, signal_class: str | None, member: str | None
) -> None:
    """Take a rule away.

    Raises:
        QueryRefused: there is none.
    """
    of = {"level": level, "signal_class": signal_class, "member": member}
    with connection.transaction():
        if not connection.execute(statement("retention_rule_unset"), of).rowcount:
            raise QueryRefused(
                f"There is no rule for {described(Rule(level, signal_class, member, 0))}.",
                kept="Nothing was changed.",
                next_step="sparge retention list",
            )
        _audit(connection, "retention rule unset", of)


def place(connection: BoundedConnection, unit: str, batch: str, member: str | None, reason: str) -> bool:
    """Place a legal hold on a batch; returns whether it was not under one before.

    Raises:
        QueryRefused: there is no such batch, or there are several.
    """
    batch_id, owner = _batch(connection, unit, batch, member)
    parameters = {"batch_id": batch_id, "reason": reason, "placed_at": None, "placed_by": None}
    with connection.transaction():
        placed = connection.execute(statement("hold_place"), parameters).rowcount > 0
        if placed:
            detail = {"unit": unit, "batch": batch, "member": owner, "reason": reason}
            _audit(connection, "legal hold placed", detail)
    return placed


def release(connection: BoundedConnection, unit: str, batch: str, member: str | None, reason: str) -> None:
    """Release a batch from its legal hold.

    Raises:
        QueryRefused: there is no such batch, there are several, or it is under none.
    """
    batch_id, owner = _batch(connection, unit, batch, member)
    with connection.transaction():
        if not connection.execute(statement("hold_release"), {"batch_id": batch_id}).rowcount:
            raise QueryRefused(
                f"The batch {batch} of {owner} in {unit} is under no legal hold.",
                kept="Nothing was changed.",
                next_step="sparge retention list",
            )
        detail = {"unit": unit, "batch": batch, "member": owner, "reason": reason}
        _audit(connection, "legal hold released", detail)


def saved(connection: BoundedConnection) -> dict[str, list[dict[str, Any]]]:
    """Rules, holds and audit as JSON can hold them, by natural keys."""
    audit = connection.execute(statement("audit_all"))
    return {
        "rules": [asdict(rule) for rule in rules(connection)],
        "holds": [{**asdict(hold), "placed_at": hold.placed_at.isoformat()} for hold in holds(connection)],
        "audit": [
            {"at": at.isoformat(), "who": who, "what": what, "detail": detail}
            for at, who, what, detail in audit
        ],
    }


def load(connection: BoundedConnection, told: Mapping[str, Any]) -> list[Hold]:
    """Take up what `saved` told, beside what is there; returns the holds whose batch is not known here.

    While there are such, no rule is set, so that nothing is dropped that should be held. Again does no harm.

    Raises:
        QueryRefused: it is not what `saved` told.
    """
    try:
        wanted = [Rule(**rule) for rule in told["rules"]]
        held = [
            Hold(**{**hold, "placed_at": datetime.fromisoformat(hold["placed_at"])}) for hold in told["holds"]
        ]
        audit = [{**entry, "at": datetime.fromisoformat(entry["at"])} for entry in told["audit"]]
    except (KeyError, TypeError, ValueError) as error:
        raise QueryRefused(
            "This is not what `sparge retention save` wrote.",
            detail=f"{type(error).__name__}: {error}",
            kept="Nothing was changed.",
        ) from error
    for rule in wanted:
        _check(rule)
    missing = []
    with connection.transaction():
        for entry in audit:
            connection.execute(statement("audit_take"), {**entry, "detail": Jsonb(entry["detail"])})
        for hold in held:
            parameters = {"unit": hold.unit, "batch": hold.batch, "member": hold.member}
            found = connection.execute(statement("hold_find"), parameters).fetchone()
            if found is None:
                missing.append(hold)
            else:
                connection.execute(statement("hold_place"), {**asdict(hold), "batch_id": found[0]})
        for rule in () if missing else wanted:
            connection.execute(statement("retention_rule_set"), asdict(rule))
        detail = {"rules": 0 if missing else len(wanted), "holds": len(held) - len(missing)}
        _audit(connection, "retention taken up from a file", detail)
    return missing


def described(rule: Rule) -> str:
    """What a rule is for, in words."""
    of_class = f" of class {rule.signal_class}" if rule.signal_class else ""
    of_member = f" of member {rule.member}" if rule.member else ""
    return f"{rule.level}{of_class}{of_member}"


def _check(rule: Rule) -> None:
    classes = get_args(SignalClass)
    if rule.level not in LEVELS:
        wrong = f"There is no level {rule.level}. The levels are {', '.join(LEVELS)}."
    elif rule.signal_class is not None and rule.signal_class not in classes:
        wrong = f"There is no class {rule.signal_class}. The classes are {', '.join(classes)}."
    elif type(rule.keep_days) is not int or not 0 < rule.keep_days <= MOST_DAYS:
        wrong = f"{rule.keep_days} days cannot be kept. Give a whole number from 1."
    else:
        return
    raise QueryRefused(wrong, kept="Nothing was changed.")


def _batch(connection: BoundedConnection, unit: str, batch: str, member: str | None) -> tuple[int, str]:
    parameters = {"unit": unit, "batch": batch, "member": member}
    found = connection.execute(statement("hold_find"), parameters).fetchall()
    if len(found) == 1:
        return int(found[0][0]), str(found[0][1])
    if found:
        raise QueryRefused(
            f"{batch} in {unit} is a batch of {' and of '.join(name for _, name in found)}.",
            kept="Nothing was changed.",
            next_step=f"add --member {found[0][1]}, or the other",
        )
    names = [name for (name,) in connection.execute(statement("batch_names"), parameters)]
    known = f"The latest batches there are {', '.join(names)}." if names else "No batch is known there."
    of_member = f" of {member}" if member else ""
    raise QueryRefused(
        f"There is no batch {batch}{of_member} in {unit}. {known}", kept="Nothing was changed."
    )


def _audit(connection: BoundedConnection, what: str, detail: Mapping[str, Any]) -> None:
    connection.execute(statement("audit_add"), {"what": what, "detail": Jsonb(detail)})
