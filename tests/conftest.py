"""The servers that integration tests run against, one plugin a subject. Started when a test first asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import settings
from xdist.scheduler.loadscope import LoadScopeScheduling

if TYPE_CHECKING:
    import pytest
    from xdist.remote import Producer

pytest_plugins = ["tests.servers.kafka", "tests.servers.database", "tests.servers.pglite"]

# A loaded machine is no reason to fail: what a property costs is for bench/ to say.
settings.register_profile("sparge", deadline=None)
settings.load_profile("sparge")

# Much of these is waiting, for a database, a broker or a watchdog.
BROKEN = ("test_back_pressure.py", "test_broker_killed.py", "test_watchdog.py", "test_record.py")


class Rooms(LoadScopeScheduling):  # type: ignore[misc]  # xdist has no types
    """Tests with servers follow one another in four groups; unit tests fill what is left.

    Written here because xdist's own groups are not heeded under pytest 9.2.
    """

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.partition("::")[0]
        if "/unit/" in path:
            return path
        if "/acceptance/" in path:
            return "acceptance"
        if "/integration/agents/" not in path:
            return "servers"
        return "broken" if path.endswith(BROKEN) else "workers"


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Rooms:
    """Hand tests out by room."""
    return Rooms(config, log)
