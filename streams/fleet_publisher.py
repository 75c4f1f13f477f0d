"""Many devices over one connection: what a gateway or a simulation of many bioreactors publishes through."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from schemas.errors import DeliveryFailed
from streams.framing import Framing, samples
from streams.sender import CLOSE_WITHIN_S, FrameSender
from streams.topics import FRAMES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import TracebackType

    from schemas.errors import BrokerError
    from schemas.frame import SensorFrame
    from streams.connection import Broker
    from streams.topics import Topic


class Device:
    """One device of one bioreactor; made by `FleetPublisher.device`."""

    def __init__(self, framing: Framing) -> None:
        self._framing = framing
        self._complete: list[SensorFrame] = []
        self.samples = 0

    def add(
        self,
        time_us: int,
        values: Mapping[str, float | None],
        units: Mapping[str, str] | None = None,
        status: Mapping[str, int] | None = None,
    ) -> None:
        """Gather what was measured at one moment, until the next `post`; arguments as of Publisher.add.

        Raises:
            ContractError: what was given cannot be published; none of it was taken.
        """
        checked = samples(time_us, values, units, status)
        self._complete.extend(self._framing.add(checked))
        self.samples += len(checked)

    def frames(self) -> list[SensorFrame]:
        """What has been gathered, as frames; they are the caller's now."""
        rest = self._framing.take()
        done = self._complete if rest is None else [*self._complete, rest]
        self._complete = []
        return done


class FleetPublisher:
    """Publishes the samples of many devices, each in its own frames, from one thread.

    Unlike a Publisher it starts no thread a device: `post` sends what was gathered since. Leaving the block
    sends the rest, or raises and says what was not acknowledged.

    Args:
        broker: where.
        topic: FRAMES, or HISTORY for what must not be watched as live.
        on_error: told, from a thread of the connection, what failed meanwhile.
    """

    def __init__(
        self, broker: Broker, topic: Topic = FRAMES, *, on_error: Callable[[BrokerError], None] | None = None
    ) -> None:
        self._sender = FrameSender(broker, topic, on_error=on_error)
        self._devices: list[Device] = []

    def device(self, site: str, unit: str, device: str, epoch: int) -> Device:
        """A device that publishes here.

        Raises:
            ContractError: a name that is none.
        """
        made = Device(Framing(site, unit, device, epoch))
        self._devices.append(made)
        return made

    def post(self) -> None:
        """Send all that was gathered; waits while the queue to the broker is full.

        Raises:
            BrokerError: the connection has failed for good.
        """
        for device in self._devices:
            for frame in device.frames():
                self._sender.send(frame)
        self._sender.poll()

    def close(self, within_s: float = CLOSE_WITHIN_S) -> None:
        """Send the rest and wait until the broker has acknowledged everything.

        Raises:
            DeliveryFailed: it has not; names the frames that were given up.
        """
        unsent: list[SensorFrame] = []
        for device in self._devices:
            for frame in device.frames():
                try:
                    self._sender.send(frame, within_s=0.0 if unsent else within_s)
                except DeliveryFailed:
                    unsent.append(frame)
        self._sender.close(within_s, unsent)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
