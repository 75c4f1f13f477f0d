from __future__ import annotations

from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from psycopg.waiting import Wait

from schemas.errors import DatabaseRefused, DatabaseUnreachable
from storage.connection import DatabaseBusy, _bounded, address, as_url, translated

if TYPE_CHECKING:
    from collections.abc import Generator

    from psycopg.waiting import Ready


@pytest.mark.parametrize(
    ("conninfo", "shown"),
    [
        ("postgresql://ada:s3cret@db.example:5433/plant", "db.example:5433/plant"),
        ("host=db.example dbname=plant user=ada password=s3cret", "db.example:5432/plant"),
        ("host=/run/postgresql user=ada", "/run/postgresql:5432/ada"),
        ("dbname=plant", "local socket:5432/plant"),
        ("postgresql://ada:s3cret@[", "an unreadable address"),
        ("postgresql://ada:s3@cret@db.example/plant", "an unreadable address"),
        ("postgresql://ada:s3:cret@db.example/plant", "db.example:5432/plant"),
        ("postgresql://ada:s3/cret@db.example/plant", "an unreadable address"),
    ],
)
def test_an_address_names_host_port_and_database_but_never_the_password(conninfo: str, shown: str) -> None:
    assert address(conninfo) == shown


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (psycopg.OperationalError("gone"), DatabaseUnreachable),
        (psycopg.errors.AdminShutdown("stopping"), DatabaseUnreachable),
        (psycopg.errors.DiskFull("full"), DatabaseUnreachable),
        (psycopg.errors.IdleInTransactionSessionTimeout("idle"), DatabaseUnreachable),
        (psycopg.errors.DeadlockDetected("deadlock"), DatabaseBusy),
        (psycopg.errors.SerializationFailure("serialize"), DatabaseBusy),
        (psycopg.errors.LockNotAvailable("locked"), DatabaseBusy),
        (psycopg.errors.CheckViolation("check"), DatabaseRefused),
        (psycopg.errors.UndefinedTable("table"), DatabaseRefused),
    ],
)
def test_every_error_of_the_database_becomes_one_of_ours_that_says_whether_to_try_again(
    raised: psycopg.Error, expected: type[Exception]
) -> None:
    with pytest.raises(expected) as caught, translated("postgresql://ada:s3cret@db.example/plant"):
        raise raised
    assert type(caught.value) is expected
    assert isinstance(caught.value, DatabaseUnreachable | DatabaseRefused)
    assert str(raised) in caught.value.detail
    assert "s3cret" not in f"{caught.value.message}{caught.value.detail}{caught.value.kept}"


def test_an_error_of_another_kind_passes_as_it_is() -> None:
    with pytest.raises(KeyError), translated("dbname=plant"):
        raise KeyError("theirs")


def silent() -> Generator[Wait, Ready | int, str]:
    while True:
        yield Wait.R


def test_a_wait_without_an_answer_ends() -> None:
    waiting = _bounded(silent(), within_s=0.0)
    next(waiting)
    with pytest.raises(psycopg.OperationalError, match="no answer within 0 s"):
        waiting.send(0)


def test_a_wait_that_is_answered_late_still_takes_the_answer() -> None:
    def answered() -> Generator[Wait, Ready | int, str]:
        yield Wait.R
        return "rows"

    waiting = _bounded(answered(), within_s=-1.0)
    next(waiting)
    with pytest.raises(StopIteration) as done:
        waiting.send(1)
    assert done.value.value == "rows"


@pytest.mark.parametrize(
    ("conninfo", "url"),
    [
        (
            "host=127.0.0.1 port=20001 user=sparge password=p@s/s dbname=sparge",
            "postgresql://sparge:p%40s%2Fs@127.0.0.1:20001/sparge",
        ),
        (
            "postgresql://ada@db.example/plant?sslmode=verify-full",
            "postgresql://ada@db.example:5432/plant?sslmode=verify-full",
        ),
        ("host=/run/postgresql dbname=plant", "postgresql:///plant?host=%2Frun%2Fpostgresql"),
        ("host=a,b port=1,2 dbname=plant", "postgresql:///plant?host=a%2Cb&port=1%2C2"),
    ],
)
def test_a_connection_string_as_a_url_leads_to_the_same_place(conninfo: str, url: str) -> None:
    assert as_url(conninfo, with_password=True) == url
    same = {"port": "5432", **conninfo_to_dict(conninfo)}
    assert {"port": "5432", **conninfo_to_dict(url)} == same


def test_a_url_has_the_password_only_where_it_is_asked_for() -> None:
    assert as_url("postgresql://ada:s3cret@db/plant", with_password=False) == "postgresql://ada@db:5432/plant"
