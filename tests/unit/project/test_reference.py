"""docs/reference: every variable that the code reads is described, and none that it does not."""

from __future__ import annotations

import re
from pathlib import Path

from schemas.errors import Reason
from sparge.settings import PREFIX, Settings

ROOT = Path(__file__).resolve().parents[3]
ROW = re.compile(r"^\| `(\w+)` \| (.+?) \| (.+?) \|$", re.MULTILINE)
READ_BESIDE_THE_SETTINGS = {"SPARGE_DEBUG"}


def described(heading: str) -> dict[str, str]:
    """Variable -> default, of the table under a heading of the configuration page."""
    text = (ROOT / "docs" / "reference" / "configuration.md").read_text(encoding="utf-8")
    section = text.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return {name: default for name, default, _ in ROW.findall(section)}


def test_every_setting_is_described_and_nothing_else() -> None:
    settings = {PREFIX + field.upper() for field in Settings.model_fields}
    assert described("What every process reads").keys() == settings | READ_BESIDE_THE_SETTINGS


def test_a_described_default_is_the_default() -> None:
    defaults = {PREFIX + name.upper(): field.default for name, field in Settings.model_fields.items()}
    for name, default in described("What every process reads").items():
        if default.startswith("`"):
            assert default.strip("`") == defaults[name]


def test_every_variable_of_the_compose_file_is_described_with_its_default() -> None:
    compose = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    read = dict(re.findall(r"\$\{(\w+):[-?]([^}]*)\}", compose))
    table = described("What `docker-compose.yml` reads")
    assert table.keys() == read.keys()
    for name, default in table.items():
        if default.startswith("`"):
            assert default.strip("`") == read[name]


def test_every_reason_of_a_dead_letter_is_explained() -> None:
    page = (ROOT / "docs" / "how-to" / "bad-input-and-dead-letters.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE) == [str(reason) for reason in Reason]
