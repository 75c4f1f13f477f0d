"""Run as a file: becomes a PostgreSQL program, as another user if asked, which stops when its parent dies.

    python postgres_launcher.py PARENT_PID UID GID LOG COMMAND...

UID -1: stay who we are; LOG -: inherit the output.

An argument `@PATH` stands for a file or directory that this process can open but the other user perhaps
cannot reach, since some directory above it, such as /root, is closed to others. It is opened first and, if
need be, handed over as /proc/self/fd/N: the kernel then checks the rights of the thing itself, which belongs
to that user, and not the way to it. So no permission of a directory that is not ours is widened, and no data
lie elsewhere than they were asked to.

Standard library only, and nothing of ours: it is started without site-packages, to start fast.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_MAX_LOG_BYTES = 10_000_000


def main(parent_pid: int, uid: int, gid: int, log: str, command: list[str]) -> None:
    """Replace this process by the command; never returns unless the parent is already gone."""
    if log != "-":
        _redirect(Path(log))
    opened = {word: os.open(word[1:], os.O_RDONLY) for word in command if word.startswith("@")}
    if uid >= 0:
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    os.chdir("/")
    os.umask(0o077)
    if sys.platform == "linux":
        # After the change of user, which clears it. SIGINT is PostgreSQL's fast shutdown.
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGINT))
        if os.getppid() != parent_pid:
            return
    words = [_reachable(word[1:], opened[word]) if word in opened else word for word in command]
    os.execv(words[0], words)  # noqa: S606 - no shell is wanted


def _redirect(log: Path) -> None:
    """Standard output and error to the log; one that has grown large is set aside first."""
    if log.exists() and log.stat().st_size > _MAX_LOG_BYTES:
        log.replace(log.with_suffix(".log.1"))
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.close(descriptor)


def _reachable(path: str, descriptor: int) -> str:
    try:
        Path(path).stat()
    except PermissionError:
        os.set_inheritable(descriptor, True)
        return f"/proc/self/fd/{descriptor}"
    os.close(descriptor)
    return path


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4], sys.argv[5:])
