"""Run as a file: becomes a PostgreSQL program, as another user if asked, which stops when its parent dies.

    python postgres_launcher.py '{"parent": PID, "user": [UID, GID], "log": PATH, "data": PATH}' COMMAND...

parent: whose death ends the program; absent: nobody's. user: whom to become; absent: stay. log: where output
goes; absent: where ours goes. data: the cluster that a server is started on; only one may be.

An argument `@PATH` stands for a file or directory that this process can open but the other user perhaps
cannot reach, since some directory above it, such as root's home, is closed to others. It is opened first and,
if need be, handed over as /proc/self/fd/N: the kernel then checks the rights of the thing itself, which
belongs to that user, and not the way to it. So no permission of a directory that is not ours is widened, and
no data lie elsewhere than they were asked to.

Standard library only, and nothing of ours: it is started without site-packages, to start fast.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

LOCK = "server.lock"

_PR_SET_PDEATHSIG = 1
_MAX_LOG_BYTES = 10_000_000
# After kill -9 of the server its sessions need a moment to notice that it is gone.
_ORPHANS_S = 10.0


def main(given: dict[str, Any], command: list[str]) -> None:
    """Replace this process by the command; returns only if the parent is gone already."""
    if "log" in given:
        _redirect(Path(given["log"]))
    if "data" in given:
        _claim(Path(given["data"]))
    opened = {word: os.open(word[1:], os.O_RDONLY) for word in command if word.startswith("@")}
    if "user" in given:
        uid, gid = given["user"]
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    os.chdir("/")
    os.umask(0o077)
    if "parent" in given and sys.platform == "linux":
        # After the change of user, which clears it. SIGINT is PostgreSQL's fast shutdown.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGINT))
        if os.getppid() != given["parent"]:
            return
    words = [_reachable(word[1:], opened[word]) if word in opened else word for word in command]
    os.execv(words[0], words)  # noqa: S606 - no shell is wanted


def _redirect(log: Path) -> None:
    """Standard output and error to the log; one that has grown large is set aside first."""
    if log.exists() and log.stat().st_size > _MAX_LOG_BYTES:
        log.replace(log.with_name(f"{log.name}.1"))
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.close(descriptor)


def _claim(data: Path) -> None:
    """Hold the lock beside the cluster for as long as any process of the server lives.

    The server and its sessions inherit it. So it also covers what a killed server leaves behind, and whoever
    has it knows that a pid file is stale, even if its pid is another program's by now.
    """
    descriptor = os.open(data.parent / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    deadline = time.monotonic() + _ORPHANS_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                sys.exit(f"another server runs on {data}")
            time.sleep(0.05)
        else:
            break
    os.set_inheritable(descriptor, True)
    (data / "postmaster.pid").unlink(missing_ok=True)


def _reachable(path: str, descriptor: int) -> str:
    try:
        Path(path).stat()
    except PermissionError:
        os.set_inheritable(descriptor, True)
        return f"/proc/self/fd/{descriptor}"
    os.close(descriptor)
    return path


if __name__ == "__main__":
    main(json.loads(sys.argv[1]), sys.argv[2:])
