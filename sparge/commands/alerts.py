"""`sparge alerts`: alarms in the terminal, from the topic and from nothing else."""

import threading
import time
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from schemas.alarm import AlarmTransition
from schemas.errors import BrokerError, ContractError, QueryRefused
from sparge.alarm_board import lines
from sparge.alarm_feed import AlarmFeed
from sparge.interrupts import on_stop
from sparge.settings import reach
from sparge.terminal import command_name, err, out, say
from sparge.times import parse_span_us, parse_time_us, parse_zone

TROUBLE_AGAIN_S = 30.0


def alerts(
    *,
    unit: Annotated[
        str, typer.Option(help="Only of this bioreactor: site/unit, or its own name.", show_default=False)
    ] = "",
    active: Annotated[bool, typer.Option("--active", help="Show what is active now, then end.")] = False,
    once: Annotated[bool, typer.Option("--once", help="Do not follow: end after what there is.")] = False,
    since: Annotated[
        str, typer.Option(help="First what happened since: a time, or a span such as 8h.", show_default=False)
    ] = "",
    zone: Annotated[str, typer.Option(help="Time zone shown.", show_default="this machine's")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line, for programs.")] = False,
) -> None:
    """Show active alarms and follow them live.

    Each with what to do. Reads the topic alarm.transitions alone: it works while the database is down.
    """
    shown_in = parse_zone(zone) if zone else None
    since_us = _since_us(since, shown_in) if since else None
    feed = AlarmFeed(reach().kafka(), unit, on_refused=_show_refused)
    history = feed.present()
    shown = feed.board.active()
    if since_us is not None and not active:
        shown = [transition for transition in history if transition.time_us >= since_us]
    if not as_json:
        count = len(feed.board.active())
        say((f"{count} active alarm{'' if count == 1 else 's'}", "bold"))
        if unit and not history:
            err.print(
                f"The topic has no alarm of {unit} at all. Is that its name? Names: {command_name()} doctor",
                style="yellow",
            )
    for transition in shown:
        _show(transition, shown_in, as_json=as_json)
    if active or once:
        return
    if not as_json:
        say(("following; Ctrl-C ends", "dim"))
    ended = threading.Event()
    with on_stop(ended.set):
        for transition in feed.follow(ended.is_set, _Trouble().tell):
            _show(transition, shown_in, as_json=as_json)


def _since_us(text: str, zone: ZoneInfo | None) -> int:
    now_us = time.time_ns() // 1000
    try:
        return now_us - parse_span_us(text)
    except QueryRefused:
        return parse_time_us(text, zone, now_us)


def _show(transition: AlarmTransition, zone: ZoneInfo | None, *, as_json: bool) -> None:
    if as_json:
        out.print(transition.encode().decode())
        return
    for line in lines(transition, zone):
        say(*line)


def _show_refused(error: ContractError) -> None:
    err.print(
        f"A message in the topic is no alarm transition and is left out: {error.message}", style="yellow"
    )


class _Trouble:
    """Says once in a while that the broker is away, however often that is noticed."""

    def __init__(self) -> None:
        self._told_s = -TROUBLE_AGAIN_S

    def tell(self, error: BrokerError) -> None:
        now_s = time.monotonic()
        if now_s - self._told_s >= TROUBLE_AGAIN_S:
            self._told_s = now_s
            err.print(f"{error.message} Waiting for it; no alarm is lost.", style="yellow")
