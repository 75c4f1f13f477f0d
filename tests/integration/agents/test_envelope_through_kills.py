"""An envelope in force lives through kills: scores and alarms are those of a watch that never stopped."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from agents.models.kept_envelope import keep
from schemas.alarm import AlarmTransition
from schemas.batch import BatchEvent
from schemas.frame import SensorFrame, SignalColumn
from schemas.score import ScoreMessage
from schemas.signals import DICTIONARY
from sparge.envelopes import send_envelope
from streams.batch_sender import BatchSender
from streams.codec import outgoing
from streams.single import send_one
from streams.topics import ALARM_TRANSITIONS, MODELS_REGISTRY, WATCH_RESULTS
from tests.integration.agents.watching import (
    bodies,
    judged_at_once,
    send_frames,
    wait_until_watched,
    watched_until,
)
from tests.integration.agents.workers import wait_until
from tests.unit.agents.test_batch_envelope import NAMES, course, envelope
from tests.unit.agents.test_kept_envelope import events, referenced

if TYPE_CHECKING:
    from collections.abc import Callable

    from streams.connection import Broker
    from tests.integration.agents.workers import Worker

STEP_US = 10_000_000
STUCK_FROM, JUDGED_BY = 150, 154
"""The row in which good batches feed twice as much and this one does not, and that by which it is suspect."""

KEPT = keep(envelope())
MADE = referenced(8, KEPT.digest)


def put_into_force(broker: Broker, start_us: int) -> None:
    """An envelope for E. coli, registered and promoted; and a batch of E. coli in its feed."""
    send_envelope(broker, KEPT)
    for event in events(MADE):
        key, body, headers = outgoing(event)
        send_one(broker, MODELS_REGISTRY.name, key, body, headers)
    with BatchSender(broker) as sender:
        sender.send(
            BatchEvent(
                site="north",
                unit="BR-01",
                batch="B99",
                member="lab",
                event="start",
                time_us=start_us,
                phase="feed",
                organism="E. coli BL21",
            )
        )


def feed(broker: Broker, first: int, last: int, start_us: int) -> dict[int, int]:
    """Send these rows of a batch whose feed does not rise; returns where each partition ends then."""
    rows = course(99)
    rows[STUCK_FROM:, NAMES.index("feed_rate")] = rows[0, NAMES.index("feed_rate")]
    return send_frames(
        broker,
        (
            SensorFrame(
                site="north",
                unit="BR-01",
                device="controller",
                epoch=1,
                sequence=row,
                time_us=[start_us + row * STEP_US],
                signals={
                    name: SignalColumn(unit=DICTIONARY[name].unit, values=[float(value)])
                    for name, value in zip(NAMES, rows[row], strict=True)
                },
            )
            for row in range(first, last)
        ),
    )


def alarms(broker: Broker) -> list[AlarmTransition]:
    """The alarms of the unit that the envelope raised."""
    told = [
        AlarmTransition.decode(body)
        for its in bodies(broker, ALARM_TRANSITIONS.name).values()
        for body in its
    ]
    return [one for one in told if one.event == "raised" and one.model == MADE.ref]


@pytest.mark.timeout(300)
def test_an_envelope_in_force_scores_and_alarms_bit_by_bit_through_kills_in_the_middle_of_a_batch(
    topics: Broker, start: Callable[..., Worker]
) -> None:
    start_us = time.time_ns() // 1000 - 3_600_000_000
    put_into_force(topics, start_us)
    # The suspicion is in the log from the first: its alarm, due in a minute, is pending at every stop.
    ends = feed(topics, 0, JUDGED_BY, start_us)
    worker = start("watch", broker=topics.bootstrap)
    for first, last in ((JUDGED_BY, 160), (160, 166)):
        wait_until_watched(topics, ends, [worker], within_s=120)
        ends = feed(topics, first, last, start_us)
        worker.kill()
        worker.keep_alive()
    wait_until_watched(topics, ends, [worker], within_s=120)
    # What is stopped in order writes its memory: the next one has the batch so far from there.
    worker.stop()
    after = start("watch", broker=topics.bootstrap)
    wait_until_watched(topics, feed(topics, 166, 172, start_us), [after], within_s=120)
    wait_until(lambda: bool(alarms(topics)), [after], within_s=120)
    wait_until_watched(topics, feed(topics, 172, 178, start_us), [after], within_s=120)
    after.stop()

    scores = [
        score
        for its in bodies(topics, WATCH_RESULTS.name).values()
        for body in its
        if b'"layer":"envelope"' in body
        for message in [ScoreMessage.decode(body)]
        if message.model == MADE.ref and message.role == "champion"
        for score in message.unit_scores or ()
    ]
    suspected = [score for score in scores if score.suspect]
    assert len(scores) > STUCK_FROM
    assert start_us + STUCK_FROM * STEP_US < suspected[0].time_us <= start_us + JUDGED_BY * STEP_US
    assert suspected[-1].time_us >= start_us + 172 * STEP_US
    (raised,) = alarms(topics)
    assert (raised.signal, raised.condition) == ("unit", "anomaly")
    assert "feed_rate" in raised.message
    for topic, of_alarms in ((WATCH_RESULTS, False), (ALARM_TRANSITIONS, True)):
        wanted = {
            partition: [one.encode() for one in outputs if isinstance(one, AlarmTransition) is of_alarms]
            for partition, outputs in judged_at_once(topics, watched_until(topics)).items()
        }
        assert bodies(topics, topic.name) == {partition: its for partition, its in wanted.items() if its}
