"""The built wheel, installed in a new environment far from the checkout, is the whole of Sparge."""

from __future__ import annotations

import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.acceptance.conftest import ROOT
from tests.acceptance.person import Person, caller

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

UV = str(Path(sys.executable).with_name("uv"))
WITH_DOWNLOADS_S = 420.0


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    build = [UV, "build", "--quiet", "--wheel", "--no-build-isolation", "--python", sys.executable]
    subprocess.run([*build, "--out-dir", str(folder), str(ROOT)], check=True)
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def person() -> Iterator[Person]:
    with caller() as somebody:
        yield somebody


@pytest.fixture(scope="module")
def sparge(person: Person, wheel: Path) -> str:
    """The command of a new environment with the wheel and the locked versions of what it needs."""
    environment = person.folder / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    # The caller's download cache is used: what is tested is the wheel, not the network.
    install = [UV, "pip", "install", "--quiet", "--python", str(environment / "bin" / "python")]
    constraints = ["--constraint", str(ROOT / "requirements.lock")]
    subprocess.run([*install, *constraints, f"{wheel}[server,embedded]"], check=True)
    return str(environment / "bin" / "sparge")


def test_the_wheel_holds_every_room_with_its_data_and_no_tests(wheel: Path) -> None:
    held = set(zipfile.ZipFile(wheel).namelist())
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    rooms = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"bench"}
    wanted = {name for name in listed.stdout.splitlines() if name.partition("/")[0] in rooms}
    assert wanted <= held
    assert {name.partition("/")[0] for name in held if ".dist-info/" not in name} == rooms


def test_sparge_doctor_runs_from_the_wheel(person: Person, sparge: str) -> None:
    output = person.run([sparge, "doctor"], person.folder, within_s=60)
    assert "0 failed" in output


@pytest.mark.timeout(WITH_DOWNLOADS_S + 60)
def test_sparge_demo_runs_from_the_wheel_on_the_embedded_database(
    person: Person, sparge: str, measured: Callable[[str], None]
) -> None:
    began_s = time.monotonic()
    output = person.run([sparge, "demo", "--until-alert"], person.folder, WITH_DOWNLOADS_S)
    measured(f"sparge demo --until-alert from the wheel, with downloads: {time.monotonic() - began_s:.0f} s")
    assert "PostgreSQL" in output
    assert person.left_behind() == []
