"""The key of watch's memory: one an installation, made once, never short."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

from schemas.errors import SettingsError
from sparge.settings import Settings
from sparge.state_key import state_key

if TYPE_CHECKING:
    from pathlib import Path


def test_a_key_is_made_at_the_first_start_and_found_at_the_next(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "new")
    assert state_key(settings) == state_key(settings)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["state.key"]


def test_only_its_owner_can_read_it(tmp_path: Path) -> None:
    state_key(Settings(home=tmp_path))
    assert (tmp_path / "state.key").stat().st_mode & 0o077 == 0


def test_two_installations_have_two_keys(tmp_path: Path) -> None:
    assert state_key(Settings(home=tmp_path / "a")) != state_key(Settings(home=tmp_path / "b"))


def test_a_key_that_is_named_goes_before_the_file(tmp_path: Path) -> None:
    named = SecretStr("sixteen letters and more")
    keys = {state_key(Settings(home=tmp_path / name, state_key=named)) for name in ("a", "b")}
    assert len(keys) == 1
    assert not (tmp_path / "a").exists()


def test_a_short_key_is_refused_without_showing_it(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as refused:
        state_key(Settings(home=tmp_path, state_key=SecretStr("hush")))
    assert "hush" not in refused.value.message
    assert "16" in refused.value.message
