"""From the time a device measured to the time its alarm is in the log: publisher, broker and watch."""

from __future__ import annotations

import sys
import threading
import time

import numpy as np

from agents.alarms.definition import shipped
from bench._report import Figure, Report
from bench._system import servers, worker
from schemas.alarm import AlarmTransition
from streams.publisher import Publisher
from streams.tail import tail
from streams.topics import ALARM_TRANSITIONS

UNITS = 20
STEADY_S = 25.0
EVERY_S = 0.1
WITHIN_S = 60.0


def device(broker: str, number: int, fell_us: dict[str, int], stop: threading.Event) -> None:
    """A stirrer at 10 Hz that stops; when it did is left in fell_us."""
    unit = f"BR-{number:02d}"
    falls_s = time.monotonic() + STEADY_S + number * 0.137
    with Publisher(broker, "bench", unit, "stirrer") as publisher:
        while not stop.wait(EVERY_S):
            now_us = time.time_ns() // 1000
            turning = time.monotonic() < falls_s
            publisher.add(now_us, {"agitation": 600.0 + now_us % 7 if turning else 0.0})
            if not turning:
                fell_us.setdefault(unit, now_us)


def delays_s() -> list[float]:
    """For each unit: seconds from its first low sample to the broker's time of its alarm."""
    fell_us: dict[str, int] = {}
    stop = threading.Event()
    with servers() as (broker, database), worker("watch", broker, database):
        devices = [
            threading.Thread(target=device, args=(broker.bootstrap, number, fell_us, stop))
            for number in range(UNITS)
        ]
        deadline = time.monotonic() + WITHIN_S
        alarms = tail(
            broker,
            [ALARM_TRANSITIONS.name],
            stop=lambda: len(delays) >= UNITS or time.monotonic() > deadline,
        )
        for thread in devices:
            thread.start()
        delays: dict[str, float] = {}
        for record in alarms:
            told = AlarmTransition.decode(record.value or b"")
            if (told.signal, told.condition) == ("agitation", "low"):
                delays[told.unit] = (record.recorded_us - fell_us[told.unit]) / 1e6
        stop.set()
        for thread in devices:
            thread.join()
    if len(delays) < UNITS:
        raise TimeoutError(f"{len(delays)} of {UNITS} alarms within {WITHIN_S:g} s")
    return list(delays.values())


def main(argv: list[str]) -> int:
    """Measure and tell, with and without the delay that the alarm's definition asks for."""
    alarm = shipped().get("agitation", "low")
    asked_s = alarm.on_delay_s if alarm else 0.0
    delays = np.array(delays_s())
    figures = (
        Figure("sample to alarm in the log, median", float(np.median(delays)), "s"),
        Figure("sample to alarm in the log, longest of 20", float(delays.max()), "s"),
        Figure("of it the alarm's own on-delay", asked_s, "s"),
        Figure("without the on-delay, median", float(np.median(delays)) - asked_s, "s"),
    )
    return Report("delay", figures).tell(argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
