"""What `up` and `demo` show while they start and run."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from sparge.terminal import out, say, text_table
from sparge.times import show_time, to_datetime

if TYPE_CHECKING:
    from sparge.home import Running
    from streams.kafka_jars import DownloadProgress

_MB = 1_000_000
_EVERY_S = 5.0


class Lines:
    """One line an event, with its time; on a terminal a download writes over its own line."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._shown_s = 0.0
        self._shown_bytes = 0
        self._open = False

    def tell(self, line: str) -> None:
        """Show a line about something that happened."""
        # A terminal that is gone has nobody to tell; what runs goes on, or stops in order.
        with self._lock, suppress(OSError):
            if self._open:
                out.print()
                self._open = False
            say((f"{to_datetime(time.time_ns() // 1000).astimezone():%H:%M:%S}  ", "dim"), line)

    def download(self, progress: DownloadProgress) -> None:
        """Show how far a download is: at once on a terminal, every few seconds in a file."""
        done, total = progress.done_bytes, progress.total_bytes
        now_s = time.monotonic()
        with self._lock:
            whole = done >= total > self._shown_bytes
            if not whole and now_s - self._shown_s < (0.2 if out.is_terminal else _EVERY_S):
                return
            self._shown_s, self._shown_bytes = now_s, done
            self._open = out.is_terminal
            text = f"          downloading Apache Kafka, {done / _MB:5.1f} of {total / _MB:.1f} MB"
            out.print(text, end="\r" if out.is_terminal else "\n")


def show_running(running: Running) -> None:
    """Print what runs: since when, with what, each part with its process and log."""
    say(("Sparge runs", "bold green"), f" since {show_time(running.since_us // 1_000_000 * 1_000_000)}")
    for name, about in sorted(running.about.items()):
        say((f"{name:>9}  ", "bold"), about)
    rows = [
        [
            part.name,
            "running" if part.pid is not None else "waits to be started again",
            str(part.pid or ""),
            str(part.restarts),
            part.metrics,
            part.log,
        ]
        for part in running.parts
    ]
    say(text_table(["part", "state", "pid", "restarts", "metrics", "log"], rows, right=[2, 3]))


def show_next_steps(unit: str, sparge: str) -> None:
    """Print how to publish, see alarms and query, as commands that can be typed as they stand.

    Args:
        unit: an example, site/unit.
        sparge: the command line, with what another terminal needs in front of it.
    """
    site, _, name = unit.partition("/")
    for what, command in (
        ("publish", f"{sparge} publish --site {site} --unit {name} DO=39.8 pH=7.01 temperature=37.0"),
        ("simulate", f"{sparge} simulate --site {site} --units 2"),
        ("alerts", f"{sparge} alerts"),
        ("query", f"{sparge} query {unit} DO pH --last 10min"),
        ("check", f"{sparge} doctor"),
    ):
        say((f"{what:>9}  ", "bold"), command)
