"""What a device publishes arrives: every sample, once, in order, on the partition of every other client."""

from __future__ import annotations

import math
import threading
import time
from typing import TYPE_CHECKING

import pytest
from aiokafka.partitioner import DefaultPartitioner

from schemas.decoding import decode_frame
from schemas.errors import ContractError, DeliveryFailed, FrameTooLarge
from schemas.frame import SensorFrame, SignalColumn
from schemas.status import Status
from streams.publisher import Publisher
from streams.sender import FrameSender
from streams.tail import read_all

if TYPE_CHECKING:
    from collections.abc import Callable

    from schemas.decoding import Frame
    from streams.connection import Broker
    from streams.topics import Topic

T0_US = 1_790_000_000_000_000
NOWHERE = "127.0.0.1:1"


def frames_of(broker: Broker, topic: Topic) -> list[Frame]:
    return [
        decode_frame(record.value, record.key, record.recorded_us) for record in read_all(broker, topic.name)
    ]


def series(frames: list[Frame], signal: str) -> list[tuple[int, float]]:
    return [
        (int(time_us), float(value))
        for frame in frames
        for column in frame.columns
        if column.name == signal
        for time_us, value in zip(column.time_us, column.values, strict=True)
    ]


@pytest.mark.parametrize("compression", ["none", "gzip", "snappy", "lz4", "zstd"])
def test_every_sample_arrives_once_and_in_order(
    kafka: Broker, new_topic: Callable[..., Topic], compression: str
) -> None:
    topic = new_topic()
    with Publisher(kafka, "north", "BR-01", "ctl", topic=topic, compression=compression) as publisher:
        for number in range(12_000):
            values = {"DO": number / 100} if number % 3 else {"DO": number / 100, "pH": 7.0}
            publisher.add(T0_US + number * 1_000, values)
    frames = frames_of(kafka, topic)
    assert series(frames, "DO") == [(T0_US + number * 1_000, number / 100) for number in range(12_000)]
    assert series(frames, "pH") == [(T0_US + number * 1_000, 7.0) for number in range(0, 12_000, 3)]
    assert [frame.sequence for frame in frames] == list(range(len(frames)))
    assert len({frame.epoch for frame in frames}) == 1


def test_samples_are_sent_within_the_linger_without_a_flush(
    kafka: Broker, new_topic: Callable[..., Topic]
) -> None:
    topic = new_topic()
    with Publisher(kafka.bootstrap, "north", "BR-01", "ctl", topic=topic, linger_ms=100) as publisher:
        publisher.add(T0_US, {"DO": 1.0})
        publisher.flush()  # the first message waits for the connection
        publisher.add(T0_US + 1, {"DO": 2.0})
        publisher.add(T0_US + 2, {"DO": 3.0})
        time.sleep(0.5)
        assert len(series(frames_of(kafka, topic), "DO")) == 3


def test_a_value_that_is_no_number_is_a_missing_one_with_bad_status(
    kafka: Broker, new_topic: Callable[..., Topic]
) -> None:
    topic = new_topic()
    with Publisher(kafka, "north", "BR-01", "ctl", topic=topic) as publisher:
        publisher.add(T0_US, {"DO": math.nan, "pH": None, "temperature": 37.0})
        publisher.add(T0_US + 1, {"DO": None}, status={"DO": Status.BAD_SENSOR_FAILURE})
    columns = {column.name: column for frame in frames_of(kafka, topic) for column in frame.columns}
    assert all(math.isnan(value) for value in (*columns["DO"].values, *columns["pH"].values))
    assert list(columns["DO"].status) == [Status.BAD, Status.BAD_SENSOR_FAILURE]
    assert list(columns["pH"].status) == [Status.BAD]
    assert list(columns["temperature"].values) == [37.0]


def test_a_key_goes_to_the_partition_to_which_aiokafka_would_send_it(
    kafka: Broker, new_topic: Callable[..., Topic]
) -> None:
    topic = new_topic(partitions=8)
    keys = [(f"site-{number % 3}", f"BR-{number:02d}") for number in range(40)]
    with FrameSender(kafka, topic) as sender:
        for site, unit in keys:
            sender.send(small_frame(site, unit))
    partitioner = DefaultPartitioner()
    for record in read_all(kafka, topic.name):
        assert record.partition == partitioner(record.key, list(range(8)), list(range(8)))
    assert len({record.partition for record in read_all(kafka, topic.name)}) == 8


def test_headers_are_cloudevents_copies_of_the_body(kafka: Broker, new_topic: Callable[..., Topic]) -> None:
    topic = new_topic()
    with FrameSender(kafka, topic) as sender:
        sender.send(small_frame("north", "BR-01"))
    (record,) = read_all(kafka, topic.name)
    assert record.key == b"north/BR-01"
    assert dict(record.headers) == {
        "ce_specversion": b"1.0",
        "ce_id": b"ctl/1/0",
        "ce_source": b"/north/BR-01",
        "ce_type": b"sparge.frame/1",
        "ce_time": b"2026-09-21T14:13:20+00:00",
        "content-type": b"application/json",
    }


