"""The rules of the house that no linter knows: arrows, sizes, names, no copies, nothing of one machine."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest
from importlinter import api

ROOT = Path(__file__).resolve().parents[3]
ROOMS = ("schemas", "streams", "agents", "storage", "analysis", "simulator", "sparge")
MODULES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py"))
LARGEST = 600
COPIED_LINES = 12
"""So many equal lines in two places are one idea written twice."""


def tracked() -> list[Path]:
    """Every text file under version control."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("not a checkout: there is no list of files")
    paths = [ROOT / name for name in listed.stdout.split("\0") if name]
    return [path for path in paths if path.is_file() and b"\0" not in path.read_bytes()[:1024]]


def lines_of_code(path: Path) -> list[tuple[int, str]]:
    """The lines that say something, without indentation; imports are alike in every module and left out."""
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        text = line.strip()
        if len(text) > 3 and not text.startswith(("#", "from ", "import ")):
            found.append((number, text))
    return found


def test_arrows_between_the_rooms_point_one_way() -> None:
    configuration = api.read_configuration(str(ROOT / "pyproject.toml"))
    assert len(configuration["contracts_options"]) == 3
    lint_imports = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([lint_imports, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_is_small_and_named_after_what_it_does(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LARGEST
    assert not re.search(r"util|helper|manager|misc|common", path.stem)


def test_no_passage_of_code_stands_in_two_places() -> None:
    seen: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for path in MODULES:
        lines = lines_of_code(path)
        for start in range(len(lines) - COPIED_LINES + 1):
            window = lines[start : start + COPIED_LINES]
            seen[tuple(text for _, text in window)].append(f"{path.relative_to(ROOT)}:{window[0][0]}")
    copies = [places for places in seen.values() if len(places) > 1]
    assert copies == []


def test_nothing_committed_names_a_place_of_one_machine() -> None:
    forbidden = re.compile(r"(?<![\w.])/(work|root|home/\w+)/|/tmp/[a-z]")
    for path in tracked():
        if path != Path(__file__):
            match = forbidden.search(path.read_text(encoding="utf-8", errors="replace"))
            assert not match, f"{path.relative_to(ROOT)}: {match and match.group()}"
