"""What the models of a unit said of a frame, as messages."""

from __future__ import annotations

from itertools import compress
from typing import TYPE_CHECKING, Any

import numpy as np

from agents.models.lineup import FORECAST
from schemas.forecast import ForecastMessage
from schemas.score import Contribution, ScoreMessage, UnitScore

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from agents.alarms.annunciator import Moment
    from agents.limits_ahead import Ahead
    from agents.models import step
    from agents.models.attribution import Looks
    from agents.models.unit_models import Foresaid, Said
    from agents.models.worst import Scores
    from agents.signal_table import Signal

MOST_NAMED = 5
"""Signals that a score of the unit names, those that contributed most;"""

NAMED_FROM = 2.0
"""and only where it is at least this unlikely: of what is usual nobody asks who contributed."""


def score_messages(
    whose: tuple[str, str],
    names: Sequence[str],
    said: Sequence[Said],
    moment: Moment,
    looks_like: Looks | None = None,
) -> list[ScoreMessage]:
    """Return one message a model that had something to say.

    whose: site and unit. names: signals by slot. looks_like: what an anomaly is taken for just now.
    """
    site, unit = whose
    return [
        ScoreMessage.model_validate(
            {
                "source": moment.at(),
                "site": site,
                "unit": unit,
                "now_us": moment.now_us,
                "model": one.choice.recipe.ref,
                "layer": one.choice.kind,
                "role": one.choice.role,
                "scores": _scores(one.scores, names) if one.scores is not None else [],
                "unit_scores": [_unit_score(end_us, score, names, looks_like) for end_us, score in one.unit]
                or None,
            }
        )
        for one in said
    ]


def forecast_message(
    whose: tuple[str, str],
    signals: Sequence[Signal],
    foresaid: Foresaid,
    ahead_of: Mapping[int, Sequence[Ahead]],
    moment: Moment,
) -> list[ForecastMessage]:
    """Return the message with the forecasts of all signals that have one.

    signals: by slot. ahead_of: by slot the limits that a signal is on its way to.
    """
    site, unit = whose
    forecasts = list(_forecasts(foresaid, signals, ahead_of))
    if not forecasts:
        return []
    return [
        ForecastMessage.model_validate(
            {
                "source": moment.at(),
                "site": site,
                "unit": unit,
                "made_us": foresaid.made_us,
                "model": foresaid.ref,
                "layer": FORECAST,
                "role": foresaid.role,
                "forecasts": forecasts,
            }
        )
    ]


def _forecasts(
    foresaid: Foresaid, signals: Sequence[Signal], ahead_of: Mapping[int, Sequence[Ahead]]
) -> Iterator[dict[str, Any]]:
    """Yield the fields of each signal's forecast, at the horizons that are known."""
    ahead = foresaid.outlooks
    known = np.isfinite(ahead.value) & np.isfinite(ahead.lower) & np.isfinite(ahead.upper)
    horizon_s = ahead.horizon_s.tolist()
    reached = np.where(np.isfinite(ahead.reached), ahead.reached, np.array(None))
    columns = (ahead.value, ahead.lower, ahead.upper, ahead.silent, ahead.fallback, reached)
    rows: Iterator[Sequence[list[Any]]] = zip(*(column.tolist() for column in columns), strict=True)
    for slot, (there, row) in enumerate(zip(known.tolist(), rows, strict=True)):
        at, shown = horizon_s, row
        if not all(there):
            at, *shown = (list(compress(each, there)) for each in (horizon_s, *row))
            if not at:
                continue
        value, lower, upper, silent, fallback, share_reached = shown
        limits = ahead_of.get(slot)
        yield {
            "signal": signals[slot].name,
            "unit_code": signals[slot].unit_code,
            "horizon_s": at,
            "value": value,
            "lower": lower,
            "upper": upper,
            "coverage": foresaid.coverage,
            "fallback": any(fallback),
            "silent": silent,
            "reached": share_reached,
            "time_to_limit": [_time_to_limit(one) for one in limits] if limits else None,
        }


def _time_to_limit(ahead: Ahead) -> dict[str, Any]:
    return {
        "condition": ahead.condition,
        "limit": ahead.limit,
        "minutes": ahead.reaches.minutes,
        "from_minutes": ahead.reaches.from_minutes,
        "to_minutes": ahead.reaches.to_minutes,
        "text": ahead.text,
    }


def _scores(scores: Scores, names: Sequence[str]) -> list[dict[str, Any]]:
    """The fields of a Score each: the message makes them at once, which takes half the time."""
    columns = (
        scores.slots,
        scores.time_us,
        scores.value,
        scores.expected,
        scores.score,
        scores.suspect,
        scores.learned,
    )
    return [
        {
            "signal": names[slot],
            "time_us": time_us,
            "value": value,
            "expected": expected,
            "score": score,
            "suspect": suspect,
            "learned": learned,
        }
        for slot, time_us, value, expected, score, suspect, learned in zip(
            *(column.tolist() for column in columns), strict=True
        )
    ]


def _unit_score(
    end_us: int, score: step.UnitScore, names: Sequence[str], looks_like: Looks | None
) -> UnitScore:
    named: list[Contribution] = []
    if score.suspect or score.score >= NAMED_FROM:
        shares = score.contributions
        most = np.argsort(-shares, kind="stable")[:MOST_NAMED].tolist()
        named = [
            Contribution(signal=names[slot], share=min(float(shares[slot]), 1.0))
            for slot in most
            if shares[slot] > 0.0
        ]
    return UnitScore(
        time_us=end_us,
        score=float(score.score),
        suspect=bool(score.suspect),
        learned=bool(score.learned),
        contributions=named,
        looks_like=score.looks_like or (looks_like if score.suspect else None),
        reason=score.reason or None,
    )
