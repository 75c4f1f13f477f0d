"""A fresh clone on a machine with Python and nothing else: one command leads to the first alert."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

import pytest

from tests.acceptance.person import Person, caller, ordinary_user

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

WITH_DOWNLOADS_S = 600.0
ALERT_S = 180.0
STOP_S = 10.0
AFTER_THE_START = re.compile(r"is stored and was read back.*\((\d+) s after the start\)", re.DOTALL)
QUERY = re.compile(r"query it in another terminal: (.*)")


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
    took_s = time.monotonic() - began_s
    alert = AFTER_THE_START.search(output)
    assert alert, output
    assert float(alert[1]) < ALERT_S
    assert "do: Stop the feed." in output
    measured(
        f"fresh clone, {person.name}: {took_s:.0f} s to the end of make demo ARGS=--until-alert, with all "
        f"downloads; the alert {alert[1]} s after the start of sparge demo"
    )
    assert person.left_behind() == []


@pytest.mark.timeout(ALERT_S + 120)
def test_the_command_that_the_demo_prints_answers_while_it_runs_and_ctrl_c_ends_all(
    person: Person, clone: Path, measured: Callable[[str], None]
) -> None:
    with person.at_a_terminal(["make", "demo"], clone) as terminal:
        terminal.wait_for(AFTER_THE_START, ALERT_S)
        command = QUERY.search(terminal.text)
        assert command, terminal.text
        answer = person.run(["sh", "-c", command[1]], person.folder, within_s=30)
        assert "agitation" in answer
        took_s = terminal.ctrl_c(within_s=STOP_S)
    assert "no process is left" in terminal.text
    measured(f"Ctrl-C in make demo, {person.name}: all ended after {took_s:.1f} s")
    assert person.left_behind() == []
