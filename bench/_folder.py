"""A benchmark's own folder, gone when the benchmark ends, however it ends."""

from __future__ import annotations

import contextlib
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from collections.abc import Iterator

_PREFIX = "sparge-bench-"
_TERMINATED = 128 + signal.SIGTERM


@contextlib.contextmanager
def work_folder() -> Iterator[Path]:
    """A new folder; those of benchmarks that were killed before they could clear up are removed, too."""
    end_in_order()
    sweep(Path(tempfile.gettempdir()))
    own = psutil.Process()
    with tempfile.TemporaryDirectory(prefix=f"{_PREFIX}{own.pid}-{own.create_time():.0f}-") as folder:
        yield Path(folder)


def end_in_order() -> None:
    """Let SIGTERM end this process as an exception does, so that servers are stopped and folders removed."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(_TERMINATED))


def sweep(parent: Path) -> None:
    """Remove the folders of benchmarks whose process is no more."""
    for folder in parent.glob(f"{_PREFIX}*-*-*"):
        pid, born_s = folder.name.removeprefix(_PREFIX).split("-")[:2]
        if not (pid.isdigit() and born_s.isdigit()):
            continue
        with contextlib.suppress(psutil.NoSuchProcess):
            if f"{psutil.Process(int(pid)).create_time():.0f}" == born_s:
                continue
        shutil.rmtree(folder, ignore_errors=True)
