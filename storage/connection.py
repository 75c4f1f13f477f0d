"""A connection on which every wait ends, and the translation of its errors into ours."""

from __future__ import annotations

from contextlib import contextmanager
from select import select
from time import monotonic
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

import numpy as np
import psycopg
from psycopg import conninfo as libpq
from psycopg import errors as sqlstate

from schemas.errors import DatabaseRefused, DatabaseUnreachable
from storage.array_binary import ArrayDumper
from storage.statements import statement

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from psycopg.abc import PQGen

RV = TypeVar("RV")

CONNECT_WITHIN_S = 5

# What another session's work caused: the same transaction may well pass at once if it is tried again.
_GAVE_WAY = (
    sqlstate.DeadlockDetected,
    sqlstate.SerializationFailure,
    sqlstate.LockNotAvailable,
)
# The session ended without the connection having failed: for psycopg these are internal errors.
_ENDED = (psycopg.OperationalError, sqlstate.IdleInTransactionSessionTimeout)
_NOT_MIGRATED = (sqlstate.UndefinedTable, sqlstate.InvalidSchemaName, sqlstate.UndefinedColumn)


class DatabaseBusy(DatabaseUnreachable):
    """The transaction gave way to another one and can be tried again at once."""


class BoundedConnection(psycopg.Connection[tuple[Any, ...]]):
    """A connection that gives up on a server that does not answer, even one that is stopped, not dead.

    Statement timeouts are kept by the server, which a stopped one cannot do, and keepalives are answered by
    its kernel; only a clock on this side bounds the wait.
    """

    answer_within_s: float = 30.0
    answers: int = 0
    """How many waits the server has ended with an answer: whoever watches sees that it gets on."""

    def wait(self, gen: PQGen[RV], *args: Any, **kwargs: Any) -> RV:
        """Consume `gen` as psycopg does; OperationalError after answer_within_s without its result."""
        try:
            answer = super().wait(_bounded(gen, self.answer_within_s), *args, **kwargs)
        except _NoAnswer:
            self.close()
            raise
        self.answers += 1
        return answer

    def ended(self) -> bool:
        """Whether the server has ended it while nothing was asked; asks nothing.

        A server that was asked nothing says nothing but its farewell, or that its settings have changed: in
        both cases a new connection is right.
        """
        if self.pgconn.status != psycopg.pq.ConnStatus.OK:
            return True
        heard, _, _ = select([self.pgconn.socket], [], [], 0)
        if heard:
            self.close()
        return bool(heard)


class _NoAnswer(psycopg.OperationalError):
    pass


def _bounded(gen: PQGen[RV], within_s: float) -> Generator[Any, Any, RV]:
    deadline = monotonic() + within_s
    try:
        wanted = next(gen)
        while True:
            ready = yield wanted
            if not ready and monotonic() > deadline:
                raise _NoAnswer(f"no answer within {within_s:g} s")
            wanted = gen.send(ready)
    except StopIteration as done:
        result: RV = done.value
        return result


def address(conninfo: str) -> str:
    """Where `conninfo` leads, for people: `host:port/dbname`, never with the password."""
    parts = _parts(conninfo)
    if parts is None:
        return "an unreadable address"
    host = parts.get("host") or parts.get("hostaddr") or "local socket"
    return f"{host}:{parts.get('port') or 5432}/{parts.get('dbname') or parts.get('user') or ''}"


def as_url(conninfo: str, *, with_password: bool) -> str:
    """`conninfo` as the URL that psql, pg_dump and most drivers take.

    Raises:
        DatabaseRefused: it cannot be read.
    """
    parts = _parts(conninfo)
    if parts is None:
        raise _unreadable()
    word = {name: quote(str(value), safe="") for name, value in parts.items() if value is not None}
    password = word.pop("password", None)
    user, name = word.pop("user", ""), word.pop("dbname", "")
    login = f"{user}:{password}" if password and with_password else user
    # A socket's folder, several hosts and IPv6 stand among the options and need no rules of their own there.
    plain = "%" not in word.get("host", "")
    place = f"{word.pop('host', '')}:{word.pop('port', 5432)}" if plain and "host" in word else ""
    options = "&".join(f"{option}={value}" for option, value in word.items())
    return f"postgresql://{login}{'@' if login else ''}{place}/{name}{'?' if options else ''}{options}"


