"""`sparge models check` runs every check on a recipe, and says which it does not pass."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from agents.models.checks import FULL, QUICK, Finding
from schemas.errors import ModelRefused
from sparge import model_check

if TYPE_CHECKING:
    from collections.abc import Callable

    from agents.models.check_unit import Subject

HOLT = """
name: holt
version: "1"
about: "A forecast of each signal."
layer: own-residual
step_s: 10
signals: [DO, pH]
estimator:
  - {model: time_series.HoltWinters, parameters: {alpha: 0.3, beta: 0.05}}
"""


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the suite was asked for; it finds nothing wrong."""
    given: dict[str, Any] = {}

    def examine(subject: Subject, _: Callable[[], float], **more: Any) -> list[Finding]:
        given.update(subject=subject, **more)
        return [Finding("constant input", passed=True), Finding("cost of a step", passed=True, said="12 µs")]

    monkeypatch.setattr(model_check, "examine", examine)
    return given


def test_a_recipe_that_passes_is_shown_check_by_check(
    asked: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    model_check.must_pass(HOLT, None)
    assert asked["subject"].signals == ["DO", "pH"]
    assert (asked["samples"], asked["within_s"]) == (QUICK, model_check.WITHIN_S)
    said = capsys.readouterr().out
    assert "constant input" in said
    assert "12 µs" in said


def test_in_full_it_takes_a_million_samples_however_long_they_take(asked: dict[str, Any]) -> None:
    model_check.must_pass(HOLT, None, full=True)
    assert (asked["samples"], asked["within_s"]) == (FULL, float("inf"))


def test_a_recipe_that_fails_is_refused_and_the_next_command_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = [Finding("one signal", passed=False, said="it raised ZeroDivisionError: 0")]
    monkeypatch.setattr(model_check, "examine", lambda *_, **__: found)
    with pytest.raises(ModelRefused, match="holt 1 does not pass every check") as refused:
        model_check.must_pass(HOLT, None)
    assert "models check" in (refused.value.next_step or "")
    assert "FAILED" in capsys.readouterr().out
