"""The code in README and docs, run as it stands against a real broker, a real worker and a real database."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any, LiteralString

import psycopg
import pytest

from streams import topics as declarations
from tests.unit.project.documents import ROOT, Block, blocks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from streams.connection import Broker

README = ROOT / "README.md"
WITHIN_S = 40.0
INNER_VIEW = "sample_run"
"""Other views are made of it; nobody needs to ask it."""
STORED: LiteralString = "SELECT count(*) FROM sparge.samples WHERE unit = 'BR-07'"


@pytest.fixture
def ingest(
    topics: Broker, store_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Broker]:
    """A running `sparge worker ingest`, its servers named in the environment."""
    monkeypatch.setenv("SPARGE_BROKER", topics.bootstrap)
    monkeypatch.setenv("SPARGE_DATABASE", store_database)
    monkeypatch.setenv("SPARGE_HOME", str(tmp_path))
    worker = subprocess.Popen([sys.executable, "-m", "sparge", "worker", "ingest"], env=os.environ)
    try:
        yield topics
    finally:
        worker.send_signal(signal.SIGTERM)
        worker.wait(20)


def run(block: Block, broker: Broker) -> dict[str, Any]:
    """Run a block of Python as a person would who has put in the address of his broker; return its names."""
    names: dict[str, Any] = {}
    exec(block.text.replace("localhost:9092", broker.bootstrap), names)  # noqa: S102 - the project's own pages
    return names


def wait_until_stored(database: str, samples: int) -> None:
    deadline = time.monotonic() + WITHIN_S
    with psycopg.connect(database, autocommit=True) as connection:
        while connection.execute(STORED).fetchone() != (samples,):
            assert time.monotonic() < deadline, "what was published is not stored"
            time.sleep(0.2)


def test_what_the_pages_publish_is_what_the_pages_query(ingest: Broker, store_database: str) -> None:
    python = [block for block in blocks("python") if "from sparge import" in block.text]
    publishing = [block for block in python if "Publisher" in block.text]
    asking = [block for block in python if "Client" in block.text]
    published = {block.page for block in publishing}
    assert published == {README, ROOT / "docs/how-to/publish-from-a-device.md"}
    assert asking
    for block in publishing:
        run(block, ingest)
    wait_until_stored(store_database, 2 + 3 * 3)
    for block in asking:
        assert run(block, ingest)["do"] == [39.8] * 4
    with psycopg.connect(store_database) as connection:
        for block in blocks("sql"):
            done = connection.execute(block.text.encode())
            if block.page in published:
                assert len(done.fetchall()) == 4, block


def test_every_view_that_the_readme_names_is_there(store_database: str) -> None:
    listed = re.search(
        r"Views for SQL\].*?, all in the schema `sparge`: (.*?)\n\n", README.read_text("utf-8"), re.DOTALL
    )
    assert listed is not None
    with psycopg.connect(store_database) as connection:
        rows = connection.execute("SELECT viewname FROM pg_views WHERE schemaname = 'sparge'").fetchall()
    views = {name for (name,) in rows} - {INNER_VIEW}
    assert set(re.findall(r"`(\w+)`", listed[1])) == views


def test_a_topic_is_declared_as_the_page_says() -> None:
    (block,) = [block for block in blocks("python") if "Topic(" in block.text]
    names = dict(vars(declarations))
    exec(block.text, names)  # noqa: S102 - the project's own page
    assert names["LAB_RESULTS"].config()["message.timestamp.type"] == "LogAppendTime"
