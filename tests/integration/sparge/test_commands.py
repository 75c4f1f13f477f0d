"""Every command against a real broker and a real database."""

from __future__ import annotations

import csv
import io
import json
import re
import signal
import time
from typing import TYPE_CHECKING

import pytest
from confluent_kafka.admin import AdminClient
from pyarrow import parquet

from schemas.alarm import AlarmState, AlarmTransition
from schemas.deadletter import DeadLetter
from schemas.errors import FrameRefused, Reason
from schemas.source import Source
from schemas.status import Status
from storage.store import Store
from streams.codec import outgoing
from streams.deadletters import DeadLetterProducer, send_back
from streams.tail import read_all
from streams.topics import ALARM_TRANSITIONS, FRAMES
from tests.integration.sparge.command_line import CommandLine

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from streams.connection import Broker

NOW_US = 1_790_000_000_000_000
SIMULATED = 55
"""Signals of a simulated bioreactor."""


@pytest.fixture
def sparge(topics: Broker, store_database: str, tmp_path: Path) -> CommandLine:
    """A command line with a broker and a database."""
    return CommandLine(tmp_path / "home", SPARGE_BROKER=topics.bootstrap, SPARGE_DATABASE=store_database)


@pytest.fixture
def storing(sparge: CommandLine) -> Iterator[CommandLine]:
    """The same, with a worker that stores what is published."""
    with sparge.running("worker", "ingest"):
        yield sparge


def until(look: object, within_s: float = 30.0) -> object:
    """Wait until a look finds something; returns it."""
    assert callable(look)
    deadline = time.monotonic() + within_s
    while not (found := look()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.3)
    return found


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_what_is_published_is_found_by_a_query(storing: CommandLine, tmp_path: Path) -> None:
    said = storing.done(
        *("publish", "--site", "north", "--unit", "BR-01", "DO=39.8", "pH=null", "time=2026-03-01T12:00:00Z")
    )
    assert "2 samples of north/BR-01 were acknowledged" in said
    lines = '{"time": "2026-03-01T12:00:01Z", "DO": 0.1}\n\nDO=0.2 time=2026-03-01T13:00:02+01:00\n'
    assert "2 samples" in storing.done("publish", "--site", "north", "--unit", "BR-01", stdin=lines)
    span = ("--from", "2026-03-01T13:00", "--to", "2026-03-01T13:01", "--zone", "Europe/Berlin")
    asked = ("query", "north/BR-01", "DO", *span, "--format", "csv")
    found = until(lambda: len(rows(storing.run(*asked).stdout)) == 3 and rows(storing.done(*asked)))
    assert isinstance(found, list)
    assert [(row["time"], row["value"], row["ucum"]) for row in found] == [
        ("2026-03-01T13:00:00+01:00", "39.8", "%"),
        ("2026-03-01T13:00:01+01:00", "0.1", "%"),
        ("2026-03-01T13:00:02+01:00", "0.2", "%"),
    ]
    moment = storing.done("query", "north/BR-01", "DO", "pH", "--at", "2026-03-01T12:00:01.5Z")
    assert re.search(r"12:00:01\+00:00 +DO +0.1 +% +Good", moment)
    assert re.search(r"12:00:00\+00:00 +pH +pH +Bad", moment)
    file = tmp_path / "samples.parquet"
    assert "4 rows" in storing.done("query", "BR-01", *span, "--format", "parquet", "--out", str(file))
    assert file.stat().st_size > 0
    limited = storing.run("query", "north/BR-01", "DO", *span, "--limit", "1")
    assert "first 1 rows" in limited.stderr


def test_a_query_that_cannot_be_answered_says_why(sparge: CommandLine) -> None:
    assert "local time" in sparge.refused("query", "north/BR-01", "--at", "2026-03-01T12:00:00")
    assert "no unit north/BR-99" in sparge.refused("query", "north/BR-99")
    assert "--out" in sparge.refused("query", "north/BR-01", "--format", "parquet")


def test_a_signal_outside_the_dictionary_needs_its_unit(storing: CommandLine) -> None:
    one = ("publish", "--site", "north", "--unit", "BR-05", "xylose=3.2")
    assert "--unit-of xylose=g/L" in storing.refused(*one)
    assert "1 sample of" in storing.done(*one, "--unit-of", "xylose=g/L")


