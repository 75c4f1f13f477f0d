"""Whatever happens to the processes of watch, the log decides which alarms are raised and cleared."""

from __future__ import annotations

import itertools
import threading
import time
from collections import defaultdict
from typing import TYPE_CHECKING

import pytest

from schemas.alarm import AlarmTransition
from streams.tail import read_all
from streams.topics import ALARM_TRANSITIONS, FRAMES
from tests.integration.agents.devices import Device, run_plant
from tests.integration.agents.watching import alarm_of, reference, said, wait_until_watched
from tests.integration.agents.workers import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from streams.connection import Broker
    from tests.integration.agents.workers import Worker

SENDING_S = 45.0


@pytest.mark.timeout(240)
def test_two_workers_under_faults_say_what_the_log_says_and_nothing_twice(
    topics: Broker, start: Callable[..., Worker]
) -> None:
    workers = [start("watch", broker=topics.bootstrap) for _ in range(2)]
    device = Device(topics)
    sending = threading.Thread(target=run_plant, args=(device, SENDING_S))
    sending.start()
    time.sleep(5.0)
    faults = [workers[0].kill, workers[1].freeze, workers[1].kill, workers[0].freeze]
    for fault in itertools.cycle(faults):
        fault()
        for worker in workers:
            worker.keep_alive()
        if not sending.is_alive():
            break
        time.sleep(2.0)
    sending.join()
    wait_until_watched(topics, device.ends, workers)
    for worker in workers:
        worker.stop()

    sources = [
        AlarmTransition.decode(record.value or b"").source.id
        for record in read_all(topics, ALARM_TRANSITIONS.name)
    ]
    assert len(sources) == len(set(sources))
    told, expected = said(topics), reference(topics)
    assert told == expected
    events = defaultdict(list)
    for transition in itertools.chain.from_iterable(told.values()):
        events[alarm_of(transition)].append(transition["event"])
    for alarm, its_events in events.items():
        alternating = itertools.islice(itertools.cycle(["raised", "cleared"]), len(its_events))
        assert its_events == list(alternating), alarm
    conditions = {alarm.split("/")[-1] for alarm, its_events in events.items() if "cleared" in its_events}
    assert conditions >= {"low", "high", "silent"}, events
    assert "north/BR-06/device/clock" in events


@pytest.mark.timeout(120)
def test_an_alarm_raised_before_a_kill_is_cleared_after_it_and_not_raised_again(
    topics: Broker, start: Callable[..., Worker]
) -> None:
    worker = start("watch", broker=topics.bootstrap)
    device = Device(topics)

    def events() -> list[str]:
        every = itertools.chain.from_iterable(said(topics).values())
        return [one["event"] for one in every if alarm_of(one) == "north/R-1/agitation/low"]

    def stirring(speed: float, reached: Callable[[], bool]) -> None:
        def send_and_look() -> bool:
            device.send("R-1", {"agitation": ("{#}.min-1", speed)})
            device.flush()
            return reached()

        wait_until(send_and_look, [worker])

    stirring(600.0, lambda: bool(device.ends))
    stirring(0.0, lambda: events() == ["raised"])
    worker.kill()
    stirring(0.0, lambda: worker.log().count("partition taken over") == 2 * FRAMES.partitions)
    stirring(600.0, lambda: events() != ["raised"])
    assert events() == ["raised", "cleared"]


@pytest.mark.timeout(120)
def test_limits_follow_the_batch_and_a_restart_does_not_change_them(
    topics: Broker, start: Callable[..., Worker]
) -> None:
    worker = start("watch", broker=topics.bootstrap)
    device = Device(topics)

    def pressures() -> list[tuple[str, float | None, dict[str, int] | None]]:
        every = itertools.chain.from_iterable(said(topics).values())
        return [
            (one["event"], one["limit"], one["side_offsets"])
            for one in every
            if alarm_of(one) == "north/R-1/pressure/high"
        ]

    def at_bar(pressure: float, reached: Callable[[], bool]) -> None:
        def send_and_look() -> bool:
            device.send("R-1", {"pressure": ("bar", pressure + time.time() % 1e-3)})
            device.flush()
            return reached()

        wait_until(send_and_look, [worker])

    began_s = time.monotonic()
    at_bar(1.5, lambda: time.monotonic() - began_s > 8.0)
    assert pressures() == []
    device.tell("R-1", "start", scale_L=2.0, organism="E. coli", phase="batch")
    device.flush()
    told_s = time.monotonic()
    at_bar(1.1, lambda: time.monotonic() - told_s > 2.0)
    at_bar(1.5, lambda: bool(pressures()))
    worker.kill()
    at_bar(1.5, lambda: worker.log().count("partition taken over") == 2 * FRAMES.partitions)
    device.tell("R-1", "end")
    device.flush()
    at_bar(1.5, lambda: len(pressures()) > 1)
    (raised, limit, before), (cleared, _, after) = pressures()
    assert (raised, limit, cleared) == ("raised", 1.4, "cleared")
    assert before is not None
    assert after is not None
    assert after["batch.events"] == before["batch.events"] + 1
