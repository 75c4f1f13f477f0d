"""Commands as a person types them."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from typing import TYPE_CHECKING
from unittest.mock import patch

from sparge import cli

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STOP_WITHIN_S = 10.0


@dataclass(frozen=True, slots=True)
class Ended:
    """What a command said, and its exit code."""

    code: int
    stdout: str
    stderr: str


class CommandLine:
    """`sparge` with settings of its own and nothing of the caller's."""

    def __init__(self, home: Path, **settings: str) -> None:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("SPARGE_")}
        self.environment = {**inherited, "SPARGE_HOME": str(home), **settings}
        self.home = home

    def run(self, *arguments: str, stdin: str = "") -> Ended:
        """Run a command to its end, in this process: what it imports is imported once."""
        out, err = io.StringIO(), io.StringIO()
        with (
            patch.dict(os.environ, self.environment, clear=True),
            patch.object(sys, "stdin", io.StringIO(stdin)),
            redirect_stdout(out),
            redirect_stderr(err),
        ):
            code = cli.run(arguments)
        return Ended(code, out.getvalue(), err.getvalue())

    def done(self, *arguments: str, stdin: str = "") -> str:
        """Run a command that must succeed; returns what it said."""
        ended = self.run(*arguments, stdin=stdin)
        assert ended.code == 0, ended
        return ended.stdout

    def refused(self, *arguments: str, code: int = 1) -> str:
        """Run a command that must fail with this code; returns its complaint."""
        ended = self.run(*arguments)
        assert ended.code == code, ended
        return ended.stderr

    @contextmanager
    def running(self, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        """Have a command run in a process beside the test; if it still runs at the end, Ctrl-C stops it."""
        with subprocess.Popen(
            [sys.executable, "-m", "sparge", *arguments],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        ) as process:
            try:
                yield process
            finally:
                if process.poll() is None:
                    process.send_signal(signal.SIGINT)
                    try:
                        process.communicate(timeout=STOP_WITHIN_S)
                    except subprocess.TimeoutExpired:
                        process.kill()
                        raise
