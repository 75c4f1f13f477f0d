"""What the champions see, as alarms: few, each after it has lasted, none where another alarm has told it."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

import numpy as np

from agents.alarm_watch import GONE
from agents.alarms.annunciator import Evidence
from agents.alarms.definition import UNIT
from agents.alarms.wording import quantity
from agents.models.lineup import QUIET

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from agents.alarm_watch import AlarmWatch
    from agents.alarms.annunciator import Key, Moment
    from agents.alarms.machine import Alarm
    from agents.models.seat import Seat, Whole
    from agents.models.unit_models import UnitModels
    from schemas.alarm import AlarmTransition
    from schemas.signals import SignalSpec

FROM_MODELS = frozenset({"anomaly", "time_to_limit", "drift"})

STILL = "is still suspected, and told of by"

MOST_SHOWN = 999.0
"""A score above it says no more to an operator."""


def judge_anomalies(models: UnitModels, alarms: AlarmWatch, moment: Moment) -> list[AlarmTransition]:
    """Let the alarms know whether the champions suspect the unit, or single signals of it.

    A signal of which another alarm has been raised, or that is part of a suspected whole, gets no second one;
    what only answers gets none.
    """
    told = []
    champions = [seat for seat in models.champions() if seat.choice.kind not in QUIET]
    worst = max(
        (seat for seat in champions if seat.whole is not None and seat.whole.suspect),
        key=lambda seat: 0.0 if seat.whole is None else seat.whole.score,
        default=None,
    )
    looks = models.looks_like()
    names = [signal.name for signal in alarms.table.signals]
    of_unit = _of_unit(worst, looks, names) or _over((UNIT, "anomaly"), models, alarms)
    told += alarms.observe(UNIT, "anomaly", of_unit, moment, abnormal=worst is not None)
    under_way = alarms.under_way()
    told_of = {
        name: condition
        for (name, condition), alarm in under_way.items()
        if condition not in FROM_MODELS and alarm.raised
    }
    whole_told = worst is not None and _raised(UNIT, under_way)
    pending = {name for name, condition in under_way if condition == "anomaly" and name != UNIT}
    for slot, seat in _suspected(champions):
        signal = alarms.table.signals[slot]
        name = signal.name
        pending.discard(name)
        elsewhere = ""
        if name in told_of:
            elsewhere = f"{STILL} its alarm {told_of[name].replace('_', ' ')}"
        elif whole_told or (worst is not None and not _raised(name, under_way)):
            # One that has been raised stands until the unit's has been raised in its place.
            elsewhere = f"{STILL} the alarm of the unit as a whole"
        abnormal = not elsewhere and not answers(signal.spec)
        evidence = Evidence(
            *(_shown(float(seat.score[slot])), "1", _limit(seat)),
            limit_text=_until(seat, float(seat.score[slot])),
            note=" ".join(filter(None, [_reading(seat, slot, signal.unit_code), _words(looks, name)])),
            model=seat.choice.recipe.ref,
            ended=elsewhere,
        )
        told += alarms.observe(name, "anomaly", evidence, moment, abnormal=abnormal)
    for name in sorted(pending):
        evidence = _over((name, "anomaly"), models, alarms)
        told += alarms.observe(name, "anomaly", evidence, moment, abnormal=False)
    return told


def end_forecast_alarms(models: UnitModels, alarms: AlarmWatch, moment: Moment) -> list[AlarmTransition]:
    """Let a time to limit end whose model has gone out of service: nobody forecasts what would end it."""
    told = []
    for key in sorted(alarms.under_way()) if models.faults else ():
        name, condition = key
        evidence = alarms.evidence(key)
        model = None if evidence is None else evidence.model
        if condition == "time_to_limit" and model is not None and models.out_of_service(model):
            ended = f"is no longer forecast: its model {model.name} {model.version} {GONE}"
            told += alarms.observe(name, condition, Evidence(None, "s", ended=ended), moment, abnormal=False)
    return told


def answers(spec: SignalSpec | None) -> bool:
    """Whether a controller moves the signal, or it counts what a pump gave.

    It answers to the process; whether it does as it is told is judged by relations (models/attribution.py).
    """
    if spec is None:
        return False
    flow = spec.signal_class == "gas" and spec.unit == "L.min-1"
    return flow or spec.signal_class == "equipment" or spec.reading in {"held", "total"}


def _raised(name: str, under_way: Mapping[Key, Alarm]) -> bool:
    alarm = under_way.get((name, "anomaly"))
    return alarm is not None and alarm.raised


def _suspected(champions: list[Seat]) -> Iterator[tuple[int, Seat]]:
    """Yield the slot of each suspected signal, with the champion that suspects it most."""
    found: dict[int, Seat] = {}
    for seat in champions:
        for slot in np.flatnonzero(seat.doubts).tolist() if np.count_nonzero(seat.doubts) else ():
            if slot not in found or seat.score[slot] > found[slot].score[slot]:
                found[slot] = seat
    yield from sorted(found.items())


def _over(key: Key, models: UnitModels, alarms: AlarmWatch) -> Evidence:
    """What an anomaly ends by that no champion suspects: an all-clear only where its model still judges."""
    before = alarms.evidence(key)
    model = None if before is None else before.model
    if model is None or not models.out_of_service(model):
        return Evidence(None, "1")
    called = f"{model.name} {model.version}"
    others = f"is no longer judged by {called}, which {GONE}"
    nobody = f"is no longer judged: its model {called} {GONE}"
    return Evidence(None, "1", ended=others if _judged(key[0], models, alarms) else nobody)


def _judged(name: str, models: UnitModels, alarms: AlarmWatch) -> bool:
    """Whether one of the champions that may alarm has a say of a signal, or of the unit as a whole."""
    champions = [seat for seat in models.champions() if seat.choice.kind not in QUIET]
    if name == UNIT:
        return any(seat.whole is not None for seat in champions)
    slots = [slot for slot, signal in enumerate(alarms.table.signals) if signal.name == name]
    return any(isfinite(seat.value[slot]) for seat in champions for slot in slots)


def _of_unit(seat: Seat | None, looks: Whole | None, names: Sequence[str]) -> Evidence | None:
    if seat is None or seat.whole is None:
        return None
    reasons = [seat.whole.reason] if seat.whole.looks_like is None else []
    most = ", ".join(names[slot] for slot in seat.whole.most)
    blamed = f"Most of it comes from {most}." if most else ""
    note = " ".join(filter(None, [blamed, *reasons, _words(looks)]))
    score, until = _shown(seat.whole.score), _until(seat, seat.whole.score)
    return Evidence(score, "1", _limit(seat), limit_text=until, note=note, model=seat.choice.recipe.ref)


def _reading(seat: Seat, slot: int, unit_code: str) -> str:
    """What the signal reads and what was expected; empty where the model does not say."""
    value, expected = float(seat.value[slot]), float(seat.expected[slot])
    off = value - expected
    if not isfinite(off):
        return ""
    side = "above" if off > 0.0 else "below"
    by, was = quantity(float(f"{abs(off):.2g}"), unit_code), quantity(expected, unit_code)
    return f"It reads {quantity(value, unit_code)}, {by} {side} the expected {was}."


def _until(seat: Seat, score: float) -> str:
    """How the limit reads where what was suspected has fallen below it, but not far enough."""
    if seat.clear_below is None or score >= seat.suspect_at:
        return ""
    return f"{seat.suspect_at:g} until below {seat.clear_below:g}"


def _words(looks: Whole | None, name: str | None = None) -> str:
    """What it is taken for, with the evidence; empty where nobody can tell, or it is not of signal `name`."""
    if looks is None or (name is not None and looks.about is not None and name not in looks.about):
        return ""
    if looks.looks_like in {None, "unknown"}:
        return looks.reason
    return f"It looks like {_TAKEN_FOR[str(looks.looks_like)]}. {looks.reason}".rstrip()


_TAKEN_FOR = {"process": "the process", "sensor": "a sensor"}


def _limit(seat: Seat) -> float | None:
    return seat.suspect_at if np.isfinite(seat.suspect_at) else None


def _shown(score: float) -> float:
    return min(round(score, 1), MOST_SHOWN)
