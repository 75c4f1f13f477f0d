"""`sparge maintain`: what keeps the store small and its answers fast."""

import threading
import time
from typing import Annotated

import structlog
import typer

from schemas.errors import DatabaseUnreachable
from sparge.interrupts import on_stop
from sparge.settings import Settings, reach
from sparge.terminal import say
from sparge.times import US_PER_S, parse_span_us
from sparge.worker import log_to_stderr
from storage.connection import address
from storage.maintenance.job import maintain as run_job
from storage.maintenance.job import maintaining


def maintain(
    *,
    every: Annotated[
        str, typer.Option(help="Do it again after this span, such as 30s, until Ctrl-C.", show_default="once")
    ] = "",
) -> None:
    """Sum up what is stored, so that long spans are quick.

    Samples become rows of a second, a minute and an hour, with minimum, maximum and mean. On TimescaleDB
    what is old enough is compressed. What is older than a retention set in the database is dropped; none is
    set by itself. Safe beside a second one, on this machine or another. `sparge up` runs it by itself.
    """
    settings = reach()
    stop = threading.Event()
    with on_stop(stop.set):
        if every:
            _keep_on(settings, parse_span_us(every) / US_PER_S, stop)
        else:
            _once(settings, stop)


def _once(settings: Settings, stop: threading.Event) -> None:
    with maintaining(settings.conninfo()) as connection:
        done = run_job(connection, time.time(), stop=stop.is_set)
    for line in done.lines():
        say(line)
    say(f"Done: {address(settings.conninfo())}{'' if done.lines() else ', where nothing was due'}.")


def _keep_on(settings: Settings, pause_s: float, stop: threading.Event) -> None:
    log_to_stderr(settings.log_level)
    log = structlog.get_logger("maintain")
    log.info("maintaining", database=address(settings.conninfo()), every_s=pause_s)
    reached = True
    while not stop.is_set():
        try:
            with maintaining(settings.conninfo()) as connection:
                done = run_job(connection, time.time(), stop=stop.is_set)
        except DatabaseUnreachable as error:
            # Said once: a database that is away for an hour is one event, not 120.
            if reached:
                log.warning("the database is away; trying again", why=error.message, every_s=pause_s)
            reached = False
        else:
            if not reached:
                log.info("the database is back")
            reached = True
            for line in done.lines():
                log.info(line)
        stop.wait(pause_s)
