"""What a sick reading says of its device, and how good its value still is."""

from __future__ import annotations

from typing import get_args

import pytest

from schemas.ne107 import Ne107, SignalClass, Symptom, diagnosis, status
from schemas.signals import DICTIONARY
from schemas.status import Severity, Status, severity_of

SEVERITY = {
    Ne107.FAILURE: Severity.BAD,
    Ne107.CHECK: Severity.BAD,
    Ne107.OUT_OF_SPECIFICATION: Severity.UNCERTAIN,
    Ne107.MAINTENANCE: Severity.GOOD,
}


@pytest.mark.parametrize("verdict", Ne107)
@pytest.mark.parametrize("signal_class", get_args(SignalClass))
@pytest.mark.parametrize("symptom", get_args(Symptom))
def test_a_status_signal_of_namur_has_one_severity_of_opc_ua(
    verdict: Ne107, signal_class: SignalClass, symptom: Symptom
) -> None:
    assert severity_of(status(symptom, verdict, signal_class)) is SEVERITY[verdict]


@pytest.mark.parametrize(
    ("name", "symptom", "expected"),
    [
        ("pH", "out_of_range", Status.BAD_SENSOR_FAILURE),
        ("pH", "frozen", Status.BAD_SENSOR_FAILURE),
        ("pH", "stale", Status.BAD_NO_COMMUNICATION),
        ("pH", "rate", Status.UNCERTAIN_SENSOR_NOT_ACCURATE),
        ("agitation", "out_of_range", Status.BAD_DEVICE_FAILURE),
        ("DO_setpoint", "out_of_range", Status.BAD_CONFIGURATION_ERROR),
        ("OTR", "out_of_range", Status.UNCERTAIN_SUB_NORMAL),
        ("glucose", "out_of_range", Status.BAD_OUT_OF_SERVICE),
    ],
)
def test_a_symptom_means_what_the_signals_class_says(name: str, symptom: Symptom, expected: Status) -> None:
    assert DICTIONARY[name].status(symptom) is expected


def test_an_entry_overrides_its_class() -> None:
    own = diagnosis("process", {"frozen": "M"})
    assert own.frozen is Ne107.MAINTENANCE
    assert own.stale is diagnosis("process").stale


def test_a_letter_that_namur_does_not_have_is_refused() -> None:
    with pytest.raises(ValueError, match="frozen"):
        diagnosis("process", {"frozen": "X"})
