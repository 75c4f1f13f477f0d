"""The locks: complete, by hash, from no address, and in step with pyproject.toml."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[3]
LOCKS = {
    "requirements.lock": (("server", "embedded"), ("build",)),
    "requirements-server.lock": (("server",), ("build",)),
    "requirements-dev.lock": (("server", "embedded"), ("dev",)),
}
ENTRY = re.compile(
    r"^(?P<requirement>\S.*?)(?P<hashes>( \\\n    --hash=sha256:[0-9a-f]{64})+)$", re.MULTILINE
)


def entries(lock: str) -> dict[str, list[Requirement]]:
    """The pinned requirements of a lock by name; a name has several where versions of Python differ."""
    found: dict[str, list[Requirement]] = {}
    for match in ENTRY.finditer((ROOT / lock).read_text(encoding="utf-8")):
        requirement = Requirement(match["requirement"])
        found.setdefault(canonicalize_name(requirement.name), []).append(requirement)
    return found


def wanted(extras: tuple[str, ...], groups: tuple[str, ...]) -> list[Requirement]:
    """What pyproject.toml asks for, with these extras and dependency groups."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    lines: list[str] = list(project["project"]["dependencies"])
    for extra in extras:
        lines += project["project"]["optional-dependencies"][extra]
    for group in groups:
        lines += group_lines(project["dependency-groups"], group)
    return [Requirement(line) for line in lines]


def group_lines(groups: dict[str, list[Any]], group: str) -> list[str]:
    lines: list[str] = []
    for entry in groups[group]:
        lines += [entry] if isinstance(entry, str) else group_lines(groups, entry["include-group"])
    return lines


@pytest.mark.parametrize("lock", LOCKS)
def test_every_line_of_a_lock_belongs_to_a_pinned_and_hashed_requirement(lock: str) -> None:
    rest = ENTRY.sub("", (ROOT / lock).read_text(encoding="utf-8"))
    assert rest.strip() == ""
    for name, requirements in entries(lock).items():
        for requirement in requirements:
            assert [pin.operator for pin in requirement.specifier] == ["=="], name


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_address(lock: str) -> None:
    assert not re.search(r"://|--(extra-)?index|--find-links| @ ", (ROOT / lock).read_text(encoding="utf-8"))


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_satisfies_what_pyproject_asks_for(lock: str) -> None:
    locked = entries(lock)
    for requirement in wanted(*LOCKS[lock]):
        name = canonicalize_name(requirement.name)
        assert name in locked, f"{name} is not locked; run: make lock ARGS='-P {name}'"
        for pinned in locked[name]:
            (pin,) = pinned.specifier
            assert requirement.specifier.contains(pin.version), (
                f"{pinned} is not {requirement}; run: make lock"
            )


@pytest.mark.parametrize("lock", ["requirements-server.lock", "requirements-dev.lock"])
def test_tests_and_images_run_the_very_versions_of_the_runtime(lock: str) -> None:
    runtime, other = entries("requirements.lock"), entries(lock)
    for name in runtime.keys() & other.keys():
        assert {str(one.specifier) for one in runtime[name]} == {str(one.specifier) for one in other[name]}
