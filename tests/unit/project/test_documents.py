"""README and docs: what they name is there, what they tell people to type is understood."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from agents.alarms.definition import MasterAlarmDatabase, shipped
from agents.alarms.definition import load as load_alarms
from agents.models import own_recipe
from schemas.decoding import decode_frame
from schemas.signals import load
from schemas.units import conversion
from tests.unit.project.command_line import parse, sparge_commands
from tests.unit.project.documents import LANGUAGES, PAGES, ROOT, Block, blocks, links

if TYPE_CHECKING:
    from pathlib import Path

SHELL = blocks("console", "sh")
PATH_IN_CODE = re.compile(r"`([a-z_.]+/[A-Za-z0-9_./-]+\.(?:py|md|yaml|yml|sql|svg|lock))`")

VIEW = re.compile(r"CREATE (?:OR REPLACE )?VIEW sparge\.(\w+)")


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_a_link_leads_to_a_file_of_the_project(page: Path) -> None:
    for target in links(page):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_a_file_that_is_named_exists(page: Path) -> None:
    for path in PATH_IN_CODE.findall(page.read_text(encoding="utf-8")):
        assert (ROOT / path).exists(), path


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_page_can_be_reached_from_the_readme(page: Path) -> None:
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        here = waiting.pop()
        if here in reached:
            continue
        reached.add(here)
        targets = [(here.parent / target).resolve() for target in links(here)]
        waiting += [target for target in targets if target.suffix == ".md" and target.exists()]
        waiting += [path for target in targets if target.is_dir() for path in target.glob("*.md")]
    assert page in reached


def test_no_two_decisions_have_one_number() -> None:
    pages = sorted((ROOT / "docs" / "decisions").glob("*.md"))
    assert [page.name[:4] for page in pages] == [f"{number:04}" for number in range(1, len(pages) + 1)]
    assert [page.read_text(encoding="utf-8")[2:6] for page in pages] == [page.name[:4] for page in pages]


@pytest.mark.parametrize("page", ["README.md", "docs/reference/views.md"])
def test_every_view_is_described(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    migrations = (ROOT / "storage" / "migrations").glob("*.sql")
    made = {v for m in migrations for v in VIEW.findall(m.read_text(encoding="utf-8"))}
    assert {view for view in made - {"sample_run"} if f"`{view}`" not in text} == set()


def test_the_readme_is_read_in_a_few_minutes() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) < 150


def test_every_block_says_its_language() -> None:
    assert [block.place for block in blocks() if block.language not in LANGUAGES] == []


@pytest.mark.parametrize("block", SHELL, ids=lambda block: block.place)
def test_every_command_that_a_page_shows_is_understood(block: Block) -> None:
    for arguments in sparge_commands(block.commands()):
        parse(arguments)


@pytest.mark.parametrize("block", SHELL, ids=lambda block: block.place)
def test_every_make_target_that_a_page_shows_exists(block: Block) -> None:
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    for target in re.findall(r"^make ([a-z]+)", block.commands(), re.MULTILINE):
        assert target in targets


def test_a_signal_is_declared_as_the_page_says() -> None:
    signal, _ = [each for each in blocks("yaml") if each.page.name == "add-a-signal-or-topic.md"]
    for spec in load(signal.text).values():
        conversion("S/m", spec.unit)


def test_a_glass_vessel_gets_its_alarm_as_the_page_says() -> None:
    _, alarm = [each for each in blocks("yaml") if each.page.name == "add-a-signal-or-topic.md"]
    database = MasterAlarmDatabase((*shipped().definitions, *load_alarms(alarm.text).definitions))
    limits = {}
    for unit in ("BR-01", "BR-03"):
        found = database.of_unit("north", unit).get("pressure", "high")
        limits[unit] = found.limit if found else None
    assert limits == {"BR-01": 1.4, "BR-03": 2.3}


def test_a_recipe_of_ones_own_is_written_as_the_page_says() -> None:
    (recipe,) = [each for each in blocks("yaml") if each.page.name == "models.md"]
    assert own_recipe.load(recipe.text).kind() == "detector"


def test_a_frame_is_written_as_the_page_says() -> None:
    (block,) = blocks("json")
    frame = decode_frame(block.text.encode(), b"north/BR-07", recorded_us=1_790_000_001_500_000)
    assert {column.name: column.values.size for column in frame.columns} == {"DO": 2, "pH": 1}
