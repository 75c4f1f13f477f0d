"""Somebody who uses Sparge on this machine for the first time: an empty home, nothing cached."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import shutil
import signal
import subprocess
import tempfile
import termios
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    import re
    from collections.abc import Iterator, Mapping, Sequence

# What belongs to the test run or to an outer make, not to the person's machine.
_NOT_THE_CALLERS = ("SPARGE_", "XDG_", "PYTEST_", "MAKE", "MFLAGS", "VIRTUAL_ENV", "ARGS", "PYTHONPATH")
_MARK = "ACCEPTANCE_MARK"
_GIVE_UP_S = 15.0


@dataclass(frozen=True, slots=True)
class Person:
    """A user of this machine with an empty home.

    folder holds the home and whatever the person makes; mark is in the environment of all that he starts.
    """

    name: str
    uid: int
    gid: int
    folder: Path
    mark: str = field(default_factory=lambda: uuid.uuid4().hex)

    @property
    def home(self) -> Path:
        """The home directory."""
        return self.folder / "home"

    def environment(self) -> dict[str, str]:
        """The caller's environment but for HOME, USER and XDG_*."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_THE_CALLERS)}
        return {**kept, "HOME": str(self.home), "USER": self.name, "LOGNAME": self.name, _MARK: self.mark}

    def start(
        self, command: Sequence[str], cwd: Path, log: Path, also: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """Start a command as this person, its output in a file, in a session of its own."""
        other = self.uid != os.geteuid()
        with log.open("wb") as output:
            return subprocess.Popen(
                command,
                cwd=cwd,
                env={**self.environment(), **(also or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                user=self.uid if other else None,
                group=self.gid if other else None,
                extra_groups=[] if other else None,
            )

    def run(
        self, command: Sequence[str], cwd: Path, within_s: float, also: Mapping[str, str] | None = None
    ) -> str:
        """Run a command to its end and return its output; fails the test unless it ends with 0 in time."""
        log = self.folder / f"{uuid.uuid4().hex}.log"
        process = self.start(command, cwd, log, also)
        try:
            code = process.wait(within_s)
        except subprocess.TimeoutExpired:
            code = None
            end(process)
        output = log.read_text(encoding="utf-8", errors="replace")
        outcome = f"took more than {within_s:.0f} s" if code is None else f"ended with {code}"
        assert code == 0, f"{' '.join(command)} {outcome}; its last words:\n{output[-6000:]}"
        return output

    def clone(self, bundle: Path) -> Path:
        """Clone the project into an empty folder of this person's and return it."""
        received = Path(shutil.copy(bundle, self.folder))
        received.chmod(0o644)
        self.run(["git", "clone", "--quiet", str(received), "clone"], self.folder, within_s=60)
        return self.folder / "clone"

    @contextlib.contextmanager
    def at_a_terminal(self, command: Sequence[str], cwd: Path) -> Iterator[Terminal]:
        """A command in the foreground of a terminal of this person's; ended by Ctrl-C at the latest."""
        ours, theirs = pty.openpty()
        other = self.uid != os.geteuid()
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env={**self.environment(), "TERM": "dumb", "COLUMNS": "400"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            user=self.uid if other else None,
            group=self.gid if other else None,
            extra_groups=[] if other else None,
            # The terminal becomes that of the new session, so that Ctrl-C goes where it goes for people.
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - one system call
        )
        os.close(theirs)
        try:
            yield Terminal(process, ours)
        finally:
            end(process)
            os.close(ours)

    def left_behind(self, within_s: float = 3.0) -> list[str]:
        """The processes that this person started and that still run, after a moment of grace."""
        deadline = time.monotonic() + within_s
        while (found := self._running()) and time.monotonic() < deadline:
            time.sleep(0.1)
        return found

    def _running(self) -> list[str]:
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                # Some servers write their title over their environment; they stay in their data directory.
                places = (process.cwd(), process.exe(), *process.cmdline())
                ours = any(place.startswith(str(self.folder)) for place in places if place)
                if (ours or process.environ().get(_MARK) == self.mark) and process.is_running():
                    found.append(f"{process.pid} {' '.join(process.cmdline())[:200]}")
        return found


@dataclass(slots=True)
class Terminal:
    """A terminal with one command in it, and what it has shown so far."""

    process: subprocess.Popen[bytes]
    descriptor: int
    text: str = ""

    def wait_for(self, pattern: re.Pattern[str], within_s: float) -> None:
        """Wait until the terminal has shown a text; fails the test if the command ends or time is up."""
        deadline = time.monotonic() + within_s
        while not pattern.search(self.text):
            assert time.monotonic() < deadline, f"not shown within {within_s:.0f} s:\n{self.text[-6000:]}"
            assert self._read(), f"the command ended with {self.process.wait()}:\n{self.text[-6000:]}"

    def ctrl_c(self, within_s: float) -> float:
        """Press Ctrl-C, wait for the end of the command and return how long it took, in seconds."""
        pressed_s = time.monotonic()
        os.write(self.descriptor, b"\x03")
        while self._read():
            assert time.monotonic() - pressed_s < within_s, f"goes on after Ctrl-C:\n{self.text[-3000:]}"
        self.process.wait(within_s)
        return time.monotonic() - pressed_s

    def _read(self) -> bool:
        """Take what the terminal shows within a moment; False once nobody writes to it any more."""
        if select.select([self.descriptor], [], [], 0.2)[0]:
            try:
                self.text += os.read(self.descriptor, 65536).decode(errors="replace").replace("\r\n", "\n")
            except OSError:
                return False
        return True


def end(process: subprocess.Popen[bytes]) -> int:
    """Stop what still runs as Ctrl-C would, or by force after a while; return its exit code."""
    for number in (signal.SIGINT, signal.SIGKILL):
        if process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_GIVE_UP_S)
    return process.wait(_GIVE_UP_S)


@contextlib.contextmanager
def caller() -> Iterator[Person]:
    """Who runs the tests, with a new home."""
    with _folder() as folder:
        (folder / "home").mkdir(mode=0o700)
        yield Person(psutil.Process().username(), os.geteuid(), os.getegid(), folder)


@contextlib.contextmanager
def ordinary_user() -> Iterator[Person]:
    """A user made for the test where root runs it, and removed afterwards; elsewhere who runs it."""
    if os.geteuid() != 0:
        with caller() as person:
            yield person
        return
    with _folder() as folder:
        name = f"sparge-{uuid.uuid4().hex[:8]}"
        subprocess.run(["useradd", "--create-home", "--home-dir", folder / "home", name], check=True)
        try:
            home = (folder / "home").stat()
            os.chown(folder, home.st_uid, home.st_gid)
            yield Person(name, home.st_uid, home.st_gid, folder)
        finally:
            subprocess.run(["userdel", name], check=True)


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    # Not pytest's own folder: that one is closed to other users.
    folder = Path(tempfile.mkdtemp(prefix="sparge-acceptance-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)
