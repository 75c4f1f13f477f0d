"""`sparge query`: what is stored of a unit."""

import sys
import time
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO
from zoneinfo import ZoneInfo

import typer

from schemas.errors import QueryRefused
from sparge.client import Client
from sparge.tables import as_text, write_csv, write_parquet
from sparge.terminal import err, say
from sparge.times import parse_span_us, parse_time_us, parse_zone, show_span, show_time, to_us
from storage.levels import LEVELS_US
from storage.queries import Elsewhere
from storage.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable

READABLE_ROWS = 1000
"""A table on a screen shows no more than this unless it is asked to."""

LEARNING = "Models learn from the live stream first: scores come after 5 min of it, forecasts after about 10."

LAST = "1h"
STALE_US = 60_000_000
"""A sample that was older than this at the moment asked for is pointed out."""


class What(StrEnum):
    """What can be asked for."""

    SAMPLES = "samples"
    SCORES = "scores"
    FORECASTS = "forecasts"
    ALARMS = "alarms"
    UNIT_SCORES = "unit-scores"
    DRIFTS = "drifts"
    LIMITS_AHEAD = "limits-ahead"


class Form(StrEnum):
    """How the answer is written."""

    TABLE = "table"
    CSV = "csv"
    PARQUET = "parquet"


READ = {
    What.SAMPLES: ("time", "signal", "value", "ucum", "status"),
    What.SCORES: ("time", "signal", "value", "expected", "ucum", "score", "suspect", "model", "role"),
    What.FORECASTS: ("made_at", "signal", "time", "value", "lower", "upper", "ucum", "model", "role"),
    What.ALARMS: (
        "time",
        "signal",
        "condition",
        "event",
        "state",
        "value",
        "limit_value",
        "ucum",
        "since",
        "device_state",
        "value_status",
    ),
    What.UNIT_SCORES: (
        "time",
        "layer",
        "role",
        "score",
        "suspect",
        "looks_like",
        "signals",
        "model",
        "reason",
    ),
    What.DRIFTS: ("time", "role", "score", "suspect", "signals", "reason"),
    What.LIMITS_AHEAD: (
        "made_at",
        "signal",
        "condition",
        "limit_value",
        "ucum",
        "minutes",
        "from_minutes",
        "to_minutes",
        "told",
    ),
}
"""Columns of a table that is read; files get all of them."""

NOWHERE = "nothing is stored there."
WORDS = {"1h": "hour", "1m": "minute"}

READ_WIDE = ("time", "signal", "min", "max", "mean", "ucum", "count", "bad_count", "bucket_s")
"""The same where buckets are shown."""


