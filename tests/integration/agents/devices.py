"""Devices that know what the broker has acknowledged."""

from __future__ import annotations

import itertools
import time
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Literal

from confluent_kafka import Producer

from schemas.batch import BatchEvent
from schemas.frame import SensorFrame, SignalColumn
from streams.codec import outgoing
from streams.topics import BATCH_EVENTS, FRAMES

if TYPE_CHECKING:
    from confluent_kafka import KafkaError, Message

    from streams.connection import Broker


UNITS = 12
EVERY_S = 0.5
FLUSH_WITHIN_S = 60.0
"""A broker may be away for a while."""


Event = Literal["start", "phase", "sample", "end"]

STORY: tuple[tuple[float, str, Event, dict[str, Any]], ...] = (
    (4.0, "BR-08", "start", {"scale_L": 2.0, "organism": "E. coli", "phase": "batch"}),
    (9.0, "BR-09", "start", {"scale_L": 2.0, "organism": "CHO", "phase": "batch"}),
    (16.0, "BR-08", "phase", {"phase": "feed"}),
    (24.0, "BR-09", "phase", {"phase": "harvest"}),
    (32.0, "BR-08", "end", {}),
)
"""Seconds, unit, event, and what it says."""


class Device:
    """Sends frames of one time each.

    acknowledged: (unit, signal, device time in us, value) of what the broker has taken. ends: by partition
    the offset after the last of them.
    """

    def __init__(self, broker: Broker) -> None:
        self.acknowledged: set[tuple[str, str, int, float]] = set()
        self.ends: dict[int, int] = defaultdict(int)
        self.failed: list[str] = []
        self._epoch = time.time_ns()
        self._numbers = itertools.count()
        self._producer = Producer(
            {**broker.confluent(), "partitioner": "murmur2_random", "enable.idempotence": True}
        )

    def send(self, unit: str, signals: dict[str, tuple[str, float]], ahead_s: float = 0.0) -> None:
        time_us = int((time.time() + ahead_s) * 1e6)
        body = SensorFrame(
            site="north",
            unit=unit,
            device="controller",
            epoch=self._epoch,
            sequence=next(self._numbers),
            time_us=[time_us],
            signals={
                name: SignalColumn(unit=code, values=[value]) for name, (code, value) in signals.items()
            },
        )
        key, value, headers = outgoing(body)

        def told(error: KafkaError | None, message: Message) -> None:
            self._told(error, message)
            self.acknowledged |= {(unit, name, time_us, one) for name, (_, one) in signals.items()}

        self._producer.produce(FRAMES.name, value, key, headers=list(headers), on_delivery=told)

    def tell(self, unit: str, event: Event, **given: Any) -> None:
        """Tell of the batch B1 in a unit."""
        happened = BatchEvent(
            site="north",
            unit=unit,
            batch="B1",
            member="institute",
            event=event,
            time_us=int(time.time() * 1e6),
            **given,
        )
        key, value, headers = outgoing(happened)
        self._producer.produce(BATCH_EVENTS.name, value, key, headers=list(headers))

    def send_rubbish(self, unit: str) -> None:
        self._producer.produce(FRAMES.name, b"{", f"north/{unit}".encode(), on_delivery=self._told)

    def flush(self) -> None:
        assert self._producer.flush(FLUSH_WITHIN_S) == 0
        assert not self.failed

    def _told(self, error: KafkaError | None, message: Message) -> None:
        if error is not None:
            self.failed.append(error.str())
        else:
            partition, offset = message.partition() or 0, message.offset() or 0
            self.ends[partition] = max(self.ends[partition], offset + 1)


def run_plant(device: Device, for_s: float) -> None:
    """Twelve units: stirrers stop and start, pressures rise and fall, devices fall silent, a clock jumps.

    Batches in two of them change phase, and with it the limits.
    """
    began_s = time.monotonic()
    story = list(STORY)
    while (at_s := time.monotonic() - began_s) < for_s:
        while story and story[0][0] < at_s:
            _, unit, event, given = story.pop(0)
            device.tell(unit, event, **given)
        for number in range(UNITS):
            unit = f"BR-{number:02d}"
            if number in {4, 5} and 10.0 < at_s < 30.0:
                continue
            stopped = (at_s + 3 * number) % 20 < 6
            blocked = (at_s + 5 * number) % 26 < 8
            device.send(
                unit,
                {
                    "agitation": ("{#}.min-1", 0.0 if stopped else 600.0 + at_s / 7),
                    "pressure": ("bar", (2.4 if blocked else 1.1) + at_s / 1e4),
                    "pH": ("[pH]", 7.0 + at_s / 1e4),
                },
                ahead_s=90.0 if number == 6 and 5.0 < at_s < 8.0 else 0.0,
            )
            if number == 7:
                device.send_rubbish(unit)
        device.flush()
        time.sleep(EVERY_S)
