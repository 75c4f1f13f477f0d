"""PostgreSQL from the wheel keeps what it committed, wherever its data lie and whoever starts it."""

from __future__ import annotations

import os
import signal
import socket
import stat
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from schemas.errors import AlreadyRunning, DatabaseRefused, DatabaseUnreachable
from storage.embedded_postgres import EmbeddedPostgres
from tests.servers.database import running_postgres

if TYPE_CHECKING:
    from pathlib import Path


def start(server: EmbeddedPostgres) -> subprocess.Popen[bytes]:
    server.prepare()
    process = subprocess.Popen(server.command())
    server.ready(alive=lambda: process.poll() is None)
    return process


def stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGINT)
    process.wait(20)


def count(conninfo: str) -> int:
    with psycopg.connect(conninfo) as connection:
        row = connection.execute("SELECT count(*) FROM kept").fetchone()
        return int(row[0]) if row else -1


def test_after_kill_9_rows_address_and_password_are_the_same(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path)
    process = start(server)
    before = server.conninfo
    with psycopg.connect(before, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept AS SELECT generate_series(1, 1000) AS x")
        # The session is alive while the server is killed: the next start must wait for its end.
        process.kill()
        process.wait()
        again = EmbeddedPostgres(tmp_path)
        process = start(again)
    assert again.conninfo == before
    assert count(again.conninfo) == 1000
    stop(process)


def test_a_pid_file_that_now_names_another_program_does_not_prevent_a_start(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path)
    stop(start(server))
    (tmp_path / "cluster" / "postmaster.pid").write_text(f"{os.getpid()}\n{tmp_path}\n1\n1\n\n\n1 1\n")
    stop(start(server))


def test_a_second_server_on_the_same_data_is_refused(tmp_path: Path) -> None:
    with running_postgres(tmp_path), pytest.raises(AlreadyRunning, match="already running"):
        EmbeddedPostgres(tmp_path).prepare()


def test_it_listens_on_loopback_only_and_wants_its_password(tmp_path: Path) -> None:
    with running_postgres(tmp_path) as server:
        for wrong in ("", "guess"):
            with pytest.raises(psycopg.OperationalError, match="password"):
                psycopg.connect(make_conninfo(server.conninfo, password=wrong, passfile="/dev/null"))
        port = int(str(conninfo_to_dict(server.conninfo)["port"]))
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.2", port)) != 0


def test_nobody_else_can_read_password_and_data(tmp_path: Path) -> None:
    with running_postgres(tmp_path):
        assert stat.S_IMODE((tmp_path / "password").stat().st_mode) == 0o600
        assert stat.S_IMODE((tmp_path / "cluster").stat().st_mode) == 0o700
        assert not (tmp_path / "password.new").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to change user")
def test_root_runs_it_as_another_user_below_a_directory_closed_to_others(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with running_postgres(closed / "data"):
        assert (closed / "data" / "cluster").stat().st_uid != 0
        assert closed.stat().st_uid == 0
        assert stat.S_IMODE(closed.stat().st_mode) == 0o700


def test_half_a_cluster_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "cluster.new").mkdir()
    (tmp_path / "cluster.new" / "PG_VERSION").write_text("18\n")
    with running_postgres(tmp_path) as server:
        psycopg.connect(server.conninfo).close()


def test_data_of_another_major_version_are_refused_and_left(tmp_path: Path) -> None:
    (tmp_path / "cluster").mkdir()
    (tmp_path / "cluster" / "PG_VERSION").write_text("9\n")
    with pytest.raises(DatabaseRefused, match="made by PostgreSQL 9"):
        EmbeddedPostgres(tmp_path).prepare()


def test_a_server_that_dies_at_once_is_not_waited_for(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path, settings={"shared_preload_libraries": "no_such_library"})
    with pytest.raises(DatabaseUnreachable) as refusal:
        start(server)
    assert "no_such_library" in refusal.value.detail


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
def test_it_stops_when_the_process_that_started_it_is_killed(tmp_path: Path) -> None:
    code = """
import subprocess, sys, time
from pathlib import Path
from storage.embedded_postgres import EmbeddedPostgres
server = EmbeddedPostgres(Path(sys.argv[1]))
server.prepare()
process = subprocess.Popen(server.command())
server.ready()
print("ready", flush=True)
time.sleep(600)
"""
    parent = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    with parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "ready\n"
        assert EmbeddedPostgres(tmp_path).running
        parent.kill()
    deadline = time.monotonic() + 10
    while EmbeddedPostgres(tmp_path).running and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not EmbeddedPostgres(tmp_path).running
