"""Where a benchmark ran: a figure without its machine says nothing."""

from __future__ import annotations

import os
import platform
import subprocess
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent
_LIBRARIES = ("confluent-kafka", "faust-streaming", "numpy", "orjson", "psycopg", "river")


@dataclass(frozen=True, slots=True)
class Machine:
    """The machine, the interpreter, the libraries and the commit."""

    cpu: str
    cores: int
    memory_gib: float
    system: str
    python: str
    libraries: dict[str, str]
    commit: str

    def as_dict(self) -> dict[str, object]:
        """Return it as JSON can hold it."""
        return asdict(self)


def this_machine() -> Machine:
    """Return what is known of the machine that runs this."""
    pages, page_size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    return Machine(
        cpu=_cpu(),
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        memory_gib=round(pages * page_size / 2**30, 1),
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        python=f"{platform.python_implementation()} {platform.python_version()}",
        libraries={name: found for name in _LIBRARIES if (found := _version(name))},
        commit=_commit(),
    )


def _cpu() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown"


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def _commit() -> str:
    def git(*arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=_ROOT, capture_output=True, text=True, check=False)
        return done.stdout.strip()

    return f"{git('rev-parse', '--short', 'HEAD') or 'unknown'}{'+' if git('status', '--porcelain') else ''}"
