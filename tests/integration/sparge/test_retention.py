"""`sparge retention`: rules and legal holds by name, each change audited, carried into a rebuilt database."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import psycopg
import pytest

from schemas.batch import BatchEvent
from storage.migrate import migrate
from storage.records import StoredEvent
from storage.store import Store
from tests.integration.sparge.command_line import CommandLine
from tests.servers.database import new_database

START_US = 1_790_000_000_000_000


@pytest.fixture
def sparge(store_database: str, tmp_path: Path) -> CommandLine:
    tell(store_database, "north")
    return CommandLine(tmp_path, SPARGE_DATABASE=store_database)


def tell(database: str, *members: str) -> None:
    """A batch B-1 of each member in north/BR-01, one after another."""
    with Store(database, application="test") as store:
        store.register_log("record", "cluster", {"batch.events": "batch-id"}, {"batch.events": 1})
        for offset, member in enumerate(members):
            fields: dict[str, Any] = {"site": "north", "unit": "BR-01", "batch": "B-1", "member": member}
            event = BatchEvent(event="start", time_us=START_US + offset * 1_000_000, **fields)
            with store.transaction("record", [("batch.events", 0)]) as transaction:
                transaction.write_batch_events(
                    [StoredEvent(event, {}, "batch.events", 0, offset, START_US + offset)]
                )


def audit(database: str) -> list[tuple[str, dict[str, Any]]]:
    with psycopg.connect(database) as connection:
        return connection.execute("SELECT what, detail FROM sparge.audit ORDER BY audit_id").fetchall()


def test_a_rule_is_set_changed_and_taken_away_and_the_audit_has_each_change(
    sparge: CommandLine, store_database: str
) -> None:
    assert "everything is kept for ever" in sparge.done("retention", "list")
    sparge.done("retention", "set", "raw", "90", "--member", "north")
    assert "as before" in sparge.done("retention", "set", "raw", "90", "--member", "north")
    sparge.done("retention", "set", "raw", "30", "--member", "north")
    assert sparge.done("retention", "list").splitlines()[2].split() == ["raw", "any", "north", "30"]
    sparge.done("retention", "unset", "raw", "--member", "north")
    assert "There is no rule for raw of member north." in sparge.refused(
        "retention", "unset", "raw", "--member", "north"
    )
    assert [(what, detail.get("keep_days")) for what, detail in audit(store_database)] == [
        ("retention rule set", 90),
        ("retention rule set", 30),
        ("retention rule unset", None),
    ]


def test_a_rule_for_what_does_not_exist_is_refused_or_said_to_apply_to_nothing(sparge: CommandLine) -> None:
    assert "There is no level daily. The levels are raw, 1s" in sparge.refused(
        "retention", "set", "daily", "9"
    )
    assert "There is no class gasses." in sparge.refused("retention", "set", "raw", "9", "--class", "gasses")
    assert "0 days cannot be kept" in sparge.refused("retention", "set", "raw", "0")
    assert "applies to nothing yet" in sparge.done("retention", "set", "raw", "9", "--member", "nort")
    assert "applies to nothing yet: raw of member nort" in sparge.done("retention", "list")


def test_a_hold_on_a_wrong_name_says_so(sparge: CommandLine, store_database: str) -> None:
    hold = ("retention", "hold", "north/BR-01")
    told = sparge.refused(*hold, "B-2", "--reason", "inspection")
    assert "There is no batch B-2 in north/BR-01. The latest batches there are B-1." in told
    assert "No batch is known there." in sparge.refused(
        "retention", "hold", "north/BR-09", "B-1", "--reason", "inspection"
    )
    tell(store_database, "north", "south")
    assert "a batch of north and of south" in sparge.refused(*hold, "B-1", "--reason", "inspection")
    sparge.done(*hold, "B-1", "--member", "south", "--reason", "inspection")
    assert audit(store_database)[-1] == (
        "legal hold placed",
        {"unit": "north/BR-01", "batch": "B-1", "member": "south", "reason": "inspection"},
    )


def test_a_hold_is_placed_once_shown_and_released(sparge: CommandLine, store_database: str) -> None:
    named = ("north/BR-01", "B-1", "--reason", "inspection of March")
    sparge.done("retention", "hold", *named)
    assert "as before" in sparge.done("retention", "hold", *named)
    assert "inspection of March" in sparge.done("retention", "list")
    sparge.done("retention", "release", *named)
    assert "under no legal hold" in sparge.refused("retention", "release", *named)
    assert [what for what, _ in audit(store_database)] == ["legal hold placed", "legal hold released"]


def test_rules_holds_and_audit_are_carried_into_a_database_where_the_numbers_are_others(
    sparge: CommandLine, store_database: str, tmp_path: Path
) -> None:
    sparge.done("retention", "set", "raw", "90")
    sparge.done("retention", "hold", "north/BR-01", "B-1", "--reason", "inspection")
    file = str(tmp_path / "keeping.json")
    sparge.done("retention", "save", file)
    with new_database(store_database) as rebuilt:
        migrate(rebuilt)
        there = CommandLine(tmp_path, SPARGE_DATABASE=rebuilt)
        assert "Not known here yet, so not held: B-1 of north in north/BR-01." in there.refused(
            "retention", "load", file
        )
        assert "everything is kept for ever" in there.done("retention", "list"), "no rule before every hold"
        tell(rebuilt, "south", "north")
        for _ in range(2):
            assert "1 rules and 1 holds are in force" in there.done("retention", "load", file)
        assert there.done("retention", "list") == sparge.done("retention", "list")
        assert [entry for entry in audit(rebuilt) if "taken up" not in entry[0]] == audit(store_database)


PAGE = Path(__file__).resolve().parents[3] / "docs" / "how-to" / "back-up-and-restore.md"
PLANT = "sites: {north: {BR-01: {area: hall}}}\n"


def test_what_only_the_database_has_survives_a_rebuild_as_the_page_says(
    sparge: CommandLine, store_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("plant.yaml").write_text(PLANT, encoding="utf-8")
    section = (
        PAGE.read_text(encoding="utf-8").partition("## What only the database has\n")[2].partition("\n## ")[0]
    )
    before, after = (block.partition("```")[0].strip().splitlines() for block in section.split("```sh\n")[1:])
    sparge.done("plant", "apply", "plant.yaml")
    sparge.done("retention", "set", "raw", "90")
    sparge.done("retention", "hold", "north/BR-01", "B-1", "--reason", "inspection")
    for command in before:
        sparge.done(*shlex.split(command)[1:])
    with new_database(store_database) as rebuilt:
        migrate(rebuilt)
        tell(rebuilt, "north")
        there = CommandLine(tmp_path, SPARGE_DATABASE=rebuilt)
        for command in after:
            there.done(*shlex.split(command)[1:])
        assert there.done("retention", "list") == sparge.done("retention", "list")
        with psycopg.connect(rebuilt) as connection:
            assert connection.execute("SELECT area FROM sparge.unit").fetchall() == [("hall",)]


def test_a_file_of_something_else_is_refused(sparge: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "other.json"
    for content in (
        b"{",
        b'{"rules": 1}',
        b'{"rules": [], "holds": [{}], "audit": []}',
    ):
        file.write_bytes(content)
        sparge.refused("retention", "load", str(file))
