from __future__ import annotations

import math

import pytest

from schemas.errors import BrokerUnreachable, SpargeError
from sparge import terminal


def test_an_error_is_shown_in_two_layers(capsys: pytest.CaptureFixture[str]) -> None:
    error = BrokerUnreachable(
        "Kafka is away.", kept="all of it", next_step="sparge up", detail="_TRANSPORT [pH]"
    )
    terminal.show_error(error, debug=False)
    assert capsys.readouterr().err.splitlines() == [
        "error: Kafka is away.",
        "not lost: all of it",
        "next: sparge up",
        "detail: _TRANSPORT [pH]",
    ]


def test_the_way_to_an_error_is_shown_only_on_demand(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SpargeError) as raised:
        raise SpargeError("Away.")
    terminal.show_error(raised.value, debug=True)
    assert "Traceback" in capsys.readouterr().err


def test_a_table_keeps_each_row_on_one_line_however_long(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.say(terminal.text_table(["signal", "value"], [["DO", "39.8"], ["x" * 300, "1"]], right=[1]))
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert lines[2].endswith("39.8")
    assert lines[3].endswith("   1")


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (39.8, "%", "39.8 %"),
        (6.95, "[pH]", "6.95 pH"),
        (37.0, "Cel", "37 °C"),
        (45.304, "mmol.L-1.h-1", "45.304 mmol.L-1.h-1"),
        (900.0, "{#}.min-1", "900 rpm"),
        (math.nan, "%", "no value"),
        (None, "%", "no value"),
    ],
)
def test_values_are_shown_with_their_unit(value: float | None, unit: str, shown: str) -> None:
    assert terminal.show_value(value, unit) == shown
