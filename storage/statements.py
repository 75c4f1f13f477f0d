"""SQL by name: each statement is a file in storage/sql."""

from __future__ import annotations

from functools import cache
from importlib import resources


@cache
def statement(name: str) -> bytes:
    """The statement in storage/sql/NAME.sql; its parameters are psycopg's, `%(name)s`."""
    return resources.files("storage").joinpath("sql", f"{name}.sql").read_bytes()
