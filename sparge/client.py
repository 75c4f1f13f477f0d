"""The analysts' face: ask the store by unit, signal and time, get columns."""

from __future__ import annotations

import time
from datetime import datetime
from typing import TYPE_CHECKING

from sparge.settings import reach
from sparge.times import parse_time_us, to_us
from storage import queries

if TYPE_CHECKING:
    from collections.abc import Sequence
    from zoneinfo import ZoneInfo

    from storage.table import Table

Moment = datetime | str | int
"""An aware datetime, ISO 8601 text, or microseconds UTC."""


class Client:
    """Answers of one database; each call opens a read-only connection of its own.

        client = Client()
        table = client.samples("north/BR-01", ["DO"], "2026-03-01T08:00+01:00", "now")

    A span is [start, end). Without signal names, every signal of the unit is meant.

    Args:
        database: connection string; default what SPARGE_DATABASE names, or what `sparge up` runs here.
        zone: of times that are given without an offset; without it they are refused.

    Every method raises QueryRefused (no such unit or signal, a time that is none, an empty span) and
    DatabaseUnreachable.
    """

    def __init__(self, database: str | None = None, *, zone: ZoneInfo | None = None) -> None:
        self._conninfo = reach().conninfo() if database is None else database
        self._zone = zone

    def units(self) -> Table:
        """Every unit, with the times of its first and last sample."""
        with queries.reading(self._conninfo) as connection:
            return queries.units(connection)

    def signals(self, unit: str | None = None) -> Table:
        """Every signal of a unit, or of all, with its UCUM unit."""
        with queries.reading(self._conninfo) as connection:
            return queries.signals(connection, unit)

    def samples(
        self,
        unit: str,
        signals: Sequence[str],
        start: Moment,
        end: Moment = "now",
        *,
        limit: int | None = None,
        width: int | None = None,
    ) -> Table:
        """Samples in order of time: time, value (NaN: missing), UCUM unit, OPC UA status.

        With `width`, as a chart so many pixels wide needs them: about so many rows a signal, each with
        minimum, maximum, first, last, mean and count of its bucket. Span and width decide whether single
        samples, seconds, minutes or hours answer; an excursion past a limit stays in its row's minimum or
        maximum, however long the span. `limit` does not apply.
        """
        span = self._us(start), self._us(end)
        with queries.reading(self._conninfo) as connection:
            if width is not None:
                now_us = time.time_ns() // 1000
                return queries.summary(connection, unit, signals, *span, width=width, now_us=now_us)
            return queries.samples(connection, unit, signals, *span, limit=limit)

    def elsewhere(self, unit: str, signals: Sequence[str], start: Moment, end: Moment) -> queries.Elsewhere:
        """What is stored of signals that show nothing in a span: at other times, or as sums of it."""
        span = self._us(start), self._us(end)
        with queries.reading(self._conninfo) as connection:
            return queries.elsewhere(connection, unit, signals, *span)

    def at(self, unit: str, signals: Sequence[str], moment: Moment = "now") -> Table:
        """For each signal its last sample at or before a moment; none where there was none."""
        with queries.reading(self._conninfo) as connection:
            return queries.sample_at(connection, unit, signals, self._us(moment))

    def scores(
        self,
        unit: str,
        signals: Sequence[str],
        start: Moment,
        end: Moment = "now",
        *,
        limit: int | None = None,
    ) -> Table:
        """Anomaly scores by the time of the sample that was scored."""
        span = self._us(start), self._us(end)
        with queries.reading(self._conninfo) as connection:
            return queries.scores(connection, unit, signals, *span, limit=limit)

    def forecasts(
        self,
        unit: str,
        signals: Sequence[str],
        start: Moment,
        end: Moment = "now",
        *,
        limit: int | None = None,
    ) -> Table:
        """Forecasts by the time at which they were made, a row for each horizon."""
        span = self._us(start), self._us(end)
        with queries.reading(self._conninfo) as connection:
            return queries.forecasts(connection, unit, signals, *span, limit=limit)

    def unit_scores(
        self,
        unit: str,
        signals: Sequence[str],
        start: Moment,
        end: Moment = "now",
        *,
        layer: str | None = None,
        limit: int | None = None,
    ) -> Table:
        """What models say of the whole unit, of every layer or one, and which signals contributed."""
        span = self._us(start), self._us(end)
        with queries.reading(self._conninfo) as connection:
            return queries.unit_scores(connection, unit, signals, *span, layer=layer, limit=limit)

    def limits_ahead(
        self,
        unit: str,
        signals: Sequence[str],
        start: Moment,
        end: Moment = "now",
        *,
        limit: int | None = None,
    ) -> Table:
        """When limits will be reached, in minutes from when that was said."""
        span = self._us(start), self._us(end)
        with queries.reading(self._conninfo) as connection:
            return queries.limits_ahead(connection, unit, signals, *span, limit=limit)

    def alarms(self, unit: str | None = None, *, active_only: bool = False) -> Table:
        """Every alarm as it stands now, active ones first; of an instrument with its NE 107 state."""
        with queries.reading(self._conninfo) as connection:
            return queries.alarms(connection, unit, active_only=active_only)

    def alarm_history(
        self,
        unit: str | None,
        signals: Sequence[str],
        start: Moment,
        end: Moment = "now",
        *,
        limit: int | None = None,
    ) -> Table:
        """Every transition of the alarms in the span, in order of recorded time."""
        span = self._us(start), self._us(end)
        with queries.reading(self._conninfo) as connection:
            return queries.alarm_history(connection, unit, signals, *span, limit=limit)

    def _us(self, moment: Moment) -> int:
        if isinstance(moment, int):
            return moment
        if isinstance(moment, str):
            return parse_time_us(moment, self._zone, time.time_ns() // 1000)
        return parse_time_us(moment.isoformat(), self._zone, 0) if moment.tzinfo is None else to_us(moment)
