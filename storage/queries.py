"""Questions that people ask of the store; every answer is a table, and asks the views only.

Spans are [start_us, end_us) in microseconds UTC. A unit is named `site/unit`, or by its own name where that
is unambiguous. What is asked in vain is refused with the names that come nearest.
"""

from __future__ import annotations

import difflib
from contextlib import contextmanager
from dataclasses import fields
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from psycopg import errors as sqlstate

from schemas.errors import QueryRefused
from schemas.signals import spec
from storage.array_binary import decode_array
from storage.connection import connect, translated
from storage.copy_binary import POSTGRES_EPOCH_US, decode, row_type
from storage.copy_out import copy_out
from storage.holds import InForce, after, before, begun, pieces, usable
from storage.levels import LEVELS_US, RAW, Buckets, choose, rebin, singles
from storage.maintenance.digest import hold_s
from storage.migrate import check
from storage.statements import statement
from storage.table import Table, from_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from storage.connection import BoundedConnection

TIMESTAMPTZ_OID = 1184

_SAMPLE = row_type((("time", ">i8"), ("value", ">f8"), ("status", ">i8"), ("signal_id", ">i4")))
_NUMBERS = ("min", "max", "first", "last", "mean", "known_s")
_BUCKET = (
    ("time_us", ">i8"),
    *((name, ">f8") for name in _NUMBERS),
    ("count", ">i4"),
    ("bad_count", ">i4"),
)


class _Track(NamedTuple):
    site: str
    unit: str
    signal: str
    ucum: str
    signal_id: int


class Elsewhere(NamedTuple):
    """Where there are data when a span shows none: first and last time of all (None: nothing is stored).

    sums: levels that have buckets in the span.
    """

    first_us: int | None
    last_us: int | None
    sums: tuple[str, ...]


@contextmanager
def reading(
    conninfo: str, *, application: str = "sparge query", answer_within_s: float = 120.0
) -> Iterator[BoundedConnection]:
    """A read-only connection for the functions of this module.

    Raises:
        DatabaseUnreachable, DatabaseRefused, SchemaTooNew: also for what goes wrong in the body.
        QueryRefused: a question in the body takes longer than answer_within_s.
    """
    with (
        translated(conninfo),
        connect(conninfo, application=application, answer_within_s=answer_within_s) as connection,
    ):
        check(connection, conninfo)
        connection.execute(statement("read_only"))
        try:
            yield connection
        except sqlstate.QueryCanceled as error:
            raise QueryRefused(
                f"The database is there, and has not answered within {answer_within_s:g} s.",
                detail=str(error).strip(),
                next_step="ask for a shorter span, or of one unit",
            ) from error


def units(connection: BoundedConnection) -> Table:
    """Every unit: site, unit, first_seen, last_recorded (broker), repeated_frames, number of signals."""
    return _ask(connection, "query_units", {})


def signals(connection: BoundedConnection, unit: str | None = None) -> Table:
    """Every signal (of one unit): its UCUM unit, whether it is declared, times of first and last sample."""
    return _ask(connection, "query_signals", _unit_parameters(connection, unit))


def samples(
    connection: BoundedConnection,
    unit: str | None,
    signal_names: Sequence[str],
    start_us: int,
    end_us: int,
    *,
    limit: int | None = None,
) -> Table:
    """Samples in order of time: site, unit, signal, time, value (NaN: missing), ucum, status (uint32), good.

    unit None: of every unit. No signal_names: all. limit: at most so many rows; `truncated` tells of more.

    Raises:
        QueryRefused: there is no such unit or signal.
    """
    tracks = _tracks(connection, unit, signal_names)
    found = _copy_out(
        connection,
        "query_samples",
        {
            "signal_ids": list(tracks),
            **_span(start_us, end_us),
            "limit": None if limit is None else limit + 1,
        },
    )
    truncated = limit is not None and len(found) > limit
    return _samples_table(found[:limit], tracks, truncated=truncated)


