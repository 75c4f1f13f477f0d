"""A tree of files with Debian's PostgreSQL and TimescaleDB, built without installing anything on the system.

Debian's packages need a newer C library than many machines have. So they are downloaded and extracted, with
all that they depend on, to a folder of their own, and each program is started through that folder's own
loader and libraries. Nothing is mounted and no root is changed: the result runs as any user, its data lie
anywhere.

Root's tree lies in the system's cache, where everybody may use it; another user's in his own.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from schemas.errors import DownloadFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SUITE = "trixie"
PACKAGE = "postgresql-17-timescaledb"
_NAME = f"timescaledb-{SUITE}"
_ABOUT_MB = 600
_TELL_EVERY_S = 2.0

# The tree may be moved: a program finds loader and libraries from its own place. PostgreSQL in turn finds its
# share and lib from the name under which it was started, which the loader must therefore not replace.
_WRAPPER = """\
#!/bin/sh
libraries=${{0%/*}}/../../../{triplet}
exec "$libraries/{loader}" --library-path "$libraries" --argv0 "$0" "$0.elf" "$@"
"""


def built() -> Path | None:
    """The bin, lib and share of a tree that is there already; None if there is none."""
    for folder in (_system_cache(), _own_cache()):
        install = _install_of(folder / _NAME)
        if (install / "bin" / "postgres.elf").exists() and os.access(install / "bin" / "postgres", os.X_OK):
            return install
    return None


def obstacle() -> str:
    """Why this machine cannot build a tree, as far as can be seen without the network; empty if it can."""
    if sys.platform != "linux" or shutil.which("apt-get") is None:
        return "this is not a Debian-like system (there is no apt-get)"
    if shutil.which("mmdebstrap") is None and os.geteuid() != 0:
        return "mmdebstrap is not installed, and only root can install it (apt-get install mmdebstrap)"
    return ""


def ensure(say: Callable[[str], None]) -> Path:
    """The bin, lib and share of a tree, built first if there is none: about 15 s; 420 MB, at times 600.

    Two builds at once: the second waits for the first.

    Raises:
        DownloadFailed: the machine cannot build one; the message says why.
    """
    if (install := built()) is not None:
        return install
    if reason := obstacle():
        raise DownloadFailed(f"TimescaleDB cannot be had here: {reason}.")
    cache = _own_cache()
    cache.mkdir(parents=True, exist_ok=True)
    with _locked(cache / f"{_NAME}.lock", say):
        if (install := built()) is not None:
            return install
        return _build(cache, say)


def _system_cache() -> Path:
    return platformdirs.site_cache_path("sparge")


def _own_cache() -> Path:
    # Root's own cache lies in root's home, where the account that runs root's server cannot read.
    return _system_cache() if os.geteuid() == 0 else platformdirs.user_cache_path("sparge")


def _install_of(tree: Path) -> Path:
    return tree / "usr" / "lib" / "postgresql" / "17"


@contextmanager
def _locked(path: Path, say: Callable[[str], None]) -> Iterator[None]:
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another process is building TimescaleDB; waiting for it.")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _build(cache: Path, say: Callable[[str], None]) -> Path:
    tree, partial = cache / _NAME, cache / f"{_NAME}.partial"
    shutil.rmtree(partial, ignore_errors=True)
    shutil.rmtree(tree, ignore_errors=True)
    if os.geteuid() == 0:
        cache.chmod(0o755)
    try:
        if shutil.which("mmdebstrap") is None:
            say("Installing mmdebstrap, which fetches Debian packages.")
            quiet = ["apt-get", "--quiet", "--yes"]
            _work([*quiet, "update"], say)
            _work([*quiet, "install", "--no-install-recommends", "mmdebstrap"], say)
        say(f"Fetching {PACKAGE} of Debian {SUITE} and what it needs: about {_ABOUT_MB} MB in {tree}")
        # `extract` and `chrootless`: no package's script runs and nothing is mounted; it only writes here.
        options = ["--variant=extract", "--mode=chrootless", f"--include={PACKAGE}"]
        patience = ["--aptopt=Acquire::http::Timeout 20", "--aptopt=Acquire::Retries 1"]
        _work(["mmdebstrap", *options, *patience, SUITE, str(partial)], say, partial)
        _wrap_programs(partial)
        partial.chmod(0o755)
        partial.rename(tree)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return _install_of(tree)


def _work(command: list[str], say: Callable[[str], None], growing: Path | None = None) -> None:
    """Run a command, telling every few seconds how far it is; raises DownloadFailed with its complaint."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, env=environment
        )
        try:
            began = told = time.monotonic()
            while process.poll() is None:
                time.sleep(0.1)
                if time.monotonic() - told >= _TELL_EVERY_S:
                    told = time.monotonic()
                    size = f", {_megabytes(growing)} of about {_ABOUT_MB} MB" if growing else ""
                    say(f"  {command[0]}: {told - began:.0f} s{size}")
        finally:
            # Only when interrupted is there anything left to end.
            process.terminate()
            process.wait()
        if process.returncode == 0:
            return
        output.seek(0)
        lines = [line.strip() for line in output if line.strip()]
        complaints = (
            [line for line in lines if line.startswith(("E:", "W: Failed"))] or lines or ["no message"]
        )
        raise DownloadFailed(
            f"TimescaleDB cannot be had here: {command[0]} failed: {complaints[0]}",
            detail="\n".join(lines[-15:]),
        )


def _megabytes(folder: Path) -> int:
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            try:
                total += (Path(path) / name).lstat().st_size
            except FileNotFoundError:
                continue  # apt moves its files while we look
    return total // 1_000_000


def _wrap_programs(tree: Path) -> None:
    loader = next(tree.glob("usr/lib/*/ld-linux*.so.*"), None)
    if loader is None:
        raise DownloadFailed(
            "TimescaleDB cannot be had here: Debian's loader for this processor is not known."
        )
    wrapper = _WRAPPER.format(triplet=loader.parent.name, loader=loader.name)
    for program in sorted((_install_of(tree) / "bin").iterdir()):
        program.rename(program.with_name(f"{program.name}.elf"))
        program.write_text(wrapper, encoding="ascii")
        program.chmod(0o755)
