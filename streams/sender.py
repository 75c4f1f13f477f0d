"""Frames to the broker: in order, each once, none lost without saying which."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Self

from confluent_kafka import KafkaError, KafkaException, Producer

from schemas.errors import DeliveryFailed
from streams.codec import outgoing
from streams.connection import broker_error
from streams.topics import FRAMES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from types import TracebackType

    from schemas.errors import BrokerError
    from schemas.frame import SensorFrame
    from streams.connection import Broker
    from streams.topics import Topic

CLOSE_WITHIN_S = 10.0

# Memory for frames that wait for the broker; when it is full, senders wait.
_QUEUE_KIBIBYTES = 64 * 1024


class FrameSender:
    """Sends frames of any units; safe for several threads.

    A frame waits for the broker as long as it takes; while the queue (64 MiB) is full, `send` waits.

    Args:
        broker: the cluster.
        topic: FRAMES or HISTORY.
        compression: default the topic's.
        on_error: told of a frame that the broker refused for good, from whichever thread noticed.
    """

    def __init__(
        self,
        broker: Broker,
        topic: Topic = FRAMES,
        *,
        compression: str | None = None,
        on_error: Callable[[BrokerError], None] | None = None,
    ) -> None:
        self._broker = broker
        self._topic = topic
        self._on_error = on_error
        self._lock = threading.Lock()
        self._waiting: dict[str, int] = {}
        self._refused: dict[str, str] = {}
        self._producer = Producer(
            {
                **broker.producing(),
                "compression.type": compression or topic.compression,
                "linger.ms": 5,
                "message.timeout.ms": 0,
                "queue.buffering.max.kbytes": _QUEUE_KIBIBYTES,
            }
        )

    def send(self, frame: SensorFrame, *, within_s: float | None = None) -> None:
        """Queue a frame; returns at once unless the queue is full.

        Raises:
            FrameTooLarge: nothing was queued.
            DeliveryFailed: the queue stayed full for within_s seconds; nothing was queued.
            BrokerError: the producer has failed for good; make a new one. Nothing was queued.
        """
        key, value, headers = outgoing(frame)
        identity = _identity(frame)
        deadline = None if within_s is None else time.monotonic() + within_s
        with self._lock:
            self._waiting[identity] = _sample_count(frame)
        while True:
            try:
                self._producer.produce(
                    self._topic.name,
                    value,
                    key,
                    headers=list(headers),
                    on_delivery=lambda error, _: self._told(identity, error),
                )
            except BufferError:
                self._producer.poll(0.05)
                if deadline is not None and time.monotonic() > deadline:
                    self._forget(identity)
                    raise DeliveryFailed(
                        f"Kafka at {self._broker.bootstrap} takes no more: the queue of frames is full.",
                        kept="The frame is still yours to send.",
                        next_step="sparge doctor",
                    ) from None
            except KafkaException as failure:
                self._forget(identity)
                raise broker_error(failure, self._broker, "take a frame") from failure
            else:
                self._producer.poll(0)
                return

    def poll(self) -> None:
        """Hear what the broker acknowledged or refused; `send` and `flush` do so, too."""
        self._producer.poll(0)

    def flush(self, within_s: float = CLOSE_WITHIN_S, unsent: Iterable[SensorFrame] = ()) -> None:
        """Wait until the broker has acknowledged every frame sent so far.

        Args:
            within_s: how long to wait.
            unsent: frames that the caller could not send; they are missing, too.

        Raises:
            DeliveryFailed: it has not; says how many and which. Those that it did not refuse stay queued.
        """
        self._producer.flush(within_s)
        self._judge(unsent, "What the broker did not refuse is still queued and goes out when it answers.")

    def close(self, within_s: float = CLOSE_WITHIN_S, unsent: Iterable[SensorFrame] = ()) -> None:
        """Flush, and give up what cannot be sent; arguments as of flush.

        Raises:
            DeliveryFailed: names the frames that were given up.
        """
        if self._producer.flush(within_s):
            self._producer.purge()
            self._producer.flush(1.0)
        self._judge(unsent, "Every other frame is stored by the broker.")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _forget(self, identity: str) -> None:
        with self._lock:
            self._waiting.pop(identity, None)

    def _told(self, identity: str, error: KafkaError | None) -> None:
        with self._lock:
            if error is None:
                self._waiting.pop(identity, None)
                return
            self._refused[identity] = f"{error.name()}: {error.str()}"
        if self._on_error is not None and error.code() != KafkaError._PURGE_QUEUE:  # noqa: SLF001 - librdkafka's local code
            self._on_error(
                DeliveryFailed(f"The broker refused the frame {identity}.", detail=self._refused[identity])
            )

    def _judge(self, unsent: Iterable[SensorFrame], kept: str) -> None:
        with self._lock:
            missing = dict(self._waiting)
            causes = sorted(set(self._refused.values()))
            for identity in self._refused:
                self._waiting.pop(identity, None)
            self._refused.clear()
        missing |= {_identity(frame): _sample_count(frame) for frame in unsent}
        if missing:
            shown = ", ".join(list(missing)[:5]) + (", ..." if len(missing) > 5 else "")
            raise DeliveryFailed(
                f"Kafka at {self._broker.bootstrap} did not acknowledge {len(missing)} frames "
                f"({sum(missing.values())} samples): {shown}.",
                detail="; ".join(causes) or "no answer",
                kept=kept,
                next_step="sparge doctor",
            )


def _identity(frame: SensorFrame) -> str:
    return f"{frame.key}/{frame.device}/{frame.epoch}/{frame.sequence}"


def _sample_count(frame: SensorFrame) -> int:
    return sum(len(column.values) for column in frame.signals.values())