def summary(
    connection: BoundedConnection,
    unit: str | None,
    signal_names: Sequence[str],
    start_us: int,
    end_us: int,
    *,
    width: int,
    now_us: int | None = None,
) -> Table:
    """What a chart `width` pixels wide shows of a span: about as many rows a signal, whole buckets.

    site, unit, signal, time (begin of the bucket), min, max, first, last, mean (weighted by time; NaN where
    nothing usable was in force), ucum, count, bad_count, bucket_s (0: single samples). In order of signal and
    time. The level follows from span and width; minimum and maximum of the samples are always kept.

    A value holds as in every level: the answer begins with what is in force, and a bucket without a sample,
    in which a value is held, has count 0 and that value. Nothing is held past the span's end or now_us.

    Raises:
        QueryRefused: there is no such unit or signal, or no width.
    """
    if width < 1:
        raise QueryRefused(f"A chart cannot be {width} pixels wide.")
    tracks = _tracks(connection, unit, signal_names)
    span = _span(start_us, end_us)
    choice = choose(start_us, end_us, width)
    aligned_us = start_us if choice.level == RAW else start_us // choice.bin_us * choice.bin_us
    holds_us = _holds_us(connection, list(tracks))
    asked = {"signal_ids": list(tracks), **span}
    if choice.level == RAW:
        found = _copy_out(connection, "query_samples", {**asked, "limit": None})
        rows = singles(
            found["signal_id"].astype(np.int64),
            found["time"].astype(np.int64) + POSTGRES_EPOCH_US,
            found["value"].astype(np.float64),
            found["status"].astype(np.uint32),
        )
    else:
        # The bucket in which the span begins belongs to it: what happened in it must not vanish.
        aligned = {**asked, "start_us": aligned_us, "level": choice.level}
        rows = _buckets(connection, aligned)
    rows = rows.sorted()
    held_to_us = end_us if now_us is None else min(end_us, now_us)
    brought = _brought(connection, rows, holds_us, aligned_us, held_to_us, level=choice.level)
    if choice.level == RAW:
        rows = rows.joined(begun(brought))
    else:
        left = _left(connection, rows, holds_us, LEVELS_US[choice.level], end_us)
        cut = [pieces(values, choice.bin_us, held_to_us) for values in (brought, left)]
        rows = rows.joined(*cut)
    return _summary_table(rebin(rows, choice.bin_us), tracks, choice.bin_us)


def elsewhere(
    connection: BoundedConnection, unit: str | None, signal_names: Sequence[str], start_us: int, end_us: int
) -> Elsewhere:
    """Why a span shows nothing: what is stored of these signals at other times, and as sums.

    Raises:
        QueryRefused: there is no such unit or signal.
    """
    asked = {"signal_ids": list(_tracks(connection, unit, signal_names)), **_span(start_us, end_us)}
    first_us, last_us, *summed = connection.execute(statement("query_elsewhere"), asked).fetchall()[0]
    sums = tuple(level for level, found in zip(("1h", "1m"), summed, strict=True) if found)
    return Elsewhere(first_us, last_us, sums)


def sample_at(
    connection: BoundedConnection, unit: str | None, signal_names: Sequence[str], at_us: int | None
) -> Table:
    """The last sample at or before a moment (None: the last of all) of each signal; columns as of `samples`.

    unit None: of every unit. A signal without a sample by then has no row.

    Raises:
        QueryRefused: there is no such unit or signal.
    """
    tracks = _tracks(connection, unit, signal_names)
    found = _copy_out(connection, "query_sample_at", {"signal_ids": list(tracks), "at_us": at_us})
    return _samples_table(found, tracks, truncated=False)


def latest(connection: BoundedConnection, unit: str | None, signal_names: Sequence[str] = ()) -> Table:
    """The last sample of each signal of a unit, or of every unit; columns as of `samples`."""
    return sample_at(connection, unit, signal_names, None)


def scores(
    connection: BoundedConnection,
    unit: str | None,
    signal_names: Sequence[str],
    start_us: int,
    end_us: int,
    *,
    limit: int | None = None,
) -> Table:
    """Scores by the time of the sample that was scored.

    Raises:
        QueryRefused: there is no such unit or signal.
    """
    return _ask_span(
        connection, "query_scores", unit, signal_names, span=_span(start_us, end_us), limit=limit
    )


def forecasts(
    connection: BoundedConnection,
    unit: str | None,
    signal_names: Sequence[str],
    start_us: int,
    end_us: int,
    *,
    limit: int | None = None,
) -> Table:
    """Forecasts by the time at which they were made, one row a horizon; `time` is the time foreseen.

    Raises:
        QueryRefused: there is no such unit or signal.
    """
    return _ask_span(
        connection, "query_forecasts", unit, signal_names, span=_span(start_us, end_us), limit=limit
    )


