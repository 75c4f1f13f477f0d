"""The broker's jars, from a Maven repository of our own: what is not what was pinned is never run."""

from __future__ import annotations

import functools
import hashlib
import http.server
import threading
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import pytest

from schemas.errors import DownloadFailed
from streams.kafka_jars import DownloadProgress, Jar, fetch

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONTENT = b"class files" * 1000
PATH = PurePosixPath("org/example/broker/1.0/broker-1.0.jar")
PINNED = Jar(PATH, hashlib.sha256(CONTENT).hexdigest())


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder behind the repository."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    folder = tmp_path / "repository"
    (folder / PATH).parent.mkdir(parents=True)
    (folder / PATH).write_bytes(CONTENT)
    return folder


@pytest.fixture
def url(repository: Path) -> Iterator[dict[str, str]]:
    handler = functools.partial(_Quiet, directory=str(repository))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield {"own": f"http://127.0.0.1:{server.server_port}"}
        server.shutdown()
        thread.join()


def test_a_jar_is_downloaded_once_and_its_progress_is_told(url: dict[str, str], tmp_path: Path) -> None:
    told: list[DownloadProgress] = []
    paths = fetch(tmp_path / "cache", told.append, jars=[PINNED], repositories=url)
    assert [path.read_bytes() for path in paths] == [CONTENT]
    assert told[-1].name == "broker-1.0.jar"
    assert told[-1].done_bytes == len(CONTENT)
    assert fetch(tmp_path / "cache", jars=[PINNED], repositories={"nowhere": "http://127.0.0.1:9"}) == paths


def test_a_jar_that_is_not_the_pinned_one_is_deleted_and_refused(
    url: dict[str, str], repository: Path, tmp_path: Path
) -> None:
    (repository / PATH).write_bytes(b"something else")
    with pytest.raises(DownloadFailed, match="not the file that Sparge was tested with") as refusal:
        fetch(tmp_path / "cache", jars=[PINNED], repositories=url)
    assert "SPARGE_BROKER" in refusal.value.next_step
    assert list((tmp_path / "cache").rglob("*.jar")) == []


def test_a_jar_damaged_in_the_cache_is_replaced(url: dict[str, str], tmp_path: Path) -> None:
    (damaged,) = fetch(tmp_path / "cache", jars=[PINNED], repositories=url)
    damaged.write_bytes(CONTENT[:-1])
    (mended,) = fetch(tmp_path / "cache", jars=[PINNED], repositories=url)
    assert mended.read_bytes() == CONTENT


def test_without_a_network_the_cause_and_the_next_step_are_said(tmp_path: Path, repository: Path) -> None:
    del repository
    with pytest.raises(DownloadFailed, match="could not be downloaded") as refusal:
        fetch(tmp_path / "cache", jars=[PINNED], repositories={"nowhere": "http://127.0.0.1:9"})
    assert "network" in refusal.value.next_step
