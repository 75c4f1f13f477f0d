"""The servers that integration tests run against, one plugin a subject. Started when a test first asks."""

from __future__ import annotations

from hypothesis import settings

pytest_plugins = ["tests.servers.kafka", "tests.servers.database", "tests.servers.pglite"]

# A loaded machine is no reason to fail: what a property costs is for bench/ to say.
settings.register_profile("sparge", deadline=None)
settings.load_profile("sparge")
