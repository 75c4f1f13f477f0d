"""A fresh clone on a machine with Python and nothing else: one command leads to the first alert."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.acceptance.person import Person, caller, ordinary_user

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

WITH_DOWNLOADS_S = 600.0
ALERT_S = 240.0
STOP_S = 10.0


@pytest.fixture(scope="module", params=[caller, ordinary_user], ids=["caller", "ordinary user"])
def person(request: pytest.FixtureRequest) -> Iterator[Person]:
    with request.param() as somebody:
        yield somebody


@pytest.fixture(scope="module")
def clone(person: Person, bundle: Path) -> Path:
    return person.clone(bundle)


@pytest.mark.timeout(WITH_DOWNLOADS_S + 60)
def test_make_demo_leads_from_nothing_to_a_stored_alert(
    person: Person, clone: Path, measured: Callable[[str], None]
) -> None:
    began_s = time.monotonic()
    output = person.run(["make", "demo", "ARGS=--until-alert"], clone, WITH_DOWNLOADS_S)
    measured(f"fresh clone to the end of make demo, {person.name}: {time.monotonic() - began_s:.0f} s")
    assert output
    assert person.left_behind() == []
