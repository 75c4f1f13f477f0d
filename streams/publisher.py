"""The device's face: give it samples, it sends frames."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Self

from schemas.errors import ContractError, DeliveryFailed
from streams.connection import Broker
from streams.framing import Framing, samples
from streams.sender import CLOSE_WITHIN_S, FrameSender
from streams.topics import FRAMES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from schemas.errors import BrokerError
    from schemas.frame import SensorFrame
    from streams.topics import Topic

_PATIENCE_S = 0.2

EARLIEST_US = 31_536_000_000_000
"""1971: seconds or milliseconds taken for microseconds, and a clock never set, lie before it."""


class Publisher:
    """Publishes the samples of one device of one bioreactor.

        with Publisher("localhost:9092", "north", "BR-01", "ctl-1") as publisher:
            publisher.add(time_us, {"DO": 39.8, "pH": 7.02})

    Samples go out within linger_ms, in the order given. While the broker is away they wait in memory; when
    that is full, `add` waits. Leaving the block sends the rest, or raises and says what was not acknowledged.

    Args:
        broker: where, or its "host:port".
        site: where the bioreactor is.
        unit: the bioreactor.
        device: this device; one name a device of the unit.
        epoch: boot session; default the clock in us, which is greater after each start.
        linger_ms: how long samples are gathered into one frame.
        topic: FRAMES, or HISTORY for what must not be watched as live.
        compression: none, gzip, snappy, lz4 or zstd; default the topic's.
        on_error: told, from a thread of the publisher, what failed meanwhile.
    """

    def __init__(
        self,
        broker: Broker | str,
        site: str,
        unit: str,
        device: str,
        *,
        epoch: int | None = None,
        linger_ms: int = 100,
        topic: Topic = FRAMES,
        compression: str | None = None,
        on_error: Callable[[BrokerError], None] | None = None,
    ) -> None:
        self._framing = Framing(site, unit, device, time.time_ns() // 1000 if epoch is None else epoch)
        self._sender = FrameSender(
            Broker(broker) if isinstance(broker, str) else broker,
            topic,
            compression=compression,
            on_error=on_error,
        )
        self._linger_s = linger_ms / 1000
        # A frame leaves the outbox once it is queued, so that an interrupt in between loses none.
        self._outbox: deque[SensorFrame] = deque()
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._linger, name="sparge-publisher", daemon=True)
        self._thread.start()

    def add(
        self,
        time_us: int,
        values: Mapping[str, float | None],
        units: Mapping[str, str] | None = None,
        status: Mapping[str, int] | None = None,
    ) -> None:
        """Publish what was measured at one moment.

        Args:
            time_us: when the device measured, us UTC.
            values: by signal; None and NaN are sampled but missing.
            units: UCUM units by signal; needed for signals outside the dictionary.
            status: OPC UA codes by signal where not Good.

        Raises:
            ContractError: what was given cannot be published; none of it was taken.
            DeliveryFailed: the publisher was closed meanwhile; none of it was taken.
        """
        if time_us < EARLIEST_US:
            raise ContractError(
                f"time_us is {time_us}, before 1971: are these seconds, or is the clock not set?",
                kept="None of these samples was taken.",
                next_step="time_us = time.time_ns() // 1000",
            )
        checked = samples(time_us, values, units, status)
        with self._lock:
            self._refuse_if_closed()
            self._outbox.extend(self._framing.add(checked))
            self._post()

    def send(self, frame: SensorFrame) -> None:
        """Publish a frame as it is, after the samples added before.

        Raises:
            FrameTooLarge: it was not taken.
        """
        frame.encode()
        with self._lock:
            self._refuse_if_closed()
            self._gather()
            self._outbox.append(frame)
            self._post()

    def flush(self, within_s: float = CLOSE_WITHIN_S) -> None:
        """Send all samples and wait until the broker has acknowledged them.

        Raises:
            DeliveryFailed: it has not; says how many and which. They stay queued.
        """
        deadline = time.monotonic() + within_s
        unsent = self._drain(deadline)
        self._sender.flush(max(0.0, deadline - time.monotonic()), unsent)

    def close(self, within_s: float = CLOSE_WITHIN_S) -> None:
        """Flush and end; safe to repeat.

        Raises:
            DeliveryFailed: names the frames that were given up.
        """
        if self._closed.is_set():
            return
        self._closed.set()
        deadline = time.monotonic() + within_s
        self._thread.join()
        unsent = self._drain(deadline)
        self._sender.close(max(0.0, deadline - time.monotonic()), unsent)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _linger(self) -> None:
        while not self._closed.wait(self._linger_s):
            with self._lock:
                self._gather()
                self._post()
            self._sender.poll()

    def _gather(self) -> None:
        frame = self._framing.take()
        if frame is not None:
            self._outbox.append(frame)

    def _post(self) -> None:
        while self._outbox:
            try:
                self._sender.send(self._outbox[0], within_s=_PATIENCE_S)
            except DeliveryFailed:
                # The queue is full. The caller waits, for to go on would take memory without bound.
                if self._closed.is_set():
                    return
            else:
                self._outbox.popleft()

    def _drain(self, deadline: float) -> list[SensorFrame]:
        """Queue everything until the deadline; returns the frames that did not go."""
        if not self._lock.acquire(timeout=max(0.0, deadline - time.monotonic())):
            return list(self._outbox)
        try:
            self._gather()
            while self._outbox:
                try:
                    self._sender.send(self._outbox[0], within_s=max(0.0, deadline - time.monotonic()))
                except DeliveryFailed:
                    break
                self._outbox.popleft()
            return list(self._outbox)
        finally:
            self._lock.release()

    def _refuse_if_closed(self) -> None:
        if self._closed.is_set():
            raise DeliveryFailed("The publisher is closed; make a new one.", kept="Nothing was taken.")
