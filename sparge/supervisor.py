"""Child processes kept running: started, watched, started again with back-off, stopped in order."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING

from schemas.errors import PartFailed
from sparge.times import US_PER_S, show_span
from streams import die_with_parent

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 30.0
SETTLED_S = 60.0
"""A part that ran this long was well: its next death counts as the first again."""

STAGES_END_S = (3.0, 6.0, 7.5)
"""Seconds after the stop began at which what is left of a stage is killed; the whole stays below 10 s."""

LOG_LIMIT_BYTES = 20 * 1024 * 1024
_STEP_S = 0.1
_LOG_CHECK_S = 10.0


@dataclass(frozen=True, slots=True)
class Part:
    """A process to keep running.

    Args:
        name: what people call it.
        command: gives program and arguments, at each start anew; `tied` to this process, or the part
            outlives a supervisor that is killed.
        log: file that takes what it prints.
        stage: 0 is stopped first, then 1, then 2.
        environment: variables in addition to this process's own.
        stop_signal: asks it to end.
        own_log: file that it writes by itself, if that tells more than what it prints.
        metrics: address at which it shows its numbers, if it does.
    """

    name: str
    command: Callable[[], Sequence[str]]
    log: Path
    stage: int = 0
    environment: Mapping[str, str] = field(default_factory=dict)
    stop_signal: signal.Signals = signal.SIGTERM
    own_log: Path | None = None
    metrics: str = ""

    @property
    def tells(self) -> Path:
        """The log to read when something is wrong with it."""
        return self.own_log or self.log


@dataclass(slots=True)
class Kept:
    """A part with its process and history; times are monotonic seconds."""

    part: Part
    process: subprocess.Popen[bytes] | None = None
    started_s: float = 0.0
    failures: int = 0
    restarts: int = 0
    due_s: float = 0.0
    last_exit: str = ""

    @property
    def alive(self) -> bool:
        """Whether its process runs."""
        return self.process is not None and self.process.poll() is None


def tied(command: Sequence[str]) -> list[str]:
    """Return a command that becomes `command` and that the kernel kills when this process dies (Linux)."""
    launcher = [sys.executable, "-I", "-S", die_with_parent.__file__]
    return [*launcher, str(os.getpid()), str(int(signal.SIGKILL)), *command]


def pause_s(failures: int) -> float:
    """Return the seconds to wait before the next start after this many failures in a row: 1, 2, 4 ... 30."""
    return min(FIRST_PAUSE_S * 2.0 ** max(failures - 1, 0), LONGEST_PAUSE_S)


class Supervisor:
    """Keeps parts running until told to stop.

    `run` and `stop` belong to one thread that lives until the end: the kernel ends a tied child when the
    thread that started it ends. The rest may be used from any thread.

    Args:
        tell: takes a line about what happened to a part.
        changed: called when a process was started or found dead.
    """

    def __init__(self, tell: Callable[[str], None], changed: Callable[[], None] = lambda: None) -> None:
        self._tell = tell
        self._changed = changed
        self._kept: dict[str, Kept] = {}
        self._new: SimpleQueue[Part] = SimpleQueue()
        self._stop = threading.Event()
        self._logs_due_s = 0.0

    @property
    def stopping(self) -> bool:
        """Whether somebody asked for the end."""
        return self._stop.is_set()

    def ask_to_stop(self) -> None:
        """Let `run` return; from any thread or signal handler."""
        self._stop.set()

    def add(self, part: Part) -> None:
        """Have a part started by the supervisor's thread, within a tenth of a second."""
        self._new.put(part)

    def kept(self) -> list[Kept]:
        """Return the parts in the order in which they were added."""
        return list(self._kept.values())

    def failures(self, name: str) -> int:
        """Return how often in a row a part has died; 0 while it is not known yet."""
        kept = self._kept.get(name)
        return 0 if kept is None else kept.failures

    def refuse_if_failing(self, name: str, tries: int = 3) -> None:
        """Raise PartFailed, with the part's last words, if it died `tries` times in a row."""
        kept = self._kept.get(name)
        if kept is not None and kept.failures >= tries:
            raise PartFailed(
                f"{name} does not start: {kept.last_exit}.",
                detail=last_words(kept.part.tells),
                kept="What was stored before is untouched.",
                next_step=f"read {kept.part.tells}",
            )

    def run(self, until: Callable[[], bool] = lambda: False) -> None:
        """Start what was added and keep it running, until `until` holds or somebody asks to stop."""
        while not self._stop.is_set() and not until():
            self.step()
            self._stop.wait(_STEP_S)

    def step(self) -> None:
        """Start what is new or due, notice what died."""
        now_s = time.monotonic()
        with suppress(Empty):
            while True:
                part = self._new.get_nowait()
                keep_predecessor(part.log)
                self._kept[part.name] = Kept(part)
        for kept in self._kept.values():
            if kept.process is None:
                if now_s >= kept.due_s:
                    self._start(kept)
            elif kept.process.poll() is not None:
                self._bury(kept, now_s)
        if now_s >= self._logs_due_s:
            self._logs_due_s = now_s + _LOG_CHECK_S
            for kept in self._kept.values():
                trim(kept.part.log, LOG_LIMIT_BYTES)

    def stop(self) -> None:
        """Stop all parts, stage by stage, and return when no process is left; takes less than 10 s."""
        self._stop.set()
        began_s = time.monotonic()
        for stage, end_s in enumerate(STAGES_END_S):
            alive = [kept for kept in self._kept.values() if kept.part.stage == stage and kept.alive]
            for kept in alive:
                _signal(kept, kept.part.stop_signal)
            while any(kept.alive for kept in alive) and time.monotonic() - began_s < end_s:
                time.sleep(0.02)
            for kept in alive:
                if kept.alive:
                    self._tell(f"{kept.part.name} did not stop by itself and is killed")
                    _signal(kept, signal.SIGKILL)
            for kept in alive:
                if kept.process is not None:
                    kept.process.wait()

    def _start(self, kept: Kept) -> None:
        part = kept.part
        command = list(part.command())
        part.log.parent.mkdir(parents=True, exist_ok=True)
        with part.log.open("ab") as log:
            try:
                kept.process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env={**os.environ, **part.environment},
                    # A session of its own keeps the terminal's Ctrl-C away: the order of stopping is ours.
                    start_new_session=True,
                )
            except OSError as error:
                raise PartFailed(
                    f"{part.name} cannot be started: {error.strerror or error}.",
                    detail=" ".join(command)[:500],
                    next_step="sparge doctor",
                ) from error
        kept.started_s = time.monotonic()
        self._changed()

    def _bury(self, kept: Kept, now_s: float) -> None:
        process = kept.process
        if process is None or process.returncode is None:
            return
        lived_s = now_s - kept.started_s
        kept.failures = 1 if lived_s >= SETTLED_S else kept.failures + 1
        kept.restarts += 1
        kept.due_s = now_s + pause_s(kept.failures)
        kept.last_exit = show_exit(process.returncode)
        kept.process = None
        lived = show_span(int(lived_s * US_PER_S))
        self._tell(
            f"{kept.part.name} ended after {lived} ({kept.last_exit}); "
            f"starting it again in {pause_s(kept.failures):g} s. Its log: {kept.part.tells}"
        )
        self._changed()


