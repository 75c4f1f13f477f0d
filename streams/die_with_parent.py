"""Run as a file: becomes the command given, and asks the kernel to stop it when its parent dies.

    python die_with_parent.py PARENT_PID SIGNAL COMMAND...

A supervisor that is killed with -9 cannot stop its servers; Linux can (PR_SET_PDEATHSIG). Elsewhere
the command simply runs. Standard library only, and nothing of ours: it is started without site-packages, to
start fast.
"""

from __future__ import annotations

import ctypes
import os
import sys

_PR_SET_PDEATHSIG = 1


def main(parent_pid: int, signal_number: int, command: list[str]) -> None:
    """Replace this process by the command; never returns unless the parent is already gone."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal_number)
        # The parent may have died before the line above: then no signal will ever come.
        if os.getppid() != parent_pid:
            return
    os.execv(command[0], command)  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