def query(
    unit: Annotated[str, typer.Argument(help="The bioreactor, site/unit.", show_default=False)],
    signals: Annotated[
        list[str] | None, typer.Argument(help="Signals such as DO pH; all if none is named.")
    ] = None,
    *,
    start: Annotated[str, typer.Option("--from", help="From this time on.", show_default=False)] = "",
    end: Annotated[str, typer.Option("--to", help="Up to, not including, this time.")] = "now",
    last: Annotated[
        str, typer.Option(help=f"The span before --to, such as 90s, 15min, 2d (default {LAST}).")
    ] = "",
    at: Annotated[
        str, typer.Option(help="One moment: each signal's last sample at or before it.", show_default=False)
    ] = "",
    zone: Annotated[
        str,
        typer.Option(help="Time zone of times without an offset, and of times shown.", show_default="UTC"),
    ] = "",
    what: Annotated[What, typer.Option(help="What to ask for.")] = What.SAMPLES,
    form: Annotated[Form, typer.Option("--format", help="How to write it.")] = Form.TABLE,
    out: Annotated[
        Path | None, typer.Option(help="File to write to, instead of the terminal.", show_default=False)
    ] = None,
    width: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="About so many rows a signal, with minimum and maximum, as a chart so wide needs them.",
            show_default=False,
        ),
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help=f"At most so many rows (table: {READABLE_ROWS}).")
    ] = None,
) -> None:
    """Query samples, scores, forecasts or alarms of a unit.

    Times are ISO 8601 with an offset, or local times with --zone; also `now` and `15min ago`.
    Values are in each signal's unit. A table is for reading; CSV and Parquet hold every digit and column.
    """
    if form is Form.PARQUET and out is None:
        raise QueryRefused("Parquet is not for a terminal.", next_step="name a file: --out samples.parquet")
    if at and (start or last or what is not What.SAMPLES):
        raise QueryRefused("--at asks for samples at one moment; it takes no --from, --last or --what.")
    if width and (at or what is not What.SAMPLES):
        raise QueryRefused("--width asks for samples of a span; it takes no --at or --what.")
    if width and limit:
        raise QueryRefused("--width and --limit both say how many rows; give one of them.")
    if start and last:
        raise QueryRefused("--from and --last both say where the span begins; give one of them.")
    asked_zone = parse_zone(zone) if zone else None
    now_us = time.time_ns() // 1000
    client = Client(zone=asked_zone)
    if at:
        at_us = parse_time_us(at, asked_zone, now_us)
        table = client.at(unit, signals or [], at_us)
        about = f"{unit} at {show_time(at_us, asked_zone)}"
        _name_absent(table, signals or [], at_us)
    else:
        end_us = parse_time_us(end, asked_zone, now_us)
        start_us = parse_time_us(start, asked_zone, now_us) if start else end_us - parse_span_us(last or LAST)
        if limit is None and form is Form.TABLE:
            limit = READABLE_ROWS
        ask: dict[What, Callable[..., Table]] = {
            What.SAMPLES: client.samples,
            What.SCORES: client.scores,
            What.FORECASTS: client.forecasts,
            What.ALARMS: client.alarm_history,
            What.UNIT_SCORES: client.unit_scores,
            What.DRIFTS: partial(client.unit_scores, layer="drift"),
            What.LIMITS_AHEAD: client.limits_ahead,
        }
        if width:
            table = client.samples(unit, signals or [], start_us, end_us, width=width)
        else:
            table = ask[what](unit, signals or [], start_us, end_us, limit=limit)
        about = f"{what} of {unit} from {show_time(start_us, asked_zone)} to {show_time(end_us, asked_zone)}"
    _write(table, READ_WIDE if width else READ[what], form=form, out=out, about=about, zone=asked_zone)
    if not len(table):
        span_us = None if at or what is not What.SAMPLES else (start_us, end_us)
        found = client.elsewhere(unit, signals or [], *span_us) if span_us else None
        _say_none(what, why_none(found, span_us, asked_zone) if found and span_us else NOWHERE)


def _say_none(what: What, reason: str) -> None:
    err.print(f"No rows: {reason}", style="yellow")
    if what in {What.SCORES, What.FORECASTS, What.UNIT_SCORES}:
        err.print(LEARNING, style="yellow")


def why_none(found: Elsewhere, span_us: tuple[int, int], zone: ZoneInfo | None) -> str:
    """Why a span shows no samples, and where there are some."""
    if found.sums:
        level = found.sums[-1]
        width = max(1, (span_us[1] - span_us[0]) // LEVELS_US[level])
        kinds = " and ".join(WORDS[level] for level in found.sums)
        return f"of that span only sums by the {kinds} are left. To see them: --width {width}"
    if found.first_us is None or found.last_us is None:
        return "nothing is stored of these signals."
    since, until = (show_time(time_us, zone) for time_us in (found.first_us, found.last_us))
    return f"nothing was sampled in that span. There are data from {since} to {until}."


def _write(
    table: Table,
    columns: tuple[str, ...],
    *,
    form: Form,
    out: Path | None,
    about: str,
    zone: ZoneInfo | None,
) -> None:
    if form is Form.PARQUET and out is not None:
        write_parquet(table, out, about)
    elif out is not None:
        with out.open("w", encoding="utf-8", newline="") as file:
            _write_text(table, columns, form, file, zone)
    else:
        if form is Form.TABLE:
            say((about, "bold"))
        _write_text(table, columns, form, sys.stdout, zone)
    if out is not None:
        say(f"{len(table)} rows written to {out}: {about}.")
    if table.truncated:
        err.print(
            f"Only the first {len(table)} rows are shown; there are more. Ask for a shorter span or a larger "
            f"--limit, or write all to a file: --format csv --out FILE.",
            style="yellow",
        )


def _write_text(
    table: Table, columns: tuple[str, ...], form: Form, file: TextIO, zone: ZoneInfo | None
) -> None:
    if form is Form.CSV:
        write_csv(table, file, zone)
    else:
        file.write(as_text(table, columns, zone) + "\n")


def _name_absent(table: Table, signals: list[str], at_us: int) -> None:
    found = set(table.columns["signal"])
    for signal in signals:
        if signal not in found:
            err.print(f"{signal} has no sample by then.", style="yellow")
    for row in table.rows():
        cells = dict(zip(table.columns, row, strict=True))
        age_us = at_us - to_us(cells["time"])
        if age_us > STALE_US:
            err.print(f"{cells['signal']} was last sampled {show_span(age_us)} before.", style="yellow")
