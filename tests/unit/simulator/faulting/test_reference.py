"""The reference page tells of every fault, and is up to date."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.faulting.kinds import FaultKind
from simulator.faulting.reference import COMMAND, main, page

PAGE = Path(__file__).resolve().parents[4] / "docs" / "reference" / "faults.md"


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), f"Run {COMMAND}"


@pytest.mark.parametrize("kind", FaultKind)
def test_every_kind_has_its_entry(kind: FaultKind) -> None:
    assert page().count(f"### {kind}\n") == 1


def test_the_command_writes_the_page(tmp_path: Path) -> None:
    assert main([str(tmp_path / "faults.md")]) == 0
    assert (tmp_path / "faults.md").read_text(encoding="utf-8") == page()
    assert main([]) == 2
