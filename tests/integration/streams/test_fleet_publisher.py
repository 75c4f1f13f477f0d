"""Many devices publish over one connection as each would alone."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

import pytest

from schemas.decoding import decode_frame
from schemas.errors import ContractError, DeliveryFailed
from streams.connection import Broker
from streams.fleet_publisher import FleetPublisher
from streams.tail import read_all

if TYPE_CHECKING:
    from collections.abc import Callable

    from schemas.decoding import Frame
    from streams.topics import Topic

T0_US = 1_790_000_000_000_000
NOWHERE = "127.0.0.1:1"


def frames_by_key(broker: Broker, topic: Topic) -> dict[str, list[Frame]]:
    found: dict[str, list[Frame]] = defaultdict(list)
    for record in read_all(broker, topic.name):
        frame = decode_frame(record.value, record.key, record.recorded_us)
        found[f"{frame.site}/{frame.unit}"].append(frame)
    return found


def test_each_device_gets_frames_of_its_own_in_order(kafka: Broker, new_topic: Callable[..., Topic]) -> None:
    topic = new_topic()
    with FleetPublisher(kafka, topic) as publisher:
        devices = [publisher.device("north", f"BR-{number:02d}", "ctl", 7) for number in range(20)]
        for second in range(30):
            for number, device in enumerate(devices):
                device.add(T0_US + second * 1_000_000, {"DO": number + second / 100})
            if second % 10 == 9:
                publisher.post()
    found = frames_by_key(kafka, topic)
    assert len(found) == 20
    for number in range(20):
        frames = found[f"north/BR-{number:02d}"]
        assert [(frame.epoch, frame.sequence) for frame in frames] == [(7, 0), (7, 1), (7, 2)]
        values = [float(value) for frame in frames for value in frame.columns[0].values]
        assert values == [number + second / 100 for second in range(30)]
    assert sum(device.samples for device in devices) == 600


def test_a_sample_that_cannot_be_published_is_refused_and_the_others_go(
    kafka: Broker, new_topic: Callable[..., Topic]
) -> None:
    topic = new_topic()
    with FleetPublisher(kafka, topic) as publisher:
        device = publisher.device("north", "BR-01", "ctl", 7)
        device.add(T0_US, {"DO": 40.0})
        with pytest.raises(ContractError, match="DO is 'wet'"):
            device.add(T0_US, {"DO": "wet"})  # type: ignore[dict-item]  # that is the test
        device.add(T0_US + 1, {"DO": 41.0})
    (frame,) = frames_by_key(kafka, topic)["north/BR-01"]
    assert frame.columns[0].values.tolist() == [40.0, 41.0]


def test_what_no_broker_acknowledged_is_named() -> None:
    publisher = FleetPublisher(Broker(NOWHERE))
    publisher.device("north", "BR-01", "ctl", 7).add(T0_US, {"DO": 40.0})
    with pytest.raises(DeliveryFailed, match=r"1 frames \(1 samples\): north/BR-01/ctl/7/0"):
        publisher.close(0.5)
