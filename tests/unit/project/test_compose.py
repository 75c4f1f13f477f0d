"""docker-compose.yml and the image: valid by the compose specification, and safe to start as they are."""

from __future__ import annotations

import json
import re
from importlib.metadata import distribution
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from jsonschema.validators import validator_for

from sparge.settings import PREFIX, Settings
from streams.embedded_kafka import EmbeddedKafka
from tests.unit.project.command_line import parse

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[3]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
ONE_SHOT = {"topics", "migrate"}
WORKERS = {"ingest", "watch", "record", "maintain"}
OURS = ONE_SHOT | WORKERS
SECRET = re.compile(r"PASSWORD|SECRET|TOKEN", re.IGNORECASE)


def strings(value: object) -> Iterator[str]:
    """Every text anywhere in a part of the file."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield str(key)
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)
    else:
        yield str(value)


def specification() -> dict[str, Any]:
    """The compose specification's JSON schema, as a development requirement carries it (never imported)."""
    path = distribution("check-jsonschema").locate_file(
        "check_jsonschema/builtin_schemas/vendor/compose-spec.json"
    )
    schema: dict[str, Any] = json.loads(Path(str(path)).read_bytes())
    return schema


def violations(compose: dict[str, Any]) -> list[str]:
    schema = specification()
    return [error.message for error in validator_for(schema)(schema).iter_errors(compose)]


def test_the_file_is_valid_by_the_compose_specification() -> None:
    assert violations(COMPOSE) == []


def test_the_specification_refuses_a_misspelt_key() -> None:
    assert violations({**COMPOSE, "services": {"kafka": {"image": "apache/kafka", "restarts": "always"}}})


def test_it_holds_a_broker_a_database_and_every_worker() -> None:
    assert set(SERVICES) == {"kafka", "timescaledb"} | OURS


@pytest.mark.parametrize("name", sorted(set(SERVICES) - ONE_SHOT))
def test_what_stays_is_restarted_and_its_health_is_looked_at(name: str) -> None:
    assert SERVICES[name]["restart"] == "unless-stopped"
    assert SERVICES[name]["healthcheck"]["test"][0] == "CMD"


@pytest.mark.parametrize("name", sorted(ONE_SHOT))
def test_what_runs_once_is_tried_again_but_not_for_ever(name: str) -> None:
    assert re.fullmatch(r"on-failure:\d+", SERVICES[name]["restart"])
    assert SERVICES[name]["healthcheck"] == {"disable": True}


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_nothing_waits_for_a_service_that_is_merely_started(name: str) -> None:
    for other, how in SERVICES[name].get("depends_on", {}).items():
        finished = "service_completed_successfully" if other in ONE_SHOT else "service_healthy"
        assert how == {"condition": finished}, f"{name} -> {other}"


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_a_password_has_no_default(name: str) -> None:
    for key, value in SERVICES[name].get("environment", {}).items():
        if SECRET.search(key):
            assert re.fullmatch(r"\$\{SPARGE_\w+:\?[^}]+\}", value), f"{name}.{key}"
    for text in strings(SERVICES[name]):
        assert not re.search(r"://[^/@\s]*:[^/@\s]+@", text), f"{name}: a password in an address"


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_ports_are_published_on_the_loopback_only(name: str) -> None:
    for port in SERVICES[name].get("ports", []):
        assert port.startswith("127.0.0.1:")


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_images_are_pinned_and_memory_is_bounded(name: str) -> None:
    image, _, tag = SERVICES[name]["image"].partition(":")
    assert re.match(r"\d+\.\d+\.\d+", tag), image
    assert SERVICES[name]["mem_limit"]


def test_the_broker_is_the_version_that_is_tested() -> None:
    assert SERVICES["kafka"]["image"] == f"apache/kafka:{EmbeddedKafka.version}"
    assert SERVICES["kafka"]["environment"]["KAFKA_PROCESS_ROLES"] == "broker,controller"


def test_data_lie_in_volumes_with_names() -> None:
    used = {
        volume.partition(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])
    }
    assert used == set(COMPOSE["volumes"])


@pytest.mark.parametrize("name", sorted(OURS))
def test_every_command_is_one_of_the_command_line(name: str) -> None:
    parse(SERVICES[name]["command"])
    check = SERVICES[name]["healthcheck"].get("test")
    if check:
        assert check[:2] == ["CMD", "sparge"]
        parse(check[2:])


@pytest.mark.parametrize("name", sorted(OURS))
def test_every_sparge_variable_is_a_setting(name: str) -> None:
    settings = {PREFIX + field.upper() for field in Settings.model_fields}
    given = {key for key in SERVICES[name]["environment"] if key.startswith(PREFIX)}
    assert given <= settings


def test_each_worker_runs_in_a_service_of_its_own() -> None:
    assert {name: SERVICES[name]["command"] for name in WORKERS} == {
        **{name: ["worker", name] for name in WORKERS - {"maintain"}},
        "maintain": ["maintain", "--every", "30s"],
    }


def test_the_way_to_an_alarm_knows_no_database() -> None:
    assert "timescaledb" not in SERVICES["watch"]["depends_on"]
    assert not {"SPARGE_DATABASE", "PGPASSWORD"} & SERVICES["watch"]["environment"].keys()


@pytest.mark.parametrize("name", sorted(OURS))
def test_our_containers_may_do_no_more_than_they_must(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]


def dockerfile() -> list[list[str]]:
    """The instructions of the Dockerfile, each as its word and the rest."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    return [line.split(None, 1) for line in text.splitlines() if line and not line.startswith("#")]


def test_the_image_runs_as_an_ordinary_user_with_a_fixed_number() -> None:
    assert [rest for word, rest in dockerfile() if word == "USER"] == ["10001"]


def test_the_image_installs_by_hash_from_the_lock() -> None:
    installs = [rest for word, rest in dockerfile() if word == "RUN" and "pip install" in rest]
    assert len(installs) == 2
    assert "--require-hashes -r requirements-server.lock" in installs[0]
    assert "--no-deps --no-build-isolation" in installs[1]


def test_the_image_holds_every_room_and_nothing_else() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    kept = {line[1:] for line in lines if line.startswith("!")}
    assert lines[0] == "*"
    rooms = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"bench"}
    assert kept == rooms | {"pyproject.toml", "README.md", "LICENSE", "requirements-server.lock"}
