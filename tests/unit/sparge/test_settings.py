from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from schemas.errors import SettingsError
from sparge import settings
from sparge.home import Home, Running

if TYPE_CHECKING:
    from pathlib import Path

PASSWORD = "not-to-be-seen"


@pytest.fixture(autouse=True)
def _nothing_is_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in settings.Settings.model_fields:
        monkeypatch.delenv(settings.PREFIX + name.upper(), raising=False)
    monkeypatch.setenv("SPARGE_HOME", str(tmp_path))


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPARGE_BROKER", "")
    assert settings.load().broker is None


def test_a_wrong_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPARGE_BROKER_SECURITY", "TRUST_ME")
    with pytest.raises(SettingsError, match="SPARGE_BROKER_SECURITY"):
        settings.load()


def test_without_a_broker_or_a_database_the_way_to_one_is_said() -> None:
    here = settings.load()
    with pytest.raises(SettingsError) as no_broker:
        here.kafka()
    with pytest.raises(SettingsError) as no_database:
        here.conninfo()
    assert "sparge up" in no_broker.value.next_step
    assert "SPARGE_DATABASE" in no_database.value.next_step


def test_settings_never_show_a_password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPARGE_BROKER_PASSWORD", PASSWORD)
    monkeypatch.setenv("SPARGE_DATABASE", f"postgresql://ada:{PASSWORD}@host/plant")
    assert PASSWORD not in repr(settings.load())


def test_a_child_gets_the_very_same_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPARGE_BROKER", "kafka:9092")
    monkeypatch.setenv("SPARGE_BROKER_CA", "/etc/ca.pem")
    monkeypatch.setenv("SPARGE_BROKER_PASSWORD", PASSWORD)
    monkeypatch.setenv("SPARGE_DATABASE", f"postgresql://ada:{PASSWORD}@host/plant")
    parent = settings.load()
    for name, value in parent.environment().items():
        monkeypatch.setenv(name, value)
    assert settings.load() == parent


def _run_here(home: Home) -> Running:
    running = Running(
        pid=1,
        since_us=0,
        command="up",
        environment={"SPARGE_BROKER": "127.0.0.1:1", "SPARGE_DATABASE": "host=127.0.0.1 port=2"},
    )
    home.tell(running)
    return running


def test_what_is_not_set_is_found_where_sparge_runs(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with home.claim():
        _run_here(home)
        found = settings.reach()
        assert found.kafka().bootstrap == "127.0.0.1:1"
        assert found.conninfo() == "host=127.0.0.1 port=2"
    assert settings.reach().broker is None


def test_what_is_set_wins_over_what_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPARGE_DATABASE", "host=elsewhere")
    home = Home(tmp_path)
    with home.claim():
        _run_here(home)
        found = settings.reach()
    assert found.conninfo() == "host=elsewhere"
    assert found.kafka().bootstrap == "127.0.0.1:1"


def test_a_running_demonstration_is_found_too(tmp_path: Path) -> None:
    home = Home(tmp_path).demo
    with home.claim():
        _run_here(home)
        assert settings.reach().kafka().bootstrap == "127.0.0.1:1"
