from __future__ import annotations

import contextlib
import socket
import threading
import time
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from schemas.errors import DatabaseRefused, DatabaseUnreachable
from storage.queries import reading, units
from storage.store import Store
from tests.integration.storage.frames import FRAMES, column, register, stored

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.integration.storage.frames import Rows

TP = (FRAMES, 0)
TERMINATE = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE application_name = %s AND datname = current_database()
"""
CONNECTED = """
SELECT pid FROM pg_stat_activity WHERE application_name = %s AND datname = current_database()
"""


class Wire:
    """A TCP relay that can be cut: bytes go nowhere, connections stay open, as before a stopped server."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._flows = threading.Event()
        self._flows.set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        self._flows.clear()

    def mend(self) -> None:
        self._flows.set()

    def close(self) -> None:
        self._flows.set()
        self._listener.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = self._connect()
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=self._relay, args=(source, sink), daemon=True).start()

    def _connect(self) -> socket.socket:
        if not self._host.startswith("/"):
            return socket.create_connection((self._host, self._port))
        local = socket.socket(socket.AF_UNIX)
        local.connect(f"{self._host}/.s.PGSQL.{self._port}")
        return local

    def _relay(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError), source, sink:
            while data := source.recv(65536):
                self._flows.wait()
                sink.sendall(data)


@pytest.fixture
def wire(store_database: str) -> Iterator[Wire]:
    parts = conninfo_to_dict(store_database)
    relay = Wire(str(parts["host"]), int(parts.get("port") or 5432))
    yield relay
    relay.close()


def test_a_database_that_is_not_there_is_unreachable_and_its_password_stays_secret() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    nowhere = f"postgresql://ada:s3cret@127.0.0.1:{port}/plant"
    store = Store(nowhere, application="test")
    with pytest.raises(DatabaseUnreachable, match=f"127.0.0.1:{port}/plant") as caught:
        store.positions("ingest", [TP])
    assert "s3cret" not in f"{caught.value.message} {caught.value.detail}"
    assert caught.value.next_step == "sparge doctor"
    with pytest.raises(DatabaseUnreachable), reading(nowhere):
        pass


def test_a_wrong_password_is_told_without_showing_it(store_database: str) -> None:
    wrong = make_conninfo(store_database, user="nobody_such", password="s3cret-and-wrong")
    with pytest.raises(DatabaseUnreachable) as caught:
        Store(wrong, application="test").positions("ingest", [TP])
    assert "nobody_such" in caught.value.detail
    assert "s3cret" not in f"{caught.value.message} {caught.value.detail}"


@pytest.mark.parametrize("password", ["s3cret@[", "s3@cret", "s3/cret", "s3cret@host:port"])
def test_an_unreadable_address_is_refused_without_quoting_it_and_not_tried_for_ever(password: str) -> None:
    store = Store(f"postgresql://ada:{password}@db.example/plant", application="test")
    with pytest.raises(DatabaseRefused, match="cannot be read") as caught:
        store.positions("ingest", [TP])
    assert "s3" not in f"{caught.value.message} {caught.value.detail}"
    assert "cret" not in f"{caught.value.message} {caught.value.detail}"


def test_a_connection_killed_in_mid_transaction_leaves_nothing_and_the_next_call_works(
    store: Store, rows: Rows
) -> None:
    def cut_off() -> None:
        with store.transaction("ingest", [TP]) as transaction:
            transaction.write_frames([stored([column("DO", [1.0, 2.0])])])
            transaction.advance({TP: 1})
            rows(TERMINATE, "test")

    with pytest.raises(DatabaseUnreachable):
        cut_off()
    assert rows("SELECT (SELECT count(*) FROM sparge.frame) + (SELECT count(*) FROM sparge.sample)") == [(0,)]
    assert store.positions("ingest", [TP]) == {TP: 0}
    with store.transaction("ingest", [TP]) as transaction:
        transaction.write_frames([stored([column("DO", [1.0, 2.0])])])
        transaction.advance({TP: 1})
    assert rows("SELECT count(*) FROM sparge.sample") == [(2,)]


