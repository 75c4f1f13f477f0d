"""Models are changed by people, each change recorded; a batch replayed gives what was stored."""

from __future__ import annotations

import json
import math
import time
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
import yaml
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from agents.models.contenders import SHIPPED, read
from agents.models.river_state import RIVER
from schemas.frame import SensorFrame, SignalColumn
from schemas.model_event import ModelContext
from schemas.score import UnitScore
from sparge.model_registry import find_anywhere, registry_of, tell
from sparge.model_replay import replay, told
from storage.store import Store
from streams.admin import ensure_topics
from streams.publisher import Publisher
from streams.tail import read_all
from streams.topics import FRAMES as FRAMES_LOG
from streams.topics import MODELS_REGISTRY
from tests.integration.sparge.command_line import CommandLine
from tests.integration.storage.frames import register
from tests.integration.storage.test_results import scored, source
from tests.servers.kafka import delete_topics

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from agents.model_replay import Differences
    from streams.connection import Broker

UNIT = "north/BR-01"
WITHIN_S = 120.0
FRAME_S = 10
FRAMES = 120
"""Twenty minutes: longer than the baseline of the residual."""
CHANGED = 110

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


def publish(
    broker: Broker,
    began_us: int,
    first: int = 0,
    last: int = FRAMES,
    *,
    unit: str = "BR-01",
    off: float = 0.0,
) -> None:
    """Frames of a unit whose signals swing, at once, pH `off` its place; without more, twenty minutes."""
    with Publisher(broker.bootstrap, site="north", unit=unit, device="probe") as publisher:
        for number in range(first, last):
            times = [began_us + (number * FRAME_S + second) * 1_000_000 for second in range(FRAME_S)]
            swing = [math.sin(number * FRAME_S + second) for second in range(FRAME_S)]
            # Nothing is read while it changes: not so fast that its rate alarms.
            acidity = [None if off and number == CHANGED else 7.0 + off + 0.01 * one for one in swing]
            publisher.send(
                SensorFrame(
                    site="north",
                    unit=unit,
                    device="probe",
                    epoch=1,
                    sequence=number,
                    time_us=times,
                    signals={
                        "DO": SignalColumn(unit="%", values=[40.0 + 0.3 * one for one in swing]),
                        "pH": SignalColumn(unit="[pH]", values=acidity),
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
        assert "In each unit it learns first, and speaks after 7 min 30 s of samples" in said
        sparge.refused("models", "promote", "nobody", *named)
        promoted = sparge.done("models", "promote", "my-holt", *named)
        assert "is the champion for own-residual, E. coli" in promoted
        assert "No figures justify it: it has judged nothing beside a champion." in promoted
        undo = "rollback own-residual --organism 'E. coli' --by NAME --why REASON"
        assert promoted.splitlines()[-1].endswith(undo)
        card = sparge.done("models", "show", "my-holt@1")
        for part in ("champion since", "by M. Okafor: Fewer nuisances.", "HoltWinters", "River 0.", "0 true"):
            assert part in card
        back = ("models", "rollback", "own-residual", "--organism", "E. coli", "--by", "A. Lindqvist")
        returned = sparge.done(*back, "--why", "It missed the leak of Monday.")
        assert "is a challenger again" in returned
        undo = "promote my-holt@1 --layer own-residual --organism 'E. coli' --by NAME --why REASON"
        assert returned.splitlines()[-1].endswith(undo)
        assert "No model is champion" in sparge.refused(*back, "--why", "Twice.")
        sparge.done("models", "retire", "my-holt", *named)
        assert "my-holt" not in sparge.done("models", "list")
        assert "retired" in sparge.done("models", "list", "--all")
        wait_for(store_database, "SELECT 1 FROM sparge.models WHERE model = 'my-holt' AND role = 'retired'")
    recorded = wait_for(
        store_database,
        "SELECT event, who FROM sparge.model_events WHERE model = 'my-holt' AND void = '' ORDER BY time",
    )
    assert recorded == [
        ("registered", "M. Okafor"),
        ("promoted", "M. Okafor"),
        ("rolled_back", "A. Lindqvist"),
        ("retired", "M. Okafor"),
    ]
    assert len(list(read_all(topics, MODELS_REGISTRY.name))) >= len(recorded) + 2


def test_what_is_mistyped_is_refused_in_plain_words_and_nothing_is_said(
    sparge: CommandLine, topics: Broker, tmp_path: Path
) -> None:
    file = tmp_path / "recipe.yaml"
    file.write_bytes(b"name: \xff")
    signed = ("--by", "K. Jansen", "--why", "Seen.")
    promote = ("models", "promote", "one-step-residual")
    for arguments, reason in (
        ((*promote, *signed[:2], "--why", " "), "--why is empty"),
        ((*promote, *signed, "--unit", "foo"), "'foo' names no unit"),
        ((*promote, *signed, "--scale", "5..1"), "is no span of volumes"),
        (("models", "verdict", f"{UNIT}/DO/low", "true", "--by", " "), "--by is empty"),
        (("models", "register", str(file), *signed), "is not text in UTF-8"),
        (("models", "check", str(file)), "is not text in UTF-8"),
        (("models", "list", "--unit", "no/where"), "There is no unit no/where"),
        (
            ("models", "compare", *("one-step-residual",) * 2, "--unit", "no/where"),
            "There is no unit no/where",
        ),
    ):
        complaint = sparge.refused(*arguments)
        assert reason in complaint
        assert "pydantic" not in complaint
    assert not any(b"K. Jansen" in (record.value or b"") for record in read_all(topics, MODELS_REGISTRY.name))


def test_a_promotion_whose_comparison_could_not_be_had_says_so(topics: Broker, tmp_path: Path) -> None:
    delete_topics(topics)
    ensure_topics(topics)
    make_known(topics, QUICK, "residual")
    nowhere = CommandLine(
        tmp_path, SPARGE_BROKER=topics.bootstrap, SPARGE_DATABASE="postgresql://nobody@127.0.0.1:1/none"
    )
    told = nowhere.done(
        *(
            "models",
            "promote",
            "quick-residual",
            "--organism",
            "E. coli",
            "--by",
            "K. Jansen",
            "--why",
            "Seen.",
        )
    )
    assert "No figures justify it: they could not be had. The database at 127.0.0.1:1/none" in told
    assert "it has judged nothing" not in told


def test_a_list_says_who_is_silent_and_why_and_programs_read_it_too(sparge: CommandLine) -> None:
    listed = sparge.done("models", "list")
    assert " for envelope, everywhere is silent: not enough batches (0 of 10)." in listed
    assert max(len(line) for line in listed.splitlines()) <= 100
    told = [json.loads(line) for line in sparge.done("models", "list", "--json").splitlines()]
    assert {one["layer"]: one["silent"] for one in told}["envelope"] == "not enough batches (0 of 10)"
    card = json.loads(sparge.done("models", "show", "one-step-residual", "--json"))
    assert card["role"] == "champion"
    assert "name: one-step-residual" in card["recipe"]


def test_a_list_says_who_is_out_of_service_where_and_why(
    sparge: CommandLine, topics: Broker, store_database: str, tmp_path: Path
) -> None:
    assert "out of service" not in sparge.done("models", "list")
    champion = find_anywhere(registry_of(topics), "one-step-residual")
    why = "out of service until the next batch: ZeroDivisionError('injected')"
    word = UnitScore(
        time_us=1_790_000_000_000_000,
        score=0.0,
        suspect=False,
        learned=False,
        contributions=[],
        reason=why,
    )
    told = scored(source(7), "DO").model_copy(update={"model": champion.model, "layer": "residual"})
    with Store(store_database, application="test") as store:
        register(store)
        with store.transaction("ingest", [(FRAMES_LOG.name, 0)]) as writing:
            writing.write_scores([told.model_copy(update={"unit_scores": [word]})])
    named = f"{champion.model.name}@{champion.model.version} for residual, {UNIT}, 2026-09-21 14:13:20"
    said = f"{named}+00:00: {why}"
    assert said in sparge.done("models", "list")
    assert said in sparge.done("models", "list", "--unit", UNIT)
    listed = [json.loads(line) for line in sparge.done("models", "list", "--json").splitlines()]
    assert [one["layer"] for one in listed if one["out_of_service"]] == ["residual"]
    assert f"out of service: {UNIT}, 2026" in sparge.done("models", "show", "one-step-residual")
    nowhere = CommandLine(
        tmp_path, SPARGE_BROKER=topics.bootstrap, SPARGE_DATABASE="postgresql://nobody@127.0.0.1:1/none"
    )
    ended = nowhere.run("models", "list")
    assert "What is out of service is not known: The database at 127.0.0.1:1/none" in ended.stderr
    assert (ended.code, "one-step-residual@" in ended.stdout) == (0, True)


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
    first = working.run(*asked)
    assert "Identical, bit by bit." in first.stdout
    assert "reading what is stored of B1" in first.stderr
    assert "records again, to compare" in first.stderr
    told = json.loads(working.done(*asked, "--json"))
    assert (told["batch"], told["same"], told["different"]) == ("B1", True, 0)
    assert "Identical, bit by bit." in working.done(*asked[:-1], "my-holt")
    roles = "SELECT DISTINCT role FROM sparge.scores WHERE model = 'my-holt'"
    assert wait_for(store_database, roles) == [("challenger",)]
    beside = working.done("models", "compare", "one-step-residual", "my-holt", "--last", "1d")
    assert "samples" in beside
    ahead = working.done("models", "compare", "direct-forecast", "direct-forecast", "--last", "1d")
    assert "came true" in ahead
    assert "mean absolute errors of persistence" in ahead
    wrong = "UPDATE sparge.score SET score = score + 1 WHERE ctid = (SELECT min(ctid) FROM sparge.score)"
    with psycopg.connect(store_database, autocommit=True) as connection:
        connection.execute(wrong)
    ended = working.run(*asked)
    assert ended.code == 1
    assert "1 different" in ended.stdout
    assert "no input is known to differ" in ended.stdout
    assert "No batch B2 is stored. There are B1." in working.refused(*asked[:3], "B2", *asked[4:])
    compared = working.done("models", "compare", "one-step-residual", "one-step-residual", "--last", "1d")
    assert "100.00%" in compared
    beside = working.done(
        *("models", "compare", "one-step-residual", "my-holt"), "--last", "1d", "--unit", UNIT, "--json"
    )
    told = json.loads(beside)
    assert told["samples"]["judged"] > 0
    assert told["second"]["model"] == "my-holt"


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
    assert "is the name of no alarm" in working.refused(
        *verdict[:2], "north/BR-01", "true", "--by", "K. Jansen"
    )
    assert "it is no model's alarm" in working.done(
        *verdict, "known-work", "--by", "K. Jansen", "--why", "Calibrating."
    )
    assert wait_for(store_database, "SELECT verdict, who, why, model FROM sparge.verdicts") == [
        ("known_work", "K. Jansen", "Calibrating.", None)
    ]


QUICK = SHIPPED["residual"].text().replace("name: one-step-residual", "name: quick-residual")
QUICK_NAMED = f"quick-residual@{read(QUICK, 'residual')[1].version}"
SOON = (
    SHIPPED["forecast"]
    .text()
    .replace("name: direct-forecast", "name: soon-forecast")
    .replace("[60, 300, 900, 3600]", "[60, 300]")
)
CHAMPIONS = """
SELECT model, min(time) = min(min(time)) OVER ()
FROM sparge.scores
WHERE unit = 'BR-01' AND model LIKE '%residual' AND role = 'champion'
GROUP BY model
ORDER BY model
"""
IN_THE_SHADOW_AGAIN = """
SELECT 1 FROM sparge.scores WHERE model = 'quick-residual' AND role = 'challenger'
    AND time > (SELECT max(time) - interval '1 min' FROM sparge.samples)
"""
RAISED = """
SELECT model FROM sparge.alarm_history WHERE alarm_id = 'north/BR-01/pH/anomaly' AND event = 'raised'
"""
COUNTED = """
SELECT context, alarm_precision FROM sparge.models WHERE model = 'quick-residual' AND true_alarms = 1
"""
A_LITTLE_OFF = """
UPDATE sparge.score SET score = score * (1 + 1e-12) WHERE (result_id, signal_id, time) = (
    SELECT s.result_id, s.signal_id, s.time
    FROM sparge.score AS s
    JOIN sparge.result AS r USING (result_id)
    JOIN sparge.model AS m USING (model_id)
    WHERE m.name = 'quick-residual' AND s.score > 0.5
    ORDER BY s.time DESC
    LIMIT 1
)
"""
DROP = "DELETE FROM sparge.score WHERE time >= sparge.at_us(%s) AND time < sparge.at_us(%s)"
NOTE_THE_DROP = """
INSERT INTO sparge.signal_upkeep (signal_id, hold_s, raw_dropped)
SELECT signal_id, 3600, tstzmultirange(tstzrange(sparge.at_us(%s), sparge.at_us(%s))) FROM sparge.signal
ON CONFLICT (signal_id) DO UPDATE SET raw_dropped = excluded.raw_dropped
"""
FRAME_20 = """
SELECT f.log_partition, f.log_offset FROM sparge.frame AS f JOIN sparge.unit AS u USING (unit_id)
WHERE u.key = 'north/BR-01' AND f.sequence = 20 AND f.device = 'probe'
"""
E_COLI = ModelContext(organism="E. coli")
NAMED = {"by": "M. Okafor", "why": "To be seen."}


def make_known(broker: Broker, text: str, layer: str, **more: str) -> None:
    """Register a recipe for E. coli without the long checks of the command."""
    _, recipe, _ = read(text, layer)
    about: dict[str, Any] = {"recipe": text, "river_version": RIVER, "layer": layer, "context": E_COLI}
    tell(
        broker,
        registry_of(broker, announce=True),
        "registered",
        **{**about, **NAMED, **more},
        model=recipe.ref,
    )


def again(broker: Broker, database: str, model: str) -> tuple[Differences, str]:
    """A replay of B1, and what it says."""
    outcome = replay(broker, database, find_anywhere(registry_of(broker), model), "B1", member=None)
    return outcome.differences, "\n".join(told(outcome, None))


@pytest.mark.timeout(400)
def test_through_a_promotion_and_a_roll_back_in_mid_batch_every_word_is_of_the_model_in_force(
    working: CommandLine, topics: Broker, store_database: str
) -> None:
    make_known(topics, QUICK, "residual", river_version="0.20.0")
    make_known(topics, SOON, "forecast")
    began_us = int(time.time() * 1e6) - 2_000_000_000
    for unit, batch in ((UNIT, "B1"), ("north/BR-02", "B2")):
        at = ("--time", "2030s ago")
        working.done("batch", "start", unit, batch, "--member", "institute", "--organism", "E. coli", *at)
    for_e_coli = ("--organism", "E. coli", "--by", "M. Okafor", "--why", "To be seen.")
    publish(topics, began_us, 0, 60)
    working.done("models", "promote", "quick-residual", *for_e_coli)
    publish(topics, began_us, 60, CHANGED)
    # A unit that nobody has seen before: the nearest context's champion speaks from its first word on.
    publish(topics, began_us, 60, CHANGED, unit="BR-02")
    publish(topics, began_us, CHANGED, FRAMES, off=0.1)
    wait_for(store_database, LAST_SCORED.replace("one-step%", "quick%").replace("2400", "3400"))
    spoke = "SELECT DISTINCT model, role FROM sparge.scores WHERE unit = 'BR-02' AND model LIKE '%residual'"
    assert wait_for(store_database, spoke) == [("quick-residual", "champion")]

    differences, said = again(topics, store_database, "quick-residual")
    assert differences.none, said
    for part in (
        f"M. Okafor promoted {QUICK_NAMED} for residual, E. coli",
        "is still running",
        f"registered with River 0.20.0, and this is {RIVER}",
    ):
        assert part in said, said
    differences, said = again(topics, store_database, "one-step-residual")
    assert differences.none, said
    assert wait_for(store_database, CHAMPIONS) == [("one-step-residual", True), ("quick-residual", False)]
    for forecaster in ("direct-forecast", "soon-forecast"):
        differences, said = again(topics, store_database, forecaster)
        assert differences.none, said
    beside = working.done("models", "compare", "direct-forecast", "soon-forecast", "--last", "1d")
    assert {"direct-forecast", "soon-forecast", "60"} <= set(beside.split())
    roles = "SELECT DISTINCT model, role FROM sparge.forecasts ORDER BY model"
    assert wait_for(store_database, roles) == [
        ("direct-forecast", "champion"),
        ("soon-forecast", "challenger"),
    ]

    judge_the_anomaly(working, store_database)
    working.done("models", "rollback", "residual", *for_e_coli)
    publish(topics, began_us, FRAMES, FRAMES + 30, off=0.1)
    working.done("batch", "end", UNIT, "--batch", "B1", "--member", "institute")
    publish(topics, began_us, FRAMES + 30, FRAMES + 31, off=0.1)
    wait_for(store_database, IN_THE_SHADOW_AGAIN)
    wait_for(store_database, "SELECT 1 FROM sparge.batches WHERE batch = 'B1' AND until IS NOT NULL")
    for model in ("quick-residual", "one-step-residual", "direct-forecast"):
        differences, said = again(topics, store_database, model)
        assert differences.none, said
        assert f"M. Okafor rolled back {QUICK_NAMED}" in said or model == "direct-forecast"
        assert "still running" not in said
    name_what_differs(working, topics, store_database, began_us)


def judge_the_anomaly(working: CommandLine, database: str) -> None:
    """A verdict on what a model raised counts for that model, where it spoke."""
    assert wait_for(database, RAISED) == [("quick-residual",)]
    verdict = ("models", "verdict", "north/BR-01/pH/anomaly")
    by = ("--by", "K. Jansen")
    assert f"against {QUICK_NAMED} for residual, E. coli." in working.done(*verdict, "nuisance", *by)
    assert "K. Jansen has called north/BR-01/pH/anomaly" in working.refused(*verdict, "nuisance", *by)
    assert "was not raised at" in working.refused(*verdict, "true", *by, "--raised", "1h ago")
    assert "true, instead of nuisance (K. Jansen)" in working.done(*verdict, "true", *by)
    card = working.done("models", "show", "quick-residual")
    assert "E. coli: 1 true, 0 nuisance, 0 known work, precision 100%" in card
    assert wait_for(database, COUNTED) == [("E. coli", 1.0)]


def name_what_differs(working: CommandLine, broker: Broker, database: str, began_us: int) -> None:
    """Corrected samples, dropped scores, a number that is off, frames that are gone: each is named."""
    with Publisher(broker.bootstrap, site="north", unit="BR-01", device="laboratory") as publisher:
        publisher.add(began_us + 300_000_000, {"DO": 33.5})
    wait_for(database, "SELECT 1 FROM sparge.sample_versions WHERE value = 33.5")
    asked = ("models", "replay", "--batch", "B1", "--model", "quick-residual")
    corrected = working.done(*asked)
    assert "Identical, bit by bit." in corrected
    assert "note: A sample of the batch was corrected after it was judged: DO at" in corrected
    assert "and is 33.5 since" in corrected
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(A_LITTLE_OFF)
    ended = working.run(*asked)
    assert (ended.code, "1 within 1e-9" in ended.stdout) == (1, True), ended
    assert "The same within 1e-9." in working.done(*asked, "--near")
    with psycopg.connect(database, autocommit=True) as connection:
        # As retention does with whole days.
        span = (began_us + 400_000_000, began_us + 500_000_000)
        connection.execute(DROP, span)
        connection.execute(NOTE_THE_DROP, span)
    dropped = working.done(*asked, "--near")
    assert "note: Retention has dropped samples and scores of DO, pH from" in dropped
    assert "that retention has dropped from the database: not compared" in dropped
    partition, offset = (int(str(number)) for number in wait_for(database, FRAME_20)[0])
    admin = AdminClient(broker.confluent())
    for deleted in admin.delete_records([TopicPartition(FRAMES_LOG.name, partition, offset)]).values():
        deleted.result()
    ended = working.run(*asked)
    assert ended.code == 1
    assert "note: 20 frames of the unit are no longer in the log, 20 of them recorded since" in ended.stdout
    assert f"to {offset - 1}, recorded" in ended.stdout
    assert "No batch B9 is stored" in working.refused(*asked[:3], "B9", *asked[4:])
    assert "There is no model nobody" in working.refused(*asked[:-1], "nobody")
