"""The servers that integration tests run against, one plugin a subject. Started when a test first asks."""

from __future__ import annotations

pytest_plugins = ["tests.servers.kafka", "tests.servers.database"]