def unit_scores(
    connection: BoundedConnection,
    unit: str | None,
    signal_names: Sequence[str],
    start_us: int,
    end_us: int,
    *,
    layer: str | None = None,
    limit: int | None = None,
) -> Table:
    """What models said of the whole unit, by time; `signals` are those that contributed, with their shares.

    signal_names: only where one of them contributed. layer: only of this one, such as drift.

    Raises:
        QueryRefused: there is no such unit or signal.
    """
    _tracks(connection, unit, signal_names)
    asked = {
        **_unit_parameters(connection, unit),
        **_span(start_us, end_us),
        "signals": list(signal_names),
        "layer": layer,
    }
    return _ask(connection, "query_unit_scores", asked, limit)


def limits_ahead(
    connection: BoundedConnection,
    unit: str | None,
    signal_names: Sequence[str],
    start_us: int,
    end_us: int,
    *,
    limit: int | None = None,
) -> Table:
    """When a limit will be reached, by the time at which that was said; minutes from then.

    Raises:
        QueryRefused: there is no such unit or signal.
    """
    return _ask_span(
        connection, "query_limits_ahead", unit, signal_names, span=_span(start_us, end_us), limit=limit
    )


def alarms(connection: BoundedConnection, unit: str | None = None, *, active_only: bool = False) -> Table:
    """One row an alarm: its state now, since when, value and limit, and what to do; active ones first.

    device_state (NE 107), value_status (OPC UA): what it says of an instrument; None of the process.
    """
    parameters = {**_unit_parameters(connection, unit), "active_only": active_only}
    return _ask(connection, "query_alarms", parameters)


def alarm_history(
    connection: BoundedConnection,
    unit: str | None,
    signal_names: Sequence[str],
    start_us: int,
    end_us: int,
    *,
    limit: int | None = None,
) -> Table:
    """Every transition of the alarms of these signals (none: of all) in the span, by recorded time.

    A name without an alarm is no error: an alarm may concern what is no signal, such as a silent device.
    device_state and value_status: as of `alarms`.
    """
    parameters = {
        **_unit_parameters(connection, unit),
        **_span(start_us, end_us),
        "signals": list(signal_names),
    }
    return _ask(connection, "query_alarm_history", parameters, limit)


def progress(connection: BoundedConnection) -> Table:
    """How far each sink has stored each partition, and when it last moved."""
    return _ask(connection, "query_progress", {})


def losses(connection: BoundedConnection) -> Table:
    """Offsets that were gone from a log before they were read."""
    return _ask(connection, "query_losses", {})


def _ask(
    connection: BoundedConnection, query: str, parameters: Mapping[str, Any], limit: int | None = None
) -> Table:
    asked = {**parameters, "limit": None if limit is None else limit + 1}
    cursor = connection.execute(statement(query), asked)
    description = cursor.description or []
    rows = cursor.fetchall()
    table = from_rows(
        [column.name for column in description],
        rows[:limit],
        times=[column.name for column in description if column.type_code == TIMESTAMPTZ_OID],
    )
    return Table(table.columns, truncated=limit is not None and len(rows) > limit)


def _ask_span(
    connection: BoundedConnection,
    query: str,
    unit: str | None,
    signal_names: Sequence[str],
    *,
    span: Mapping[str, int],
    limit: int | None,
) -> Table:
    tracks = _tracks(connection, unit, signal_names)
    return _ask(connection, query, {"signal_ids": list(tracks), **span}, limit)


def _copy_out(
    connection: BoundedConnection, query: str, parameters: Mapping[str, Any]
) -> np.ndarray[Any, Any]:
    return decode(_SAMPLE, copy_out(connection, statement(query), parameters))


def _buckets(connection: BoundedConnection, parameters: Mapping[str, Any]) -> Buckets:
    """The rows of a level, in any order."""
    with connection.cursor(binary=True) as cursor:
        found = cursor.execute(statement("query_levels"), parameters).pgresult
        assert found is not None  # noqa: S101 - a query has a result
        columns = {
            name: [decode_array(found.get_value(row, place), kind) for row in range(found.ntuples)]
            for place, (name, kind) in enumerate(_BUCKET, start=1)
        }
        ids = [int.from_bytes(found.get_value(row, 0) or b"", "big") for row in range(found.ntuples)]
    none = np.empty(0, dtype=np.int64)
    joined = {name: np.concatenate([none, *parts]) for name, parts in columns.items()}
    counts = [times.size for times in columns["time_us"]]
    return Buckets.of(
        {
            **joined,
            "signal_id": np.repeat(np.array(ids, dtype=np.int64), counts),
            "time_us": joined["time_us"].astype(np.int64) + POSTGRES_EPOCH_US,
        }
    )


