"""What is in the topics of `record` is in the database, once, whatever happens to it."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import psycopg
import pytest

from schemas.alarm import AlarmState, AlarmTransition
from schemas.batch import Assay, BatchEvent
from schemas.forecast import Forecast, ForecastMessage
from schemas.score import ModelRef, Score, ScoreMessage
from schemas.source import Source
from streams.codec import outgoing
from streams.record import Outgoing
from streams.topics import ALARM_TRANSITIONS, BATCH_EVENTS, FRAMES, WATCH_RESULTS
from streams.transactions import PartitionProducer
from tests.integration.agents.workers import cut_a_connection, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from streams.codec import Derived
    from streams.connection import Broker
    from tests.integration.agents.workers import Worker

INPUTS = 400
SENDING_S = 20.0
START_US = 1_790_000_000_000_000
MODEL = ModelRef(name="holt", version="1", digest="ab12")
TOPIC_OF = {AlarmTransition: ALARM_TRANSITIONS, BatchEvent: BATCH_EVENTS}
ROWS = """
SELECT 'alarm', unit, source_offset, source_index, event, value FROM sparge.alarm_history
UNION ALL SELECT 'score', unit, (extract(epoch FROM time) * 1000000)::bigint - %(start)s, 1, signal, value
FROM sparge.scores
UNION ALL SELECT 'forecast', unit, (extract(epoch FROM made_at) * 1000000)::bigint - %(start)s, 2, signal,
                 value
FROM sparge.forecasts
UNION ALL SELECT 'sample', unit, (extract(epoch FROM time) * 1000000)::bigint - %(start)s, 3, assay, value
FROM sparge.offline_samples
"""


def outputs(number: int) -> list[Derived | BatchEvent]:
    """What the input with this offset led to; one device time an input, so that rows can be told apart.

    And what the laboratory said at that time.
    """
    site, unit = "north", f"BR-{number % 12:02d}"

    def source(index: int) -> Source:
        return Source(topic_id="t0p1c", topic=FRAMES.name, partition=number % 8, offset=number, index=index)

    alarm = AlarmTransition(
        source=source(0),
        site=site,
        unit=unit,
        signal="DO",
        condition="low",
        event="raised" if number // 12 % 2 == 0 else "cleared",
        state=AlarmState.NORMAL,
        time_us=START_US + number,
        value=float(number),
        unit_code="%",
        priority="high",
        alarm_class="process",
        message="Dissolved oxygen is low.",
        cause="The stirrer has stopped.",
        consequence="The cells starve of oxygen.",
        action="Restart the stirrer.",
        respond_within_s=120.0,
        since_us=START_US + number,
    )
    score = Score(
        signal="DO",
        time_us=START_US + number,
        value=float(number),
        expected=1.0,
        score=2.0,
        suspect=False,
        learned=True,
    )
    forecast = Forecast(
        signal="pH",
        unit_code="[pH]",
        horizon_s=[60.0],
        value=[float(number)],
        lower=[0.0],
        upper=[1.0],
        coverage=0.9,
        fallback=False,
    )
    return [
        alarm,
        ScoreMessage(source=source(1), site=site, unit=unit, now_us=START_US, model=MODEL, scores=[score]),
        ForecastMessage(
            source=source(2),
            site=site,
            unit=unit,
            made_us=START_US + number,
            model=MODEL,
            forecasts=[forecast],
        ),
        BatchEvent(
            site=site,
            unit=unit,
            batch="B1",
            member="institute",
            event="sample",
            time_us=START_US + number,
            assays={"OD": Assay(value=float(number), unit="{OD}")},
        ),
    ]


def expected() -> list[tuple[str, str, int, int, str, float]]:
    rows: list[tuple[str, str, int, int, str, float]] = []
    for number in range(INPUTS):
        alarm = outputs(number)[0]
        assert isinstance(alarm, AlarmTransition)
        rows += [
            ("alarm", alarm.unit, number, 0, alarm.event, float(number)),
            ("score", alarm.unit, number, 1, "DO", float(number)),
            ("forecast", alarm.unit, number, 2, "pH", float(number)),
            ("sample", alarm.unit, number, 3, "OD", float(number)),
        ]
    return sorted(rows)


def send_all(broker: Broker) -> None:
    """Write each input's outputs in a transaction; every tenth twice, as after a crash of their writer."""
    producer = PartitionProducer(broker, "test-record")
    producer.fence()
    for number in range(INPUTS):
        messages = []
        for output in outputs(number) * (2 if number % 10 == 0 else 1):
            topic = {AlarmTransition: ALARM_TRANSITIONS, BatchEvent: BATCH_EVENTS}.get(
                type(output), WATCH_RESULTS
            )
            messages.append(Outgoing(topic.name, number % topic.partitions, *outgoing(output)))
        producer.commit(messages)
        time.sleep(SENDING_S / INPUTS)


@pytest.mark.timeout(180)
def test_what_two_workers_store_under_faults_equals_what_watch_and_the_laboratory_said(
    topics: Broker, store_database: str, start: Callable[..., Worker]
) -> None:
    workers = [start("record", broker=topics.bootstrap, database=store_database) for _ in range(2)]
    sending = threading.Thread(target=send_all, args=(topics,))
    sending.start()
    time.sleep(5.0)
    while sending.is_alive():
        for worker in workers:
            for _ in range(4):
                cut_a_connection(store_database)
                time.sleep(0.5)
            worker.kill()
            worker.keep_alive()
    sending.join()

    def stored() -> list[tuple[str, str, int, int, str, float]]:
        with psycopg.connect(store_database) as connection:
            return sorted(connection.execute(ROWS, {"start": START_US}).fetchall())

    wait_until(lambda: len(stored()) >= 4 * INPUTS, workers)
    assert stored() == expected()
