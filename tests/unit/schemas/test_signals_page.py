"""The reference of the signals says what the dictionary says."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest

from schemas.ne107 import SignalClass
from schemas.signals import DICTIONARY
from schemas.signals_page import CLASSES, COMMAND, main, page

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "signals.md"


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text("utf-8") == page(), f"{PAGE.name} is out of date. Run: {COMMAND}"


def test_every_class_of_signals_has_its_table() -> None:
    assert list(CLASSES) == list(get_args(SignalClass))


@pytest.mark.parametrize("name", DICTIONARY)
def test_every_signal_stands_on_it_with_its_unit_and_source(name: str) -> None:
    signal = DICTIONARY[name]
    assert f"| `{name}` | {signal.title} | `{signal.unit}` |" in page()
    assert signal.source in page()


def test_every_row_has_a_cell_for_each_heading() -> None:
    width = 0
    for line in page().splitlines():
        cells = line.count(" | ")
        width = cells if line.startswith(("| signal", "| class")) else width
        if line.startswith("| "):
            assert cells == width, line


def test_the_command_writes_it(tmp_path: Path) -> None:
    assert main([str(tmp_path / "signals.md")]) == 0
    assert (tmp_path / "signals.md").read_text("utf-8") == page()


def test_the_command_without_a_file_says_how_to_type_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert COMMAND in capsys.readouterr().err
