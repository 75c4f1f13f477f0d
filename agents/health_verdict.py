"""What signal health has found of a signal, in one word: with its OPC UA status and NE 107 state."""

from __future__ import annotations

from enum import IntEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, cast

from schemas.ne107 import Ne107, Symptom, diagnosis
from schemas.ne107 import status as ne107_status
from schemas.status import Status

if TYPE_CHECKING:
    from collections.abc import Mapping

    from schemas.alarm import Condition
    from schemas.signals import SignalSpec


class Health(IntEnum):
    """From good to worst; of several findings the worst is shown. All but the symptoms' names is GOOD."""

    GOOD = 0
    CLOCK = 1
    SPIKE = 2
    RATE = 3
    CLIPPING = 4
    FROZEN = 5
    STALE = 6
    OUT_OF_RANGE = 7
    OUT_OF_SERVICE = 8

    @property
    def unfit(self) -> bool:
        """Whether a model must not learn from it: a wrong clock leaves the values right."""
        return self > Health.CLOCK


def verdict(health: Health, spec: SignalSpec | None) -> tuple[Status, Ne107 | None]:
    """Return the status of a value in this health and the state of its device, None where nothing is wrong.

    spec: None for a signal outside the dictionary, which is taken for a measuring instrument.
    """
    if health is Health.GOOD:
        return Status.GOOD, None
    symptom = cast("Symptom", health.name.lower())
    meaning = spec.ne107 if spec else diagnosis("process")
    letter: Ne107 = getattr(meaning, symptom)
    return ne107_status(symptom, letter, spec.signal_class if spec else "process"), letter


BY_CONDITION: Mapping[Condition, Health] = MappingProxyType(
    {
        "clock": Health.CLOCK,
        "spike": Health.SPIKE,
        "rate": Health.RATE,
        "clipping": Health.CLIPPING,
        "frozen": Health.FROZEN,
        "stale": Health.STALE,
        "range": Health.OUT_OF_RANGE,
    }
)
"""What an alarm of signal health says of the signal; alarms of the process say nothing of it."""
