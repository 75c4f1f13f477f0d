"""What the champions see, as alarms: few, each after it has lasted, none where another alarm has told it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from agents.alarms.annunciator import Evidence
from agents.alarms.definition import UNIT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from agents.alarm_watch import AlarmWatch
    from agents.alarms.annunciator import Moment
    from agents.models.unit_models import Seat, UnitModels
    from schemas.alarm import AlarmTransition

FROM_MODELS = frozenset({"anomaly", "time_to_limit", "drift"})

MOST_SHOWN = 999.0
"""A score above it says no more to an operator."""


def judge_anomalies(models: UnitModels, alarms: AlarmWatch, moment: Moment) -> list[AlarmTransition]:
    """Let the alarms know whether the champions suspect the unit, or single signals of it.

    A signal of which another alarm has been raised, or that is part of a suspected whole, gets no second one.
    """
    told = []
    champions = models.champions()
    worst = max(
        (seat for seat in champions if seat.whole is not None and seat.whole[0]),
        key=lambda seat: 0.0 if seat.whole is None else seat.whole[1],
        default=None,
    )
    told += alarms.observe(UNIT, "anomaly", _of_unit(worst), moment, abnormal=worst is not None)
    under_way = alarms.under_way()
    told_of = {
        name
        for (name, condition), alarm in under_way.items()
        if condition not in FROM_MODELS and alarm.raised
    }
    pending = {name for name, condition in under_way if condition == "anomaly" and name != UNIT}
    for slot, seat in _suspected(champions):
        name = alarms.table.signals[slot].name
        pending.discard(name)
        abnormal = name not in told_of and worst is None
        evidence = Evidence(_shown(float(seat.score[slot])), "1", _limit(seat))
        told += alarms.observe(name, "anomaly", evidence, moment, abnormal=abnormal)
    for name in sorted(pending):
        told += alarms.observe(name, "anomaly", Evidence(None, "1"), moment, abnormal=False)
    return told


def _suspected(champions: list[Seat]) -> Iterator[tuple[int, Seat]]:
    """Yield the slot of each suspected signal, with the champion that suspects it most."""
    found: dict[int, Seat] = {}
    for seat in champions:
        for slot in np.flatnonzero(seat.doubts).tolist():
            if slot not in found or seat.score[slot] > found[slot].score[slot]:
                found[slot] = seat
    yield from sorted(found.items())


def _of_unit(seat: Seat | None) -> Evidence:
    if seat is None or seat.whole is None:
        return Evidence(None, "1")
    _, score, reason = seat.whole
    return Evidence(_shown(score), "1", _limit(seat), note=reason)


def _limit(seat: Seat) -> float | None:
    return seat.suspect_at if np.isfinite(seat.suspect_at) else None


def _shown(score: float) -> float:
    return min(round(score, 1), MOST_SHOWN)