def _samples_table(found: np.ndarray[Any, Any], tracks: Mapping[int, _Track], *, truncated: bool) -> Table:
    status = found["status"].astype(np.uint32)
    names = _named(found["signal_id"], tracks)
    ucum = names.pop("ucum")
    return Table(
        {
            **names,
            "time": (found["time"].astype(np.int64) + POSTGRES_EPOCH_US).view("datetime64[us]"),
            "value": found["value"].astype(np.float64),
            "ucum": ucum,
            "status": status,
            "good": status >> np.uint32(30) == 0,
        },
        truncated=truncated,
    )


def _holds_us(connection: BoundedConnection, signal_ids: list[int]) -> dict[int, int]:
    """For how long a value of each signal holds: as levels have it, or as the first digest will."""
    rows = connection.execute(statement("query_holds"), {"signal_ids": signal_ids})
    return {
        signal_id: round((hold_s(spec(name)) if known_s is None else known_s) * 1e6)
        for signal_id, name, known_s in rows
    }


def _brought(
    connection: BoundedConnection,
    rows: Buckets,
    holds_us: Mapping[int, int],
    start_us: int,
    end_us: int,
    *,
    level: str,
) -> InForce:
    """What is in force at the start: by the last sample before it, or the last bucket if it was dropped."""
    span_us = start_us, end_us
    ids = np.array(list(holds_us), dtype=np.int64)
    hold_us = np.array(list(holds_us.values()), dtype=np.int64)
    place, value, time_us = _last_in(connection, ids, start_us - hold_us + 1, np.full(len(ids), start_us))
    parts = [before(ids[place], value, time_us + hold_us[place], rows, span_us)]
    missing = np.setdiff1d(np.arange(len(ids)), place)
    if len(missing):
        summed = level if level in {"1m", "1h"} else "1m"
        found = connection.execute(
            statement("query_last_bucket"),
            {
                "signal_ids": ids[missing].tolist(),
                "sinces_us": (start_us - hold_us[missing]).tolist(),
                "before_us": start_us - LEVELS_US[summed],
                "level": summed,
            },
        ).fetchall()
        summed_ids = np.array([row[0] for row in found], dtype=np.int64)
        until_us = np.array([row[1] + holds_us[row[0]] for row in found], dtype=np.int64)
        last = np.array([row[2] for row in found], dtype=np.float64)
        parts.append(before(summed_ids, last, until_us, rows, span_us))
    return InForce(
        *(np.concatenate([getattr(part, column.name) for part in parts]) for column in fields(InForce))
    )


def _left(
    connection: BoundedConnection, rows: Buckets, holds_us: Mapping[int, int], bucket_us: int, end_us: int
) -> InForce:
    """What is in force after each of the sorted rows; its last sample is asked for where it does not tell."""
    known, of = np.unique(rows.signal_id, return_inverse=True)
    hold_us = np.array([holds_us[signal_id] for signal_id in known.tolist()], dtype=np.int64)[of]
    left, doubtful = after(rows, hold_us, bucket_us, end_us)
    doubt = np.flatnonzero(doubtful)
    if not len(doubt):
        return left
    since_us = rows.time_us[doubt]
    place, value, time_us = _last_in(connection, rows.signal_id[doubt], since_us, since_us + bucket_us)
    return left.settled(doubt[place], value, time_us + hold_us[doubt[place]])


