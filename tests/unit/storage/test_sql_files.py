from __future__ import annotations

import re
from pathlib import Path

import storage
from storage.migrate import latest, migrations

ROOM = Path(storage.__file__).parent


def test_migrations_are_numbered_from_one_without_a_gap() -> None:
    assert [m.version for m in migrations()] == list(range(1, latest() + 1))


def test_every_statement_in_a_file_is_used_and_every_one_used_is_in_a_file() -> None:
    source = "\n".join(path.read_text() for path in ROOM.rglob("*.py"))
    files = {path.stem for path in (ROOM / "sql").glob("*.sql")}
    named = set(re.findall(r'"([a-z_]+)"', source))
    named |= {f"{table}_{verb}" for table in ("models", "source_logs") for verb in ("add", "find")}
    assert files <= named
    assert set(re.findall(r'statement\("([a-z_]+)"\)', source)) <= files
