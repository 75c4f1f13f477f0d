"""What Faust, mode and aiokafka log, in our own log: warnings and worse, each failure once."""

from __future__ import annotations

import logging
import time

import structlog

_LIBRARIES = ("faust", "mode", "aiokafka")
_REPEAT_AFTER_S = 10.0


def forward_logs() -> None:
    """Send the libraries' warnings and errors to structlog and nowhere else; safe to repeat."""
    handler = _Forward(logging.WARNING)
    for name in _LIBRARIES:
        logger = logging.getLogger(name)
        logger.handlers = [handler]
        logger.propagate = False
        logger.setLevel(logging.WARNING)


class _Forward(logging.Handler):
    """Forwards a record unless it says again what was just said.

    One failure passes through a dozen services of mode, and each logs it with its traceback; a broker that is
    away is reported several times a second.
    """

    def __init__(self, level: int) -> None:
        super().__init__(level)
        self._told_at: dict[tuple[str, str], float] = {}
        self._last_failure: BaseException | None = None

    def emit(self, record: logging.LogRecord) -> None:
        failure = record.exc_info[1] if record.exc_info else None
        if failure is not None and failure is self._last_failure:
            return
        self._last_failure = failure or self._last_failure
        what = (record.name, record.msg)
        now_s = time.monotonic()
        if now_s - self._told_at.get(what, -_REPEAT_AFTER_S) < _REPEAT_AFTER_S:
            return
        self._told_at[what] = now_s
        structlog.get_logger(record.name).log(record.levelno, record.getMessage(), exc_info=failure)
