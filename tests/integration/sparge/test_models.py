"""Models are changed by people, each change recorded; a batch replayed gives what was stored."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

import psycopg
import pytest
import yaml

from schemas.frame import SensorFrame, SignalColumn
from streams.admin import ensure_topics
from streams.publisher import Publisher
from streams.tail import read_all
from streams.topics import MODELS_REGISTRY
from tests.integration.sparge.command_line import CommandLine
from tests.servers.kafka import delete_topics

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from streams.connection import Broker

UNIT = "north/BR-01"
WITHIN_S = 60.0
FRAME_S = 10
FRAMES = 120
"""Twenty minutes: longer than the baseline of the residual."""

LAST_SCORED = """
SELECT 1 FROM sparge.scores AS s
WHERE s.signal = 'pH' AND s.model LIKE 'one-step%' AND s.time >= (
    SELECT max(x.time) - interval '9 s' FROM sparge.samples AS x HAVING count(*) = 2400
)
"""
"""Every sample is stored, and the last frame is scored."""

RECIPE = {
    "name": "my-holt",
    "version": "1",
    "about": "Level and trend of my own.",
    "layer": "own-residual",
    "step_s": 5,
    "baseline_steps": 60,
    "author": "M. Okafor",
    "estimator": [{"model": "time_series.HoltWinters", "parameters": {"alpha": 0.3, "beta": 0.05}}],
}


@pytest.fixture
def sparge(topics: Broker, store_database: str, tmp_path: Path) -> CommandLine:
    """A command line with a broker of empty topics and a new database."""
    delete_topics(topics)
    ensure_topics(topics)
    return CommandLine(tmp_path / "home", SPARGE_BROKER=topics.bootstrap, SPARGE_DATABASE=store_database)


@pytest.fixture
def working(sparge: CommandLine) -> Iterator[CommandLine]:
    """The same, with the three workers."""
    with (
        sparge.running("worker", "watch"),
        sparge.running("worker", "ingest"),
        sparge.running("worker", "record"),
    ):
        yield sparge


def wait_for(database: str, query: str) -> list[tuple[object, ...]]:
    """Rows of a query, once there are any."""
    deadline = time.monotonic() + WITHIN_S
    with psycopg.connect(database, autocommit=True) as connection:
        while not (found := connection.execute(query.encode()).fetchall()):
            assert time.monotonic() < deadline, f"waited in vain for {query}"
            time.sleep(0.3)
        return found


def publish(broker: Broker, began_us: int) -> None:
    """Twenty minutes of a unit whose signals swing, at once."""
    with Publisher(broker.bootstrap, site="north", unit="BR-01", device="probe") as publisher:
        for number in range(FRAMES):
            times = [began_us + (number * FRAME_S + second) * 1_000_000 for second in range(FRAME_S)]
            swing = [math.sin(number * FRAME_S + second) for second in range(FRAME_S)]
            publisher.send(
                SensorFrame(
                    site="north",
                    unit="BR-01",
                    device="probe",
                    epoch=1,
                    sequence=number,
                    time_us=times,
                    signals={
                        "DO": SignalColumn(unit="%", values=[40.0 + 0.3 * one for one in swing]),
                        "pH": SignalColumn(unit="[pH]", values=[7.0 + 0.01 * one for one in swing]),
                    },
                )
            )


def test_a_recipe_of_ones_own_is_registered_promoted_and_rolled_back_by_name(
    sparge: CommandLine, topics: Broker, store_database: str, tmp_path: Path
) -> None:
    file = tmp_path / "recipe.yaml"
    file.write_text(yaml.safe_dump(RECIPE))
    with sparge.running("worker", "record"):
        assert "one-step-residual@" in sparge.done("models", "list")
        sparge.refused("models", "register", str(file), code=2)
        assert "is no person" in sparge.refused(
            *("models", "register", str(file), "--by", "system", "--why", "Better.", "--organism", "E. coli")
        )
        named = ("--by", "M. Okafor", "--why", "Fewer nuisances.", "--organism", "E. coli")
        said = sparge.done("models", "register", str(file), *named)
        assert "snapshot and resume" in said
        assert "is a challenger for own-residual, E. coli" in said
        assert "already" in sparge.refused("models", "register", str(file), *named)
        sparge.refused("models", "promote", "nobody", *named)
        assert "is the champion for own-residual, E. coli" in sparge.done(
            "models", "promote", "my-holt", *named
        )
        card = sparge.done("models", "show", "my-holt@1")
        for part in ("champion since", "by M. Okafor: Fewer nuisances.", "HoltWinters", "River 0.", "0 true"):
            assert part in card
        back = ("models", "rollback", "own-residual", "--organism", "E. coli", "--by", "A. Lindqvist")
        assert "is a challenger again" in sparge.done(*back, "--why", "It missed the leak of Monday.")
        assert "No model is champion" in sparge.refused(*back, "--why", "Twice.")
        sparge.done("models", "retire", "my-holt", *named)
        assert "my-holt" not in sparge.done("models", "list")
        assert "retired" in sparge.done("models", "list", "--all")
        wait_for(store_database, "SELECT 1 FROM sparge.models WHERE model = 'my-holt' AND role = 'retired'")
    told = wait_for(
        store_database,
        "SELECT event, who FROM sparge.model_events WHERE model = 'my-holt' AND void = '' ORDER BY time",
    )
    assert told == [
        ("registered", "M. Okafor"),
        ("promoted", "M. Okafor"),
        ("rolled_back", "A. Lindqvist"),
        ("retired", "M. Okafor"),
    ]
    assert len(list(read_all(topics, MODELS_REGISTRY.name))) >= len(told) + 2


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"estimator": [{"model": "os.system"}]}, "cannot name os.system"),
        ({"river": "0.1"}, "is made for River 0.1"),
        ({"step_s": 3}, "is not a multiple of 5"),
        (
            {
                "estimator": [
                    {
                        "model": "anomaly.QuantileFilter",
                        "parameters": {
                            "q": 0.9,
                            "anomaly_detector": {"model": "preprocessing.StandardScaler"},
                        },
                    }
                ]
            },
            "does not pass every check",
        ),
    ],
)
def test_a_recipe_that_is_wrong_is_refused_and_nothing_is_registered(
    sparge: CommandLine, topics: Broker, tmp_path: Path, changes: dict[str, object], reason: str
) -> None:
    file = tmp_path / "recipe.yaml"
    file.write_text(yaml.safe_dump({**RECIPE, **changes}))
    assert reason in sparge.refused("models", "register", str(file), "--by", "M. Okafor", "--why", "Mine.")
    said = [record.value or b"" for record in read_all(topics, MODELS_REGISTRY.name)]
    assert not any(b"my-holt" in body for body in said)


@pytest.mark.timeout(240)
def test_a_batch_is_replayed_bit_by_bit_and_what_differs_is_named(
    working: CommandLine, topics: Broker, store_database: str, tmp_path: Path
) -> None:
    file = tmp_path / "recipe.yaml"
    file.write_text(yaml.safe_dump(RECIPE))
    working.done("models", "register", str(file), "--by", "M. Okafor", "--why", "To be seen.")
    began_us = int(time.time() * 1e6) - FRAMES * FRAME_S * 1_000_000
    at = ("--time", f"{FRAMES * FRAME_S + 30}s ago")
    working.done("batch", "start", UNIT, "B1", "--member", "institute", "--organism", "E. coli", *at)
    publish(topics, began_us)
    wait_for(store_database, LAST_SCORED)
    asked = ("models", "replay", "--batch", "B1", "--model", "one-step-residual")
    assert "Identical, bit by bit." in working.done(*asked)
    assert "Identical, bit by bit." in working.done(*asked[:-1], "my-holt")
    roles = "SELECT DISTINCT role FROM sparge.scores WHERE model = 'my-holt'"
    assert wait_for(store_database, roles) == [("challenger",)]
    beside = working.done("models", "compare", "one-step-residual", "my-holt", "--last", "1d")
    assert "samples" in beside
    ahead = working.done("models", "compare", "direct-forecast", "direct-forecast", "--last", "1d")
    assert "came true" in ahead
    assert "1.000" in ahead
    wrong = "UPDATE sparge.score SET score = score + 1 WHERE ctid = (SELECT min(ctid) FROM sparge.score)"
    with psycopg.connect(store_database, autocommit=True) as connection:
        connection.execute(wrong)
    ended = working.run(*asked)
    assert ended.code == 1
    assert "1 different" in ended.stdout
    assert "no input is known to differ" in ended.stdout
    assert "No batch B2 is stored" in working.refused(*asked[:3], "B2", *asked[4:])
    compared = working.done("models", "compare", "one-step-residual", "one-step-residual", "--last", "1d")
    assert "100.00%" in compared


@pytest.mark.timeout(240)
def test_a_verdict_is_kept_against_what_raised_the_alarm(
    working: CommandLine, topics: Broker, store_database: str
) -> None:
    assert "No alarm" in working.refused("models", "verdict", f"{UNIT}/DO/low", "true", "--by", "K. Jansen")
    with Publisher(topics.bootstrap, site="north", unit="BR-01", device="probe") as publisher:
        began_us = int(time.time() * 1e6) - 600_000_000
        for second in range(600):
            publisher.add(began_us + second * 1_000_000, {"DO": 40.0 if second < 10 else 1.0})
    wait_for(store_database, "SELECT 1 FROM sparge.alarm_history WHERE signal = 'DO' AND event = 'raised'")
    alarm = wait_for(
        store_database, "SELECT alarm_id FROM sparge.alarm_history WHERE signal = 'DO' AND event = 'raised'"
    )[0][0]
    verdict = ("models", "verdict", str(alarm))
    assert "is no verdict" in working.refused(*verdict, "maybe", "--by", "K. Jansen")
    assert "no model" in working.done(*verdict, "known-work", "--by", "K. Jansen", "--why", "Calibrating.")
    assert wait_for(store_database, "SELECT verdict, who, why, model FROM sparge.verdicts") == [
        ("known_work", "K. Jansen", "Calibrating.", None)
    ]
