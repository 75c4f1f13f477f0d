"""Start, use and stop TimescaleDB on this machine, for the demonstration and the tests.

Where the machine cannot have it, `run` says why and goes on without; Sparge then starts a PostgreSQL from a
wheel.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import quote

import platformdirs
import psycopg
import timescaledb_tree
from psycopg.conninfo import conninfo_to_dict

from schemas.errors import AlreadyRunning, DownloadFailed, SpargeError
from storage.embedded_postgres import EmbeddedPostgres
from streams import die_with_parent

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

SETTINGS = {
    "shared_preload_libraries": "timescaledb",
    "timescaledb.telemetry_level": "off",
    # A scheduler for each database with the extension, and tests make many databases.
    "max_worker_processes": "32",
    # A query over a hypertable locks every chunk that it touches.
    "max_locks_per_transaction": "256",
}
_STOP_S = 30
_NOT_FOUND = 127


def main() -> int:
    """Run one of the commands; returns the exit code."""
    parser = argparse.ArgumentParser(prog="scripts/timescaledb", description=__doc__)
    commands = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    commands.add_parser("install", help="fetch TimescaleDB and start nothing")
    commands.add_parser("available", help="exit 0 if this machine can have it, else 1 and the reason")
    for name, text in _WITH_CLUSTER.items():
        command = commands.add_parser(name, help=text)
        command.add_argument("--name", default="main", help="which cluster; each has data of its own (main)")
        if name in ("run", "start"):
            command.add_argument("--fresh", action="store_true", help="delete that cluster's data first")
        if name == "run":
            command.add_argument("command", nargs=argparse.REMAINDER, metavar="-- COMMAND...")
    given = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)
    try:
        return _act(given)
    except SpargeError as error:
        for line in (error.message, error.detail, error.kept, error.next_step and f"Next: {error.next_step}"):
            if line:
                say(line)
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


_WITH_CLUSTER = {
    "run": "start it, run a command with SPARGE_DATABASE set, stop it",
    "start": "start it and leave it running",
    "stop": "stop what `start` started",
    "url": "print the address of what `start` started, for SPARGE_DATABASE",
}


def say(line: str) -> None:
    """Tell the person; standard output belongs to the command that we run."""
    print(line, file=sys.stderr, flush=True)


def _leave(number: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(128 + number)


def _act(given: argparse.Namespace) -> int:
    match given.action:
        case "install":
            say(f"TimescaleDB is in {timescaledb_tree.ensure(say)}")
            return 0
        case "available":
            reason = "" if timescaledb_tree.built() else timescaledb_tree.obstacle()
            say(
                f"TimescaleDB cannot be had here: {reason}."
                if reason
                else "This machine can have TimescaleDB."
            )
            return int(bool(reason))
        case "run":
            command = given.command[1:] if given.command[:1] == ["--"] else given.command
            return _run(given.name, command, fresh=given.fresh)
        case "start":
            return _start(given.name, fresh=given.fresh)
        case _:
            return _use_started(given.action, given.name)


def _run(name: str, command: list[str], *, fresh: bool) -> int:
    if not command or (program := shutil.which(command[0])) is None:
        say(f"No such command: {command[0] if command else '(none given)'}")
        return _NOT_FOUND
    environment = dict(os.environ)
    if environment.get("SPARGE_DATABASE"):
        say("SPARGE_DATABASE is set: using that database.")
        os.execve(program, command, environment)  # noqa: S606 - no shell is wanted
    try:
        install = timescaledb_tree.ensure(say)
    except DownloadFailed as error:
        say(f"{error.message}\nGoing on without it.")
        environment["SPARGE_NO_TIMESCALEDB"] = error.message.removeprefix("TimescaleDB cannot be had here: ")
        os.execve(program, command, environment)  # noqa: S606 - as above
    with _claimed(name) as folder, _running(_server(folder, install, fresh=fresh)) as server:
        environment["SPARGE_DATABASE"] = _url(server)
        return _follow([os.path.abspath(program), *command[1:]], environment)  # noqa: PTH100 - keeps symlinks


def _start(name: str, *, fresh: bool) -> int:
    install = timescaledb_tree.ensure(say)
    server = EmbeddedPostgres(_folder(name))
    if server.running and not fresh:
        say(f"The cluster {name} is running already.")
    else:
        server = _server(_folder(name), install, fresh=fresh)
        server.prepare()
        process = subprocess.Popen(
            server.command(tied=False), stdin=subprocess.DEVNULL, start_new_session=True
        )
        server.ready(alive=lambda: process.poll() is None)
    _introduce(server)
    say(f"Use it with: SPARGE_DATABASE=$(scripts/timescaledb url --name {name}) COMMAND")
    return 0


def _use_started(action: str, name: str) -> int:
    server = EmbeddedPostgres(_folder(name))
    if not server.running:
        say(f"The cluster {name} is not running.")
        return 1
    if action == "url":
        print(_url(server))
        return 0
    return 0 if server.stop(_STOP_S) else 1


def _folder(name: str) -> Path:
    home = Path(os.environ.get("SPARGE_HOME") or platformdirs.user_data_path("sparge"))
    return home / "timescaledb" / name


def _server(folder: Path, install: Path, *, fresh: bool) -> EmbeddedPostgres:
    server = EmbeddedPostgres(folder, install=install, settings=SETTINGS)
    if fresh and folder.exists():
        if server.running:
            raise AlreadyRunning(
                f"A server runs on {folder}, so its data cannot be deleted.", kept="all of it"
            )
        shutil.rmtree(folder)
    return server


@contextmanager
def _claimed(name: str) -> Iterator[Path]:
    """The cluster's folder, ours alone; while another run uses it, one that is thrown away afterwards."""
    folder = _folder(name)
    folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with folder.with_name(f"{name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            busy = EmbeddedPostgres(folder).running
        except BlockingIOError:
            busy = True
        if not busy:
            yield folder
            return
        say(f"The cluster {name} is in use; taking a temporary one.")
        with tempfile.TemporaryDirectory(prefix=f"{name}-", dir=folder.parent) as other:
            yield Path(other)


@contextmanager
def _running(server: EmbeddedPostgres) -> Iterator[EmbeddedPostgres]:
    server.prepare()
    process = subprocess.Popen(server.command(), stdin=subprocess.DEVNULL, start_new_session=True)
    try:
        server.ready(alive=lambda: process.poll() is None)
        _introduce(server)
        yield server
        if process.poll() is not None:
            say(f"The server had stopped by itself; its log: {server.log_path}")
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _introduce(server: EmbeddedPostgres) -> None:
    with psycopg.connect(server.conninfo) as connection:
        row = connection.execute(
            "SELECT current_setting('server_version'), default_version"
            " FROM pg_available_extensions WHERE name = 'timescaledb'"
        ).fetchone()
        port = connection.info.port
    if row is not None:
        versions = f"TimescaleDB {row[1]} on PostgreSQL {row[0]}"
        say(f"{versions}, at 127.0.0.1:{port}; data in {server.data_dir}")


def _url(server: EmbeddedPostgres) -> str:
    part = conninfo_to_dict(server.conninfo)
    return f"postgresql://{part['user']}:{quote(str(part['password']))}@{part['host']}:{part['port']}/{part['dbname']}"


def _follow(command: list[str], environment: dict[str, str]) -> int:
    """Run the command to its end, passing signals on; it ends if we are killed. Returns its exit code."""
    tie = [sys.executable, "-I", "-S", die_with_parent.__file__, str(os.getpid()), str(int(signal.SIGTERM))]
    process = subprocess.Popen([*tie, *command], env=environment)

    def forward(number: int, _frame: FrameType | None) -> None:
        # Ctrl-C at a terminal reaches the command by itself; twice would make many programs end in disorder.
        if not (number == signal.SIGINT and _in_foreground()):
            process.send_signal(number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, forward)
    code = process.wait()
    return code if code >= 0 else 128 - code


def _in_foreground() -> bool:
    try:
        return os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    except OSError:
        return False


if __name__ == "__main__":
    sys.exit(main())