def _last_in(
    connection: BoundedConnection,
    signal_ids: NDArray[np.int64],
    sinces_us: NDArray[np.int64],
    untils_us: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
    """The last sample in each span [since, until): place of the span, value (NaN: unusable), time."""
    if not len(signal_ids):
        return np.empty(0, dtype=np.int64), np.empty(0), np.empty(0, dtype=np.int64)
    found = _copy_out(
        connection,
        "query_last_in",
        {
            "signal_ids": signal_ids.tolist(),
            "sinces_us": sinces_us.tolist(),
            "untils_us": untils_us.tolist(),
            "low_us": int(sinces_us.min()),
            "high_us": int(untils_us.max()),
        },
    )
    return (
        found["signal_id"].astype(np.int64),
        usable(found["value"], found["status"]),
        found["time"].astype(np.int64) + POSTGRES_EPOCH_US,
    )


def _summary_table(rows: Buckets, tracks: Mapping[int, _Track], bin_us: int) -> Table:
    names = _named(rows.signal_id, tracks)
    ucum = names.pop("ucum")
    return Table(
        {
            **names,
            "time": rows.time_us.view("datetime64[us]"),
            "min": rows.min,
            "max": rows.max,
            "first": rows.first,
            "last": rows.last,
            "mean": rows.mean,
            "ucum": ucum,
            "count": rows.count,
            "bad_count": rows.bad_count,
            "bucket_s": np.full(len(rows), bin_us / 1e6),
        }
    )


def _named(signal_ids: np.ndarray[Any, Any], tracks: Mapping[int, _Track]) -> dict[str, np.ndarray[Any, Any]]:
    """Columns site, unit, signal and ucum of rows of these signals."""
    order = sorted(tracks)
    place = np.searchsorted(np.array(order, dtype=np.int64), signal_ids)
    known = [tracks[signal_id] for signal_id in order]
    columns = {
        "site": [track.site for track in known],
        "unit": [track.unit for track in known],
        "signal": [track.signal for track in known],
        "ucum": [track.ucum for track in known],
    }
    return {name: np.array(values, dtype=object)[place] for name, values in columns.items()}


def _span(start_us: int, end_us: int) -> dict[str, int]:
    if end_us <= start_us:
        raise QueryRefused("The span is empty: its end is not after its start.")
    return {"start_us": start_us, "end_us": end_us}


def _unit_parameters(connection: BoundedConnection, unit: str | None) -> dict[str, str | None]:
    site, name = (None, None) if unit is None else find_unit(connection, unit)
    return {"site": site, "unit": name}


def find_unit(connection: BoundedConnection, unit: str) -> tuple[str, str]:
    """(site, unit) of the unit that is meant.

    Raises:
        QueryRefused: there is none, or several; says which come near.
    """
    known: list[tuple[str, str]] = [
        (site, name) for site, name in connection.execute(statement("query_unit_names"))
    ]
    meant = [(site, name) for site, name in known if unit in (f"{site}/{name}", name)]
    if len(meant) == 1:
        return meant[0]
    keys = [f"{site}/{name}" for site, name in meant or known]
    if meant:
        raise QueryRefused(f"There are {len(meant)} units {unit}: {', '.join(keys)}. Name the site, too.")
    raise QueryRefused(f"There is no unit {unit}. {_nearest(unit, keys, 'units')}")


def _tracks(
    connection: BoundedConnection, unit: str | None, signal_names: Sequence[str]
) -> dict[int, _Track]:
    """Signals by signal_id, in the order in which they were asked for."""
    parameters = _unit_parameters(connection, unit)
    known: dict[str, list[_Track]] = {}
    for row in connection.execute(statement("query_signal_names"), parameters).fetchall():
        track = _Track(*row)
        known.setdefault(track.signal, []).append(track)
    for name in signal_names:
        if name not in known:
            of_unit = f" of {parameters['site']}/{parameters['unit']}" if unit else ""
            near = _nearest(name, list(known), "signals")
            raise QueryRefused(f"There is no signal {name}{of_unit}. {near}")
    return {track.signal_id: track for name in signal_names or known for track in known[name]}


def _nearest(asked: str, known: Sequence[str], what: str) -> str:
    if not known:
        return f"No {what} are stored yet."
    by_lower = {name.lower(): name for name in reversed(known)}
    # A unit may be meant by its own name: compare with the last part, too.
    by_lower.update({name.rsplit("/", 1)[-1].lower(): name for name in reversed(known)})
    near = difflib.get_close_matches(asked.lower(), list(by_lower), n=3, cutoff=0.5)
    if near:
        return f"Did you mean {' or '.join(dict.fromkeys(by_lower[name] for name in near))}?"
    shown = ", ".join(known[:12])
    return f"Stored {what}: {shown}{' and others' if len(known) > 12 else ''}."
