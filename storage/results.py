"""What watch concluded into the store: scores, forecasts, alarm transitions; each known by its source."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import numpy as np
import orjson

from storage.catalogue import SignalName
from storage.copy_binary import POSTGRES_EPOCH_US, encode, row_type
from storage.statements import statement

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from schemas.alarm import AlarmTransition
    from schemas.forecast import Forecast, ForecastMessage
    from schemas.score import ScoreMessage, UnitScore
    from storage.catalogue import Catalogue
    from storage.connection import BoundedConnection

Message = TypeVar("Message", "ScoreMessage", "ForecastMessage", "AlarmTransition")
SourceKey: TypeAlias = tuple[int, int, int, int]

_SCORE = row_type(
    (
        ("time", ">i8"),
        ("result_id", ">i8"),
        ("value", ">f8"),
        ("expected", ">f8"),
        ("score", ">f8"),
        ("signal_id", ">i4"),
        ("suspect", "i1"),
        ("learned", "i1"),
    )
)


_SCORE_COLUMNS = ("time", "result_id", "value", "expected", "score", "signal_id", "suspect", "learned")
_FORECAST_COLUMNS = (
    "result_ids",
    "made_us",
    "signal_ids",
    "horizons",
    "values",
    "lowers",
    "uppers",
    "coverages",
    "fallbacks",
    "ucums",
    "reached",
    "silent",
)
_UNIT_SCORE_COLUMNS = (
    "times_us",
    "result_ids",
    "scores",
    "unit_ids",
    "suspects",
    "learned",
    "looks_like",
    "reasons",
    "contributions",
)
_TIME_TO_LIMIT_COLUMNS = (
    "result_ids",
    "made_us",
    "signal_ids",
    "conditions",
    "limits",
    "minutes",
    "from_minutes",
    "to_minutes",
    "ucums",
    "told",
)


def write_scores(
    connection: BoundedConnection, catalogue: Catalogue, messages: Sequence[ScoreMessage]
) -> int:
    """Write the scores of messages that are new by their source; returns how many messages were."""
    models = [catalogue.model(message.model) for message in messages]
    new = _insert_results(connection, catalogue, messages, models)
    signals = catalogue.signals({SignalName(m.key, s.signal): None for m in new.values() for s in m.scores})
    rows = [
        (
            s.time_us - POSTGRES_EPOCH_US,
            result_id,
            s.value,
            s.expected,
            s.score,
            signals[SignalName(m.key, s.signal)].signal_id,
            s.suspect,
            s.learned,
        )
        for result_id, m in new.items()
        for s in m.scores
    ]
    if rows:
        columns = dict(zip(_SCORE_COLUMNS, map(np.array, zip(*rows, strict=True)), strict=True))
        with connection.cursor() as cursor, cursor.copy(statement("scores_copy")) as copy:
            copy.write(encode(_SCORE, columns))
    _write_unit_scores(connection, catalogue, new)
    return len(new)


def write_forecasts(
    connection: BoundedConnection, catalogue: Catalogue, messages: Sequence[ForecastMessage]
) -> int:
    """Write the forecasts of messages that are new by their source; returns how many messages were."""
    models = [catalogue.model(message.model) for message in messages]
    new = _insert_results(connection, catalogue, messages, models)
    signals = catalogue.signals(
        {SignalName(m.key, f.signal): None for m in new.values() for f in m.forecasts}
    )
    rows = [
        (
            result_id,
            m.made_us,
            signals[SignalName(m.key, f.signal)].signal_id,
            *at_horizon,
            f.coverage,
            f.fallback,
            f.unit_code,
            *beside,
        )
        for result_id, m in new.items()
        for f in m.forecasts
        for at_horizon, beside in zip(
            zip(f.horizon_s, f.value, f.lower, f.upper, strict=True),
            _beside(f),
            strict=True,
        )
    ]
    _insert(connection, "forecasts_add", _FORECAST_COLUMNS, rows)
    ahead = [
        (
            result_id,
            m.made_us,
            signals[SignalName(m.key, f.signal)].signal_id,
            limit.condition,
            limit.limit,
            limit.minutes,
            limit.from_minutes,
            limit.to_minutes,
            f.unit_code,
            limit.text,
        )
        for result_id, m in new.items()
        for f in m.forecasts
        for limit in f.time_to_limit or ()
    ]
    _insert(connection, "times_to_limit_add", _TIME_TO_LIMIT_COLUMNS, ahead)
    return len(new)


def write_transitions(
    connection: BoundedConnection, catalogue: Catalogue, messages: Sequence[AlarmTransition]
) -> int:
    """Write alarm transitions that are new by their source; returns how many were."""
    models = [catalogue.model(message.model) if message.model else None for message in messages]
    new = _insert_results(connection, catalogue, messages, models)
    if not new:
        return 0
    unit_ids = catalogue.units({t.key for t in new.values()})
    transitions = list(new.values())
    connection.execute(
        statement("transitions_add"),
        {
            "result_ids": list(new),
            "unit_ids": [unit_ids[t.key] for t in transitions],
            "signals": [t.signal for t in transitions],
            "conditions": [t.condition for t in transitions],
            "events": [t.event for t in transitions],
            "states": [t.state.value for t in transitions],
            "times_us": [t.time_us for t in transitions],
            "samples_us": [t.sample_us for t in transitions],
            "since_us": [t.since_us for t in transitions],
            "values": [t.value for t in transitions],
            "limits": [t.limit for t in transitions],
            "ucums": [t.unit_code for t in transitions],
            "priorities": [t.priority for t in transitions],
            "classes": [t.alarm_class for t in transitions],
            "messages": [t.message for t in transitions],
            "causes": [t.cause for t in transitions],
            "consequences": [t.consequence for t in transitions],
            "actions": [t.action for t in transitions],
            "responds": [t.respond_within_s for t in transitions],
            "device_states": [t.device_state for t in transitions],
            "value_statuses": [t.value_status for t in transitions],
        },
    )
    return len(new)


def _write_unit_scores(
    connection: BoundedConnection, catalogue: Catalogue, new: Mapping[int, ScoreMessage]
) -> None:
    unit_ids = catalogue.units({message.key for message in new.values() if message.unit_scores})
    rows = [
        (
            one.time_us,
            result_id,
            one.score,
            unit_ids[message.key],
            one.suspect,
            one.learned,
            one.looks_like,
            one.reason,
            _contributions(one),
        )
        for result_id, message in new.items()
        for one in message.unit_scores or ()
    ]
    _insert(connection, "unit_scores_add", _UNIT_SCORE_COLUMNS, rows)


def _beside(forecast: Forecast) -> list[tuple[float | None, bool | None]]:
    """At each horizon what the interval held so far, and whether the model is silent there."""
    nothing = [None] * len(forecast.horizon_s)
    return list(zip(forecast.reached or nothing, forecast.silent or nothing, strict=True))


def _contributions(one: UnitScore) -> str:
    """Signals and shares as JSON: arrays within an array of rows are none to PostgreSQL."""
    told = {
        "signals": [each.signal for each in one.contributions],
        "shares": [each.share for each in one.contributions],
    }
    return orjson.dumps(told).decode()


def _insert(
    connection: BoundedConnection, name: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]
) -> None:
    if rows:
        by_column = (list(column) for column in zip(*rows, strict=True))
        connection.execute(statement(name), dict(zip(columns, by_column, strict=True)))


def _insert_results(
    connection: BoundedConnection,
    catalogue: Catalogue,
    messages: Sequence[Message],
    model_ids: Sequence[int | None],
) -> dict[int, Message]:
    """The messages that are new, by the result_id that they got."""
    unit_ids = catalogue.units({message.key for message in messages})
    by_source: dict[SourceKey, tuple[Message, int | None]] = {}
    for message, model_id in zip(messages, model_ids, strict=True):
        source = message.source
        log_id = catalogue.source_log(source.topic_id, source.topic)
        by_source.setdefault((log_id, source.partition, source.offset, source.index), (message, model_id))
    if not by_source:
        return {}
    log_ids, partitions, offsets, indices = zip(*by_source, strict=True)
    rows = connection.execute(
        statement("results_add"),
        {
            "log_ids": list(log_ids),
            "partitions": list(partitions),
            "offsets": list(offsets),
            "indices": list(indices),
            "unit_ids": [unit_ids[message.key] for message, _ in by_source.values()],
            "model_ids": [model_id for _, model_id in by_source.values()],
            "layers": [getattr(message, "layer", None) for message, _ in by_source.values()],
            "roles": [getattr(message, "role", None) or "champion" for message, _ in by_source.values()],
        },
    ).fetchall()
    return {result_id: by_source[log_id, p, o, i][0] for log_id, p, o, i, result_id in rows}
