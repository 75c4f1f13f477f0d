"""The servers that integration tests run against, one plugin a subject. Started when a test first asks."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

pytest_plugins = ["tests.servers.kafka", "tests.servers.database", "tests.servers.pglite"]

# A loaded machine is no reason to fail: what a property costs is for bench/ to say.
settings.register_profile("sparge", deadline=None)
settings.load_profile("sparge")

_HERE = Path(__file__).resolve().parent


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let tests with servers follow one another in two groups; with `-n 2` unit tests fill what is left."""
    for item in items:
        room, *inner = item.path.relative_to(_HERE).parts
        if room != "unit":
            group = "workers" if inner[0] == "agents" else "servers"
            item.add_marker(pytest.mark.xdist_group(group))
