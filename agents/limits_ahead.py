"""The limits that signals are on their way to: time to limit, for the operator and as an alarm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from agents.alarms.annunciator import Evidence
from agents.alarms.wording import quantity
from agents.models.forecasting.time_to_limit import Path, time_to_limit, wording

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from agents.alarm_watch import AlarmWatch
    from agents.alarms.annunciator import Moment
    from agents.models.forecasting.time_to_limit import Reaches
    from agents.models.unit_models import Foresaid
    from agents.signal_table import Signal
    from schemas.alarm import AlarmTransition
    from schemas.score import ModelRef

TOLD_WITHIN_S = 1800.0
"""An alarm is for what comes soon: a limit that is further away is in the forecast for whoever looks."""

SIDES: dict[str, Literal["low", "high"]] = {
    "low": "low",
    "low_low": "low",
    "high": "high",
    "high_high": "high",
}


@dataclass(frozen=True, slots=True)
class Ahead:
    """A limit that a signal is on its way to; `text` says it to the operator."""

    condition: str
    limit: float
    reaches: Reaches
    text: str


def limits_ahead(foresaid: Foresaid, signals: Sequence[Signal]) -> dict[int, list[Ahead]]:
    """Return by slot the limits that a signal reaches within its horizons, the first one first.

    Only where the model speaks: a silent one knows no more than that everything stays.
    """
    ahead = foresaid.outlooks
    speaks = ~(ahead.silent | ahead.fallback) & np.isfinite(ahead.value)
    lowest = np.where(speaks, ahead.value, np.inf).min(axis=1).tolist()
    highest = np.where(speaks, ahead.value, -np.inf).max(axis=1).tolist()
    found: dict[int, list[Ahead]] = {}
    for slot in np.flatnonzero(speaks.any(axis=1)).tolist():
        if not _may_reach(signals[slot], lowest[slot], highest[slot]):
            continue
        at = speaks[slot]
        path = Path(
            float(foresaid.now[slot]),
            ahead.horizon_s[at],
            ahead.value[slot][at],
            ahead.lower[slot][at],
            ahead.upper[slot][at],
        )
        reached = list(_reached(signals[slot], path, float(ahead.horizon_s[-1]) / 60.0))
        if reached:
            found[slot] = sorted(reached, key=lambda one: one.reaches.minutes)
    return found


def judge_limits_ahead(
    found: Mapping[int, Sequence[Ahead]], model: ModelRef, alarms: AlarmWatch, moment: Moment
) -> list[AlarmTransition]:
    """Let the alarms know of the limits that, by what `model` forecasts, will surely be reached soon."""
    told: list[AlarmTransition] = []
    under_way = alarms.under_way()
    pending = {name for name, condition in under_way if condition == "time_to_limit"}
    for slot, ahead in sorted(found.items()):
        name = alarms.table.signals[slot].name
        first = ahead[0]
        sure = first.reaches.to_minutes is not None
        soon = first.reaches.minutes * 60.0 <= TOLD_WITHIN_S
        beyond = any((name, condition) in under_way for condition in SIDES)
        evidence = Evidence(
            *(first.reaches.minutes * 60.0, "s", TOLD_WITHIN_S), note=f"{first.text}.", model=model
        )
        abnormal = sure and soon and not beyond
        told += alarms.observe(name, "time_to_limit", evidence, moment, abnormal=abnormal)
        pending.discard(name)
    for name in sorted(pending):
        told += alarms.observe(name, "time_to_limit", Evidence(None, "s"), moment, abnormal=False)
    return told


def _may_reach(signal: Signal, lowest: float, highest: float) -> bool:
    """Whether the forecast lies beyond a limit at one of its horizons; most never do."""
    return any(
        definition.limit is not None
        and (
            (SIDES.get(definition.condition) == "low" and lowest <= definition.limit)
            or (SIDES.get(definition.condition) == "high" and highest >= definition.limit)
        )
        for definition, _ in signal.limits
    )


def _reached(signal: Signal, path: Path, longest_minutes: float) -> list[Ahead]:
    reached = []
    for definition, _ in signal.limits:
        side = SIDES.get(definition.condition)
        if side is None or definition.limit is None:
            continue
        reaches = time_to_limit(path, definition.limit, side)
        if reaches is not None:
            limit = quantity(definition.limit, signal.unit_code)
            text = wording(signal.name, limit, reaches, longest_minutes)
            reached.append(Ahead(definition.condition, definition.limit, reaches, text))
    return reached
