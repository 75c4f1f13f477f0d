from __future__ import annotations

import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest
import typer

from schemas.errors import BrokerUnreachable
from sparge import cli
from sparge.layers import LAYERS, brings

CHECKOUT = Path(__file__).parents[3]


def target(entry: cli.Entry) -> object:
    module, _, attribute = entry.target.partition(":")
    return getattr(import_module(f"sparge.commands.{module}"), attribute)


@pytest.mark.parametrize("entry", cli.ENTRIES, ids=lambda entry: entry.name)
def test_a_command_says_of_itself_what_the_list_says_of_it(entry: cli.Entry) -> None:
    found = target(entry)
    if not isinstance(found, typer.Typer):
        assert (found.__doc__ or "").splitlines()[0] == entry.about


@pytest.mark.parametrize("entry", cli.ENTRIES, ids=lambda entry: entry.name)
def test_every_command_has_help(entry: cli.Entry, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run([entry.name, "--help"]) == 0
    assert f"sparge {entry.name}" in capsys.readouterr().out


def test_the_list_of_commands_loads_none_of_them() -> None:
    code = """
import sys
from sparge.cli import run
run(["--help"])
print([name for name in ("confluent_kafka", "faust", "numpy", "psycopg", "pydantic") if name in sys.modules])
"""
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=CHECKOUT
    )
    assert shown.stdout.splitlines()[-1] == "[]"
    assert all(entry.about in shown.stdout for entry in cli.ENTRIES)


def test_a_command_that_is_none_is_not_understood(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["qurey"]) == 2
    assert "query" in capsys.readouterr().err


IN_THE_BASE = (
    *("publish", "simulate", "batch", "alerts", "query"),
    *("deadletters", "doctor", "topics", "plant", "migrate"),
)


@pytest.mark.parametrize("name", IN_THE_BASE)
def test_what_a_device_an_operator_and_an_analyst_need_is_in_the_base_layer(name: str) -> None:
    code = f"""
import sys
from importlib import import_module
from sparge.layers import brings

class Absent:
    def find_spec(self, name, path=None, target=None):
        if brings(name.partition(".")[0]):
            raise ModuleNotFoundError(name, name=name)

sys.meta_path.insert(0, Absent())
import_module("sparge.commands.{name}")
from sparge import Client, Publisher
"""
    subprocess.run([sys.executable, "-c", code], check=True, cwd=CHECKOUT)


def fail_with(error: Exception, monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    def failing() -> None:
        raise error

    def build(_: str | None) -> typer.Typer:
        app = typer.Typer()
        app.command("doomed")(failing)
        app.command("other")(lambda: None)
        return app

    monkeypatch.setattr(cli, "build", build)
    return cli.run(["doomed", *arguments])


def test_a_foreseen_error_is_shown_plainly(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fail_with(BrokerUnreachable("Kafka is away.", next_step="sparge doctor"), monkeypatch) == 1
    shown = capsys.readouterr().err
    assert shown.startswith("error: Kafka is away.")
    assert "Traceback" not in shown


def test_debug_shows_the_way_to_an_error_wherever_it_is_written(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fail_with(BrokerUnreachable("Kafka is away."), monkeypatch, "--debug") == 1
    assert "Traceback" in capsys.readouterr().err


def test_an_unforeseen_error_is_said_to_be_ours(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fail_with(KeyError("what"), monkeypatch) == cli.UNFORESEEN
    assert "Sparge itself failed: KeyError" in capsys.readouterr().err


def test_a_missing_layer_is_named_with_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fail_with(ModuleNotFoundError("No module", name="faust.types"), monkeypatch) == 1
    assert "pip install 'sparge[server]'" in capsys.readouterr().err


def test_ctrl_c_ends_with_the_code_that_shells_expect(monkeypatch: pytest.MonkeyPatch) -> None:
    assert fail_with(KeyboardInterrupt(), monkeypatch) == 130  # type: ignore[arg-type]  # it is no Exception


def test_ctrl_c_while_a_command_is_loaded_shows_no_way_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(_: str | None) -> typer.Typer:
        raise KeyboardInterrupt

    monkeypatch.setattr(cli, "build", load)
    assert cli.run(["up"]) == cli.INTERRUPTED


def test_a_file_that_is_not_there_is_no_fault_of_ours(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fail_with(FileNotFoundError(2, "No such file or directory", "week.txt"), monkeypatch) == 1
    shown = capsys.readouterr().err
    assert shown.startswith("error: week.txt cannot be used: No such file or directory.")
    assert "next:" in shown


def test_layers_are_those_of_the_project() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]
    for layer, requirements in project["optional-dependencies"].items():
        names = [requirement.partition(">=")[0].partition("[")[0] for requirement in requirements]
        assert sorted(names) == sorted(LAYERS[layer].values())
    assert brings("river") == "server"
    assert brings("numpy") is None


def test_the_help_of_maintain_says_that_it_compresses_and_drops(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["maintain", "--help"]) == 0
    said = capsys.readouterr().out
    assert "compressed" in said
    assert "retention" in said