def test_a_frame_is_sent_after_the_samples_that_were_added_before_it(
    kafka: Broker, new_topic: Callable[..., Topic]
) -> None:
    topic = new_topic()
    with Publisher(kafka, "north", "BR-01", "ctl", topic=topic, epoch=1) as publisher:
        publisher.add(T0_US, {"DO": 1.0})
        publisher.send(small_frame("north", "BR-01"))
        publisher.add(T0_US + 1, {"DO": 2.0})
    assert [value for _, value in series(frames_of(kafka, topic), "DO")] == [1.0, 5.0, 2.0]


def test_what_cannot_be_published_is_refused_at_once_and_the_rest_goes_on(
    kafka: Broker, new_topic: Callable[..., Topic]
) -> None:
    topic = new_topic()
    big = SensorFrame(
        site="north",
        unit="BR-01",
        device="ctl",
        epoch=1,
        sequence=0,
        time_us=list(range(1, 40_001)),
        signals={"DO": SignalColumn(unit="%", values=[1 / 3] * 40_000)},
    )
    with Publisher(kafka, "north", "BR-01", "ctl", topic=topic) as publisher:
        with pytest.raises(ContractError, match="infinite"):
            publisher.add(T0_US, {"pH": 7.0, "DO": math.inf})
        with pytest.raises(FrameTooLarge):
            publisher.send(big)
        publisher.add(T0_US, {"DO": 1.0})
    frames = frames_of(kafka, topic)
    assert series(frames, "DO") == [(T0_US, 1.0)]
    assert series(frames, "pH") == []


def test_many_threads_may_publish_through_one_publisher(
    kafka: Broker, new_topic: Callable[..., Topic]
) -> None:
    topic = new_topic()
    with Publisher(kafka, "north", "BR-01", "ctl", topic=topic) as publisher:

        def work(lane: int) -> None:
            for number in range(500):
                publisher.add(T0_US + number, {f"x{lane}": float(number)}, units={f"x{lane}": "1"})

        threads = [threading.Thread(target=work, args=(lane,)) for lane in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    frames = frames_of(kafka, topic)
    for lane in range(4):
        assert [value for _, value in series(frames, f"x{lane}")] == [float(n) for n in range(500)]


def test_a_broker_that_is_away_is_reported_with_what_was_not_acknowledged() -> None:
    publisher = Publisher(NOWHERE, "north", "BR-01", "ctl", epoch=7, linger_ms=10)
    publisher.add(T0_US, {"DO": 1.0, "pH": 7.0})
    with pytest.raises(DeliveryFailed, match=r"1 frames \(2 samples\): north/BR-01/ctl/7/0\.") as still:
        publisher.flush(within_s=0.5)
    assert "still queued" in still.value.kept
    publisher.add(T0_US + 1, {"DO": 1.0})
    started = time.monotonic()
    with pytest.raises(DeliveryFailed, match=r"2 frames \(3 samples\): .*/7/0, .*/7/1\.") as told:
        publisher.close(within_s=0.5)
    assert time.monotonic() - started < 3.0
    assert told.value.next_step == "sparge doctor"
    publisher.close()
    with pytest.raises(DeliveryFailed, match="closed"):
        publisher.add(T0_US + 2, {"DO": 1.0})


def test_a_full_queue_makes_the_caller_wait_and_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streams.sender._QUEUE_KIBIBYTES", 64)
    publisher = Publisher(NOWHERE, "north", "BR-01", "ctl", epoch=7, linger_ms=10)
    added = 0

    def work() -> None:
        nonlocal added
        try:
            while True:
                publisher.add(T0_US + added, {"DO": added / 3})
                added += 1
                time.sleep(0.001)
        except DeliveryFailed:
            return

    thread = threading.Thread(target=work)
    thread.start()
    before = -1
    while added != before:
        before = added
        time.sleep(1.0)
    assert added
    assert thread.is_alive(), "the caller is held back"
    with pytest.raises(DeliveryFailed) as told:
        publisher.close(within_s=1.0)
    thread.join(5)
    assert f"({added} samples)" in str(told.value)


def test_a_frame_that_the_broker_refuses_for_good_is_told_and_named(
    kafka: Broker, new_topic: Callable[..., Topic]
) -> None:
    topic = new_topic(max_message_bytes=2_000)
    told: list[Exception] = []
    sender = FrameSender(kafka, topic, on_error=told.append, compression="none")
    sender.send(small_frame("north", "BR-01", times=500))
    with pytest.raises(DeliveryFailed, match="BR-01/ctl/1/0") as refused:
        sender.flush()
    assert "MSG_SIZE_TOO_LARGE" in refused.value.detail
    assert len(told) == 1
    sender.close()


def small_frame(site: str, unit: str, times: int = 1) -> SensorFrame:
    return SensorFrame(
        site=site,
        unit=unit,
        device="ctl",
        epoch=1,
        sequence=0,
        time_us=[T0_US + number for number in range(times)],
        signals={"DO": SignalColumn(unit="%", values=[5.0] * times)},
    )