def transition(number: int, unit: str, event: str) -> AlarmTransition:
    raised = event == "raised"
    return AlarmTransition(
        source=Source(topic_id="t", topic=FRAMES.name, partition=0, offset=number, index=0),
        site="alarmed",
        unit=unit,
        signal="DO",
        condition="low",
        event="raised" if raised else "cleared",
        state=AlarmState.UNACKNOWLEDGED if raised else AlarmState.NORMAL,
        time_us=NOW_US + number * 1_000_000,
        value=4.2,
        limit=20.0,
        unit_code="%",
        priority="high",
        alarm_class="process",
        message="Dissolved oxygen is low.",
        cause="The stirrer has stopped.",
        consequence="The cells starve of oxygen.",
        action="Restart the stirrer.",
        respond_within_s=120.0,
        since_us=NOW_US,
    )


def test_what_an_alarm_says_of_its_instrument_is_asked_of_the_database(
    sparge: CommandLine, store_database: str, tmp_path: Path
) -> None:
    failed = Status.BAD_SENSOR_FAILURE
    raised = transition(1, "A", "raised").model_copy(
        update={"device_state": "F", "value_status": int(failed), "condition": "range"}
    )
    with Store(store_database, application="test") as store:
        store.register_log("record", "cluster", {ALARM_TRANSITIONS.name: "id"}, {ALARM_TRANSITIONS.name: 1})
        with store.transaction("record", [(ALARM_TRANSITIONS.name, 0)]) as writing:
            writing.write_transitions([raised, transition(2, "A", "raised")])
    span = ("--from", "2026-09-21T14:00Z", "--to", "2026-09-21T15:00Z")
    asked = ("query", "alarmed/A", *span, "--what", "alarms")
    shown = sparge.done(*asked)
    assert "NE 107" in shown
    assert len(re.findall(r"F +BadSensorFailure$", shown, flags=re.MULTILINE)) == 1
    found = rows(sparge.done(*asked, "--format", "csv"))
    assert [(row["device_state"], row["value_status"]) for row in found] == [
        ("F", str(int(failed))),
        ("", ""),
    ]
    file = tmp_path / "alarms.parquet"
    sparge.done(*asked, "--format", "parquet", "--out", str(file))
    assert parquet.read_table(file).column("value_status").to_pylist() == [int(failed), None]


def tell(broker: Broker, number: int, unit: str, event: str) -> None:
    key, value, headers = outgoing(transition(number, unit, event))
    send_back(broker, ALARM_TRANSITIONS.name, key, value, headers)


def test_alarms_come_from_the_topic_while_there_is_no_database(topics: Broker, tmp_path: Path) -> None:
    sparge = CommandLine(
        tmp_path / "home", SPARGE_BROKER=topics.bootstrap, SPARGE_DATABASE="host=127.0.0.1 port=1"
    )
    for number, (unit, event) in enumerate([("A", "raised"), ("B", "raised"), ("A", "cleared")]):
        tell(topics, number, unit, event)
    tell(topics, 1, "B", "raised")
    active = sparge.done("alerts", "--once")
    assert "1 active alarm" in active
    assert active.count("alarmed/B  DO low  4.2 %  limit 20 %  since ") == 1
    assert "do: Restart the stirrer. (within 2 min)" in active
    assert "alarmed/A" not in active
    told = [
        json.loads(line)
        for line in sparge.done("alerts", "--since", "50000w", "--once", "--json").splitlines()
    ]
    assert [(one["unit"], one["event"]) for one in told] == [
        ("A", "raised"),
        ("B", "raised"),
        ("A", "cleared"),
    ]
    assert "0 active alarms" in sparge.done("alerts", "--active", "--unit", "alarmed/A")
    with sparge.running("alerts", "--unit", "alarmed/A") as following:
        assert following.stdout is not None
        until(lambda: "following" in following.stdout.readline())
        tell(topics, 9, "A", "raised")
        assert "ALARM high   alarmed/A  DO low" in following.stdout.readline()
        following.send_signal(signal.SIGINT)
        following.communicate(timeout=10)
        assert following.returncode == 0


FRAME = (
    b'{"schema":"sparge.frame/1","site":"north","unit":"BR-07","device":"d","epoch":1,"sequence":2,'
    b'"time_us":[1790000000000000],"signals":{"DO":{"unit":"%","values":[VALUE]}}}'
)


