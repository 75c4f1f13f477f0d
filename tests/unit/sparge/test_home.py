from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from schemas.errors import AlreadyRunning, SettingsError
from sparge.home import Home, Running

if TYPE_CHECKING:
    from pathlib import Path

RUNNING = Running(pid=42, since_us=1, command="up", environment={"SPARGE_DATABASE": "password=secret"})


def test_only_one_supervisor_claims_a_directory(tmp_path: Path) -> None:
    with Home(tmp_path).claim(), pytest.raises(AlreadyRunning), Home(tmp_path).claim():
        pass
    with Home(tmp_path).claim():
        pass


def test_others_see_what_runs_for_as_long_as_it_runs(tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert home.running() is None
    assert not home.starting()
    with home.claim():
        assert home.running() is None
        assert home.starting()
        home.tell(RUNNING)
        assert home.running() == RUNNING
        assert not home.starting()
    assert home.running() is None
    assert not home.starting()


def test_a_file_left_by_a_killed_supervisor_counts_for_nothing(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with home.claim():
        pass
    home.tell(RUNNING)
    assert home.running() is None


def test_only_the_owner_reads_how_to_get_in(tmp_path: Path) -> None:
    home = Home(tmp_path / "new")
    with home.claim():
        home.tell(RUNNING)
        assert stat.S_IMODE(home.run_file.stat().st_mode) == 0o600
        assert stat.S_IMODE(home.path.stat().st_mode) == 0o700


def test_starting_anew_deletes_what_the_embedded_parts_keep_and_nothing_else(tmp_path: Path) -> None:
    home = Home(tmp_path)
    for name in ("kafka", "postgres", "mine"):
        (tmp_path / name).mkdir()
    assert sorted(home.wipe()) == ["kafka", "postgres"]
    assert (tmp_path / "mine").exists()


def test_what_is_deleted_leaves_its_place_before_the_first_file_of_it_goes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = Home(tmp_path)
    (home.kafka / "log").mkdir(parents=True)
    (home.postgres / "cluster").mkdir(parents=True)

    def interrupted(path: Path, **_: object) -> None:
        if path.exists() and any(path.iterdir()):
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("sparge.home.shutil.rmtree", interrupted)
        with pytest.raises(KeyboardInterrupt):
            home.wipe()
    assert not home.kafka.exists()
    assert not home.postgres.exists()
    assert home.wipe() == []
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_cannot_be_made_is_refused_plainly(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match="data directory"), Home(tmp_path / "file" / "home").claim():
        pass