def test_a_connection_killed_between_the_rows_and_the_names_is_opened_again(store: Store, rows: Rows) -> None:
    with store.transaction("ingest", [TP]) as transaction:
        transaction.write_frames([stored([column("DO", [1.0])])])
    rows(TERMINATE, "test names")
    for attempt in range(2):
        with contextlib.suppress(DatabaseUnreachable), store.transaction("ingest", [TP]) as transaction:
            transaction.write_frames(
                [stored([column("pH", [7.0], unit="[pH]")], sequence=1 + attempt, offset=1)]
            )
    assert rows("SELECT value FROM sparge.samples WHERE signal = 'pH'") == [(7.0,)]


def test_a_connection_that_was_ended_while_it_was_idle_is_opened_again_at_once(
    store: Store, rows: Rows
) -> None:
    assert store.positions("ingest", [TP]) == {TP: 0}
    rows(TERMINATE, "test")
    wait_until_ended(rows, "test")
    assert store.positions("ingest", [TP]) == {TP: 0}
    with store.transaction("ingest", [TP]) as transaction:
        transaction.write_frames([stored([column("DO", [1.0])])])
        transaction.advance({TP: 1})
    rows(TERMINATE, "test names")
    wait_until_ended(rows, "test names")
    with store.transaction("ingest", [TP]) as transaction:
        transaction.write_frames([stored([column("pH", [7.0], unit="[pH]")], sequence=1, offset=1)])
    assert rows("SELECT value FROM sparge.samples WHERE signal = 'pH'") == [(7.0,)]


def wait_until_ended(rows: Rows, application: str) -> None:
    deadline = time.monotonic() + 10
    while rows(CONNECTED, application):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_database_that_hangs_is_unreachable_after_a_bounded_time_and_used_again_when_it_is_back(
    store_database: str, wire: Wire
) -> None:
    through = make_conninfo(store_database, host="127.0.0.1", port=wire.port)
    with Store(through, application="hanging", answer_within_s=1.5) as store:
        register(store)
        wire.cut()
        began = time.monotonic()
        with pytest.raises(DatabaseUnreachable, match="cannot be reached") as caught:
            store.positions("ingest", [TP])
        assert "no answer within 1.5 s" in caught.value.detail
        assert time.monotonic() - began < 5
        began = time.monotonic()
        with pytest.raises(DatabaseUnreachable):
            store.positions("ingest", [TP])
        assert time.monotonic() - began < 12
        wire.mend()
        assert store.positions("ingest", [TP]) == {TP: 0}


def test_a_database_that_hangs_in_mid_transaction_ends_the_wait_and_nothing_is_kept(
    store_database: str, wire: Wire, rows: Rows
) -> None:
    through = make_conninfo(store_database, host="127.0.0.1", port=wire.port)
    with Store(through, application="hanging", answer_within_s=1.5) as store:
        register(store)

        def hang() -> None:
            with store.transaction("ingest", [TP]) as transaction:
                transaction.write_frames([stored([column("DO", [1.0])])])
                wire.cut()
                transaction.write_frames([stored([column("DO", [1.0])], sequence=1, offset=1)])

        began = time.monotonic()
        with pytest.raises(DatabaseUnreachable):
            hang()
        assert time.monotonic() - began < 8
        wire.mend()
        assert store.positions("ingest", [TP]) == {TP: 0}
    assert rows("SELECT count(*) FROM sparge.frame") == [(0,)]


def test_a_reader_cannot_write(store_database: str) -> None:
    with pytest.raises(DatabaseRefused, match="refused") as caught, reading(store_database) as connection:
        connection.execute("DELETE FROM sparge.frame")
    assert "read-only" in caught.value.detail
    with reading(store_database) as connection:
        assert len(units(connection)) == 0


def test_a_closed_store_opens_again_when_it_is_used(store: Store) -> None:
    store.close()
    assert store.positions("ingest", [TP]) == {TP: 0}


def test_the_store_is_named_to_the_administrator(store: Store, store_database: str) -> None:
    store.positions("ingest", [TP])
    with psycopg.connect(store_database) as connection:
        names = connection.execute("SELECT application_name FROM pg_stat_activity").fetchall()
    assert ("test",) in names