def _unreadable() -> DatabaseRefused:
    return DatabaseRefused(
        "The address of the database cannot be read.",
        detail="write postgresql://USER:PASSWORD@HOST:PORT/DBNAME; in a password, @ is %40 and / is %2F",
        next_step="sparge doctor",
    )


def _parts(conninfo: str) -> dict[str, Any] | None:
    """The parts of a connection string; None where it is none, or takes part of a password for another."""
    try:
        parts = libpq.conninfo_to_dict(conninfo)
    except psycopg.Error:
        return None
    port = str(parts.get("port") or 5432)
    misread = "@" in f"{parts.get('host')}{parts.get('dbname')}" or not port.replace(",", "").isdigit()
    return None if misread else parts


def connect(conninfo: str, *, application: str, answer_within_s: float = 30.0) -> BoundedConnection:
    """Open an autocommit connection with UTC, UTF-8, keepalives and timeouts.

    The server ends a statement a little before this side gives up, a wait for a lock after a third of that
    time, and a transaction whose client is idle after two thirds: a stopped worker must not hold its
    partitions' rows for ever.

    Raises:
        DatabaseUnreachable: with host, port and database name; never with the password.
        DatabaseRefused: the connection string cannot be read; libpq's words are withheld, as they quote it.
    """
    if _parts(conninfo) is None:
        raise _unreadable()
    with translated(conninfo):
        connection = BoundedConnection.connect(
            conninfo,
            autocommit=True,
            # Plans must see the bounds of time, or a hypertable opens every chunk.
            prepare_threshold=None,
            application_name=application,
            client_encoding="utf8",
            connect_timeout=CONNECT_WITHIN_S,
            keepalives=1,
            keepalives_idle=10,
            keepalives_interval=5,
            keepalives_count=3,
            tcp_user_timeout=int(answer_within_s * 1000),
        )
        connection.answer_within_s = answer_within_s
        connection.adapters.register_dumper(np.ndarray, ArrayDumper)
        connection.execute(
            statement("session"),
            {
                "statement_ms": str(int(answer_within_s * 900)),
                "lock_ms": str(int(answer_within_s * 300)),
                "idle_ms": str(int(answer_within_s * 600)),
            },
        )
        return connection


@contextmanager
def translated(conninfo: str) -> Iterator[None]:
    """Raise what psycopg raises in the body as one of our errors."""
    try:
        yield
    except _GAVE_WAY as error:
        raise DatabaseBusy(
            f"The database at {address(conninfo)} let another transaction go first.",
            detail=_detail(error),
            kept="The transaction was rolled back whole; it can be tried again at once.",
        ) from error
    except sqlstate.QueryCanceled as error:
        # It answers: what was asked of it takes too long.
        raise DatabaseUnreachable(
            f"The database at {address(conninfo)} did not finish in the time that it is given.",
            detail=_detail(error),
            kept="What the log holds is written when the database is less busy.",
            next_step="sparge doctor",
        ) from error
    except _ENDED as error:
        raise DatabaseUnreachable(
            f"The database at {address(conninfo)} cannot be reached or did not finish.",
            detail=_detail(error),
            kept="What the log holds is written when the database is back.",
            next_step="sparge doctor",
        ) from error
    except _NOT_MIGRATED as error:
        raise DatabaseRefused(
            f"The database at {address(conninfo)} has not the tables of this version of Sparge.",
            detail=_detail(error),
            next_step="sparge migrate",
        ) from error
    except psycopg.Error as error:
        raise DatabaseRefused(
            f"The database at {address(conninfo)} refused the request.",
            detail=_detail(error),
            next_step="sparge doctor",
        ) from error


def _detail(error: psycopg.Error) -> str:
    parts = [type(error).__name__, error.sqlstate or "", str(error).strip()]
    return ": ".join(part for part in parts if part)
