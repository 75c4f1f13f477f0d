"""`scripts/environment` on machines of all kinds: which Python it takes, what it says where there is none."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[3] / "scripts" / "environment"
TOOLS = ("bash", "cut", "dirname", "sed")

# A stand-in for an interpreter: it judges itself as told, and making an environment ends the run.
STAND_IN = """\
#!/bin/bash
case "$1 $2" in
"-m venv") exit 9 ;;
"-c "*version_info*) exit {verdict} ;;
*) echo 3.x ;;
esac
"""
OK, TOO_OLD, WITHOUT_VENV, SHIM_OF_NOTHING = 0, 3, 4, 127


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A project with the script, and an empty bin with the few tools that it needs."""
    (tmp_path / "project" / "scripts").mkdir(parents=True)
    shutil.copy(SCRIPT, tmp_path / "project" / "scripts")
    (tmp_path / "bin").mkdir()
    for tool in TOOLS:
        found = shutil.which(tool)
        assert found is not None
        (tmp_path / "bin" / tool).symlink_to(found)
    return tmp_path


def put_python(folder: Path, name: str, verdict: int) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(STAND_IN.format(verdict=verdict), encoding="ascii")
    path.chmod(0o755)
    return path


def make_environment(
    machine: Path, *before: Path, python: str | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the script with these folders on PATH before the machine's own bin."""
    path = os.pathsep.join(map(str, [*before, machine / "bin"]))
    return subprocess.run(
        [machine / "bin" / "bash", machine / "project" / "scripts" / "environment", "requirements.lock"],
        env={"PATH": path} | ({"PYTHON": python} if python else {}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_shim_that_does_not_run_is_passed_over(machine: Path) -> None:
    put_python(machine / "shims", "python3", SHIM_OF_NOTHING)
    good = put_python(machine / "bin", "python3", OK)
    assert f"Making .venv with {good} " in make_environment(machine, machine / "shims").stderr


def test_a_newer_python_under_its_own_name_is_taken_where_python3_is_too_old(machine: Path) -> None:
    put_python(machine / "bin", "python3", TOO_OLD)
    good = put_python(machine / "bin", "python3.12", OK)
    assert f"Making .venv with {good} " in make_environment(machine).stderr


def test_a_python_that_can_make_environments_is_preferred_to_one_that_cannot(machine: Path) -> None:
    put_python(machine / "bin", "python3", WITHOUT_VENV)
    good = put_python(machine / "bin", "python3.11", OK)
    assert f"Making .venv with {good} " in make_environment(machine).stderr


def test_it_says_what_to_install_where_python_cannot_make_environments(machine: Path) -> None:
    put_python(machine / "bin", "python3", WITHOUT_VENV)
    done = make_environment(machine)
    assert done.returncode == 1
    assert "apt-get install python3-venv" in done.stderr


def test_it_says_what_to_install_where_there_is_no_python(machine: Path) -> None:
    done = make_environment(machine)
    assert done.returncode == 1
    assert "No Python of at least 3.11 was found" in done.stderr
    assert "apt-get install python3 python3-venv" in done.stderr


def test_a_python_that_the_caller_names_is_the_one_or_none(machine: Path) -> None:
    put_python(machine / "bin", "python3", OK)
    named = put_python(machine / "mine", "snake", OK)
    assert f"Making .venv with {named} " in make_environment(machine, python=str(named)).stderr
    refused = make_environment(machine, python=str(put_python(machine / "mine", "old", TOO_OLD)))
    assert refused.returncode == 1
    assert "is not a Python of at least 3.11 that runs" in refused.stderr
