"""Databases beside the named one, on its server, for data that are thrown away."""

from __future__ import annotations

from psycopg import sql
from psycopg.conninfo import make_conninfo

from schemas.errors import DatabaseRefused
from storage.connection import connect, translated

PREFIX = "sparge_demo_"
"""A database whose name begins so holds nothing that anybody would miss."""


def name_for(cluster_id: str) -> str:
    """Return the name of the throw-away database of a Kafka cluster."""
    return PREFIX + "".join(letter for letter in cluster_id.lower() if letter.isalnum())[:12]


def create(conninfo: str, name: str) -> str:
    """Make an empty database on the server of `conninfo`, if it is not there; returns how to connect to it.

    Raises:
        DatabaseRefused: the user may not make databases, or the name is none of a throw-away database.
        DatabaseUnreachable: the server does not answer.
    """
    _refuse_others(name)
    with translated(conninfo), connect(conninfo, application="sparge demo") as connection:
        if connection.execute("SELECT FROM pg_database WHERE datname = %s", [name]).rowcount == 0:
            # template0: TimescaleDB's workers may sit in template1, and then it cannot be copied.
            making = sql.SQL("CREATE DATABASE {} TEMPLATE template0")
            connection.execute(making.format(sql.Identifier(name)))
    return make_conninfo(conninfo, dbname=name)


def drop(conninfo: str, name: str) -> None:
    """Drop a throw-away database, whoever is connected to it; one that is not there is no error.

    Raises:
        DatabaseRefused: it is another's, or the name is none of a throw-away database.
        DatabaseUnreachable: the server does not answer.
    """
    _refuse_others(name)
    with translated(conninfo), connect(conninfo, application="sparge demo") as connection:
        dropping = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
        connection.execute(dropping.format(sql.Identifier(name)))


def _refuse_others(name: str) -> None:
    if not name.startswith(PREFIX):
        raise DatabaseRefused(f"'{name}' is no throw-away database: its name does not begin with {PREFIX}.")