def test_a_dead_letter_is_listed_shown_repaired_and_sent_again(
    sparge: CommandLine, topics: Broker, tmp_path: Path
) -> None:
    broken = FRAME.replace(b"VALUE", b"\x1b[2J")
    source = Source(topic_id="t", topic=FRAMES.name, partition=3, offset=17, index=0)
    refused = FrameRefused(Reason.NOT_JSON, "", "The body is not JSON.")
    letter = DeadLetter.of(source, refused, recorded_us=NOW_US, key=b"north/BR-07", value=broken)
    DeadLetterProducer(topics).send([letter, letter])
    listed = sparge.done("deadletters", "list")
    assert listed.count("telemetry.frames/3/17") == 2  # its row, and the command to show it
    original = tmp_path / "original"
    shown = sparge.done("deadletters", "show", "telemetry.frames/3/17", "--out", str(original))
    assert "The body is not JSON." in shown
    assert "\x1b" not in shown
    assert original.read_bytes() == broken
    again = ("deadletters", "replay", "telemetry.frames/3/17")
    assert "would be refused again" in sparge.refused(*again)
    original.write_bytes(FRAME.replace(b"VALUE", b"39.8"))
    assert "would be refused again" in sparge.refused(
        *again, "--value-file", str(original), "--key", "north/BR-08"
    )
    assert "acknowledged" in sparge.done(*again, "--value-file", str(original))
    sent = [record for record in read_all(topics, FRAMES.name) if record.value == original.read_bytes()]
    assert [record.key for record in sent] == [b"north/BR-07"]
    assert "no dead letter" in sparge.refused("deadletters", "show", "telemetry.frames/3/99")


def test_the_doctor_finds_all_well(storing: CommandLine) -> None:
    storing.done("publish", "--site", "north", "--unit", "BR-09", "DO=39.8")
    until(lambda: "north/BR-09" in storing.run("doctor").stdout)
    said = storing.done("doctor", "--json")
    verdicts = {one["part"]: one["verdict"] for one in json.loads(said)}
    assert verdicts["broker"] == verdicts["topics"] == verdicts["database"] == "OK"
    assert verdicts["unit north/BR-09"] == "OK"
    assert until(lambda: "sink ingest       has stored" in storing.run("doctor").stdout)


def test_the_doctor_names_what_fails_and_what_to_do(tmp_path: Path) -> None:
    sparge = CommandLine(
        tmp_path / "home",
        SPARGE_BROKER="127.0.0.1:1",
        SPARGE_DATABASE="host=127.0.0.1 port=1 password=secret",
    )
    ended = sparge.run("doctor")
    assert ended.code == 1
    assert re.search(r"FAIL broker .*127.0.0.1:1", ended.stdout)
    assert re.search(r"FAIL database .*127.0.0.1:1", ended.stdout)
    assert "secret" not in ended.stdout + ended.stderr


def test_on_a_new_machine_the_doctor_says_how_to_start(tmp_path: Path) -> None:
    said = CommandLine(tmp_path / "home").done("doctor")
    assert "off  broker" in said
    assert "sparge up" in said
    assert not (tmp_path / "home").exists()


def test_without_a_broker_a_command_says_how_to_get_one(tmp_path: Path) -> None:
    said = CommandLine(tmp_path / "home").refused("alerts", "--once")
    assert said.startswith("error: No broker is named")
    assert "sparge up" in said


def test_topics_are_checked_and_mended(sparge: CommandLine, topics: Broker) -> None:
    assert "unchanged" in sparge.done("topics", "check")
    client = AdminClient(topics.confluent())
    client.delete_topics(["batch.events"])["batch.events"].result()
    until(lambda: "missing" in sparge.run("topics", "check").stdout)
    assert "not as declared" in sparge.refused("topics", "check")
    assert "created" in sparge.done("topics")
    assert "nothing to adopt" in sparge.done("topics", "adopt", "--yes")


def test_migrating_says_what_it_did(topics: Broker, database: str, tmp_path: Path) -> None:
    sparge = CommandLine(tmp_path / "home", SPARGE_BROKER=topics.bootstrap, SPARGE_DATABASE=database)
    assert "sparge migrate" in sparge.refused("query", "north/BR-01")
    assert "from version 0" in sparge.done("migrate")
    assert "already at" in sparge.done("migrate")


def test_a_simulation_faster_than_real_time_starts_in_the_past(storing: CommandLine) -> None:
    said = storing.done(
        *("simulate", "--units", "2", "--site", "sim", "--duration", "60s", "--speed", "30"),
        *("--fault", "lost_stirrer@20", "--fault-unit", "BR-02", "--devices", "clean", "--start-h", "1"),
    )
    assert "truth: lost_stirrer of sim/BR-02" in said
    assert f"{2 * 60 * SIMULATED} samples were acknowledged" in said
    asked = ("query", "sim/BR-02", "--last", "10min", "--format", "csv")
    until(lambda: len(rows(storing.run(*asked).stdout)) == 60 * SIMULATED)


def test_publishing_to_a_broker_that_is_away_says_what_was_not_acknowledged(tmp_path: Path) -> None:
    sparge = CommandLine(tmp_path / "home", SPARGE_BROKER="127.0.0.1:1")
    said = sparge.refused("publish", "--site", "north", "--unit", "BR-01", "DO=39.8")
    assert "did not acknowledge 1 frames (1 samples)" in said
