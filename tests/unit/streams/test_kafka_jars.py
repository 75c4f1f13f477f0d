"""The list of the broker's jars says one thing, and the code the same."""

from __future__ import annotations

import re

from streams.kafka_jars import KAFKA_VERSION, pinned


def test_every_jar_is_pinned_by_a_sha_256_and_named_once() -> None:
    jars = pinned()
    assert all(re.fullmatch(r"[0-9a-f]{64}", jar.sha256) for jar in jars)
    assert len({jar.path for jar in jars}) == len(jars)


def test_a_path_spells_group_artifact_and_version() -> None:
    for jar in pinned():
        group, artifact, version = jar.coordinates
        assert str(jar.path) == f"{group.replace('.', '/')}/{artifact}/{version}/{artifact}-{version}.jar"


def test_the_brokers_own_jars_are_of_the_version_that_is_told() -> None:
    versions = {jar.coordinates[2] for jar in pinned() if jar.coordinates[0] == "org.apache.kafka"}
    assert versions == {KAFKA_VERSION}