def _signal(kept: Kept, number: signal.Signals) -> None:
    if kept.process is None:
        return
    with suppress(ProcessLookupError):
        if number is signal.SIGKILL:
            os.killpg(kept.process.pid, number)
        else:
            kept.process.send_signal(number)


def show_exit(code: int) -> str:
    """Return how a process ended: `exit code 1`, or `killed by SIGKILL`."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"killed by signal {-code}"


def keep_predecessor(log: Path) -> None:
    """Set the log of the run before aside as `NAME.1`, replacing the one before that."""
    with suppress(FileNotFoundError):
        log.replace(log.with_name(log.name + ".1"))


def trim(log: Path, limit_bytes: int) -> None:
    """Once a log is above its limit keep it as `NAME.1` and go on from empty.

    Its writer appends, so it follows; what it writes in between the copy and the cut is lost, and only that.
    """
    with suppress(FileNotFoundError):
        if log.stat().st_size > limit_bytes:
            log.with_name(log.name + ".1").write_bytes(log.read_bytes())
            os.truncate(log, 0)


def last_words(log: Path, lines: int = 5) -> str:
    """Return the last lines of a log; empty if there is none."""
    try:
        with log.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - 8192))
            text = file.read().decode(errors="replace")
    except FileNotFoundError:
        return ""
    return "\n".join([line for line in text.splitlines() if line.strip()][-lines:])
